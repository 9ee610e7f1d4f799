"""A simulated story through the real brain: what arrives is journalled, decided, and answered.

The people of the story answer what the brain asks of them, so the journal cannot be written before
the brain has run. The two go minute by minute: journal a minute, let the brain decide, let people
plan their answers, journal those when they fall due. The finished journal replays to the same.
"""

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.flow.plain import PlainRunner
from pipeline.journal import JournalWriter, Record
from sim.people import answer, by_the_hour
from sim.verdict import Came, Noticed, NoticedRisk
from sim.world.said import dice
from sim.world.truth import Sent
from sim.world.world import COMMUNITY, World
from weinao import codec, topics
from weinao.messages import Feedback, Pack, Receipt, Registered
from weinao.outcomes import Command, Hazard, HealthScore, Incident, Outcome, Risk
from weinao.registry import Record as RegistryRecord

if TYPE_CHECKING:
    from pipeline.flow.mind import Mind
    from sinks.store import Store

DECIDE_MS = 60_000
"""How often, in simulated time, the brain is shown what has come, and people hear what follows."""

STORED_AT_ONCE = 20_000
JOURNALLED_AT_ONCE = 20_000

OBEYS_S = (0.5, 3.0)
STICKS = 0.03
"""How soon a valve or siren answers, and how often it cannot do what it is told. Ours."""

_TOLD_MS = 3_600_000
_BOOT = "00000001-5eed00"


