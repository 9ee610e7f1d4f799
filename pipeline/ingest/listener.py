"""The listener: one MQTT 5 connection, one loop, no threads.

An outage of the broker is one line in the log when it starts and one when it ends; the clock goes
on ticking meanwhile.
"""

import random
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
import paho.mqtt.client as mqtt
from msgspec import Struct
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from structlog.typing import FilteringBoundLogger

from pipeline.ingest.durable import Sender
from weinao import metrics, topics
from weinao.messages import Ack
from weinao.outage import Outage

if TYPE_CHECKING:
    from paho.mqtt.client import SocketLike

CONNECTED = metrics.Gauge("weinao_ingest_broker_connected", "1 while the broker is there.")

IDLE_S = 0.005
"""How long the loop waits for the broker when nothing else is to be done."""


class Broker(Struct, frozen=True, kw_only=True):
    """Where the broker is, and how to live with its outages.

    Args:
        session_expiry_s: How long the broker keeps what we have not acknowledged.
        receive_max: Messages it may send us unacknowledged.
        reconnect_s_max: Longest wait between attempts.
    """

    host: str = "127.0.0.1"
    port: int = 1884
    keep_alive_s: int = 30
    session_expiry_s: int = 86_400
    receive_max: int = 65_535
    reconnect_s_max: float = 5.0


class Listener:
    """Brings messages of one community from the broker.

    Args:
        broker: Where it is.
        community: Whose messages.
        grids: Of these grids; of all, if empty.
        take: Told topic, payload, content type, message id and QoS of each message.
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
        take: Callable[[str, bytes, str, int, int], object],
        rng: random.Random,
        now: Callable[[], int],
        log: FilteringBoundLogger,
    ) -> None:
        self._broker, self._community, self._grids = broker, community, grids
        self._take, self._rng = take, rng
        self._outage = Outage(log, "broker", now)
        self._again_at = 0.0
        self._failures = 0
        self._up = False
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"ingest-{community}",
            protocol=MQTTProtocolVersion.MQTTv5,
            manual_ack=True,
        )
        self._client.connect_timeout = 2.0
        self._client.on_connect = self._on_connect
        self._client.on_message = self._on_message
        self._client.on_socket_open = _without_delay

    def work(self, wait_s: float = IDLE_S) -> None:
        """Serve the connection for at most `wait_s`, or try to have one."""
        if not self._up:
            if time.monotonic() < self._again_at:
                time.sleep(min(wait_s, IDLE_S))
                return
            self._connect()
            return
        error = self._client.loop(timeout=wait_s)
        if error is not MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._lost(mqtt.error_string(error))

    def puback(self, mid: int, qos: int) -> None:
        """Tell the broker that a message is kept."""
        self._client.ack(mid, qos)

    def tell(self, sender: Sender, ack: Ack) -> None:
        """Tell a device what of it is durable; if that gets lost, it will ask by sending again."""
        grid, device, _ = sender
        topic = topics.ack(self._community, grid, device)
        self._client.publish(topic, msgspec.json.encode(ack), qos=0)

    def close(self) -> None:
        """Hang up; what was not acknowledged will be sent to us again."""
        self._client.disconnect()

    def _connect(self) -> None:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = self._broker.session_expiry_s
        properties.ReceiveMaximum = self._broker.receive_max
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
        CONNECTED.set(0)
        self._outage.lost(error)
        wait_s = min(self._broker.reconnect_s_max, 0.1 * 2**self._failures)
        self._failures = min(self._failures + 1, 10)
        self._again_at = time.monotonic() + wait_s * self._rng.uniform(0.5, 1.0)

    def _on_connect(
        self, client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, _props: object
    ) -> None:
        if reason.is_failure:
            self._lost(f"refused: {reason}")
            return
        wanted = topics.wanted(self._community, self._grids)
        client.subscribe([(topic, 1) for topic in wanted])
        self._failures = 0
        CONNECTED.set(1)
        self._outage.restored()

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        # A content type is text by the standard; a client that breaks it gets its message set
        # aside later, like any other that cannot be understood.
        content_type = str(getattr(message.properties, "ContentType", ""))
        self._take(_topic(message), bytes(message.payload), content_type, message.mid, message.qos)


def _topic(message: mqtt.MQTTMessage) -> str:
    try:
        return message.topic
    except UnicodeDecodeError:
        return message._topic.decode(errors="replace")  # noqa: SLF001  # the bytes have no other name


def _without_delay(_client: mqtt.Client, _data: object, sock: "SocketLike") -> None:
    if isinstance(sock, socket.socket):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
