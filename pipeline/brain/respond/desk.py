"""The desk: every hazard finds its incident, every incident somebody to answer for it.

hazard raised  -> a new incident, dispatched; or one more cause of the one that is open
hazard over    -> noted; nobody is called off, but what heals by itself is closed
feedback       -> the life cycle, and the next person to ask
deadline       -> the next of the ladder, and around again: no incident is ever just waiting
"""

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.perceive.registered import Registered
from pipeline.brain.respond import lifecycle
from pipeline.brain.respond.lifecycle import BRAIN, OVER, ActionNotAllowedError, take
from pipeline.brain.respond.policy import (
    Person,
    Policy,
    concerned,
    ladder,
    may_answer,
    told_at_once,
)
from weinao.ids import derived
from weinao.messages import Action, Feedback
from weinao.outcomes import (
    AnyOutcome,
    Hazard,
    Incident,
    IncidentState,
    Notice,
    Phase,
    Task,
)

CAUSES_MAX = 256
"""Hazards and observations that one incident names; the journal holds the others."""

ACCEPT_S_MAX = 3_600
"""However often the ladder was gone through in vain, somebody is asked again after so long."""

_DAY_MS = 86_400_000
_SWEEP_MS = 3_600_000


class FeedbackRefusedError(Exception):
    """An answer that cannot be taken; the message says why. Set it aside."""


class UnknownIncidentError(FeedbackRefusedError):
    """No such incident is, or was lately, in this grid."""


