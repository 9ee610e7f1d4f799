"""Causes: how hazards make an incident, and what one more of them changes in it. Pure values."""

from collections.abc import Sequence

from msgspec.structs import replace

from weinao.ids import derived
from weinao.outcomes import Hazard, HazardKind, Incident, IncidentState, Phase

CAUSES_MAX = 256
"""Observations, hazards that are over, and hazards that stand, of which one incident names so many
each: the first and the newest. The journal holds the others."""

STANDING_MAX = 1_024
"""So many that stand a storm names: two for each home of a grid, and more for none. What stands
unnamed is not seen to end, so that the incident waits for people."""


Matter = tuple[str, str]
"""What an incident is about: a kind of danger, and to whom or where."""


def matter_of(about: Hazard | Incident) -> Matter:
    """Return what something is about; of reports, a category is a kind of its own."""
    if about.kind is HazardKind.REPORT:
        return f"{about.kind}/{about.facts.get('category', '')}", about.subject
    return about.kind.value, about.subject


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
    storm = replace(
        incident_of(hazard, grid, now),
        id=derived("i", grid, "storm", hazard.id),
        severity=max([hazard.severity, *(one.severity for one in crowd)]),
        subject=grid,
        household="",
        at=min([hazard.at, *(one.at for one in crowd)]),
        hazards=(*(name for one in crowd for name in one.hazards), hazard.id),
        standing=(*(name for one in crowd for name in one.standing), hazard.id),
        unnamed=sum(one.unnamed for one in crowd),
        evidence=more((), (*(seen for one in crowd for seen in one.evidence), *hazard.evidence)),
        reason=f"storm.{hazard.kind}",
        facts={"count": len(crowd) + 1},
    )
    return bounded(storm)


def is_storm(incident: Incident, hazard: Hazard) -> bool:
    """Say whether an incident is a storm of hazards like this one."""
    return incident.subject == incident.grid and incident.reason == f"storm.{hazard.kind}"


def without(incident: Incident, hazard: Hazard) -> Incident:
    """Return an incident without a hazard that another one answers for from now on."""
    standing = tuple(one for one in incident.standing if one != hazard.id)
    hazards = tuple(one for one in incident.hazards if one != hazard.id)
    facts = {"count": len(hazards)} if is_storm(incident, hazard) else incident.facts
    over = not (standing or incident.unnamed)
    return replace(incident, hazards=hazards, standing=standing, hazard_over=over, facts=facts)


def ended(incident: Incident, hazard: Hazard) -> Incident:
    """Return an incident one of whose hazards is over; the same, if it did not stand."""
    if hazard.id not in incident.standing:
        return incident
    standing = tuple(one for one in incident.standing if one != hazard.id)
    return replace(
        incident,
        standing=standing,
        withdrawn=incident.withdrawn + (hazard.phase is Phase.WITHDRAWN),
        hazard_over=not (standing or incident.unnamed),
        evidence=more(incident.evidence, hazard.evidence),
    )


def never_were(incident: Incident) -> bool:
    """Say whether none of an incident's hazards ever was so; of too many, nobody knows."""
    return incident.hazard_over and incident.withdrawn >= len(incident.hazards) < CAUSES_MAX


def joined(incident: Incident, hazard: Hazard) -> Incident:
    """Return an incident with one more cause; the gravest of them gives it its name."""
    # What a resident reports is no sensor that could say when it is over.
    stands = () if hazard.kind is HazardKind.REPORT else (hazard.id,)
    found = replace(
        incident,
        hazards=_with(incident.hazards, hazard.id),
        evidence=more(incident.evidence, hazard.evidence),
        severity=max(incident.severity, hazard.severity),
        confidence=max(incident.confidence, hazard.confidence),
        standing=_with(incident.standing, *stands),
        hazard_over=incident.hazard_over and not stands,
        reporter=incident.reporter or _reporter(hazard),
    )
    found = bounded(found)
    home = incident.household
    if hazard.household == home != "" and hazard.subject not in (incident.subject, home):
        # Two of one home: whoever answers for either answers for it.
        found = replace(found, subject=home)
    if is_storm(incident, hazard):
        return replace(found, facts={"count": len(found.hazards) + found.unnamed})
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


def bounded(incident: Incident, over_max: int = CAUSES_MAX, standing_max: int = 0) -> Incident:
    """Return an incident that names no more hazards than it may, and counts those that stand."""
    storm = incident.subject == incident.grid
    standing_max = standing_max or (STANDING_MAX if storm else CAUSES_MAX)
    if len(incident.hazards) <= min(over_max, standing_max):
        return incident
    stood = set(incident.standing)
    standing = _ends(incident.standing, standing_max)
    over = _ends([name for name in incident.hazards if name not in stood], over_max)
    named = {*standing, *over}
    return replace(
        incident,
        hazards=tuple(name for name in incident.hazards if name in named),
        standing=tuple(standing),
        unnamed=incident.unnamed + len(incident.standing) - len(standing),
    )


def more(known: tuple[str, ...], further: tuple[str, ...]) -> tuple[str, ...]:
    """Add what is new; of too many, keep the first and the newest."""
    return tuple(_ends(_with(known, *further), CAUSES_MAX))


def _with(known: tuple[str, ...], *further: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*known, *further)))


def _ends(names: Sequence[str], most: int) -> Sequence[str]:
    """Return the first and the newest of too many."""
    if len(names) <= most:
        return names
    return (*names[: most // 2], *names[len(names) - (most - most // 2) :])


def _reporter(hazard: Hazard) -> str:
    return str(hazard.facts.get("reporter", "")) if hazard.kind is HazardKind.REPORT else ""
