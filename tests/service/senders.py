"""Many devices behind one connection; each keeps what it sent until it hears that it is durable."""

import time
from collections.abc import Callable, Sequence

import msgspec
import paho.mqtt.client as mqtt
from msgspec import Struct
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from weinao import codec, topics
from weinao.messages import Ack, AnyObservation, Pack
from weinao.numbers import Numbers

RESEND_S = 0.7


class Said(Struct, frozen=True):
    """What one device says, once."""

    grid: str
    kind: str
    device: str
    seq: int
    what: AnyObservation

    @property
    def payload(self) -> bytes:
        pack = Pack(
            v=1, device=self.device, boot="00000001-a", seq=self.seq,
            sent=self.what.at, obs=(self.what,),
        )  # fmt: skip
        return codec.encode(pack)


class Senders:
    """Sends what it is given, in order, again and again until it is acknowledged."""

    def __init__(self, port: int, community: str) -> None:
        self._community = community
        self._acked: dict[str, Numbers] = {}
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id="senders", protocol=MQTTProtocolVersion.MQTTv5
        )
        self._client.on_message = self._heard
        self._client.on_connect = lambda c, *_: c.subscribe(topics.ack(community, "+", "+"), qos=1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def deliver(
        self, story: Sequence[Said], turn: Callable[[], object], *, every_s: float, timeout_s: float
    ) -> None:
        """Send all, one after another, and return once everything is acknowledged."""
        deadline, sent_at = time.monotonic() + timeout_s, dict[int, float]()
        begun = time.monotonic()
        while True:
            due = story[: int((time.monotonic() - begun) / every_s) + 1]
            waiting = [n for n, said in enumerate(due) if not self._known(said)]
            if not waiting and len(due) == len(story):
                return
            for number in waiting:
                if time.monotonic() - sent_at.get(number, 0.0) > RESEND_S:
                    self._publish(due[number])
                    sent_at[number] = time.monotonic()
            assert time.monotonic() < deadline, [due[number] for number in waiting][:5]
            turn()
            time.sleep(0.02)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _known(self, said: Said) -> bool:
        return said.seq in self._acked.get(said.device, Numbers())

    def _publish(self, said: Said) -> None:
        topic = topics.up(self._community, said.grid, said.kind, said.device)
        self._client.publish(topic, said.payload, 1)

    def _heard(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        ack = msgspec.json.decode(message.payload, type=Ack)
        device = message.topic.split("/")[-2]
        # Whoever acknowledges may know only a part: what was durable once is durable.
        known = self._acked.get(device, Numbers())
        for first, last in ((1, ack.seq), *ack.also):
            if last >= first:
                known = known.add(first, last)
        self._acked[device] = known