class Rehearsal:
    """Plays one world into one folder.

    Args:
        world: The world.
        folder: `journal/` is made in it.
        store: Takes what the brain concludes.
        seed: Of the people's moods.
        mind: What decides.
    """

    def __init__(
        self,
        world: World,
        folder: Path,
        store: "Store",
        seed: int,
        mind: "Mind",
    ) -> None:
        self._world, self._store = world, store
        self._journal = JournalWriter(folder / "journal")
        self._runner = PlainRunner(mind, self._concluded)
        self._rng = dice(seed, "people")
        self._records: list[Record] = []
        self._outcomes: list[Outcome] = []
        self._answers: list[tuple[int, int, str, str, Feedback | Receipt]] = []
        self._order = itertools.count()
        self._reacted: set[tuple[str, int]] = set()
        self._seqs: dict[str, int] = {}
        self._unsynced = self._observations = self._packs = 0
        self._changes = deque(world.changes())
        self._noticed: list[Noticed] = []
        self._risks: list[NoticedRisk] = []
        self._scores: list[HealthScore] = []
        self._incidents: dict[str, Incident] = {}

    def play(self, told: Callable[[int], object]) -> Sent:
        """Play the story to its end; `told` hears of every simulated hour.

        Returns:
            What was sent.
        """
        world = self._world
        self._register()
        tick_at, grid_of = world.start, world.grid_of
        for delivery in world.deliveries():
            while delivery.received_at >= tick_at:
                self._tick(tick_at)
                if tick_at % _TOLD_MS == 0:
                    told(tick_at)
                tick_at += world.tick_ms
            grid = grid_of[delivery.agent]
            self._append(_topic(grid, delivery.pack), delivery.pack, delivery.received_at)
            if not delivery.again:
                self._count(delivery.pack)
        while tick_at <= world.until:
            self._tick(tick_at)
            tick_at += world.tick_ms
        self._decide()
        self._flush()
        self._journal.commit()
        self._journal.close()
        days = (world.until - world.start) / 86_400_000
        people = sum(len(home.people) for home in world.homes)
        return Sent(
            observations=self._observations,
            packs=self._packs,
            home_days=days * len(world.homes),
            people=people,
        )

    @property
    def came(self) -> Came:
        """Everything that was concluded."""
        return Came(
            hazards=self._noticed,
            incidents=[*self._incidents.values()],
            risks=self._risks,
            scores=self._scores,
        )

    def _register(self) -> None:
        for grid in self._world.grids:
            for record in self._world.records(grid):
                self._enter(self._world.start - 1, grid, record)

    def _enter(self, at: int, grid: str, record: RegistryRecord) -> None:
        topic = topics.registry(COMMUNITY, grid, str(record.__struct_config__.tag), record.id)
        self._say(topic, f"registry-{grid}", Registered(at=at, record=record), at)

    def _tick(self, at: int) -> None:
        """Let some seconds end: people answer, the clock ticks; every minute the brain decides."""
        while self._changes and self._changes[0][0] <= at:
            self._enter(*self._changes.popleft())
        while self._answers and self._answers[0][0] <= at:
            due, _, topic, sender, said = heapq.heappop(self._answers)
            self._say(topic, sender, said, due)
        self._journalled(topics.tick(COMMUNITY), b"", at, "")
        if at % DECIDE_MS == 0:
            self._decide()

    def _say(self, topic: str, device: str, said: Registered | Feedback | Receipt, at: int) -> None:
        seq = self._seqs[device] = self._seqs.get(device, 0) + 1
        pack = Pack(v=1, device=device, boot=_BOOT, seq=seq, sent=at, obs=(said,))
        self._append(topic, pack, at)
        self._count(pack)

    def _count(self, pack: Pack) -> None:
        self._packs += 1
        self._observations += len(pack.obs)

    def _append(self, topic: str, pack: Pack, at: int) -> None:
        self._journalled(topic, codec.encode(pack, codec.MSGPACK), at, codec.MSGPACK)

    def _journalled(self, topic: str, payload: bytes, at: int, kind: str) -> None:
        at = max(at, self._records[-1].received_at if self._records else at)
        offset = self._journal.append(topic, payload, received_at=at, content_type=kind)
        self._records.append(Record(offset, at, topic, kind, payload, len(payload)))
        self._unsynced += 1

    def _decide(self) -> None:
        now = self._records[-1].received_at if self._records else self._world.start
        before = len(self._outcomes)
        self._runner.take(self._records)
        self._records.clear()
        for outcome in self._outcomes[before:]:
            self._heed(outcome, now)
        if len(self._outcomes) >= STORED_AT_ONCE:
            self._flush()
        if self._unsynced >= JOURNALLED_AT_ONCE:
            self._journal.commit()
            self._unsynced = 0

    def _concluded(self, outcomes: Sequence[Outcome]) -> None:
        self._outcomes += outcomes

    def _flush(self) -> None:
        self._store.write(self._outcomes)
        self._outcomes.clear()

    def _heed(self, outcome: Outcome, now: int) -> None:
        value = outcome.value
        if isinstance(value, Hazard):
            self._noticed.append(Noticed(value, outcome.received_at))
        elif isinstance(value, Risk):
            self._risks.append(NoticedRisk(value, outcome.received_at))
        elif isinstance(value, HealthScore):
            self._scores.append(value)
        elif isinstance(value, Incident):
            self._incidents[value.id] = value
            self._plan(value, now)
        elif isinstance(value, Command):
            self._obey(value, outcome.grid, now)

    def _plan(self, incident: Incident, now: int) -> None:
        change = (incident.id, len(incident.steps))
        if change in self._reacted:
            return
        self._reacted.add(change)
        at = incident.steps[-1].at
        reaction = answer(incident, by_the_hour(incident.assignee, at), self._rng)
        if reaction is None:
            return
        delay_s, actor, action = reaction
        due = max(now + 1, at + round(delay_s * 1_000))
        said = Feedback(at=due, incident=incident.id, actor=actor, action=action)
        topic = topics.feedback(COMMUNITY, incident.grid, incident.id)
        answer_ = (due, next(self._order), topic, f"people-{incident.grid}", said)
        heapq.heappush(self._answers, answer_)

    def _obey(self, command: Command, grid: str, now: int) -> None:
        """Let a device do what it is told, and say so, if it hears of it and does not stick."""
        at = max(now, command.at) + round(self._rng.uniform(*OBEYS_S) * 1_000)
        if not self._world.hears(command.target, at) or at > command.expires_at:
            return
        ok = self._rng.random() >= STICKS
        said = Receipt(at=at, command=command.id, ok=ok, detail="" if ok else "it is stuck")
        topic = topics.up(COMMUNITY, grid, "receipt", command.target)
        heapq.heappush(self._answers, (at, next(self._order), topic, command.target, said))


def _topic(grid: str, pack: Pack) -> str:
    return topics.up(COMMUNITY, grid, str(pack.obs[0].__struct_config__.tag), pack.device)
