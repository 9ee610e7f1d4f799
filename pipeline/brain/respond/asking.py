"""Asking: who is asked to act, to check or to rate, and what they are told with it.

Everything here returns the incident as it is after asking, and what goes out; who keeps incidents
keeps it.
"""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from pipeline.brain.perceive.registered import Registered
from pipeline.brain.respond import lifecycle, orders
from pipeline.brain.respond.ladder import (
    by_id,
    concerned,
    ladder,
    plan_of,
    quiet_until,
    told_at_once,
    verifiers,
)
from pipeline.brain.respond.lifecycle import BRAIN, take
from pipeline.brain.respond.notices import Notices, notice
from pipeline.brain.respond.policy import URGENT, Plan, Policy
from weinao.ids import derived
from weinao.messages import Action
from weinao.outcomes import AnyOutcome, Hazard, Incident, Notice, Order, Severity, Task

ACCEPT_S_MAX = 3_600
"""However often the ladder was gone through in vain, somebody is asked again after so long."""

Asked = tuple[Incident, Sequence[AnyOutcome]]
"""An incident after asking, and what goes out with it."""


class Asking:
    """Asks the people of one grid.

    Args:
        policy: Who is asked, and how long we wait.
        notices: Writes what they are told, within their budgets.
    """

    def __init__(self, policy: Policy, notices: Notices) -> None:
        self._policy, self._notices = policy, notices

    def to_act(self, incident: Incident, known: Registered, now: int) -> Asked:
        """Ask the next of the ladder; where there is nobody at all, stay open and try again."""
        plan = plan_of(self._policy, known, incident, now)
        quiet = self._quiet(plan, incident, known, now)
        opened = incident.steps[-1]
        back = opened.action is Action.REOPEN and opened.actor == BRAIN
        incident, commands = orders.give(
            incident, plan.orders, known, self._policy, now, again=back
        )
        people = ladder(plan, known, incident.subject, incident.household, now, wake=quiet is None)
        times_round = incident.rung // max(len(people), 1)
        once_s = self.accept_s(plan, incident)
        accept_s = min(once_s * 2 ** min(times_round, 10), ACCEPT_S_MAX)
        due_at = now + max(accept_s, once_s) * 1_000
        if not people:
            waits = due_at if quiet is None else quiet
            return replace(incident, assignee="", due_at=waits), commands
        asked = people[incident.rung % len(people)]
        count = told_at_once(incident.severity) if incident.rung == 0 else 1
        told = [asked, *(who for who in people if who.id != asked.id)][:count]
        moved = replace(
            take(incident, Action.DISPATCH, BRAIN, now, asked.id),
            assignee=asked.id,
            told=tuple(dict.fromkeys((*incident.told, *(who.id for who in told)))),
            due_at=due_at,
            round=incident.round + 1,
            rung=incident.rung + 1,
        )
        step, urgent = f"dispatch.{moved.round}", plan.accept_s_max <= URGENT
        notices = self._notices.write(moved, told, step, now, urgent=urgent)
        return moved, (_task(moved, Action.ACCEPT), *notices, *commands)

    def has_next(self, incident: Incident, known: Registered, now: int) -> bool:
        """Say whether somebody of the ladder has not been asked yet."""
        plan = plan_of(self._policy, known, incident, now)
        wake = self._quiet(plan, incident, known, now) is None
        people = ladder(plan, known, incident.subject, incident.household, now, wake=wake)
        return incident.rung < len(people)

    def accept_s(self, plan: Plan, incident: Incident) -> int:
        """Return how long one person has to accept, seconds: danger to life is never patient."""
        if incident.severity is not Severity.CRITICAL:
            return plan.accept_s_max
        return min(plan.accept_s_max, self._policy.critical_s_max)

    def to_verify(self, resolved: Incident, known: Registered, now: int) -> Asked:
        """Ask somebody to look whether it is so; where nobody else is, wait and ask again."""
        plan = plan_of(self._policy, known, resolved, now)
        people = verifiers(plan, known, resolved, lifecycle.resolved_by(resolved), now)
        asked = people[resolved.rung % len(people)] if people else None
        # The danger is over: whoever looks after that may sleep first.
        later = quiet_until(self._policy, known, now) or 0
        moved = replace(
            resolved,
            assignee=asked.id if asked else "",
            due_at=max(later, now) + plan.verify_s_max * 1_000,
            round=resolved.round + 1,
            rung=resolved.rung + 1,
        )
        if asked is None:
            return moved, ()
        notices = self._notices.write(moved, [asked], f"verify.{moved.round}", now, later=later)
        return moved, (_task(moved, Action.VERIFY), *notices)

    def to_rate(self, closed: Incident, known: Registered, now: int) -> list[Notice]:
        """Ask whoever the danger was closest to how well it was handled: once, never at night."""
        plan = plan_of(self._policy, known, closed, now)
        family = known.contacts_of(closed.subject, closed.household) if plan.family else ()
        people = (*known.as_contact(closed.reporter), *family)[:1]
        again = sum(step.action is Action.CLOSE for step in closed.steps) > 1
        if not plan.rate or again:
            return []
        later = quiet_until(self._policy, known, now) or 0
        asked = replace(closed, reason="policy.rate", facts={})
        return [replace(notice(asked, who, "rate", now), not_before=later) for who in people]

    def tell(
        self, incident: Incident, step: str, hazard: Hazard, known: Registered, now: int
    ) -> list[Notice]:
        """Tell whoever was told of an incident of one more cause of it."""
        people = concerned(known, incident.subject, incident.household, now)
        said = replace(incident, reason=hazard.reason, facts=hazard.facts)
        return self._notices.write(said, by_id(people, incident.told), step, now)

    def tell_failed(
        self, incident: Incident, failed: Iterable[Order], known: Registered, now: int
    ) -> list[Notice]:
        """Tell whoever is asked what no device did."""
        people = concerned(known, incident.subject, incident.household, now)
        asked = by_id(people, (incident.assignee or incident.told[-1],) if incident.told else ())
        return [
            notice(_failing(incident, order), who, f"order.{order.command}", now)
            for order in failed
            for who in asked
        ]

    def _quiet(self, plan: Plan, incident: Incident, known: Registered, now: int) -> int | None:
        """Return until when an incident lets people sleep; None if it does not."""
        patient = plan.patient and incident.severity is not Severity.CRITICAL
        return quiet_until(self._policy, known, now) if patient else None


def _failing(incident: Incident, order: Order) -> Incident:
    facts = {"do": order.do, "device": order.device}
    return replace(incident, reason="policy.order_failed", facts=facts)


def _task(incident: Incident, want: Action) -> Task:
    assert incident.due_at is not None, "who is asked has until then"
    return Task(
        id=derived("t", incident.id, incident.round),
        incident=incident.id,
        assignee=incident.assignee,
        want=want,
        due_at=incident.due_at,
    )
