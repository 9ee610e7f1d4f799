"""A small ingest for tests: keeps what comes, and acknowledges when it is told to."""

import threading
from collections import defaultdict

import msgspec
from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from weinao import codec, topics
from weinao.messages import Ack, Pack
from weinao.numbers import Numbers


class SmallJournal:
    """What arrived, in order; acknowledges each pack unless `withhold` is set."""

    def __init__(self, port: int) -> None:
        self.packs: list[Pack] = []
        self.presence: list[dict[str, object]] = []
        self.withhold = False
        self.deaf = False
        self._port = port
        self._numbers: dict[tuple[str, str], Numbers] = defaultdict(Numbers)
        self._changed = threading.Condition()
        self._client: Client | None = None

    def connect(self) -> None:
        """Connect, and return once everything from now on is heard."""
        heard = threading.Semaphore(0)
        client = Client(CallbackAPIVersion.VERSION2, "journal", protocol=MQTTv5)
        client.on_message = self._on_message
        client.on_connect = lambda one, *_: [
            one.subscribe("weinao/v1/+/+/up/#", 1),
            one.subscribe("weinao/v1/+/+/status/#", 1),
        ]
        client.on_subscribe = lambda *_: heard.release()
        client.reconnect_delay_set(1, 1)
        client.connect("127.0.0.1", self._port)
        client.loop_start()
        self._client = client
        for _ in range(2):
            assert heard.acquire(timeout=60)

    def close(self) -> None:
        if self._client:
            self._client.disconnect()
            self._client.loop_stop()

    def command(self, agent: str, **fields: object) -> None:
        assert self._client
        payload = msgspec.json.encode({"type": "command", **fields})
        self._client.publish(topics.command("test", "g1", agent), payload, 1)

    def distinct(self) -> set[tuple[str, str, int]]:
        with self._changed:
            return {(pack.device, pack.boot, pack.seq) for pack in self.packs}

    def wait_for(self, met, timeout_s: float = 60.0) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: met(self.packs), timeout_s), (
                f"{len(self.packs)} packs after {timeout_s} s"
            )

    def _on_message(self, client: Client, _data: object, message: MQTTMessage) -> None:
        if "/up/" not in message.topic:
            with self._changed:
                self.presence.append(msgspec.json.decode(message.payload))
                self._changed.notify_all()
            return
        if self.deaf:
            return
        kind = getattr(message.properties, "ContentType", "application/json")
        pack = codec._DECODERS[kind](message.payload)
        with self._changed:
            self.packs.append(pack)
            self._changed.notify_all()
        if not self.withhold:
            self._acknowledge(client, pack)

    def _acknowledge(self, client: Client, pack: Pack) -> None:
        key = pack.device, pack.boot
        first = pack.seq if pack.thinned is msgspec.UNSET else pack.thinned.first
        numbers = self._numbers[key]
        if pack.seq not in numbers:
            self._numbers[key] = numbers = numbers.add(first, pack.seq)
        ack = Ack(boot=pack.boot, seq=numbers.upto, also=numbers.above)
        client.publish(topics.ack("test", "g1", pack.device), msgspec.json.encode(ack), 0)