class DeskState(Struct, frozen=True):
    """All incidents of a grid that are open or can be reopened.

    Attributes:
        active: For each kind and subject, the incident that takes in further hazards.
        of_hazard: For each hazard, its incident.
    """

    incidents: dict[str, Incident] = {}
    active: dict[tuple[str, str], str] = {}
    of_hazard: dict[str, str] = {}


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
        self._next_due = 0

    def snapshot(self) -> DeskState:
        """Return all that is remembered; what comes later does not change it."""
        return DeskState(dict(self._incidents), dict(self._active), dict(self._of_hazard))

    def take_hazard(self, hazard: Hazard, known: Registered, now: int) -> Iterable[AnyOutcome]:
        """Open an incident for a hazard, or let the one that is open take it in."""
        incident = self._find(self._of_hazard.get(hazard.id), now)
        active = self._find(self._active.get((hazard.kind, hazard.subject)), now)
        if incident is not None and incident.state in OVER and active is not None:
            incident = active
        if incident is None and hazard.phase is Phase.RAISED:
            if active is None:
                return self._open(hazard, known, now)
            incident = active
        if incident is None or incident.state is IncidentState.MERGED:
            return ()
        if hazard.phase in (Phase.RAISED, Phase.CONFIRMED):
            return self._join(incident, hazard, known, now)
        return self._over(incident, hazard, now)

    def take_feedback(self, said: Feedback, known: Registered, now: int) -> Iterable[AnyOutcome]:
        """Move an incident as a person asks.

        Raises:
            UnknownIncidentError: No such incident.
            FeedbackRefusedError: Not theirs to answer, or not possible from where it stands.
        """
        incident = self._find(said.incident, now)
        if incident is None:
            raise UnknownIncidentError(f"no incident {said.incident} in grid {self._grid}")
        if not may_answer(known, incident.subject, incident.household, said.actor):
            raise FeedbackRefusedError(
                f"{said.actor} is neither a contact of {incident.subject} nor staff of {self._grid}"
            )
        if said.action in (Action.OPEN, Action.DISPATCH, Action.MERGE, Action.CLOSE):
            raise FeedbackRefusedError(f"{said.action} is not for people to send")
        self._check(said, incident)
        try:
            moved = take(incident, said.action, said.actor, now, said.note)
        except ActionNotAllowedError as error:
            raise FeedbackRefusedError(str(error)) from error
        return self._after(moved, said.action, said.actor, known, now)

    def _check(self, said: Feedback, incident: Incident) -> None:
        """Refuse what the table of the life cycle cannot know to be wrong."""
        if said.action is Action.DECLINE and said.actor != incident.assignee:
            raise FeedbackRefusedError(
                f"incident {incident.id} is {incident.assignee}'s to decline, not {said.actor}'s"
            )
        other = self._active.get((incident.kind, incident.subject), incident.id)
        if said.action is Action.REOPEN and other != incident.id:
            raise FeedbackRefusedError(
                f"incident {other} of {incident.subject} is open already: comment on that one"
            )
        heals = self._policy.plans[incident.kind].heals
        if said.action is Action.VERIFY and heals and incident.standing:
            raise FeedbackRefusedError(
                f"incident {incident.id} goes on, say its sensors: mend it, or dismiss it"
            )

    def pass_time(self, known: Registered, now: int) -> Iterable[AnyOutcome]:
        """The community's clock has reached `now`: act where nobody has."""
        if now < self._next_due:
            return
        for incident in [*self._incidents.values()]:
            if incident.state in OVER:
                if self._find(incident.id, now) is None:
                    self._forget(incident)
            elif incident.due_at is not None and incident.due_at <= now:
                yield from self._overdue(incident, known, now)
        waiting = (found.due_at for found in self._incidents.values() if found.due_at is not None)
        self._next_due = min(waiting, default=now + _SWEEP_MS)

    def _open(self, hazard: Hazard, known: Registered, now: int) -> Iterable[AnyOutcome]:
        incident = Incident(
            id=derived("i", self._grid, hazard.id),
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
        )
        self._active[hazard.kind, hazard.subject] = incident.id
        self._of_hazard[hazard.id] = incident.id
        return self._dispatch(take(incident, Action.OPEN, BRAIN, now), known, now)

    def _dispatch(self, incident: Incident, known: Registered, now: int) -> Iterable[AnyOutcome]:
        """Ask the next of the ladder; where there is nobody at all, stay open and try again."""
        plan = self._policy.plans[incident.kind]
        people = ladder(plan, known, incident.subject, incident.household, now)
        times_round = incident.round // max(len(people), 1)
        accept_s = min(plan.accept_s_max * 2 ** min(times_round, 10), ACCEPT_S_MAX)
        due_at = now + max(accept_s, plan.accept_s_max) * 1_000
        if not people:
            return (self._keep(replace(incident, assignee="", due_at=due_at), now),)
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
        task = Task(
            id=derived("t", moved.id, moved.round),
            incident=moved.id,
            assignee=asked.id,
            want=Action.ACCEPT,
            due_at=due_at,
        )
        notices = [_notice(moved, who, f"dispatch.{moved.round}", now) for who in told]
        return (self._keep(moved, now), task, *notices)

    def _join(
        self, incident: Incident, hazard: Hazard, known: Registered, now: int
    ) -> Iterable[AnyOutcome]:
        self._of_hazard[hazard.id] = incident.id
        joined = replace(
            incident,
            hazards=_more(incident.hazards, (hazard.id,)),
            evidence=_more(incident.evidence, hazard.evidence),
            severity=max(incident.severity, hazard.severity),
            confidence=max(incident.confidence, hazard.confidence),
            standing=_more(incident.standing, (hazard.id,)),
            hazard_over=False,
        )
        if joined.severity > incident.severity:
            joined = replace(joined, reason=hazard.reason, facts={**joined.facts, **hazard.facts})
        if joined.state in (IncidentState.RESOLVED, *OVER):
            # Somebody thought that it was over, and it is not.
            return self._again(joined, hazard, known, now)
        if joined == incident:
            return ()
        people = {who.id: who for who in concerned(known, incident.subject, incident.household)}
        worse = joined.severity > incident.severity
        told = [people[who] for who in joined.told if who in people] if worse else []
        return (
            self._keep(joined, now),
            *(_notice(joined, who, f"worse.{joined.severity}", now) for who in told),
        )

    def _again(
        self, incident: Incident, hazard: Hazard, known: Registered, now: int
    ) -> Iterable[AnyOutcome]:
        """Open an incident again that its hazard has outlived."""
        self._active[incident.kind, incident.subject] = incident.id
        opened = take(incident, Action.REOPEN, BRAIN, now, hazard.reason)
        return self._dispatch(opened, known, now)

    def _over(self, incident: Incident, hazard: Hazard, now: int) -> Iterable[AnyOutcome]:
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
            over = self._healed(over, hazard.reason, now)
        return (self._keep(over, now),)

    def _healed(self, incident: Incident, reason: str, now: int) -> Incident:
        """Close what heals by itself, once the sensors say that it is over."""
        if not incident.hazard_over or not self._policy.plans[incident.kind].heals:
            return incident
        if incident.state is not IncidentState.RESOLVED:
            incident = take(incident, Action.RESOLVE, BRAIN, now, reason)
        incident = take(incident, Action.VERIFY, BRAIN, now, "seen by the sensors")
        return take(incident, Action.CLOSE, BRAIN, now)

    def _after(
        self, moved: Incident, action: Action, actor: str, known: Registered, now: int
    ) -> Iterable[AnyOutcome]:
        """Return what follows from a person's action on an incident that it has moved."""
        plan = self._policy.plans[moved.kind]
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
            moved = take(moved, Action.CLOSE, BRAIN, now)
        return (self._keep(moved, now),)

    def _ask_to_verify(
        self, resolved: Incident, known: Registered, now: int
    ) -> Iterable[AnyOutcome]:
        plan = self._policy.plans[resolved.kind]
        people = [
            who
            for who in concerned(known, resolved.subject, resolved.household)
            if who.id != lifecycle.resolved_by(resolved)
        ]
        due_at = now + plan.verify_s_max * 1_000
        asked = people[resolved.round % len(people)] if people else None
        moved = replace(
            resolved,
            assignee=asked.id if asked else "",
            due_at=due_at,
            round=resolved.round + 1,
        )
        if asked is None:
            return (self._keep(moved, now),)
        task = Task(
            id=derived("t", moved.id, moved.round),
            incident=moved.id,
            assignee=asked.id,
            want=Action.VERIFY,
            due_at=due_at,
        )
        return (self._keep(moved, now), task, _notice(moved, asked, f"verify.{moved.round}", now))

    def _overdue(self, incident: Incident, known: Registered, now: int) -> Iterable[AnyOutcome]:
        healed = self._healed(incident, "policy.healed", now)
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

    def _keep(self, incident: Incident, now: int) -> Incident:
        if incident.state in OVER:
            incident = replace(incident, assignee="", due_at=None)
            if self._active.get((incident.kind, incident.subject)) == incident.id:
                del self._active[incident.kind, incident.subject]
        self._incidents[incident.id] = incident
        if incident.due_at is not None:
            self._next_due = min(self._next_due, incident.due_at)
        else:
            self._next_due = min(self._next_due, now + _SWEEP_MS)
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


def _notice(incident: Incident, who: Person, step: str, now: int) -> Notice:
    return Notice(
        id=derived("n", incident.id, who.id, step),
        incident=incident.id,
        recipient=who.id,
        channels=who.channels,
        language=who.language,
        step=step,
        at=now,
        kind=incident.kind,
        severity=incident.severity,
        subject=incident.subject,
        reason=incident.reason,
        facts=incident.facts,
    )


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
