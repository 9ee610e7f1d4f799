"""The desk: every hazard finds its incident, every incident somebody to answer for it.

hazard raised  -> a new incident, dispatched; or one more cause of the one that is open
hazard over    -> noted; nobody is called off, but what heals by itself is closed
feedback       -> the life cycle, and the next person to ask
receipt        -> the order it answers
deadline       -> the next of the ladder, and around again: no incident is ever just waiting
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.perceive.registered import Registered
from pipeline.brain.respond import kin, lifecycle, orders
from pipeline.brain.respond.ladder import (
    by_id,
    concerned,
    ladder,
    may_answer,
    plan_of,
    quiet_until,
    told_at_once,
    verifiers,
)
from pipeline.brain.respond.lifecycle import BRAIN, OVER, ActionNotAllowedError, take
from pipeline.brain.respond.notices import Notices, notice
from pipeline.brain.respond.policy import Plan, Policy
from weinao.ids import derived
from weinao.messages import Action, Feedback, Receipt
from weinao.outcomes import (
    AnyOutcome,
    Hazard,
    HazardKind,
    Incident,
    IncidentState,
    Order,
    OrderState,
    Phase,
    Severity,
    Task,
)

CAUSES_MAX = 256
"""Hazards and observations that one incident names; the journal holds the others."""

ACCEPT_S_MAX = 3_600
"""However often the ladder was gone through in vain, somebody is asked again after so long."""

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
        told: For each person, when the newest notices were that count against the budget.
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
        if not may_answer(known, incident, said.actor):
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
            told, answered = orders.answered(incident, said, now)
            if answered is not None:
                failed = [answered] if answered.state is OrderState.REFUSED else []
                return (self._keep(told, now), *self._failed(told, failed, known, now))
        return ()

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
        if storm is not None and self._policy.storm(hazard.kind) and storm.state not in OVER:
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
        incident = self._incident(hazard, derived("i", self._grid, hazard.id), now, old=old)
        plan = plan_of(self._policy, known, incident, now)
        incident = replace(incident, severity=max(incident.severity, plan.severity_min))
        opened = take(incident, Action.OPEN, BRAIN, now)
        self._claim(opened, hazard)
        if (old or late.over) and opened.severity is not Severity.CRITICAL:
            # It is over, or may be, and its end still on the way.
            yield self._keep(replace(opened, due_at=now + self._policy.old_wait_s * 1_000), now)
            return
        yield from self._dispatch(opened, known, now)

    def _incident(self, hazard: Hazard, name: str, now: int, *, old: bool) -> Incident:
        return Incident(
            id=name,
            grid=self._grid,
            kind=hazard.kind,
            severity=hazard.severity,
            state=IncidentState.DETECTED,
            subject=hazard.subject,
            household=hazard.household,
            at=hazard.at,
            noticed_at=now,
            confidence=hazard.confidence,
            hazards=(hazard.id,),
            evidence=hazard.evidence,
            reason=hazard.reason,
            facts=hazard.facts,
            standing=(hazard.id,),
            old=old,
            reporter=_reporter(hazard),
        )

    def _gather(
        self, hazard: Hazard, crowd: Sequence[Incident], known: Registered, now: int
    ) -> Iterable[AnyOutcome]:
        """Open one incident for a storm, and let it take in those that are it already."""
        storm = self._incident(hazard, derived("i", self._grid, "storm", hazard.id), now, old=False)
        storm = replace(
            storm,
            severity=max([hazard.severity, *(one.severity for one in crowd)]),
            subject=self._grid,
            household="",
            at=min([hazard.at, *(one.at for one in crowd)]),
            hazards=_more((), (*(h for one in crowd for h in one.hazards), hazard.id)),
            standing=_more((), (*(h for one in crowd for h in one.standing), hazard.id)),
            evidence=_more((), (*(e for one in crowd for e in one.evidence), *hazard.evidence)),
            reason=f"storm.{hazard.kind}",
            facts={"count": len(crowd) + 1},
        )
        opened = take(storm, Action.OPEN, BRAIN, now)
        self._claim(opened, hazard)
        for one in crowd:
            merged = replace(take(one, Action.MERGE, BRAIN, now, storm.id), merged_into=storm.id)
            yield self._keep(merged, now)
            for name in one.hazards:
                self._of_hazard[name] = storm.id
        yield from self._dispatch(opened, known, now)

    def _claim(self, incident: Incident, hazard: Hazard) -> None:
        """Let an incident take in what is to come of a hazard's kind and subject."""
        self._active[incident.kind, incident.subject] = incident.id
        self._of_hazard[hazard.id] = incident.id

    def _dispatch(self, incident: Incident, known: Registered, now: int) -> Iterable[AnyOutcome]:
        """Ask the next of the ladder; where there is nobody at all, stay open and try again."""
        plan = plan_of(self._policy, known, incident, now)
        quiet = self._quiet(plan, incident, known, now)
        incident, commands = orders.give(incident, plan.orders, known, self._policy, now)
        people = ladder(plan, known, incident.subject, incident.household, now, wake=quiet is None)
        times_round = incident.round // max(len(people), 1)
        accept_s = min(plan.accept_s_max * 2 ** min(times_round, 10), ACCEPT_S_MAX)
        due_at = now + max(accept_s, plan.accept_s_max) * 1_000
        if not people:
            waits = replace(incident, assignee="", due_at=due_at if quiet is None else quiet)
            return (self._keep(waits, now), *commands)
        asked = people[incident.round % len(people)]
        count = told_at_once(incident.severity) if incident.round == 0 else 1
        told = [asked, *(who for who in people if who.id != asked.id)][:count]
        moved = take(incident, Action.DISPATCH, BRAIN, now, asked.id)
        moved = replace(
            moved,
            assignee=asked.id,
            told=tuple(dict.fromkeys((*moved.told, *(who.id for who in told)))),
            due_at=due_at,
            round=incident.round + 1,
        )
        task = _task(moved, Action.ACCEPT)
        notices = self._notices.write(moved, told, f"dispatch.{moved.round}", now)
        return (self._keep(moved, now), task, *notices, *commands)

    def _quiet(self, plan: Plan, incident: Incident, known: Registered, now: int) -> int | None:
        """Return until when an incident lets people sleep; None if it does not."""
        patient = plan.patient and incident.severity is not Severity.CRITICAL
        return quiet_until(self._policy, known, now) if patient else None

    def _join(
        self, incident: Incident, hazard: Hazard, known: Registered, now: int, late: Late
    ) -> Iterable[AnyOutcome]:
        joined = self._with(incident, hazard, known, now)
        self._of_hazard[hazard.id] = incident.id
        self._active.setdefault((hazard.kind, hazard.subject), incident.id)
        grave = joined.severity is Severity.CRITICAL
        if joined.state in (IncidentState.RESOLVED, *OVER) and (grave or not late.over):
            # Somebody thought that it was over, and it is not.
            return self._again(joined, hazard, known, now)
        fresh = not self._is_old(hazard, now, late)
        if joined.state is IncidentState.OPEN and incident.old and fresh:
            return self._dispatch(replace(joined, old=False), known, now)
        if joined == incident:
            return ()
        plan = plan_of(self._policy, known, joined, now)
        joined, commands = orders.give(joined, plan.orders, known, self._policy, now)
        step = self._news(incident, joined, hazard)
        people = concerned(known, joined.subject, joined.household)
        told = by_id(people, joined.told) if step else []
        said = replace(joined, reason=hazard.reason, facts=hazard.facts)
        notices = self._notices.write(said, told, step, now)
        return (self._keep(joined, now), *notices, *commands)

    def _news(self, before: Incident, joined: Incident, hazard: Hazard) -> str:
        """Return the step of an incident that one more cause is; empty if it is no news."""
        if joined.severity > before.severity:
            return f"worse.{int(joined.severity)}"
        if hazard.phase is Phase.CONFIRMED and joined.confidence > before.confidence:
            return f"sure.{hazard.id}"
        known = hazard.id in before.hazards or self._is_storm(before, hazard)
        other = (hazard.kind, hazard.subject) != (before.kind, before.subject)
        return f"also.{hazard.id}" if other and not known else ""

    def _is_storm(self, incident: Incident, hazard: Hazard) -> bool:
        return incident.subject == self._grid and incident.reason == f"storm.{hazard.kind}"

    def _with(self, incident: Incident, hazard: Hazard, known: Registered, now: int) -> Incident:
        """Return an incident with one more cause; the gravest of them gives it its name."""
        # What a resident reports is no sensor that could say when it is over.
        stands = () if hazard.kind is HazardKind.REPORT else (hazard.id,)
        joined = replace(
            incident,
            hazards=_more(incident.hazards, (hazard.id,)),
            evidence=_more(incident.evidence, hazard.evidence),
            severity=max(incident.severity, hazard.severity),
            confidence=max(incident.confidence, hazard.confidence),
            standing=_more(incident.standing, stands),
            hazard_over=incident.hazard_over and not stands,
            reporter=incident.reporter or _reporter(hazard),
        )
        if self._is_storm(incident, hazard):
            return replace(joined, facts={"count": len(joined.hazards)})
        if incident.kind is HazardKind.REPORT and hazard.kind is not HazardKind.REPORT:
            joined = replace(joined, subject=hazard.subject, household=hazard.household)
        elif joined.severity <= incident.severity:
            return joined
        joined = replace(
            joined,
            kind=hazard.kind,
            reason=hazard.reason,
            facts={**joined.facts, **hazard.facts},
        )
        plan = plan_of(self._policy, known, joined, now)
        return replace(joined, severity=max(joined.severity, plan.severity_min))

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
        if incident.state in OVER or hazard.id not in incident.standing:
            return ()
        withdrawn = hazard.phase is Phase.WITHDRAWN
        standing = tuple(one for one in incident.standing if one != hazard.id)
        over = replace(
            incident,
            standing=standing,
            withdrawn=incident.withdrawn + withdrawn,
            hazard_over=not standing,
            evidence=_more(incident.evidence, hazard.evidence),
        )
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
            moved = replace(moved, assignee=actor, due_at=resolve_by)
        elif action is Action.RESOLVE:
            return self._ask_to_verify(moved, known, now)
        elif action is Action.VERIFY:
            closed = self._keep(take(moved, Action.CLOSE, BRAIN, now), now)
            return (closed, *self._ask_to_rate(closed, plan, known, now))
        elif action is Action.RATE:
            moved = replace(moved, rating=said.rating)
        return (self._keep(moved, now),)

    def _ask_to_verify(
        self, resolved: Incident, known: Registered, now: int
    ) -> Iterable[AnyOutcome]:
        plan = plan_of(self._policy, known, resolved, now)
        people = verifiers(plan, known, resolved, lifecycle.resolved_by(resolved))
        asked = people[resolved.round % len(people)] if people else None
        # The danger is over: whoever looks after that may sleep first.
        later = quiet_until(self._policy, known, now) or 0
        moved = replace(
            resolved,
            assignee=asked.id if asked else "",
            due_at=max(later, now) + plan.verify_s_max * 1_000,
            round=resolved.round + 1,
        )
        if asked is None:
            return (self._keep(moved, now),)
        notices = self._notices.write(moved, [asked], f"verify.{moved.round}", now, later=later)
        return (self._keep(moved, now), _task(moved, Action.VERIFY), *notices)

    def _ask_to_rate(
        self, closed: Incident, plan: Plan, known: Registered, now: int
    ) -> Iterable[AnyOutcome]:
        """Ask whoever the danger was closest to how well it was handled; never at night."""
        family = known.contacts_of(closed.subject, closed.household) if plan.family else ()
        people = (*known.as_contact(closed.reporter), *family)[:1]
        again = sum(step.action is Action.CLOSE for step in closed.steps) > 1
        if not plan.rate or again:
            return ()
        later = quiet_until(self._policy, known, now) or 0
        asked = replace(closed, reason="policy.rate", facts={})
        return [replace(notice(asked, who, "rate", now), not_before=later) for who in people]

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
        return (self._keep(chased, now), *commands, *self._failed(chased, given_up, known, now))

    def _failed(
        self, incident: Incident, failed: Sequence[Order], known: Registered, now: int
    ) -> Iterable[AnyOutcome]:
        """Tell who is asked what no device did."""
        people = concerned(known, incident.subject, incident.household)
        asked = by_id(people, (incident.assignee or incident.told[-1],) if incident.told else ())
        return [
            notice(
                replace(
                    incident,
                    reason="policy.order_failed",
                    facts={"do": one.do, "device": one.device},
                ),
                who,
                f"order.{one.command}",
                now,
            )
            for one in failed
            for who in asked
        ]

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


