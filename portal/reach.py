"""Whom somebody may see, and what they may answer: pure, from the registry as it stands.

    family    the residents who named them, and what concerns the home of those
    resident  herself, her home, and what she reported
    staff     the incidents of their grids; a person only where they were asked about her
    operator  everything that is open, closed or broken, and no health of anybody
    office    numbers, and no person at all

The brain has the last word on every answer; here is decided what is shown and offered.
"""

from collections.abc import Iterable

from msgspec import Struct

from portal.accounts import Role
from sinks.known import Known, holds
from weinao.messages import Action
from weinao.outcomes import Incident, IncidentState
from weinao.registry import Resident

_S, _A = IncidentState, Action

OVER = frozenset({_S.CLOSED, _S.FALSE_ALARM, _S.MERGED})
"""Where nobody is awaited any more."""

TASK_SEEN_MS = 86_400_000
"""How long after its end those who were asked about an incident may still see whom it was about."""

_OFFERED: dict[IncidentState, tuple[Action, ...]] = {
    _S.OPEN: (_A.RESOLVE, _A.DISMISS),
    _S.DISPATCHED: (_A.ACK, _A.ACCEPT, _A.DECLINE, _A.RESOLVE, _A.DISMISS),
    _S.ACCEPTED: (_A.ACK, _A.ARRIVE, _A.RESOLVE, _A.DECLINE, _A.DISMISS),
    _S.ON_SITE: (_A.RESOLVE, _A.DECLINE, _A.DISMISS),
    _S.RESOLVED: (_A.VERIFY, _A.REOPEN),
    _S.VERIFIED: (_A.REOPEN,),
    _S.CLOSED: (_A.RATE, _A.REOPEN),
    _S.FALSE_ALARM: (_A.REOPEN,),
}
"""What may be sensible from each state, in the order in which buttons stand."""

_COMMENTED = (_S.OPEN, _S.DISPATCHED, _S.ACCEPTED, _S.ON_SITE, _S.RESOLVED)


class Reach(Struct, frozen=True, kw_only=True):
    """How far somebody sees.

    Attributes:
        person: Their id in the registry.
        residents: Grid and id of those whom they may see as a person.
        homes: Grid and id of the homes of those.
        grids: Whose incidents they may see.
    """

    role: Role
    person: str
    residents: frozenset[tuple[str, str]] = frozenset()
    homes: frozenset[tuple[str, str]] = frozenset()
    grids: frozenset[str] = frozenset()


def reach_of(role: Role, person: str, known: Known, now: int) -> Reach:
    """Return how far somebody sees, by what is registered now."""
    if role is Role.FAMILY:
        near = [(g, one) for g, one in known.named_by.get(person, ()) if holds(one, now)]
    elif role is Role.RESIDENT:
        found = known.living.get(person)
        near = [found] if found and holds(found[1], now) else []
    else:
        grids = known.grids
        if role is Role.STAFF:
            grids = tuple(g for g, one in known.team_of.get(person, ()) if holds(one, now))
        return Reach(role=role, person=person, grids=frozenset(grids))
    return Reach(
        role=role,
        person=person,
        residents=frozenset((grid, one.id) for grid, one in near),
        homes=frozenset((grid, one.household) for grid, one in near),
    )


def sees(reach: Reach, incident: Incident, known: Known) -> bool:
    """Say whether somebody may know of an incident."""
    if reach.role in (Role.STAFF, Role.OPERATOR):
        return incident.grid in reach.grids
    if reach.role is Role.OFFICE:
        return False
    if incident.reporter == reach.person and reach.role is Role.RESIDENT:
        return True
    if known.record(incident.grid, Resident, incident.subject) is not None:
        return (incident.grid, incident.subject) in reach.residents
    return bool(incident.household) and (incident.grid, incident.household) in reach.homes


def asked(reach: Reach, incident: Incident) -> bool:
    """Say whether somebody was asked to act on an incident, or told of it."""
    acted = (step.actor for step in incident.steps)
    return reach.person in (incident.assignee, *incident.told, *acted)


def sees_person(reach: Reach, incident: Incident, known: Known, now: int) -> bool:
    """Say whether somebody may see whom an incident is about: only what a task needs."""
    if not sees(reach, incident, known):
        return False
    if reach.role in (Role.FAMILY, Role.RESIDENT):
        return True
    ended_at = incident.steps[-1].at if incident.state in OVER and incident.steps else now
    return asked(reach, incident) and now - ended_at < TASK_SEEN_MS


def offered(reach: Reach, incident: Incident, known: Known) -> tuple[Action, ...]:
    """Return what somebody may be offered to answer, in the order of its buttons."""
    if not may_answer(reach, incident, known):
        return ()
    found = [*_OFFERED.get(incident.state, ())]
    mine = incident.assignee == reach.person
    if not mine and _A.DECLINE in found:
        found.remove(_A.DECLINE)
    if reach.role in (Role.FAMILY, Role.RESIDENT):
        # Somebody at home is told what to press, not how an incident is administered.
        found = [
            one for one in found if mine or one not in (_A.ARRIVE, _A.RESOLVE) or _is_open(incident)
        ]
    elif _A.RATE in found:
        found.remove(_A.RATE)
    if _A.VERIFY in found and _resolver(incident) == reach.person:
        found.remove(_A.VERIFY)
    if _A.RATE in found and incident.rating is not None:
        found.remove(_A.RATE)
    if incident.state in _COMMENTED:
        found.append(_A.COMMENT)
    return tuple(found)


def may_answer(reach: Reach, incident: Incident, known: Known) -> bool:
    """Say whether the brain would hear somebody on an incident, and they may see it here."""
    if not sees(reach, incident, known):
        return False
    if reach.role is Role.RESIDENT:
        return incident.reporter == reach.person
    if reach.role is Role.FAMILY:
        return any(one.id == reach.person for one in known.contacts(incident))
    return any(grid == incident.grid for grid, _ in known.team_of.get(reach.person, ()))


def _is_open(incident: Incident) -> bool:
    return incident.state is _S.OPEN


def _resolver(incident: Incident) -> str:
    found = (one.actor for one in reversed(incident.steps) if one.action is _A.RESOLVE)
    return next(found, "")


def gravest_first(found: Iterable[Incident]) -> list[Incident]:
    """Return incidents by severity, those that must be answered sooner first."""
    return sorted(found, key=lambda one: (-one.severity, one.due_at or 0, one.id))
