"""Carries the outbox to the broker, and again until the journal has it.

One connection with paho's own thread: what people say is little, and pages never wait for it.
"""

import sqlite3
import ssl
import threading
from collections.abc import Callable

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from structlog.typing import FilteringBoundLogger

from sinks.mqtt import CONNECTED
from sinks.outbox import Outbox, Waiting, ack_of
from sinks.settings import PostSettings
from weinao import topics
from weinao.metrics import Counter, Gauge
from weinao.outage import Outage

SENT = Counter(
    "weinao_sinks_said_total", "Messages published of what people said, repeats included."
)
UNSENT = Gauge("weinao_sinks_unsaid_messages", "What people said and the journal may not have yet.")

_LOOK_S = 0.25
"""How often the outbox is looked at when nobody says that there is something new."""


class Post:
    """The way to the broker, and back.

    Args:
        outbox: What is to be carried.
        settings: Where to.
        community: Whose acknowledgements to hear.
        now: The wall clock, in milliseconds.
        log: For outages.
        on_ack: Called after each acknowledgement.
    """

    def __init__(
        self,
        outbox: Outbox,
        settings: PostSettings,
        community: str,
        *,
        now: Callable[[], int],
        log: FilteringBoundLogger,
        on_ack: Callable[[], object] = lambda: None,
    ) -> None:
        self._outbox, self._settings, self._community = outbox, settings, community
        self._now, self._on_ack = now, on_ack
        self._outage, self._book = Outage(log, "broker", now), Outage(log, "book", now)
        self._sent_at: dict[tuple[str, str, str, int], int] = {}
        self._heeded: set[str] = set()
        self._stop, self._news, self._anew = (threading.Event() for _ in range(3))
        self._client = self._made()
        CONNECTED.set_function(lambda: float(self.connected))
        self._thread = threading.Thread(target=self._run, name="post", daemon=True)

    @property
    def connected(self) -> bool:
        """Whether there is a broker to speak to just now."""
        return bool(self._client.is_connected())

    def open(self) -> None:
        """Begin to carry; a broker that is away is tried again."""
        self._client.connect_async(
            self._settings.host, self._settings.port, self._settings.keep_alive_s
        )
        self._client.loop_start()
        self._thread.start()

    def hurry(self) -> None:
        """Say that there is something new."""
        self._news.set()

    def close(self) -> None:
        """Hang up; what was not acknowledged stays in the outbox."""
        self._stop.set()
        self._news.set()
        self._thread.join(5)
        self._client.disconnect()
        self._client.loop_stop()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._news.wait(_LOOK_S)
            self._news.clear()
            try:
                self._carry()
            except sqlite3.Error as error:
                self._book.lost(error)  # our own disk: what is said waits, and we go on looking
            else:
                self._book.restored()

    def _carry(self) -> None:
        waiting = self._outbox.waiting()
        UNSENT.set(len(waiting))
        if not self.connected:
            return
        if self._anew.is_set():
            # A new connection, as paho's own thread says: nothing was sent by it, nothing is heard.
            self._anew.clear()
            self._sent_at.clear()
            self._heeded.clear()
        now, resend_ms = self._now(), self._settings.resend_s * 1_000
        keys = {_key(one) for one in waiting}
        self._sent_at = {key: at for key, at in self._sent_at.items() if key in keys}
        for one in waiting:
            sent_at = self._sent_at.get(_key(one))
            # A clock that was set back must not hold anything for as long as it was set.
            if sent_at is None or not 0 <= now - sent_at < resend_ms:
                self._sent_at[_key(one)] = now
                self._heed(one.device)
                self._client.publish(one.topic, one.payload, qos=1)
                SENT.inc()

    def _made(self) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"{self._outbox.device}-{self._community}",
            protocol=MQTTProtocolVersion.MQTTv5,
        )
        if self._settings.ca:
            client.tls_set(
                self._settings.ca,
                self._settings.certificate or None,
                self._settings.key or None,
                tls_version=ssl.PROTOCOL_TLS_CLIENT,
            )
        client.reconnect_delay_set(1, 15)
        client.on_connect = self._connected
        client.on_disconnect = lambda *_: self._outage.lost("connection closed")
        client.on_connect_fail = lambda *_: self._outage.lost("nobody answers")
        client.on_message = self._heard
        return client

    def _connected(self, *_: object) -> None:
        self._outage.restored()
        self._anew.set()
        self.hurry()

    def _heed(self, device: str) -> None:
        """Listen for what becomes of a device's words: the portal's own, or a resident's phone."""
        if device not in self._heeded:
            self._heeded.add(device)
            self._client.subscribe(topics.ack(self._community, "+", device), qos=1)

    def _heard(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        _, _, _, grid, _, device, _ = message.topic.split("/")
        try:
            ack = ack_of(message.payload)
        except msgspec.DecodeError:
            return  # whoever said that was not ingest
        try:
            self._outbox.acked(grid, device, ack)
        except sqlite3.Error as error:
            self._book.lost(error)
            return  # it goes again, and is acknowledged again
        self._on_ack()


def _key(one: Waiting) -> tuple[str, str, str, int]:
    return one.grid, one.device, one.boot, one.seq
