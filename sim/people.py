"""People who answer: each incident is accepted, reached, resolved and verified, with human delays.

    out/incident ─► what to answer next, by whom, after how long (pure) ─► feedback/{incident}

They answer through the same topic as a phone would, number their packs, and send again until the
journal has them.
"""

import heapq
import itertools
import random
from collections.abc import Callable

import msgspec
import paho.mqtt.client as mqtt
from msgspec import Struct
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from weinao import codec, topics
from weinao.messages import Ack, Action, Feedback, Pack
from weinao.numbers import Numbers
from weinao.outcomes import Incident, IncidentState

RESEND_MS = 3_000

_NEXT = {
    IncidentState.DISPATCHED: Action.ACCEPT,
    IncidentState.ACCEPTED: Action.ARRIVE,
    IncidentState.ON_SITE: Action.RESOLVE,
    IncidentState.RESOLVED: Action.VERIFY,
}


class Manner(Struct, frozen=True, kw_only=True):
    """How people are.

    Args:
        delay_s: Shortest and longest time to each answer.
        deaf_share: How often somebody does not answer at all.
    """

    delay_s: tuple[float, float] = (0.5, 2.0)
    deaf_share: float = 0.0


def answer(
    incident: Incident, manner: Manner, rng: random.Random
) -> tuple[float, str, Action] | None:
    """Return after how many seconds who answers what; None if nobody does."""
    action = _NEXT.get(incident.state)
    if action is None or not incident.assignee:
        return None
    if action is Action.ACCEPT and rng.random() < manner.deaf_share:
        return None
    return rng.uniform(*manner.delay_s), incident.assignee, action


Moods = Callable[[str, int], Manner]
"""How somebody is at a time, milliseconds UTC."""

AWAKE = Manner(delay_s=(20, 150), deaf_share=0.08)
ASLEEP = Manner(delay_s=(45, 400), deaf_share=0.5)
"""Families sleep; staff on the night shift do not."""

_NIGHT_H = (23, 6)


def always(manner: Manner) -> Moods:
    """Return people who are the same at all times."""
    return lambda _who, _at: manner


def by_the_hour(who: str, at: int) -> Manner:
    """Return how people of a simulated community are: families sleep at night."""
    hour = (at // 3_600_000 + 8) % 24
    sleeps = hour >= _NIGHT_H[0] or hour < _NIGHT_H[1]
    family = who.startswith(("daughter-", "neighbour-"))
    return ASLEEP if sleeps and family else AWAKE


class People:
    """Everybody of one community, on one connection.

    Call `work` again and again; it neither blocks nor starts a thread of its own for long.

    Args:
        host: The broker.
        port: Its MQTT 5 port.
        community: Whose incidents to answer.
        moods: How they are.
        rng: Their dice.
        now: Their clock, in milliseconds.
        timer: What they wait for the journal by, in milliseconds.
    """

    def __init__(
        self,
        host: str,
        port: int,
        community: str,
        *,
        moods: Moods,
        rng: random.Random,
        now: Callable[[], int],
        timer: Callable[[], int],
    ) -> None:
        self._community, self._moods, self._rng = community, moods, rng
        self._now, self._timer = now, timer
        self._boot = f"{now():013d}-{rng.getrandbits(24):06x}"
        self._numbers: dict[str, int] = {}
        self._plans: list[tuple[int, int, str, Pack]] = []
        self._order = itertools.count()
        self._unacked: dict[tuple[str, int], tuple[int, str, Pack]] = {}
        self._reacted: set[tuple[str, int]] = set()
        self._device = "people"
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"people-{self._boot}",
            protocol=MQTTProtocolVersion.MQTTv5,
        )
        self._client.on_connect = self._connected
        self._client.on_message = self._heard
        self._client.reconnect_delay_set(0.2, 2)  # type: ignore[arg-type]  # seconds may be parts
        self._client.connect_async(host, port, keepalive=10)
        self._client.loop_start()

    def work(self) -> None:
        """Send what is due, and again what the journal has not confirmed."""
        now = self._now()
        while self._plans and self._plans[0][0] <= now:
            _, _, topic, pack = heapq.heappop(self._plans)
            seq = self._numbers[pack.boot] = self._numbers.get(pack.boot, 0) + 1
            self._send(topic, msgspec.structs.replace(pack, seq=seq, sent=now))
        timed = self._timer()
        for sent_at, topic, pack in [*self._unacked.values()]:
            if timed - sent_at >= RESEND_MS:
                self._send(topic, pack)

    def close(self) -> None:
        """Hang up."""
        self._client.disconnect()
        self._client.loop_stop()

    def _send(self, topic: str, pack: Pack) -> None:
        self._unacked[pack.boot, pack.seq] = (self._timer(), topic, pack)
        if self._client.is_connected():
            self._client.publish(topic, codec.encode(pack), qos=1)

    def _connected(self, client: mqtt.Client, *_: object) -> None:
        client.subscribe(topics.out(self._community, "+", "incident"), qos=1)
        client.subscribe(topics.ack(self._community, "+", self._device), qos=1)

    def _heard(self, _client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        if message.topic.endswith("/ack"):
            self._acked(msgspec.json.decode(message.payload, type=Ack))
        else:
            self._plan(msgspec.json.decode(message.payload, type=Incident))

    def _acked(self, ack: Ack) -> None:
        durable = Numbers(ack.seq, tuple(ack.also))
        for boot, seq in [*self._unacked]:
            if boot == ack.boot and seq in durable:
                del self._unacked[boot, seq]

    def _plan(self, incident: Incident) -> None:
        change = (incident.id, len(incident.steps))
        if change in self._reacted:
            return
        self._reacted.add(change)
        manner = self._moods(incident.assignee, self._now())
        reaction = answer(incident, manner, self._rng)
        if reaction is None:
            return
        delay_s, actor, action = reaction
        at = self._now() + round(delay_s * 1_000)
        said = Feedback(at=at, incident=incident.id, actor=actor, action=action)
        pack = Pack(
            v=1, device=self._device, boot=self._boot_in(incident.grid), seq=1, sent=at, obs=(said,)
        )
        topic = topics.feedback(self._community, incident.grid, incident.id)
        heapq.heappush(self._plans, (at, next(self._order), topic, pack))

    def _boot_in(self, grid: str) -> str:
        # A boot of its own for each grid: numbers are contiguous, and ids unique, in both.
        return f"{self._boot}.{grid}"[:64]
