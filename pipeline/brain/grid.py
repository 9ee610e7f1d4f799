"""The brain of one grid: entries in, outcomes out, in an order that only the input decides.

Plain Python. The flow runs it, a for-loop runs it, and both conclude the same, however the entries
were batched and wherever they were cut.

    pack -> new? -> known device? -> who and where -+-> rules that act at once ------+-> desk
                                                    +-> home clock -> ordered rules -+
    heartbeat -> its homes' clocks, its devices' silence
    tick      -> silence of agents, deadlines of people
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import UNSET, Struct

from pipeline.brain import homes
from pipeline.brain.entries import Entry, Tick
from pipeline.brain.homes import HomeClock
from pipeline.brain.identify import inactivity
from pipeline.brain.identify.base import Finding, Rule, advance
from pipeline.brain.identify.silence import Heard, Silence, heard_behind
from pipeline.brain.perceive import consent, delivery
from pipeline.brain.perceive.delivery import Delivered
from pipeline.brain.perceive.registered import Key, Registered, key_of
from pipeline.brain.perceive.seen import Seen
from pipeline.brain.respond.desk import (
    Desk,
    DeskState,
    FeedbackRefusedError,
    UnknownIncidentError,
)
from pipeline.brain.respond.policy import Policy
from weinao import messages, topics
from weinao.codec import Arrival
from weinao.ids import observation_id
from weinao.messages import AnyObservation, Feedback, Home, Pack, Status
from weinao.outcomes import (
    AnyOutcome,
    Hazard,
    Kept,
    Outcome,
    Reason,
    Rejected,
)
from weinao.registry import Device, Record, Resident
from weinao.topics import Way

SNAPSHOT_VERSION = 3
"""Raise it with the shape of any state; then the journal is replayed instead of resumed."""

StateKey = tuple[str, str]

_HOUR_MS = 3_600_000

CLOCK_GAP_MS = 5_000
TICKS_MISSED_MAX = 3
"""A longer pause between ticks, and longer than so many of the last, means that ingest was away,
and with it everybody's ear."""

COMMUNAL = ""
"""Stands for a place where states go by the community's clock."""


class Snapshot(Struct, frozen=True):
    """All that a grid's brain remembers.

    Attributes:
        states: For each rule and subject, its state.
        at_home: For each place, the states that its clock moves.
        heard: When each agent, and each device behind one, was last heard.
        boots: The newest boot of each agent.
        watching: For each household, the devices whose silence would make it look quiet.
        ticked_at: The community's clock,
        tick_ms: and how far apart its last two ticks were.
    """

    version: int
    grid: str
    delivered: dict[str, Delivered]
    records: dict[Key, Record]
    clocks: dict[str, HomeClock]
    states: dict[StateKey, Any]
    at_home: dict[str, tuple[StateKey, ...]]
    heard: dict[str, Heard]
    boots: dict[str, str]
    watching: dict[str, tuple[str, ...]]
    ticked_at: int
    tick_ms: int
    desk: DeskState


class SnapshotVersionError(Exception):
    """A snapshot of another version of the brain. Delete the recovery store: the journal is all."""


