"""The desk: every hazard finds its incident, every incident somebody to answer for it.

hazard raised  -> a new incident, dispatched; or one more cause of the one that is open
hazard over    -> noted; nobody is called off, but what heals by itself is closed
feedback       -> the life cycle, and the next person to ask
receipt        -> the order it answers
delivery       -> the next person, where nothing reached who was asked
deadline       -> the next of the ladder, and around again: no incident is ever just waiting
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.perceive.registered import Registered
from pipeline.brain.respond import causes, kin, orders
from pipeline.brain.respond.asking import Asking
from pipeline.brain.respond.ladder import may_answer, plan_of
from pipeline.brain.respond.lifecycle import BRAIN, OVER, ActionNotAllowedError, take
from pipeline.brain.respond.notices import Notices, dispatched_by
from pipeline.brain.respond.policy import Policy
from weinao.ids import REPORTER
from weinao.messages import Action, Delivery, Feedback, Receipt
from weinao.outcomes import (
    UNREACHED,
    AnyOutcome,
    Hazard,
    Incident,
    IncidentState,
    OrderState,
    Phase,
    Severity,
)

_DAY_MS = 86_400_000
_SWEEP_MS = 3_600_000
_NOT_FOR_PEOPLE = (Action.OPEN, Action.DISPATCH, Action.MERGE, Action.CLOSE)


class FeedbackRefusedError(Exception):
    """An answer that cannot be taken; the message says why. Set it aside."""


class UnknownIncidentError(FeedbackRefusedError):
    """No such incident is, or was lately, in this grid."""


class Late(Struct, frozen=True, kw_only=True):
    """How late word of a hazard comes.

    Attributes:
        behind_ms: How long nothing had been heard of its home when this came.
        over: The same record says, too, that it is over.
    """

    behind_ms: int = 0
    over: bool = False


IN_TIME = Late()
"""Nothing is late about it."""


class DeskState(Struct, frozen=True):
    """All incidents of a grid that are open or can be reopened.

    Attributes:
        active: For each kind and subject, the incident that takes in further hazards.
        of_hazard: For each hazard, its incident.
        told: For each person, when the newest notices were that count against the budget, and
            when the last was that said that there are more.
    """

    incidents: dict[str, Incident] = {}
    active: dict[tuple[str, str], str] = {}
    of_hazard: dict[str, str] = {}
    told: dict[str, tuple[int, ...]] = {}


class Desk:
    """The incidents of one grid.

    Args:
        grid: Its id, which stands in every incident.
        policy: Who is asked, and how long we wait.
        resume: What an earlier desk remembered.
    """

    def __init__(self, grid: str, policy: Policy, resume: DeskState) -> None:
        self._grid, self._policy = grid, policy
        self._incidents = dict(resume.incidents)
        self._active = dict(resume.active)
        self._of_hazard = dict(resume.of_hazard)
        self._notices = Notices(policy.notices_per_h_max, resume.told)
        self._asking = Asking(policy, self._notices)
        self._next_due = 0

    def snapshot(self) -> DeskState:
        """Return all that is remembered; what comes later does not change it."""
        return DeskState(
            dict(self._incidents),
            dict(self._active),
            dict(self._of_hazard),
            self._notices.snapshot(),
        )

    def incident(self, incident: str) -> Incident | None:
        """Return an incident as it stands, if it is remembered."""
        return self._incidents.get(incident)

    def take_hazard(
        self, hazard: Hazard, known: Registered, now: int, late: Late = IN_TIME
    ) -> Iterable[AnyOutcome]:
        """Open an incident for a hazard, or let the one that is open take it in.

        Args:
            hazard: In any of its phases.
            known: The registry.
            now: The community's clock.
            late: How late word of it comes.
        """
        incident = self._find(self._of_hazard.get(hazard.id), now)
        active = self._find(self._active.get((hazard.kind, hazard.subject)), now)
        if incident is not None and incident.state in OVER and active is not None:
            incident = active
        if incident is None and hazard.phase is Phase.RAISED:
            incident = active or self._kin(hazard, known, now)
            if incident is None:
                return self._open(hazard, known, now, late)
        if incident is None or incident.state is IncidentState.MERGED:
            return ()
        if hazard.phase in (Phase.RAISED, Phase.CONFIRMED):
            if causes.is_storm(incident, hazard) and hazard.severity is Severity.CRITICAL:
                return self._leave(incident, hazard, known, now, late)
            return self._join(incident, hazard, known, now, late)
        return self._over(incident, hazard, known, now)

    def take_feedback(self, said: Feedback, known: Registered, now: int) -> Iterable[AnyOutcome]:
        """Move an incident as a person asks.

        Raises:
            UnknownIncidentError: No such incident.
            FeedbackRefusedError: Not theirs to answer, or not possible from where it stands.
        """
        incident = self._find(said.incident, now)
        if incident is None:
            raise UnknownIncidentError(f"no incident {said.incident} in grid {self._grid}")
        if not may_answer(known, incident, said.actor, now):
            raise FeedbackRefusedError(
                f"{said.actor} is neither a contact of {incident.subject}, nor staff of"
                f" {self._grid}, nor who reported it"
            )
        if said.action in _NOT_FOR_PEOPLE:
            raise FeedbackRefusedError(f"{said.action} is not for people to send")
        self._check(said, incident, known, now)
        try:
            moved = take(incident, said.action, said.actor, now, said.note)
        except ActionNotAllowedError as error:
            raise FeedbackRefusedError(str(error)) from error
        return self._after(moved, said, known, now)

    def take_receipt(self, said: Receipt, known: Registered, now: int) -> Iterable[AnyOutcome]:
        """Note what a device answered to an order; tell who is asked if it did not do it."""
        for incident in self._incidents.values():
            if self._find(incident.id, now) is None:
                continue  # swept away already, or about to be: when, must not matter
            told, answered = orders.answered(incident, said, now)
            if answered is not None:
                failed = [answered] if answered.state is OrderState.REFUSED else []
                return (self._keep(told, now), *self._asking.tell_failed(told, failed, known, now))
        return ()

    def take_delivery(self, said: Delivery, known: Registered, now: int) -> Iterable[AnyOutcome]:
        """Ask the next person at once, where no channel reached who is asked to act.

        Everybody is tried once in this way. Then deadlines decide again: where nothing reaches
        anybody, the ladder must not turn as fast as providers refuse.
        """
        incident = self._find(said.incident, now)
        if said.ok or incident is None or incident.state is not IncidentState.DISPATCHED:
            return ()
        asked_by = dispatched_by(incident, incident.assignee)
        if said.notice != asked_by or not self._asking.has_next(incident, known, now):
            return ()
        unreached = f"{UNREACHED} {incident.assignee}"
        declined = take(incident, Action.DECLINE, BRAIN, now, unreached)
        return self._dispatch(declined, known, now)

    def pass_time(self, known: Registered, now: int) -> Iterable[AnyOutcome]:
        """The community's clock has reached `now`: act where nobody has."""
        if now < self._next_due:
            return
        for incident in [*self._incidents.values()]:
            if incident.state in OVER:
                if self._find(incident.id, now) is None:
                    self._forget(incident)
                continue
            order_due = orders.due_at(incident)
            if order_due is not None and order_due <= now:
                yield from self._chase(incident, known, now)
            chased = self._incidents[incident.id]
            if chased.due_at is not None and chased.due_at <= now:
                yield from self._overdue(chased, known, now)
        waiting = [due for one in self._incidents.values() for due in _dues(one)]
        self._next_due = min(waiting, default=now + _SWEEP_MS)

    def _check(self, said: Feedback, incident: Incident, known: Registered, now: int) -> None:
        """Refuse what the table of the life cycle cannot know to be wrong."""
        if said.action is Action.DECLINE and said.actor != incident.assignee:
            raise FeedbackRefusedError(
                f"incident {incident.id} is {incident.assignee}'s to decline, not {said.actor}'s"
            )
        if said.action is not Action.RATE and said.actor.startswith(f"{REPORTER}-"):
            raise FeedbackRefusedError("who reported without a name can only rate the handling")
        if (said.action is Action.RATE) != (said.rating is not None):
            raise FeedbackRefusedError("a rating from 1 to 5 goes with rate, and with nothing else")
        other = self._active.get((incident.kind, incident.subject), incident.id)
        if said.action is Action.REOPEN and other != incident.id:
            raise FeedbackRefusedError(
                f"incident {other} of {incident.subject} is open already: comment on that one"
            )
        heals = plan_of(self._policy, known, incident, now).heals
        if said.action is Action.VERIFY and heals and incident.standing:
            raise FeedbackRefusedError(
                f"incident {incident.id} goes on, say its sensors: mend it, or dismiss it"
            )

    def _is_old(self, hazard: Hazard, now: int, late: Late) -> bool:
        """Say whether news comes late because its home was cut off, and not because rules wait."""
        old_ms = self._policy.old_s_min * 1_000
        return now - hazard.at > old_ms and late.behind_ms > old_ms

    def _kin(self, hazard: Hazard, known: Registered, now: int) -> Incident | None:
        storm = self._find(self._active.get((hazard.kind, self._grid)), now)
        grave = hazard.severity is Severity.CRITICAL
        if storm is not None and self._policy.storm(hazard.kind) and not grave:
            return storm
        return kin.kin_of(hazard, self._incidents.values(), known, self._policy, now)

    def _open(
        self, hazard: Hazard, known: Registered, now: int, late: Late
    ) -> Iterable[AnyOutcome]:
        crowd = kin.crowd_of(hazard, self._incidents.values(), self._policy, now)
        if crowd:
            yield from self._gather(hazard, crowd, known, now)
            return
        old = self._is_old(hazard, now, late)
        incident = self._graded(causes.incident_of(hazard, self._grid, now, old=old), known, now)
        opened = take(incident, Action.OPEN, BRAIN, now)
        self._claim(opened, hazard)
        if (old or late.over) and opened.severity is not Severity.CRITICAL:
            # It is over, or may be, and its end still on the way.
            yield self._keep(replace(opened, due_at=now + self._policy.old_wait_s * 1_000), now)
            return
        yield from self._dispatch(opened, known, now)

    def _gather(
        self, hazard: Hazard, crowd: Sequence[Incident], known: Registered, now: int
    ) -> Iterable[AnyOutcome]:
        """Open one incident for a storm, and let it take in those that are it already."""
        storm = take(causes.storm_of(hazard, crowd, self._grid, now), Action.OPEN, BRAIN, now)
        self._claim(storm, hazard)
        for one in crowd:
            merged = replace(take(one, Action.MERGE, BRAIN, now, storm.id), merged_into=storm.id)
            yield self._keep(merged, now)
            for name in one.hazards:
                self._of_hazard[name] = storm.id
        yield from self._dispatch(storm, known, now)

    def _leave(
        self, storm: Incident, hazard: Hazard, known: Registered, now: int, late: Late
    ) -> Iterable[AnyOutcome]:
        """Give danger to life an incident of its own, where a storm of lesser things has it."""
        active = self._find(self._active.get((hazard.kind, hazard.subject)), now)
        if hazard.id in storm.hazards:
            yield self._keep(causes.without(storm, hazard), now)
        active = self._find(self._active.get((hazard.kind, hazard.subject)), now)
        if active is not None and active.id != storm.id:
            yield from self._join(active, hazard, known, now, late)
            return
        old = self._is_old(hazard, now, late)
        own = take(causes.own_of(hazard, self._grid, now, old=old), Action.OPEN, BRAIN, now)
        self._claim(own, hazard)
        yield from self._dispatch(own, known, now)

    def _dispatch(self, incident: Incident, known: Registered, now: int) -> Iterable[AnyOutcome]:
        moved, said = self._asking.to_act(incident, known, now)
        return (self._keep(moved, now), *said)

    def _claim(self, incident: Incident, hazard: Hazard) -> None:
        """Let an incident take in what is to come of a hazard's kind and subject."""
        self._active[incident.kind, incident.subject] = incident.id
        self._of_hazard[hazard.id] = incident.id

    def _join(
        self, incident: Incident, hazard: Hazard, known: Registered, now: int, late: Late
    ) -> Iterable[AnyOutcome]:
        joined = causes.joined(incident, hazard)
        if joined.kind is not incident.kind:
            joined = self._graded(joined, known, now)
        self._of_hazard[hazard.id] = incident.id
        self._active.setdefault((hazard.kind, hazard.subject), incident.id)
        grave = joined.severity is Severity.CRITICAL
        if joined.state in (IncidentState.RESOLVED, *OVER) and (grave or not late.over):
            # Somebody thought that it was over, and it is not.
            return self._again(joined, hazard, known, now)
        fresh = not self._is_old(hazard, now, late)
        if joined.state is IncidentState.OPEN and (fresh if incident.old else joined != incident):
            # It waited for the rest of its history, or for the morning; this may not.
            return self._dispatch(replace(joined, old=False), known, now)
        if joined.state is IncidentState.OPEN and grave and joined != incident:
            return self._dispatch(joined, known, now)
        if joined == incident:
            return ()
        plan = plan_of(self._policy, known, joined, now)
        back = incident.hazard_over and not joined.hazard_over
        joined, commands = orders.give(joined, plan.orders, known, self._policy, now, again=back)
        if joined.severity > incident.severity and joined.state is IncidentState.DISPATCHED:
            # Who was asked had the time that a lesser thing has.
            soon = now + self._asking.accept_s(plan, joined) * 1_000
            joined = replace(joined, due_at=min(joined.due_at or soon, soon))
        step = causes.news_of(incident, joined, hazard)
        notices = self._asking.tell(joined, step, hazard, known, now) if step else ()
        return (self._keep(joined, now), *notices, *commands)

    def _graded(self, incident: Incident, known: Registered, now: int) -> Incident:
        """Return an incident at least as grave as policy wants it, for its people and hour."""
        plan = plan_of(self._policy, known, incident, now)
        return replace(incident, severity=max(incident.severity, plan.severity_min))

    def _again(
        self, incident: Incident, hazard: Hazard, known: Registered, now: int
    ) -> Iterable[AnyOutcome]:
        """Open an incident again that its hazard has outlived."""
        self._active[incident.kind, incident.subject] = incident.id
        opened = take(incident, Action.REOPEN, BRAIN, now, hazard.reason)
        return self._dispatch(opened, known, now)

    def _over(
        self, incident: Incident, hazard: Hazard, known: Registered, now: int
    ) -> Iterable[AnyOutcome]:
        if hazard.id not in incident.standing:
            return ()
        withdrawn = hazard.phase is Phase.WITHDRAWN
        standing = tuple(one for one in incident.standing if one != hazard.id)
        over = replace(
            incident,
            standing=standing,
            withdrawn=incident.withdrawn + withdrawn,
            hazard_over=not standing,
            evidence=causes.more(incident.evidence, hazard.evidence),
        )
        if incident.state in OVER:
            return (self._keep(over, now),)  # whoever opens it again will ask
        untouched = incident.state in (IncidentState.OPEN, IncidentState.DISPATCHED)
        never_so = over.withdrawn >= len(over.hazards)
        if over.hazard_over and never_so and untouched:
            over = take(over, Action.DISMISS, BRAIN, now, hazard.reason)
        elif untouched or over.state is IncidentState.RESOLVED:
            over = self._healed(over, hazard.reason, known, now)
        return (self._keep(over, now),)

    def _healed(self, incident: Incident, reason: str, known: Registered, now: int) -> Incident:
        """Close what heals by itself, once the sensors say that it is over.

        What is over before anybody was told of it needs nobody, either, danger to life apart.
        """
        untold = not incident.told and incident.severity is not Severity.CRITICAL
        heals = plan_of(self._policy, known, incident, now).heals
        if not incident.hazard_over or not (heals or untold):
            return incident
        if incident.state is not IncidentState.RESOLVED:
            incident = take(incident, Action.RESOLVE, BRAIN, now, reason)
        incident = take(incident, Action.VERIFY, BRAIN, now, "seen by the sensors")
        return take(incident, Action.CLOSE, BRAIN, now)

    def _after(
        self, moved: Incident, said: Feedback, known: Registered, now: int
    ) -> Iterable[AnyOutcome]:
        """Return what follows from a person's action on an incident that it has moved."""
        action, actor = said.action, said.actor
        plan = plan_of(self._policy, known, moved, now)
        resolve_by = now + plan.resolve_s_max * 1_000
        if action in (Action.DECLINE, Action.REOPEN):
            # A look at it again after it was over makes it the one that takes in what follows.
            self._active[moved.kind, moved.subject] = moved.id
            return self._dispatch(moved, known, now)
        if action is Action.ACK and actor == moved.assignee and _acks(moved) == 1:
            moved = replace(moved, due_at=max(moved.due_at or 0, now + plan.accept_s_max * 1_000))
        elif action in (Action.ACCEPT, Action.ARRIVE):
            told = tuple(dict.fromkeys((*moved.told, actor)))
            moved = replace(moved, assignee=actor, told=told, due_at=resolve_by)
        elif action is Action.RESOLVE:
            return self._ask_to_verify(moved, known, now)
        elif action is Action.VERIFY:
            closed = self._keep(take(moved, Action.CLOSE, BRAIN, now), now)
            return (closed, *self._asking.to_rate(closed, known, now))
        elif action is Action.RATE:
            moved = replace(moved, rating=said.rating)
        return (self._keep(moved, now),)

    def _ask_to_verify(
        self, resolved: Incident, known: Registered, now: int
    ) -> Iterable[AnyOutcome]:
        moved, said = self._asking.to_verify(resolved, known, now)
        return (self._keep(moved, now), *said)

    def _overdue(self, incident: Incident, known: Registered, now: int) -> Iterable[AnyOutcome]:
        healed = self._healed(incident, "policy.healed", known, now)
        if healed.state in OVER:
            return (self._keep(healed, now),)
        if incident.state is IncidentState.RESOLVED:
            return self._ask_to_verify(incident, known, now)
        if incident.state is IncidentState.VERIFIED:
            return (self._keep(take(incident, Action.CLOSE, BRAIN, now), now),)
        if incident.state is not IncidentState.OPEN:
            late = f"{incident.assignee} has not answered"
            incident = take(incident, Action.DECLINE, BRAIN, now, late)
        return self._dispatch(incident, known, now)

    def _chase(self, incident: Incident, known: Registered, now: int) -> Iterable[AnyOutcome]:
        chased, commands, given_up = orders.chase(incident, known, self._policy, now)
        told = self._asking.tell_failed(chased, given_up, known, now)
        return (self._keep(chased, now), *commands, *told)

    def _keep(self, incident: Incident, now: int) -> Incident:
        if incident.state in OVER:
            incident = replace(incident, assignee="", due_at=None)
            self._active = {of: one for of, one in self._active.items() if one != incident.id}
        self._incidents[incident.id] = incident
        self._next_due = min([self._next_due, now + _SWEEP_MS, *_dues(incident)])
        return incident

    def _find(self, incident_id: str | None, now: int) -> Incident | None:
        """Return an incident unless it ended too long ago, whether or not it was swept away yet."""
        incident = self._incidents.get(incident_id or "")
        if incident is None or incident.state not in OVER:
            return incident
        ended_at = incident.steps[-1].at
        return incident if now - ended_at < self._policy.kept_days * _DAY_MS else None

    def _forget(self, incident: Incident) -> None:
        del self._incidents[incident.id]
        self._of_hazard = {h: of for h, of in self._of_hazard.items() if of != incident.id}


def _dues(incident: Incident) -> list[int]:
    """Return when something has to happen about an incident."""
    if incident.state in OVER:
        return []
    return [due for due in (incident.due_at, orders.due_at(incident)) if due is not None]


def _acks(incident: Incident) -> int:
    """Return how often the incident was acknowledged since it was dispatched last."""
    count = 0
    for step in reversed(incident.steps):
        if step.action is Action.DISPATCH:
            break
        count += step.action is Action.ACK
    return count
