"""The listener: one MQTT 5 connection, served by the loop that calls it. No threads.

An outage of the broker is one line in the log when it starts and one when it ends; the clock goes
on ticking meanwhile.
"""

import random
import select
import time
from collections.abc import Callable

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from structlog.typing import FilteringBoundLogger

from pipeline.ingest.durable import Sender
from pipeline.ingest.gate import Ticket
from pipeline.ingest.listening import CONNECTED, Listening, Take
from pipeline.ingest.wire import BufferedClient
from pipeline.mqtt.broker import Broker
from weinao import topics
from weinao.ids import derived
from weinao.messages import Ack
from weinao.outage import Outage

PACKETS_MAX = 200
"""So many packets are read before the caller may look whether it is time to commit."""

RETRY_S_MIN = 0.1


class Listener(Listening):
    """Brings messages of one community from the broker, by paho.

    Args:
        broker: Where it is.
        community: Whose messages.
        grids: Of these grids; of all, if empty and no session is named.
        session: Whose session at the broker this is; two listeners must differ in it.
        take: Told topic, payload, content type and ticket of each message.
        rng: For waits that differ between clients.
        now: The wall clock, in milliseconds.
        log: Bound to the community.
    """

    def __init__(
        self,
        broker: Broker,
        community: str,
        grids: tuple[str, ...],
        *,
        session: tuple[str, ...] = (),
        take: Take,
        rng: random.Random,
        now: Callable[[], int],
        log: FilteringBoundLogger,
    ) -> None:
        self._broker, self._community, self._grids = broker, community, grids
        self._all, self._left = not grids and not session, set[str]()
        self._take, self._rng = take, rng
        self._outage = Outage(log, "broker", now)
        self._again_at = 0.0
        self._failures = self._connection = 0
        self._up = False
        # A session belongs to its client id, which must not change when a grid comes or goes.
        self._client = BufferedClient(
            CallbackAPIVersion.VERSION2,
            client_id=derived(f"ingest-{community}", *(session or sorted(grids))),
            protocol=MQTTProtocolVersion.MQTTv5,
            manual_ack=True,
        )
        self._client.connect_timeout = 2.0
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message

    def work(self, wait_s: float) -> None:
        """Serve the connection, or try to have one, for about `wait_s` at most."""
        if not self._up:
            left_s = self._again_at - time.monotonic()
            if left_s > 0:
                time.sleep(min(wait_s, left_s))
                return
            self._connect()
        if not self._up:
            return
        error = self._serve(wait_s)
        if error is not MQTTErrorCode.MQTT_ERR_SUCCESS and self._up:
            self._lost(error.name)

    def listen_to(self, grid: str) -> None:
        """Listen to one more grid."""
        if self._all:
            return
        self._left.discard(grid)
        self._grids = (*(known for known in self._grids if known != grid), grid)
        if self._up:
            self._client.subscribe(
                [(topic, 1) for topic in topics.wanted(self._community, (grid,))]
            )

    def leave(self, grid: str) -> None:
        """Listen to one grid less; what still comes of it is the gate's to turn away."""
        self._left.add(grid)
        self._grids = tuple(known for known in self._grids if known != grid)
        if self._up:
            self._client.unsubscribe(topics.wanted(self._community, (grid,)))

    def puback(self, ticket: Ticket) -> None:
        """Tell the broker that a message is kept, if it still asks."""
        connection, mid, qos = ticket
        if connection == self._connection:
            self._client.ack(mid, qos)

    def tell(self, sender: Sender, ack: Ack) -> None:
        """Tell a device what of it is durable; if that gets lost, it will ask by sending again."""
        grid, device, _ = sender
        topic = topics.ack(self._community, grid, device)
        if self._up:
            self._client.publish(topic, msgspec.json.encode(ack), qos=0)

    def flush(self) -> None:
        """Send what `puback` and `tell` left to be sent."""
        self._client.flush()

    def close(self) -> None:
        """Hang up; what was not acknowledged will be sent to us again."""
        self._client.disconnect()
        self._client.flush()

    def _serve(self, wait_s: float) -> MQTTErrorCode:
        sock = self._client.socket()
        if sock is None:
            return MQTTErrorCode.MQTT_ERR_NO_CONN
        if not self._client.unread:
            writing = [sock] if self._client.unsent else []
            readable, _, _ = select.select([sock], writing, [], wait_s)
            if not readable:
                self._client.flush()
                return self._client.loop_misc()
        for _ in range(PACKETS_MAX):
            error = self._client.loop_read()
            if error is not MQTTErrorCode.MQTT_ERR_SUCCESS or not self._client.unread:
                break
        self._client.flush()
        return error or self._client.loop_misc()

    def _connect(self) -> None:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = self._broker.session_expiry_s
        properties.ReceiveMaximum = self._broker.receive_max
        self._connection += 1
        try:
            self._client.connect(
                self._broker.host,
                self._broker.port,
                self._broker.keep_alive_s,
                clean_start=False,
                properties=properties,
            )
        except OSError as error:
            self._lost(error)
            return
        self._up = True

    def _lost(self, error: object) -> None:
        self._up = False
        # What came by this connection comes again: its tickets are void.
        self._connection += 1
        CONNECTED.set(0)
        self._outage.lost(error)
        wait_s = min(self._broker.reconnect_s_max, RETRY_S_MIN * 2**self._failures)
        self._failures = min(self._failures + 1, 10)
        self._again_at = time.monotonic() + wait_s * self._rng.uniform(0.5, 1.0)

    def _on_connect(
        self, client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, _props: object
    ) -> None:
        if reason.is_failure:
            self._lost(f"refused: {reason}")
            return
        if self._left:
            client.unsubscribe(topics.wanted(self._community, tuple(self._left)))
        if self._all or self._grids:
            wanted = topics.wanted(self._community, self._grids)
            client.subscribe([(topic, 1) for topic in wanted])
        else:
            self._listening(client)

    def _on_subscribe(
        self,
        client: mqtt.Client,
        _data: object,
        _mid: int,
        reasons: list[ReasonCode],
        _props: object,
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            client.disconnect()
            self._lost(f"subscription refused: {', '.join(map(str, reasons))}")
            return
        self._listening(client)

    def _listening(self, client: mqtt.Client) -> None:
        # Whoever sent before this moment, to a broker that forgets, sends again, alarms first.
        client.publish(topics.ingest(self._community), b"{}", qos=0, retain=True)
        self._failures = 0
        CONNECTED.set(1)
        self._outage.restored()

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        # A content type is text by the standard; a client that breaks it gets its message set
        # aside later, like any other that cannot be understood.
        content_type = str(getattr(message.properties, "ContentType", ""))
        ticket = (self._connection, message.mid, message.qos)
        self._take(_topic(message), bytes(message.payload), content_type, ticket)


def _topic(message: mqtt.MQTTMessage) -> str:
    try:
        return message.topic
    except UnicodeDecodeError:
        return message._topic.decode(errors="replace")  # noqa: SLF001  # the bytes have no other name
