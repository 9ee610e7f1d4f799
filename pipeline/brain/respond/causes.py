"""Causes: how hazards make an incident, and what one more of them changes in it. Pure values."""

from collections.abc import Sequence

from msgspec.structs import replace

from weinao.ids import derived
from weinao.outcomes import Hazard, HazardKind, Incident, IncidentState, Phase

CAUSES_MAX = 256
"""Hazards and observations that one incident names; the journal holds the others."""


def incident_of(hazard: Hazard, grid: str, now: int, *, old: bool = False) -> Incident:
    """Return the incident that a hazard begins.

    What is only confirmed had one before, which has been forgotten: this is another.
    """
    again = (now,) if hazard.phase is Phase.CONFIRMED else ()
    return Incident(
        id=derived("i", grid, hazard.id, *again),
        grid=grid,
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


def own_of(hazard: Hazard, grid: str, now: int, *, old: bool) -> Incident:
    """Return the incident of a hazard that a storm had taken in, which may have had one before."""
    return replace(incident_of(hazard, grid, now, old=old), id=derived("i", grid, "own", hazard.id))


def storm_of(hazard: Hazard, crowd: Sequence[Incident], grid: str, now: int) -> Incident:
    """Return the one incident of a grid that a crowd of them is, with one more hazard."""
    return replace(
        incident_of(hazard, grid, now),
        id=derived("i", grid, "storm", hazard.id),
        severity=max([hazard.severity, *(one.severity for one in crowd)]),
        subject=grid,
        household="",
        at=min([hazard.at, *(one.at for one in crowd)]),
        hazards=more((), (*(name for one in crowd for name in one.hazards), hazard.id)),
        standing=more((), (*(name for one in crowd for name in one.standing), hazard.id)),
        evidence=more((), (*(seen for one in crowd for seen in one.evidence), *hazard.evidence)),
        reason=f"storm.{hazard.kind}",
        facts={"count": len(crowd) + 1},
    )


def is_storm(incident: Incident, hazard: Hazard) -> bool:
    """Say whether an incident is a storm of hazards like this one."""
    return incident.subject == incident.grid and incident.reason == f"storm.{hazard.kind}"


def without(incident: Incident, hazard: Hazard) -> Incident:
    """Return an incident without a hazard that another one answers for from now on."""
    standing = tuple(one for one in incident.standing if one != hazard.id)
    hazards = tuple(one for one in incident.hazards if one != hazard.id)
    facts = {"count": len(hazards)} if is_storm(incident, hazard) else incident.facts
    return replace(
        incident, hazards=hazards, standing=standing, hazard_over=not standing, facts=facts
    )


def ended(incident: Incident, hazard: Hazard) -> Incident:
    """Return an incident one of whose hazards is over; the same, if it did not stand."""
    if hazard.id not in incident.standing:
        return incident
    standing = tuple(one for one in incident.standing if one != hazard.id)
    return replace(
        incident,
        standing=standing,
        withdrawn=incident.withdrawn + (hazard.phase is Phase.WITHDRAWN),
        hazard_over=not standing,
        evidence=more(incident.evidence, hazard.evidence),
    )


def never_were(incident: Incident) -> bool:
    """Say whether none of an incident's hazards ever was so."""
    return incident.hazard_over and incident.withdrawn >= len(incident.hazards)


def joined(incident: Incident, hazard: Hazard) -> Incident:
    """Return an incident with one more cause; the gravest of them gives it its name."""
    # What a resident reports is no sensor that could say when it is over.
    stands = () if hazard.kind is HazardKind.REPORT else (hazard.id,)
    found = replace(
        incident,
        hazards=more(incident.hazards, (hazard.id,)),
        evidence=more(incident.evidence, hazard.evidence),
        severity=max(incident.severity, hazard.severity),
        confidence=max(incident.confidence, hazard.confidence),
        standing=more(incident.standing, stands),
        hazard_over=incident.hazard_over and not stands,
        reporter=incident.reporter or _reporter(hazard),
    )
    home = incident.household
    if hazard.household == home != "" and hazard.subject not in (incident.subject, home):
        # Two of one home: whoever answers for either answers for it.
        found = replace(found, subject=home)
    if is_storm(incident, hazard):
        return replace(found, facts={"count": len(found.hazards)})
    if incident.kind is HazardKind.REPORT and hazard.kind is not HazardKind.REPORT:
        found = replace(found, subject=hazard.subject, household=hazard.household)
    elif found.severity <= incident.severity:
        return found
    facts = {**found.facts, **hazard.facts}
    return replace(found, kind=hazard.kind, reason=hazard.reason, facts=facts)


def news_of(before: Incident, after: Incident, hazard: Hazard) -> str:
    """Return the step of an incident that one more cause is; empty if it is no news."""
    if after.severity > before.severity:
        return f"worse.{int(after.severity)}"
    if hazard.phase is Phase.CONFIRMED and after.confidence > before.confidence:
        return f"sure.{hazard.id}"
    known = hazard.id in before.hazards or is_storm(before, hazard)
    other = (hazard.kind, hazard.subject) != (before.kind, before.subject)
    return f"also.{hazard.id}" if other and not known else ""


def more(known: tuple[str, ...], further: tuple[str, ...]) -> tuple[str, ...]:
    """Add what is new; of too many, keep the first and the newest."""
    all_of_them = tuple(dict.fromkeys((*known, *further)))
    if len(all_of_them) <= CAUSES_MAX:
        return all_of_them
    return (*all_of_them[: CAUSES_MAX // 2], *all_of_them[-CAUSES_MAX // 2 :])


def _reporter(hazard: Hazard) -> str:
    return str(hazard.facts.get("reporter", "")) if hazard.kind is HazardKind.REPORT else ""
