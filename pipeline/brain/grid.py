"""The brain of one grid: entries in, outcomes out, in an order that only the input decides.

Plain Python. The flow runs it, a for-loop runs it, and both conclude the same, however the entries
were batched and wherever they were cut.

    pack -> new? -> known device? -> who and where -+-> rules that act at once ------+-> desk
                                                    +-> home clock -> ordered rules -+
    heartbeat -> its homes' clocks, its devices' silence
    tick      -> silence of agents, homes that go on without them, deadlines of people, reminders
                 and test alarms, due visits
    feedback  -> desk, and what its rule learns from it; or a test alarm that it answers
    receipt   -> desk
    delivery  -> desk
    visit     -> when the next is due
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import UNSET, Struct

from pipeline.brain.entries import Entry, Tick
from pipeline.brain.identify.base import Finding, Rule
from pipeline.brain.identify.silence import Silence
from pipeline.brain.identifying import Identify, IdentifyState
from pipeline.brain.learn.lesson import adjusted, lesson_of
from pipeline.brain.liveness import Liveness, LivenessState
from pipeline.brain.perceive import consent, delivery
from pipeline.brain.perceive.delivery import Delivered
from pipeline.brain.perceive.registered import Key, Registered, stands_in
from pipeline.brain.perceive.seen import Seen
from pipeline.brain.respond.answers import FeedbackRefusedError, UnknownIncidentError
from pipeline.brain.respond.calendar import Calendar, CalendarState, DrillRefusedError
from pipeline.brain.respond.desk import Desk, DeskState
from pipeline.brain.respond.intake import Late
from pipeline.brain.respond.orders import ReceiptRefusedError
from pipeline.brain.respond.policy import Policy
from pipeline.brain.respond.visits import Visits, VisitsState
from weinao import messages, topics
from weinao.codec import Arrival
from weinao.ids import observation_id
from weinao.messages import (
    AnyObservation,
    Delivery,
    Feedback,
    Home,
    Pack,
    Receipt,
    Status,
    Visit,
)
from weinao.outcomes import (
    AnyOutcome,
    Hazard,
    Kept,
    Outcome,
    Phase,
    Reason,
    Rejected,
    Risk,
)
from weinao.registry import Device, Household, Record, Resident
from weinao.topics import Way

SNAPSHOT_VERSION = 9
"""Raise it with the shape of any state; then the journal is replayed instead of resumed."""


class Snapshot(Struct, frozen=True):
    """All that a grid's brain remembers.

    Attributes:
        identify: What rules remember, and what waits for them.
        liveness: Who was heard when.
        desk: The incidents.
        calendar: Reminders and test alarms.
        visits: Who was visited, and who should be.
    """

    version: int
    grid: str
    delivered: dict[str, Delivered]
    records: dict[Key, Record]
    identify: IdentifyState
    liveness: LivenessState
    desk: DeskState
    calendar: CalendarState = CalendarState()
    visits: VisitsState = VisitsState()


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
        self._grid = grid
        self._delivered = dict(resume.delivered) if resume else {}
        self._known = Registered(dict(resume.records) if resume else {})
        self._identify = Identify(rules, resume.identify if resume else IdentifyState())
        self._liveness = Liveness(
            grid, silence or Silence(), resume.liveness if resume else LivenessState()
        )
        self._desk = Desk(grid, policy or Policy(), resume.desk if resume else DeskState())
        self._calendar = Calendar(
            policy or Policy(), resume.calendar if resume else CalendarState()
        )
        self._visits = Visits(
            (policy or Policy()).visits, resume.visits if resume else VisitsState()
        )

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
            identify=self._identify.snapshot(),
            liveness=self._liveness.snapshot(),
            desk=self._desk.snapshot(),
            calendar=self._calendar.snapshot(),
            visits=self._visits.snapshot(),
        )

    def _take(self, entry: Entry) -> Iterator[AnyOutcome]:
        if isinstance(entry.item, Rejected):
            yield entry.item
        elif isinstance(entry.item, Tick):
            yield from self._tick(entry.received_at)
        else:
            yield from self._arrive(entry.item, entry.received_at)

    def _tick(self, now: int) -> Iterator[AnyOutcome]:
        yield from self._respond(self._liveness.tick(self._known, now), now)
        for findings in self._identify.tick(now):
            yield from self._respond(findings, now)
        for place in self._identify.unpromised(now):
            if self._gives_no_word(place):
                going_on = [*self._identify.go_on(place, now, self._blind)]
                yield from self._respond(going_on, now, self._behind_ms(place, now))
        yield from self._desk.pass_time(self._known, now)
        yield from self._calendar.pass_time(self._known, now)
        yield from self._visits.pass_time(self._known, now)

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
            if isinstance(said, Receipt):
                yield from self._receipted(arrival, index, seen, said)
                continue
            yield _kept(pack, index, now, subject=seen.subject, household=seen.household)
            if isinstance(said, Status):
                yield from self._heartbeat(device, pack.boot, said, now)
            elif isinstance(said, Delivery):
                yield from self._desk.take_delivery(said, self._known, now)
            elif isinstance(said, Visit):
                yield from self._visits.made(said, self._known, now)
            else:
                yield from self._judge(seen, now)

    def _receipted(
        self, arrival: Arrival, index: int, seen: Seen, said: Receipt
    ) -> Iterator[AnyOutcome]:
        pack, now = arrival.pack, seen.received_at
        try:
            following = [*self._desk.take_receipt(said, pack.device, self._known, now)]
        except ReceiptRefusedError as error:
            yield _rejected(Reason.NOT_ALLOWED, str(error), arrival, now)
            return
        yield _kept(pack, index, now, subject=seen.subject, household=seen.household)
        yield from following

    def _perceive(
        self, device: Device, pack: Pack, index: int, said: AnyObservation, now: int
    ) -> Seen:
        household = said.household if isinstance(said, Visit) else self._known.home_of(device)
        home = self._known.household(household)
        return Seen(
            id=observation_id(pack.device, pack.boot, pack.seq, index),
            device=device.id,
            at=said.at,
            received_at=now,
            observation=said,
            subject=_subject(said) or device.wearer or household or device.id,
            household=household,
            place=self._place(device, home),
            room=(said.room if isinstance(said, Home) else "") or device.room,
            device_place=device.place,
            resident=self._known.resident(device.wearer),
            alone=len(self._known.residents_of.get(household, ())) == 1,
            tz_offset_min=self._known.tz_offset_min,
        )

    def _place(self, device: Device, home: Household | None) -> str:
        """Return by whose word the time goes for what a device says; empty for nobody's."""
        if not stands_in(device, self._grid):
            return ""  # its agent gives its word only where it stands
        # A home that names another agent would wait for ever for that one's word.
        return home.id if home and home.agent == device.agent else device.agent

    def _judge(self, seen: Seen, now: int) -> Iterator[AnyOutcome]:
        behind_ms = self._behind_ms(seen.place, now)
        for findings in self._identify.at_once(seen):
            yield from self._respond(findings, now, behind_ms)
        self._liveness.watch(seen)
        self._calendar.observe(seen)
        yield from self._respond(self._identify.in_turn(seen), now, behind_ms)

    def _heartbeat(self, agent: Device, boot: str, said: Status, now: int) -> Iterator[AnyOutcome]:
        beat = self._liveness.beat(agent, boot, said, self._known, now)
        yield from self._respond(beat.hazards, now)
        for place in (*self._known.households_of_agent.get(agent.id, ()), agent.id):
            behind_ms = self._behind_ms(place, now)
            if beat.restarted:
                self._identify.lose_sight(place, said.at)
            # Nobody's word reaches further than the present of whoever gave it.
            upto = min(said.complete_to, said.at)
            findings = self._identify.reach(place, upto, now, self._blind)
            yield from self._respond(findings, now, behind_ms)
        if said.queue_len == 0:
            yield from self._settle(agent, said.at)

    def _gives_no_word(self, place: str) -> bool:
        """Say whether who should tell the time of a place is silent, or was never awaited."""
        home = self._known.household(place)
        agent = self._known.device(home.agent if home is not None else place)
        return agent is None or agent.heartbeat_s is None or self._liveness.silent(agent.id)

    def _behind_ms(self, place: str, now: int) -> int:
        """Return how old, at most, news of a place is because they came late."""
        home = self._known.household(place)
        told = self._liveness.behind_ms(home.agent if home is not None else place, now)
        return self._identify.behind_ms(place, now) if told is None else told

    def _blind(self, place: str) -> bool:
        return self._liveness.blind(place, self._known)

    def _settle(self, agent: Device, at: int) -> Iterator[AnyOutcome]:
        behind = self._known.devices_of_agent.get(agent.id, ())
        for device in (agent.id, *(found.id for found in behind)):
            if device in self._delivered:
                self._delivered[device], losses = delivery.settle(
                    self._delivered[device], device, at
                )
                yield from losses

    def _register(self, record: Record, now: int) -> None:
        self._known = self._known.with_record(record)
        self._liveness.expect(record, now)
        self._visits.entered()

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
        for findings in self._identify.at_once(seen):
            yield from self._respond(findings, now)

    def _answered(
        self, arrival: Arrival, index: int, said: Feedback, now: int
    ) -> Iterator[AnyOutcome]:
        if self._calendar.knows(said.incident):
            yield self._drilled(arrival, index, said, now)
            return
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
        yield from self._learn(said, now)

    def _drilled(self, arrival: Arrival, index: int, said: Feedback, now: int) -> AnyOutcome:
        try:
            household = self._calendar.take_answer(said)
        except DrillRefusedError as error:
            return _rejected(Reason.NOT_ALLOWED, str(error), arrival, now)
        return _kept(arrival.pack, index, now, subject=said.incident, household=household)

    def _learn(self, said: Feedback, now: int) -> Iterator[AnyOutcome]:
        """Let the rules that raised an incident learn from what somebody said of it."""
        incident = self._desk.incident(said.incident, now)
        lesson = lesson_of(said, incident) if incident else None
        if incident is None or lesson is None:
            return
        for rule, changes in self._identify.learn(lesson, (incident.subject, incident.household)):
            yield from adjusted(changes, rule, incident, said, now)

    def _respond(
        self, findings: Iterable[Finding], now: int, behind_ms: int = 0
    ) -> Iterator[AnyOutcome]:
        """Hand findings to the desk; what is over by now is known to be when it is raised."""
        found = [*findings]
        over = {one.id for one in found if isinstance(one, Hazard) and one.phase in _ENDED}
        for finding in found:
            yield finding
            if isinstance(finding, Hazard):
                late = Late(behind_ms=behind_ms, over=finding.id in over)
                yield from self._desk.take_hazard(finding, self._known, now, late)
            elif isinstance(finding, Risk):
                yield from self._visits.stands(finding, self._known, now)


_ENDED = (Phase.CLEARED, Phase.WITHDRAWN)


def _subject(said: AnyObservation) -> str:
    """Return what an observation says itself that it is about; empty where its device decides."""
    return said.incident or said.recipient if isinstance(said, Delivery) else ""


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
