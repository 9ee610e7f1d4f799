"""Healing: what the brain closes by itself, because its sensors say that it is over. Pure."""

from pipeline.brain.respond.lifecycle import BRAIN, take
from pipeline.brain.respond.policy import Plan
from weinao.messages import Action
from weinao.outcomes import Incident, IncidentState, Severity


def healed(incident: Incident, plan: Plan, reason: str, now: int) -> Incident:
    """Return an incident closed, if it heals by itself and is over; as it is, otherwise.

    What is over before anybody was told of it needs nobody, either; but for danger to life, and
    for what its plan wants told even then.

    Args:
        incident: Not closed yet.
        plan: Of it.
        reason: What says so.
        now: The community's clock.
    """
    grave = incident.severity is Severity.CRITICAL
    untold = not (incident.told or grave or plan.tell_passed)
    if not incident.hazard_over or not (plan.heals or untold):
        return incident
    if incident.state is not IncidentState.RESOLVED:
        incident = take(incident, Action.RESOLVE, BRAIN, now, reason)
    incident = take(incident, Action.VERIFY, BRAIN, now, "seen by the sensors")
    return take(incident, Action.CLOSE, BRAIN, now)


def opened_by(incident: Incident) -> str:
    """Return who opened an incident last: the brain, or a person who looked at it again."""
    opens = (Action.OPEN, Action.REOPEN)
    return next((one.actor for one in reversed(incident.steps) if one.action in opens), BRAIN)