class GridBrain:
    """Everything that is known and decided about one grid.

    Args:
        grid: Its id.
        rules: In the order in which their hazards appear; their names are distinct.
        silence: How long something may be silent.
        policy: Who is asked, and how long we wait.
        resume: An earlier snapshot, or None for a grid not met before.

    Raises:
        SnapshotVersionError: The snapshot is of another version.
    """

    def __init__(
        self,
        grid: str,
        rules: Sequence[Rule[Any]],
        *,
        silence: Silence | None = None,
        policy: Policy | None = None,
        resume: Snapshot | None = None,
    ) -> None:
        if resume is not None and resume.version != SNAPSHOT_VERSION:
            raise SnapshotVersionError(
                f"snapshot of grid {grid} has version {resume.version}, expected"
                f" {SNAPSHOT_VERSION}: delete the recovery folder, the journal will be replayed"
            )
        self._grid, self._rules = grid, rules
        self._rule = {rule.name: rule for rule in rules}
        self._silence = silence or Silence()
        self._delivered = dict(resume.delivered) if resume else {}
        self._known = Registered(dict(resume.records) if resume else {})
        self._clocks = dict(resume.clocks) if resume else {}
        self._states: dict[StateKey, Any] = dict(resume.states) if resume else {}
        self._at_home = dict(resume.at_home) if resume else {}
        self._heard = dict(resume.heard) if resume else {}
        self._boots = dict(resume.boots) if resume else {}
        self._watching = dict(resume.watching) if resume else {}
        self._ticked_at = resume.ticked_at if resume else 0
        self._tick_ms = resume.tick_ms if resume else 0
        self._desk = Desk(grid, policy or Policy(), resume.desk if resume else DeskState())
        self._next_silent_at = 0

    def observe(self, batch: Iterable[Entry]) -> list[Outcome]:
        """Take in journal entries and return what follows."""
        return [
            Outcome(
                grid=self._grid,
                offset=entry.offset,
                index=index,
                received_at=entry.received_at,
                value=value,
            )
            for entry in batch
            for index, value in enumerate(self._take(entry))
        ]

    def snapshot(self) -> Snapshot:
        """Return all that is remembered; what comes later does not change it."""
        return Snapshot(
            version=SNAPSHOT_VERSION,
            grid=self._grid,
            delivered=dict(self._delivered),
            records=dict(self._known.records),
            clocks=dict(self._clocks),
            states=dict(self._states),
            at_home=dict(self._at_home),
            heard=dict(self._heard),
            boots=dict(self._boots),
            watching=dict(self._watching),
            ticked_at=self._ticked_at,
            tick_ms=self._tick_ms,
            desk=self._desk.snapshot(),
        )

    def _take(self, entry: Entry) -> Iterator[AnyOutcome]:
        if isinstance(entry.item, Rejected):
            yield entry.item
        elif isinstance(entry.item, Tick):
            yield from self._tick(entry.received_at)
        else:
            yield from self._arrive(entry.item, entry.received_at)

    def _tick(self, now: int) -> Iterator[AnyOutcome]:
        self._excuse(now)
        if now >= self._next_silent_at:
            yield from self._agents_silent(now)
        for key in self._at_home.get(COMMUNAL, ()):
            self._states[key], findings = self._rule[key[0]].pass_time(self._states[key], now)
            yield from self._respond(findings, now)
        yield from self._desk.pass_time(self._known, now)

    def _excuse(self, now: int) -> None:
        """Forgive agents the time in which nobody listened: the clock itself stood still."""
        away = now - self._ticked_at
        if away == 0:
            return
        if self._tick_ms and away > max(TICKS_MISSED_MAX * self._tick_ms, CLOCK_GAP_MS):
            for agent, heard in self._heard.items():
                if heard.raised is None:
                    self._heard[agent] = Heard(min(now, heard.at + away))
            self._next_silent_at = 0
        elif self._ticked_at:
            self._tick_ms = away
        self._ticked_at = now

    def _arrive(self, arrival: Arrival, now: int) -> Iterator[AnyOutcome]:
        pack, way = arrival.pack, arrival.topic.way
        if way is Way.UP and self._known.device(pack.device) is None:
            # Its numbers are not noted: once it is registered, it may send them again.
            detail = f"device {pack.device} is not registered in grid {self._grid}"
            yield _rejected(Reason.UNKNOWN_DEVICE, detail, arrival, now)
            return
        # What people say is numbered apart, so that nobody speaks in the name of a device.
        sender = pack.device if way is Way.UP else f"{way}/{pack.device}"
        before = self._delivered.get(sender, Delivered())
        self._delivered[sender], refused, losses = delivery.accept(before, pack)
        if refused is not None:
            detail = f"boot {pack.boot}, number {pack.seq}"
            yield _rejected(refused, detail, arrival, now)
            return
        yield from losses
        if pack.thinned is not UNSET:
            return
        if arrival.topic.way is Way.UP:
            yield from self._sensed(arrival, now)
            return
        for index, said in enumerate(pack.obs):
            if isinstance(said, messages.Registered):
                self._register(said.record, now)
                yield _kept(pack, index, now, subject=said.record.id)
                yield from self._entered(pack, index, said, now)
            elif isinstance(said, Feedback):
                yield from self._answered(arrival, index, said, now)

    def _sensed(self, arrival: Arrival, now: int) -> Iterator[AnyOutcome]:
        pack = arrival.pack
        device = self._known.device(pack.device)
        assert device is not None, "packs of unknown devices do not come this far"
        for index, said in enumerate(pack.obs):
            seen = self._perceive(device, pack, index, said, now)
            if not consent.given(self._known, seen):
                detail = f"{seen.subject} has not agreed to {consent.purpose_of(said)} readings"
                yield _rejected(Reason.NO_CONSENT, detail, arrival, now)
                continue
            yield _kept(pack, index, now, subject=seen.subject, household=seen.household)
            if isinstance(said, Status):
                yield from self._heartbeat(device, pack.boot, said, now)
            else:
                yield from self._identify(seen, now)

    def _perceive(
        self, device: Device, pack: Pack, index: int, said: AnyObservation, now: int
    ) -> Seen:
        household = self._known.home_of(device)
        home = self._known.household(household)
        return Seen(
            id=observation_id(pack.device, pack.boot, pack.seq, index),
            device=device.id,
            at=said.at,
            received_at=now,
            observation=said,
            subject=device.wearer or household or device.id,
            household=household,
            # A home that names another agent would wait for ever for that one's word.
            place=household if home and home.agent == device.agent else device.agent,
            room=(said.room if isinstance(said, Home) else "") or device.room,
            device_place=device.place,
            resident=self._known.resident(device.wearer),
            alone=len(self._known.residents_of.get(household, ())) == 1,
            tz_offset_min=self._known.tz_offset_min,
        )

    def _identify(self, seen: Seen, now: int) -> Iterator[AnyOutcome]:
        for rule in self._rules:
            if not rule.ordered:
                yield from self._show(rule, seen, now, in_order=False)
        if seen.household and isinstance(seen.observation, Home):
            self._watch(seen)
        if seen.place:
            clock = self._clocks.get(seen.place, HomeClock())
            self._clocks[seen.place], due = homes.wait(clock, seen)
            yield from self._ordered(due, now)

    def _watch(self, seen: Seen) -> None:
        said = seen.observation
        assert isinstance(said, Home)
        watching = self._watching.get(seen.household, ())
        if said.sensor in inactivity.SENSORS and seen.device not in watching:
            self._watching[seen.household] = (*watching, seen.device)

    def _ordered(self, due: Iterable[Seen], now: int) -> Iterator[AnyOutcome]:
        for seen in due:
            for rule in self._rules:
                if rule.ordered:
                    yield from self._show(rule, seen, now, in_order=True)

    def _show(
        self, rule: Rule[Any], seen: Seen, now: int, *, in_order: bool
    ) -> Iterator[AnyOutcome]:
        subject = rule.subject_of(seen)
        if subject is None:
            return
        key = (rule.name, subject)
        if key not in self._states:
            self._states[key] = rule.initial(subject, seen.household)
            clock = COMMUNAL if rule.communal else seen.place
            self._at_home[clock] = (*self._at_home.get(clock, ()), key)
        take_in = advance if in_order else _observe
        self._states[key], hazards = take_in(rule, self._states[key], seen)
        yield from self._respond(hazards, now)

    def _heartbeat(self, agent: Device, boot: str, said: Status, now: int) -> Iterator[AnyOutcome]:
        heard = self._heard.get(agent.id, Heard(0))
        self._heard[agent.id], over = self._silence.hear(heard, now)
        due = self._silence.due_at(self._heard[agent.id], agent)
        self._next_silent_at = min(self._next_silent_at, due if due is not None else now + _HOUR_MS)
        yield from self._respond(over, now)
        restarted = self._boots.get(agent.id, boot) < boot
        self._boots[agent.id] = max(self._boots.get(agent.id, boot), boot)
        yield from self._devices_silent(agent, said, now, back=restarted or bool(over))
        for place in (*self._known.households_of_agent.get(agent.id, ()), agent.id):
            if restarted:
                clock = self._clocks.get(place, HomeClock())
                self._clocks[place] = homes.lose_sight(clock, said.at)
            # Nobody's word reaches further than the present of whoever gave it.
            yield from self._home_time(place, min(said.complete_to, said.at), now)
        if said.queue_len == 0:
            yield from self._settle(agent, said.at)

    def _home_time(self, place: str, at: int, now: int) -> Iterator[AnyOutcome]:
        """Let a home's clock reach `at`: what waited for its time, then time itself."""
        for until, blind in homes.stages(self._clocks.get(place, HomeClock()), at):
            self._clocks[place], come = homes.move(self._clocks.get(place, HomeClock()), until)
            yield from self._ordered(come, now)
            if blind or self._blind(place):
                for key in self._at_home.get(place, ()):
                    self._states[key] = self._rule[key[0]].lose_sight(self._states[key], until)
        for key in self._at_home.get(place, ()):
            self._states[key], hazards = self._rule[key[0]].pass_time(self._states[key], at)
            yield from self._respond(hazards, now)

    def _blind(self, household: str) -> bool:
        """Say whether a sensor of a home is silent, so that a quiet home may only look quiet."""
        for name in self._watching.get(household, ()):
            device, heard = self._known.device(name), self._heard.get(name)
            if device and device.heartbeat_s is not None and heard and heard.raised is not None:
                return True
        return False

    def _devices_silent(
        self, agent: Device, said: Status, now: int, *, back: bool
    ) -> Iterator[AnyOutcome]:
        """Judge the devices behind an agent by its word; one that is back has heard none yet."""
        for device in self._known.devices_of_agent.get(agent.id, ()):
            if device.heartbeat_s is None:
                continue
            heard = self._heard.get(device.id, Heard(said.at))
            if back and heard.raised is None:
                heard = Heard(max(heard.at, said.at))
            told_at = min(heard_behind(said, device.id) or 0, said.at)
            heard, over = self._silence.hear(heard, told_at)
            household = self._known.home_of(device)
            heard, raised = self._silence.pass_time(heard, device, household, said.at)
            self._heard[device.id] = heard
            yield from self._respond((*over, *raised), now)

    def _agents_silent(self, now: int) -> Iterator[AnyOutcome]:
        waiting = [now + _HOUR_MS]
        for agent_id, heard in [*self._heard.items()]:
            agent = self._known.device(agent_id)
            if agent is None or agent.id != agent.agent:
                continue
            heard, raised = self._silence.pass_time(  # noqa: PLW2901  # the newer knowledge of it
                heard, agent, self._known.home_of(agent), now
            )
            self._heard[agent_id] = heard
            yield from self._respond(raised, now)
            due = self._silence.due_at(heard, agent)
            waiting += [due] if due is not None else []
        self._next_silent_at = min(waiting)

    def _settle(self, agent: Device, at: int) -> Iterator[AnyOutcome]:
        behind = self._known.devices_of_agent.get(agent.id, ())
        for device in (agent.id, *(found.id for found in behind)):
            if device in self._delivered:
                self._delivered[device], losses = delivery.settle(
                    self._delivered[device], device, at
                )
                yield from losses

    def _register(self, record: Record, now: int) -> None:
        self._known = Registered({**self._known.records, key_of(record): record})
        if isinstance(record, Device) and record.id == record.agent:
            # From now on it is expected; one that never speaks is silent, too.
            self._heard.setdefault(record.id, Heard(now))
            self._next_silent_at = 0

    def _entered(
        self, pack: Pack, index: int, said: messages.Registered, now: int
    ) -> Iterator[AnyOutcome]:
        """Show a registry record to the rules that want to know of it."""
        home = said.record.household if isinstance(said.record, Resident) else ""
        seen = Seen(
            id=observation_id(pack.device, pack.boot, pack.seq, index),
            device=pack.device,
            at=now,
            received_at=now,
            observation=said,
            subject=said.record.id,
            household=home,
            place=home,
            tz_offset_min=self._known.tz_offset_min,
        )
        for rule in self._rules:
            if not rule.ordered:
                yield from self._show(rule, seen, now, in_order=False)

    def _answered(
        self, arrival: Arrival, index: int, said: Feedback, now: int
    ) -> Iterator[AnyOutcome]:
        try:
            following = [*self._desk.take_feedback(said, self._known, now)]
        except UnknownIncidentError as error:
            yield _rejected(Reason.UNKNOWN_INCIDENT, str(error), arrival, now)
            return
        except FeedbackRefusedError as error:
            yield _rejected(Reason.NOT_ALLOWED, str(error), arrival, now)
            return
        yield _kept(arrival.pack, index, now, subject=said.incident)
        yield from following

    def _respond(self, findings: Iterable[Finding], now: int) -> Iterator[AnyOutcome]:
        for finding in findings:
            yield finding
            if isinstance(finding, Hazard):
                yield from self._desk.take_hazard(finding, self._known, now)


def _observe(rule: Rule[Any], state: object, seen: Seen) -> tuple[object, Sequence[Finding]]:
    return rule.observe(state, seen)


def _kept(pack: Pack, index: int, now: int, *, subject: str, household: str = "") -> Kept:
    return Kept(
        id=observation_id(pack.device, pack.boot, pack.seq, index),
        device=pack.device,
        at=pack.obs[index].at,
        received_at=now,
        subject=subject,
        household=household,
        observation=pack.obs[index],
    )


def _rejected(reason: Reason, detail: str, arrival: Arrival, now: int) -> Rejected:
    return Rejected(
        reason=reason,
        detail=detail,
        topic=topics.path(arrival.topic),
        device=arrival.pack.device,
        received_at=now,
    )
