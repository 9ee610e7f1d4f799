"""One MQTT 5 connection, served by the loop that calls it. No threads.

The packets are the library's; this is what goes around them: connecting and connecting again,
keep-alive, flow control, and sending again what a lost connection left unanswered. An outage is one
line in the log when it starts and one when it ends.
"""

import contextlib
import random
import select
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence

import mqtt5
from structlog.typing import FilteringBoundLogger

from pipeline.mqtt.broker import Broker
from weinao.outage import Outage

READ_BYTES = 1 << 18
CONNECT_S_MAX = 2.0
RETRY_S_MIN = 0.1
NUMBER_MAX = 65_534
"""Of what we publish; the next is the subscription's."""

_GRANTED = (
    mqtt5.SubAckReasonCode.GRANTED_QOS_AT_MOST_ONCE,
    mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE,
    mqtt5.SubAckReasonCode.GRANTED_QOS_EXACTLY_ONCE,
)
_PUBLISH = 3
_DUPLICATE = 8
_PUBACK = b"\x40\x02"
"""The head of the short form: no reason code says success."""


class Link:
    """A connection that comes back by itself.

    Args:
        broker: Where it is.
        client_id: Whose session it is.
        filters: What to subscribe to, at QoS 1; nothing, for who only sends.
        rng: For waits that differ between clients.
        now: The wall clock, in milliseconds.
        log: Bound to what tells this connection from others.
        tls: How to encrypt; None for plain text.
        on_up: Called each time the broker has granted the subscriptions.
        on_lost: Called each time a connection has gone.
    """

    def __init__(
        self,
        broker: Broker,
        client_id: str,
        filters: Sequence[str],
        *,
        rng: random.Random,
        now: Callable[[], int],
        log: FilteringBoundLogger,
        tls: ssl.SSLContext | None = None,
        on_up: Callable[[], object] = lambda: None,
        on_lost: Callable[[], object] = lambda: None,
    ) -> None:
        self._broker, self._client_id = broker, client_id
        self._filters, self._left = tuple(filters), set[str]()
        self._rng, self._tls, self._on_up, self._on_lost = rng, tls, on_up, on_lost
        self._outage = Outage(log, "broker", now)
        self._sock: socket.socket | None = None
        self._unread, self._unsent = b"", bytearray()
        self._again_at = 0.0
        self._failures = 0
        self._heard_at = self._sent_at = 0.0
        self._asked = False
        self._number = 0
        self._window = NUMBER_MAX
        self._in_flight: dict[int, bytes] = {}
        self._queue: deque[tuple[int, bytes]] = deque()
        self._urgent: deque[tuple[int, bytes]] = deque()
        self.connection = 0
        """Counts connections: an acknowledgement belongs to the one its message came by."""
        self.up = False
        """Whether the broker is there and has granted what was asked."""

    @property
    def unanswered(self) -> int:
        """Messages at QoS 1 that the broker has not acknowledged, sent or not."""
        return len(self._in_flight) + len(self._urgent) + len(self._queue)

    def work(self, wait_s: float) -> list[mqtt5.PublishPacket]:
        """Serve the connection, or try to have one, for about `wait_s` at most; return what came.

        At most what one read brings: the caller may look whether it is time for something else.
        """
        if self._sock is None:
            left_s = self._again_at - time.monotonic()
            if left_s > 0:
                time.sleep(min(wait_s, left_s))
                return []
            self._connect()
        if self._sock is None:
            return []
        try:
            came = self._receive(self._sock, wait_s)
            self._keep_alive()
            self.flush()
        except (OSError, ValueError) as error:
            self._lost(error)
            return []
        return came

    def ack(self, numbers: Iterable[int]) -> None:
        """Acknowledge messages of this connection; they leave with `flush`."""
        self._unsent += b"".join([_PUBACK + number.to_bytes(2) for number in numbers])

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int = 1,
        retain: bool = False,
        urgent: bool = False,
    ) -> None:
        """Send a message: once at QoS 0 if the broker is there, until it is acknowledged at 1.

        What is urgent does not wait behind what is not.

        Raises:
            ValueError: No topic looks like this, or the payload is too large for MQTT.
            BufferError: Half of all numbers are under way: serve the connection first.
        """
        level = mqtt5.QoS(qos)
        if qos == 0:
            if self.up:
                packet = mqtt5.PublishPacket(topic, payload, qos=level, retain=retain)
                self._unsent += packet.write()
            return
        if self.unanswered >= NUMBER_MAX // 2:
            raise BufferError(f"{self.unanswered} messages wait for the broker")
        self._number = self._number % NUMBER_MAX + 1
        while self._number in self._in_flight:
            self._number = self._number % NUMBER_MAX + 1
        packet = mqtt5.PublishPacket(
            topic, payload, qos=level, retain=retain, packet_id=self._number
        )
        (self._urgent if urgent else self._queue).append((self._number, packet.write()))
        self._advance()

    def subscribe(self, filters: Iterable[str]) -> None:
        """Ask for more, at QoS 1, now and after each outage."""
        new = [name for name in filters if name not in self._filters]
        self._left -= set(new)
        self._filters = (*self._filters, *new)
        if self.up and new:
            self._ask(new)

    def unsubscribe(self, filters: Iterable[str]) -> None:
        """Ask for less, now and after each outage: the session may remember otherwise."""
        gone = set(filters)
        self._left |= gone
        self._filters = tuple(name for name in self._filters if name not in gone)
        if self.up and gone:
            self._unsent += mqtt5.UnsubscribePacket(NUMBER_MAX + 1, sorted(gone)).write()

    def flush(self) -> None:
        """Send as much of what waits as the kernel takes; a broken connection is met by `work`."""
        if self._sock is None:
            return
        with contextlib.suppress(BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            while self._unsent:
                try:
                    sent = self._sock.send(self._unsent)
                except (BlockingIOError, ssl.SSLError):
                    raise
                except OSError as error:
                    self._lost(error)
                    return
                del self._unsent[:sent]
                self._sent_at = time.monotonic()

    def close(self) -> None:
        """Hang up; what was not acknowledged comes again to whoever takes up the session."""
        if self._sock is not None:
            self._unsent += mqtt5.DisconnectPacket().write()
            self.flush()
        if self._sock is not None:
            self._sock.close()
            self._sock = None
        self.up = False

    def _connect(self) -> None:
        broker = self._broker
        hello = mqtt5.ConnectPacket(
            self._client_id,
            keep_alive=broker.keep_alive_s,
            session_expiry_interval=broker.session_expiry_s,
            receive_max=broker.receive_max,
        )
        try:
            sock = socket.create_connection((broker.host, broker.port), CONNECT_S_MAX)
        except OSError as error:
            self._lost(error)
            return
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_hostname=broker.host)
            sock.sendall(hello.write())
        except OSError as error:
            sock.close()
            self._lost(error)
            return
        self.connection += 1
        sock.setblocking(False)
        self._sock, self._unread = sock, b""
        self._unsent.clear()
        self._asked = False
        self._heard_at = self._sent_at = time.monotonic()

    def _receive(self, sock: socket.socket, wait_s: float) -> list[mqtt5.PublishPacket]:
        below = sock.pending() if isinstance(sock, ssl.SSLSocket) else 0
        if not below:
            readable, _, _ = select.select([sock], [sock] if self._unsent else [], [], wait_s)
            if not readable:
                return []
        try:
            data = sock.recv(READ_BYTES)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return []
        if not data:
            raise ConnectionResetError("the broker hung up")
        self._heard_at = time.monotonic()
        return self._cut(self._unread + data if self._unread else data)

    def _cut(self, data: bytes) -> list[mqtt5.PublishPacket]:
        came: list[mqtt5.PublishPacket] = []
        view, at, read, publish = memoryview(data), 0, mqtt5.read, mqtt5.PublishPacket
        while True:
            try:
                packet, size = read(view[at:])
            except IndexError:  # the rest is not whole yet
                break
            except ValueError:
                raise
            except BaseException as error:
                # The library panics on text that is none (0.8). Were it left unacknowledged, it
                # would come again for ever.
                if type(error).__name__ != "PanicException":
                    raise
                packet, size = _salvaged(data[at:])
            at += size
            if type(packet) is publish:
                came.append(packet)
            else:
                self._answer(packet)
                if self._sock is None:
                    return []
        self._unread = data[at:]
        return came

    def _answer(self, packet: mqtt5.Packet) -> None:
        if isinstance(packet, mqtt5.PubAckPacket):
            self._in_flight.pop(packet.packet_id, None)
            self._advance()
        elif isinstance(packet, mqtt5.ConnAckPacket):
            if packet.reason_code != mqtt5.ConnAckReasonCode.SUCCESS:
                raise ConnectionRefusedError(f"refused: {packet.reason_code.name}")
            self._begin(packet)
        elif isinstance(packet, mqtt5.SubAckPacket):
            refused = [code.name for code in packet.reason_codes if code not in _GRANTED]
            if refused:
                raise ConnectionRefusedError(f"subscription refused: {', '.join(refused)}")
            if not self.up:
                self._ready()
        elif isinstance(packet, mqtt5.PingRespPacket):
            self._asked = False
        elif isinstance(packet, mqtt5.DisconnectPacket):
            raise ConnectionAbortedError(f"the broker ended it: {packet.reason_code.name}")

    def _begin(self, granted: mqtt5.ConnAckPacket) -> None:
        self._window = granted.receive_max
        if granted.server_keep_alive is not None and granted.server_keep_alive:
            self._keep_alive_s = float(granted.server_keep_alive)
        else:
            self._keep_alive_s = float(self._broker.keep_alive_s)
        if self._left:
            self._unsent += mqtt5.UnsubscribePacket(NUMBER_MAX + 1, sorted(self._left)).write()
        if self._filters:
            self._ask(self._filters)
        else:
            self._ready()

    def _ask(self, filters: Iterable[str]) -> None:
        wanted = [mqtt5.TopicFilter(name, max_qos=mqtt5.QoS.AT_LEAST_ONCE) for name in filters]
        self._unsent += mqtt5.SubscribePacket(NUMBER_MAX + 1, wanted).write()

    def _ready(self) -> None:
        self.up = True
        self._failures = 0
        self._outage.restored()
        # What was under way may have come or not: it goes again, under the same number.
        again = [(number, _marked(data)) for number, data in self._in_flight.items()]
        self._in_flight.clear()
        self._urgent.extendleft(reversed(again))
        self._on_up()
        self._advance()

    def _advance(self) -> None:
        while self.up and len(self._in_flight) < self._window:
            waiting = self._urgent or self._queue
            if not waiting:
                return
            number, data = waiting.popleft()
            self._in_flight[number] = data
            self._unsent += data

    _keep_alive_s = 30.0

    def _keep_alive(self) -> None:
        at = time.monotonic()
        silent_s = at - self._heard_at
        if not self.up:
            if silent_s > CONNECT_S_MAX:
                raise TimeoutError(f"no answer in {CONNECT_S_MAX:.0f} s")
        elif silent_s > 1.5 * self._keep_alive_s:
            raise TimeoutError(f"nothing heard for {silent_s:.0f} s")
        elif not self._asked and min(self._heard_at, self._sent_at) + self._keep_alive_s / 2 < at:
            self._unsent += mqtt5.PingReqPacket().write()
            self._asked = True

    def _lost(self, error: object) -> None:
        if self._sock is not None:
            self._sock.close()
            self._sock = None
        self.up = False
        self.connection += 1  # what came by this connection comes again: its tickets are void
        self._unsent.clear()
        self._outage.lost(error)
        self._on_lost()
        wait_s = min(self._broker.reconnect_s_max, RETRY_S_MIN * 2**self._failures)
        self._failures = min(self._failures + 1, 10)
        self._again_at = time.monotonic() + wait_s * self._rng.uniform(0.5, 1.0)


