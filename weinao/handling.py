"""How incidents were handled, in figures: per grid and service, and for all of it. Pure.

A service is what people run: emergency, health, care, security, property, upkeep, and what
residents report. Every kind of danger belongs to one.
"""

import math
from collections.abc import Iterable, Sequence

from msgspec import Struct

from weinao.messages import Action
from weinao.outcomes import HazardKind, Incident, IncidentState
from weinao.timeline import BRAIN, missed

ALL = "*"
"""In the place of a grid or a service: all of them."""

SERVICES: dict[str, tuple[HazardKind, ...]] = {
    "emergency": (
        HazardKind.SOS, HazardKind.SMOKE, HazardKind.GAS, HazardKind.CO, HazardKind.LEAK,
    ),
    "health": (HazardKind.FALL, HazardKind.VITALS, HazardKind.IRREGULAR_PULSE),
    "care": (
        HazardKind.INACTIVITY, HazardKind.NOT_BACK, HazardKind.DOOR_OPEN, HazardKind.WANDERING,
        HazardKind.CHILD_ALONE, HazardKind.BED_EXIT, HazardKind.STOVE_ON, HazardKind.HEAT,
        HazardKind.COLD,
    ),
    "security": (HazardKind.WATCHLIST, HazardKind.TAILGATING, HazardKind.PATROL_MISSED),
    "property": (
        HazardKind.FALLING_OBJECT, HazardKind.CONGESTION, HazardKind.FIRE_LANE,
        HazardKind.METER_ANOMALY,
    ),
    "upkeep": (HazardKind.AGENT_SILENT, HazardKind.DEVICE_SILENT),
    "report": (HazardKind.REPORT,),
}  # fmt: skip
"""Which dangers each service answers for."""

OVER = (IncidentState.CLOSED, IncidentState.FALSE_ALARM, IncidentState.MERGED)
_TAKEN = (Action.ACK, Action.ACCEPT, Action.ARRIVE, Action.RESOLVE, Action.DISMISS)


class Handled(Struct, frozen=True, kw_only=True):
    """How incidents of one grid and service went.

    Attributes:
        grid: Or `*` for all.
        service: Or `*` for all; a kind of danger, where figures are told by kind.
        count: Incidents, but for those that were merged into others.
        open: Of these, not over yet.
        kinds: How many of each kind.
        acknowledged: Taken on by a person.
        acknowledge_s_p50: Seconds from when the system knew until somebody took it on, half;
        acknowledge_s_p90: and nine in ten.
        resolve_s_p50: Seconds from when the system knew until it was first resolved.
        asked: How often somebody was asked to act;
        missed: and let the deadline pass.
        within_deadline_share: How often somebody answered in time, of all times that somebody was
            asked and has answered or let it pass, 0 to 1; None if there was none.
        reopened: Incidents that came back.
        false_alarms: Incidents that were none.
        false_alarm_share: Of those that are over, 0 to 1; None if none is.
        satisfaction: Mean rating, 1 to 5; None without one.
        rated: How many were rated.
    """

    grid: str
    service: str
    count: int
    open: int
    kinds: dict[str, int]
    acknowledged: int
    acknowledge_s_p50: float | None
    acknowledge_s_p90: float | None
    resolve_s_p50: float | None
    asked: int
    missed: int
    within_deadline_share: float | None
    reopened: int
    false_alarms: int
    false_alarm_share: float | None
    satisfaction: float | None
    rated: int


def service_of(kind: HazardKind) -> str:
    """Return the service that answers for a kind of danger."""
    return _SERVICE_OF[kind]


def handled(incidents: Iterable[Incident]) -> list[Handled]:
    """Return figures: each grid and service, each grid, and all; in this order, by name.

    Args:
        incidents: Each as it stands now; merged ones are left out.
    """
    rows: dict[tuple[str, str], list[Incident]] = {(ALL, ALL): []}
    for one in _unmerged(incidents):
        service = service_of(one.kind)
        for key in ((one.grid, service), (one.grid, ALL), (ALL, service), (ALL, ALL)):
            rows.setdefault(key, []).append(one)
    return [_handled(*key, rows[key]) for key in sorted(rows, key=_place)]


def handled_by_kind(incidents: Iterable[Incident]) -> list[Handled]:
    """Return figures of each grid and kind of danger, which stands in the place of the service."""
    rows: dict[tuple[str, str], list[Incident]] = {}
    for one in _unmerged(incidents):
        rows.setdefault((one.grid, one.kind.value), []).append(one)
    return [_handled(*key, rows[key]) for key in sorted(rows)]


def _unmerged(incidents: Iterable[Incident]) -> list[Incident]:
    return [one for one in incidents if one.state is not IncidentState.MERGED]


def _place(key: tuple[str, str]) -> tuple[bool, str, int]:
    grid, service = key
    order = [*SERVICES, ALL]
    return grid == ALL, grid, order.index(service)


def _handled(grid: str, service: str, found: Sequence[Incident]) -> Handled:
    steps = [step for one in found for step in one.steps]
    asked = sum(step.action is Action.DISPATCH for step in steps)
    passed = sum(missed(step) for step in steps)
    decided = asked - sum(one.state is IncidentState.DISPATCHED for one in found)
    taken = [at for one in found if (at := _after_s(one, _TAKEN)) is not None]
    resolved = [at for one in found if (at := _after_s(one, (Action.RESOLVE,))) is not None]
    over = sum(one.state in OVER for one in found)
    false = sum(one.state is IncidentState.FALSE_ALARM for one in found)
    ratings = [one.rating for one in found if one.rating is not None]
    kinds: dict[str, int] = {}
    for one in found:
        kinds[one.kind.value] = kinds.get(one.kind.value, 0) + 1
    return Handled(
        grid=grid,
        service=service,
        count=len(found),
        open=len(found) - over,
        kinds=dict(sorted(kinds.items())),
        acknowledged=len(taken),
        acknowledge_s_p50=_percentile(taken, 0.5),
        acknowledge_s_p90=_percentile(taken, 0.9),
        resolve_s_p50=_percentile(resolved, 0.5),
        asked=asked,
        missed=passed,
        within_deadline_share=_share(max(0, decided - passed), decided),
        reopened=sum(any(step.action is Action.REOPEN for step in one.steps) for one in found),
        false_alarms=false,
        false_alarm_share=_share(false, over),
        satisfaction=round(sum(ratings) / len(ratings), 2) if ratings else None,
        rated=len(ratings),
    )


def _after_s(incident: Incident, actions: Sequence[Action]) -> float | None:
    """Return how long after the system knew a person first did one of these."""
    done = (
        step.at for step in incident.steps if step.action in actions and step.actor != BRAIN
    )  # fmt: skip
    at = next(done, None)
    return None if at is None else max(0.0, (at - incident.noticed_at) / 1_000)


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _percentile(values: Sequence[float], share: float) -> float | None:
    """Return the smallest value that so many others do not exceed (nearest rank)."""
    if not values:
        return None
    return round(sorted(values)[max(0, math.ceil(share * len(values)) - 1)], 1)


_SERVICE_OF = {kind: service for service, kinds in SERVICES.items() for kind in kinds}
