"""One connection to the broker: paho's client on the agent's own event loop, without its thread.

A session is used once. What it had not delivered when it ended, the outbox still has.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Any, cast

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge.settings import BrokerSettings, TlsSettings

CONNECT_S_MAX = 5.0
"""How long the broker may take to accept a connection, and then to answer CONNECT."""
_MISC_S = 1.0

OnMessage = Callable[[str, bytes], None]


class BrokerUnavailableError(Exception):
    """The broker is away or refuses the agent: try again later."""


class Session:
    """A connection, from `open` until `lost`.

    Args:
        broker: Where.
        client_id: The agent's id.
        will: Topic and payload that the broker publishes, retained, when the agent is gone.
        in_flight_max: Messages that may await their PUBACK; the caller keeps to it.
        on_message: Called with topic and payload; must not raise.
    """

    def __init__(
        self,
        broker: BrokerSettings,
        client_id: str,
        *,
        will: tuple[str, bytes],
        in_flight_max: int,
        on_message: OnMessage,
    ) -> None:
        self._broker, self._on_message = broker, on_message
        self._loop = asyncio.get_running_loop()
        self._connected: asyncio.Future[None] = self._loop.create_future()
        self._lost: asyncio.Future[str] = self._loop.create_future()
        self._delivered: dict[int, Callable[[], None]] = {}
        self._client = self._made(client_id, in_flight_max)
        self._client.will_set(will[0], will[1], qos=1, retain=True)

    async def open(self) -> None:
        """Connect.

        Raises:
            BrokerUnavailableError: Nobody answers there, or the answer is no.
        """
        try:
            # In a thread, because looking up a name, connecting and the TLS handshake all block.
            await asyncio.to_thread(self._connect)
            self._attach()
            async with asyncio.timeout(CONNECT_S_MAX):
                await self._connected
        except (OSError, ValueError) as error:  # TimeoutError and ssl.SSLError are OSErrors
            self.close()
            raise BrokerUnavailableError(
                f"{self._broker.host}:{self._broker.port}: {error or type(error).__name__}"
            ) from error

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        content_type: str = "",
        retain: bool = False,
        delivered: Callable[[], None] = lambda: None,
    ) -> None:
        """Send with QoS 1; `delivered` is called when the broker has answered."""
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if content_type:
            properties.ContentType = content_type
        sent = self._client.publish(topic, payload, 1, retain, properties)
        if sent.rc == MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._delivered[sent.mid] = delivered

    def subscribe(self, topic: str, qos: int) -> None:
        """Ask for messages under a topic."""
        self._client.subscribe(topic, qos)

    async def lost(self) -> str:
        """Keep the connection alive, and return why it ended once it has."""
        while not self._lost.done():
            await asyncio.wait([self._lost], timeout=_MISC_S)
            self._client.loop_misc()
        return self._lost.result()

    def close(self) -> None:
        """End the connection in good order, if there still is one."""
        self._client.disconnect()
        self._client.loop_write()
        sock = self._client.socket()
        if sock is not None:  # the goodbye could not be written at once, and nobody waits for it
            self._detach(sock)
            cast("socket.socket", sock).close()

    def _made(self, client_id: str, in_flight_max: int) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2, client_id, protocol=MQTTv5, reconnect_on_failure=False
        )
        client.connect_timeout = CONNECT_S_MAX
        client.max_inflight_messages_set(in_flight_max)
        client.max_queued_messages_set(in_flight_max)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_message = self._on_mqtt_message
        if self._broker.tls:
            client.tls_set_context(_tls(self._broker.tls))
        return client

    def _connect(self) -> None:
        self._client.connect(
            self._broker.host, self._broker.port, self._broker.keep_alive_s, clean_start=True
        )

    def _attach(self) -> None:
        sock = self._client.socket()
        if sock is None:
            raise ConnectionError("closed at once")
        cast("socket.socket", sock).setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client.on_socket_register_write = self._want_write
        self._client.on_socket_unregister_write = self._want_no_write
        self._client.on_socket_close = lambda _client, _data, closing: self._detach(closing)
        self._loop.add_reader(sock.fileno(), self._readable)
        if self._client.want_write():
            self._loop.add_writer(sock.fileno(), self._client.loop_write)

    def _detach(self, sock: Any) -> None:  # noqa: ANN401  # a socket, plain or TLS
        if sock.fileno() >= 0:
            self._loop.remove_reader(sock.fileno())
            self._loop.remove_writer(sock.fileno())

    def _readable(self) -> None:
        self._client.loop_read()
        # TLS hands out whole records: what it has decrypted no longer makes the socket readable.
        while isinstance(sock := self._client.socket(), ssl.SSLSocket) and sock.pending():
            self._client.loop_read()

    def _want_write(self, _client: Client, _data: object, sock: Any) -> None:  # noqa: ANN401
        self._loop.add_writer(sock.fileno(), self._client.loop_write)

    def _want_no_write(self, _client: Client, _data: object, sock: Any) -> None:  # noqa: ANN401
        if sock.fileno() >= 0:
            self._loop.remove_writer(sock.fileno())

    def _on_connect(
        self,
        _client: Client,
        _data: object,
        _flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if self._connected.done():
            return
        if reason.is_failure:
            self._connected.set_exception(ConnectionRefusedError(str(reason)))
        else:
            self._connected.set_result(None)

    def _on_disconnect(
        self,
        _client: Client,
        _data: object,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if not self._connected.done():
            self._connected.set_exception(ConnectionResetError(str(reason)))
        if not self._lost.done():
            self._lost.set_result(str(reason))

    def _on_publish(
        self,
        _client: Client,
        _data: object,
        mid: int,
        _reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        # A refused message is not lost: without the journal's ack the outbox sends it again.
        if delivered := self._delivered.pop(mid, None):
            delivered()

    def _on_mqtt_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self._on_message(message.topic, bytes(message.payload))


def _tls(settings: TlsSettings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.certificate:
        context.load_cert_chain(settings.certificate, settings.key or None)
    return context