def _marked(data: bytes) -> bytes:
    """Return a PUBLISH as one that may have been sent before."""
    return bytes((data[0] | _DUPLICATE,)) + data[1:]


def _salvaged(data: bytes) -> tuple[mqtt5.Packet, int]:
    """Read a PUBLISH whose topic or properties are no text, without its properties."""
    length, at = _varying(data, 1)
    end = at + length
    if data[0] >> 4 != _PUBLISH:
        raise ValueError("a packet with text that is none")
    qos, topic_end = data[0] >> 1 & 3, at + 2 + int.from_bytes(data[at : at + 2])
    topic = data[at + 2 : topic_end].decode(errors="replace")
    number = int.from_bytes(data[topic_end : topic_end + 2]) if qos else None
    size, start = _varying(data, topic_end + (2 if qos else 0))
    packet = mqtt5.PublishPacket(
        topic, data[start + size : end], qos=mqtt5.QoS(qos), packet_id=number
    )
    return packet, end


def _varying(data: bytes, at: int) -> tuple[int, int]:
    """Read a length of one to four bytes; return it and where it ends."""
    length = 0
    for place in range(4):
        length |= (data[at + place] & 0x7F) << 7 * place
        if data[at + place] < 0x80:  # noqa: PLR2004  # the bit that says that more follows
            break
    return length, at + place + 1