def _task(incident: Incident, want: Action) -> Task:
    assert incident.due_at is not None, "who is asked has until then"
    return Task(
        id=derived("t", incident.id, incident.round),
        incident=incident.id,
        assignee=incident.assignee,
        want=want,
        due_at=incident.due_at,
    )


def _dues(incident: Incident) -> list[int]:
    """Return when something has to happen about an incident."""
    if incident.state in OVER:
        return []
    return [due for due in (incident.due_at, orders.due_at(incident)) if due is not None]


def _reporter(hazard: Hazard) -> str:
    return str(hazard.facts.get("reporter", "")) if hazard.kind is HazardKind.REPORT else ""


def _more(known: tuple[str, ...], further: tuple[str, ...]) -> tuple[str, ...]:
    """Add what is new; of too many, keep the first and the newest."""
    all_of_them = tuple(dict.fromkeys((*known, *further)))
    if len(all_of_them) <= CAUSES_MAX:
        return all_of_them
    return (*all_of_them[: CAUSES_MAX // 2], *all_of_them[-CAUSES_MAX // 2 :])


def _acks(incident: Incident) -> int:
    """Return how often the incident was acknowledged since it was dispatched last."""
    count = 0
    for step in reversed(incident.steps):
        if step.action is Action.DISPATCH:
            break
        count += step.action is Action.ACK
    return count
