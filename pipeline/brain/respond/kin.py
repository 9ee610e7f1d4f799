"""Kin: which open incident a hazard belongs to, though it is of another kind or another subject.

One cause, one incident: a fall and the help button pressed after it, smoke and carbon monoxide,
what a sensor sees and what a neighbour reports of it, and a power cut that silences fifty gateways.
"""

from collections.abc import Iterable

from pipeline.brain.respond.lifecycle import OVER
from pipeline.brain.respond.policy import Policy
from weinao.outcomes import Hazard, HazardKind, Incident, IncidentState, Severity

_PLACES = ("place", "zone", "building", "device")
_UNTAKEN = (IncidentState.OPEN, IncidentState.DISPATCHED)


def kin_of(
    hazard: Hazard, incidents: Iterable[Incident], policy: Policy, now: int
) -> Incident | None:
    """Return the open incident that a hazard is about as well, the newest if there are several."""
    windows = policy.related(hazard.kind)
    found = [
        one
        for one in incidents
        if one.state not in (IncidentState.RESOLVED, IncidentState.VERIFIED, *OVER)
        and (_same_home(one, hazard, windows, now) or _reported(hazard, one, policy, now))
    ]
    return max(found, key=lambda one: (one.noticed_at, one.id), default=None)


def crowd_of(
    hazard: Hazard, incidents: Iterable[Incident], policy: Policy, now: int
) -> tuple[Incident, ...]:
    """Return the incidents that are a storm with one more of their kind; none if they are few.

    Danger to life is one home's own: a crowd of it is that many calls, and not one for the team.
    """
    storm = policy.storm(hazard.kind)
    if storm is None or hazard.severity is Severity.CRITICAL:
        return ()
    found = sorted(
        (
            one
            for one in incidents
            if one.kind is hazard.kind
            and one.state in _UNTAKEN
            and one.severity is not Severity.CRITICAL
            and now - one.noticed_at <= storm.within_s * 1_000
        ),
        key=lambda one: (one.noticed_at, one.id),
    )
    return tuple(found) if len(found) + 1 >= storm.count else ()


def _same_home(one: Incident, hazard: Hazard, windows: dict[HazardKind, int], now: int) -> bool:
    within_s = windows.get(one.kind)
    return (
        within_s is not None
        and hazard.household == one.household != ""
        and now - one.noticed_at <= within_s * 1_000
    )


def _reported(hazard: Hazard, one: Incident, policy: Policy, now: int) -> bool:
    """Say whether one of the two is a report of the other: of such a thing, in that very place.

    What is reported of a building is not what happens in one of its homes: there may be two fires.
    """
    if (hazard.kind is HazardKind.REPORT) == (one.kind is HazardKind.REPORT):
        return False
    report, sensed = (hazard, one) if hazard.kind is HazardKind.REPORT else (one, hazard)
    means = policy.reports.get(str(report.facts.get("category", "")), ())
    near = {report.subject, report.household} & _places(sensed) - {""}
    return (
        sensed.kind in means and bool(near) and now - one.noticed_at <= policy.report_s_max * 1_000
    )


def _places(about: Hazard | Incident) -> set[str]:
    """Return the ids of where something is."""
    named = {str(about.facts[name]) for name in _PLACES if name in about.facts}
    return {about.subject, about.household, *named}
