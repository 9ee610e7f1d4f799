"""Publishes to an MQTT 5 broker, and knows what the broker has acknowledged.

No thread of its own: paho's client is turned by whoever publishes, and by `tend` in between.
"""

import socket
import ssl
import time
from collections.abc import Sequence
from typing import cast

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from sinks.announce import Message
from sinks.settings import BrokerSettings, TlsSettings
from weinao.metrics import Gauge

CONNECTED = Gauge("weinao_sinks_broker_connected", "1 while there is a connection.")

CONNECT_S_MAX = 5.0
"""How long the broker may take to accept a connection, and then to answer CONNECT."""

_TURN_S = 0.05


class BrokerUnavailableError(Exception):
    """The broker is away, or acknowledges nothing: connect again later, and publish again."""


class Publisher:
    """One connection at a time; a new one has forgotten what the one before was sending.

    Args:
        broker: Where, and how patient.
        client_id: The broker keeps one connection for each.
    """

    def __init__(self, broker: BrokerSettings, client_id: str) -> None:
        self._broker, self._client_id = broker, client_id
        self._client: Client | None = None
        self._lost: str | None = "not connected yet"
        self._connected = False
        self._waiting: set[int] = set()
        self.bytes_max = broker.message_bytes_max
        CONNECTED.set_function(lambda: float(self.connected))

    @property
    def connected(self) -> bool:
        """Whether there is a connection, as far as is known."""
        return self._client is not None and self._lost is None

    def connect(self) -> None:
        """Connect, in the place of any earlier connection.

        Raises:
            BrokerUnavailableError: Nobody answers there, or the answer is no.
        """
        self.close()
        self._lost, self._connected = None, False
        self._waiting.clear()
        client = self._client = self._made()
        try:
            client.connect(self._broker.host, self._broker.port, self._broker.keep_alive_s)
        except (OSError, ValueError) as error:
            self._lost = f"{type(error).__name__}: {error}"
            raise self._unavailable() from error
        if (sock := client.socket()) is not None:
            cast("socket.socket", sock).setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        deadline = time.monotonic() + CONNECT_S_MAX
        while not self._connected:
            self._turn(_TURN_S)
            if time.monotonic() > deadline:
                self._lost = "no answer to CONNECT"
                raise self._unavailable()

    def publish(self, messages: Sequence[Message]) -> None:
        """Publish with QoS 1, in order, and return once the broker has acknowledged all.

        Raises:
            BrokerUnavailableError: It has not; publish all of them again.
        """
        if not self.connected or self._client is None:
            raise self._unavailable()
        for message in messages:
            sent = self._client.publish(
                message.topic, message.payload, 1, properties=_properties(message)
            )
            self._waiting.add(sent.mid)
        left, heard_at = len(self._waiting), time.monotonic()
        while self._waiting:
            self._turn(_TURN_S)
            if len(self._waiting) < left:
                left, heard_at = len(self._waiting), time.monotonic()
            elif time.monotonic() - heard_at > self._broker.puback_s_max:
                self._lost = f"no PUBACK for {self._broker.puback_s_max:.0f} s"
                raise self._unavailable()

    def tend(self) -> None:
        """Keep an idle connection alive.

        Raises:
            BrokerUnavailableError: It is gone.
        """
        self._turn(0)

    def close(self) -> None:
        """End the connection in good order, if there still is one."""
        if self._client is not None:
            self._client.disconnect()
            self._client.loop_write()
            self._client = None

    def _turn(self, wait_s: float) -> None:
        if self._client is None or self._lost is not None:
            raise self._unavailable()
        outcome = self._client.loop(wait_s)
        if outcome != MQTTErrorCode.MQTT_ERR_SUCCESS and self._lost is None:
            self._lost = outcome.name
        if self._lost is not None:
            raise self._unavailable()

    def _unavailable(self) -> BrokerUnavailableError:
        return BrokerUnavailableError(f"{self._broker.host}:{self._broker.port}: {self._lost}")

    def _made(self) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2, self._client_id, protocol=MQTTv5,
            reconnect_on_failure=False,
        )  # fmt: skip
        client.connect_timeout = CONNECT_S_MAX
        client.max_inflight_messages_set(self._broker.in_flight_max)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        if self._broker.tls:
            client.tls_set_context(_tls(self._broker.tls))
        return client

    def _on_connect(
        self,
        _client: Client,
        _data: object,
        _flags: ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._lost = str(reason)
            return
        self._connected = True
        limit = getattr(properties, "MaximumPacketSize", None)
        ours = self._broker.message_bytes_max
        self.bytes_max = min(ours, limit) if limit else ours

    def _on_disconnect(
        self,
        client: Client,
        _data: object,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if client is self._client and self._lost is None:
            self._lost = str(reason)

    def _on_publish(
        self,
        client: Client,
        _data: object,
        mid: int,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if client is not self._client:
            return
        if reason.is_failure:
            # Not permitted, or over a quota: the operator has to mend that, and nothing is skipped.
            self._lost = f"publishing refused: {reason}"
        else:
            self._waiting.discard(mid)


def _properties(message: Message) -> Properties:
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.ContentType = "application/json"
    if message.expires_s is not None:
        properties.MessageExpiryInterval = message.expires_s
    return properties


def _tls(settings: TlsSettings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.certificate:
        context.load_cert_chain(settings.certificate, settings.key or None)
    return context
