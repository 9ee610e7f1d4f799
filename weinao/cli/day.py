"""What the picture of an incident is made of: what was observed around it, and when."""

from itertools import islice
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from weinao.cli.curves import panels, wanted
from weinao.outcomes import Hazard, HazardKind, Kept, Phase
from weinao.registry import Resident
from weinao.story import Case
from weinao.timeline import OVER, Moment
from weinao.voice import Voice

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sinks.store import Filter, Store

AROUND_MS = 12 * 3_600_000
"""How much is drawn at most before an incident began, and after its last step."""

HISTORY_MS = 14 * 86_400_000
"""How far back rare readings, as of a cuff or scales, are drawn."""

RARE_MAX = 12
"""So few readings in a day count as rare."""

MARGIN_MS = 5_000
"""How much is drawn around what was done, at least."""

SEEN_MAX = 20_000
"""Observations that one picture is made of."""

DAY_MS = 86_400_000
"""Word that comes later than this after the danger is drawn apart from it."""

_NARROW_SHARE, _WIDE_SHARE = 80, 20


class Day(Struct, frozen=True, kw_only=True):
    """What a picture is made of.

    Attributes:
        seen: The observations around the incident, by time.
        history: Those of the fortnight before, where the incident is about rare readings.
    """

    seen: tuple[Kept, ...]
    history: tuple[Kept, ...] = ()


def day_of(store: "Store", case: Case) -> Day:
    """Read what was observed of the person, home or place around an incident, by time."""
    from sinks.store import Filter

    incident = case.incident
    last = max([incident.at, incident.noticed_at, *(step.at for step in incident.steps)])
    around = Filter(
        grid=incident.grid,
        since=incident.at - AROUND_MS,
        until=min(last, incident.at + AROUND_MS) + AROUND_MS,
        limit=1_000,
    )
    seen = _read(store, case, around, _where(case))
    rare = [
        panel
        for panel in panels(case, seen, Voice("en", case.records), wanted(case))
        if sum(len(curve.readings) for curve in panel.curves) <= RARE_MAX
    ]
    if not rare:
        return Day(seen=seen)
    before = replace(around, since=incident.at - HISTORY_MS)
    sources = [{"device": device} for device in {kept.device for kept in case.evidence}]
    history = _read(store, case, before, sources)
    earlier = any(kept.at < incident.at - AROUND_MS for kept in history)
    return Day(seen=seen, history=history if earlier else ())


def day_span(case: Case, seen: "Sequence[Kept]", moments: "Sequence[Moment]") -> tuple[int, int]:
    """Return from when to when to draw the day: all that was observed, and what happened."""
    times = [case.incident.at, *(kept.at for kept in seen)]
    if not noticed_late(case):
        times += [case.incident.noticed_at, *(one.at for one in moments)]
    return _with_margin(times, _NARROW_SHARE)


def handled_span(case: Case, moments: "Sequence[Moment]") -> tuple[int, int]:
    """Return from when to when to draw what was done.

    That is from the danger on; where word of it came much later, from then on.
    """
    times = [case.incident.noticed_at, *(one.at for one in moments)]
    return _with_margin(times if noticed_late(case) else [case.incident.at, *times], _WIDE_SHARE)


def over_at(case: Case) -> int | None:
    """Return when a danger was over: when it was cleared, or else closed; None if it goes on."""
    cleared = [
        one.received_at
        for one in case.hazards
        if isinstance(one.value, Hazard) and one.value.phase in (Phase.CLEARED, Phase.WITHDRAWN)
    ]
    if cleared:
        return max(cleared)
    return case.incident.steps[-1].at if case.incident.state in OVER else None


def noticed_late(case: Case) -> bool:
    """Say whether word of a danger came so late that both do not fit into one day."""
    return case.incident.noticed_at - case.incident.at > DAY_MS


def _with_margin(times: "Sequence[int]", share: int) -> tuple[int, int]:
    margin = max(MARGIN_MS, (max(times) - min(times)) // share)
    return min(times) - margin, max(times) + margin


def _read(
    store: "Store", case: Case, around: "Filter", sources: "Sequence[Mapping[str, str]]"
) -> tuple[Kept, ...]:
    from sinks.store import every

    incident = case.incident
    people = {one.id for one in case.records if isinstance(one, Resident)} - {incident.subject}
    # What is about one person is drawn without what others of the home wear.
    others = people if incident.subject not in (incident.household, "") else set[str]()
    found: dict[str, Kept] = {}
    for where in sources:
        for one in islice(every(store, "observations", replace(around, **where)), SEEN_MAX):
            if isinstance(one.value, Kept) and one.value.subject not in others:
                found[one.value.id] = one.value
    return tuple(sorted(found.values(), key=lambda kept: (kept.at, kept.id)))


def _where(case: Case) -> list[dict[str, str]]:
    """Return where to look: in the home, or at what watches the place."""
    incident = case.incident
    if incident.kind is HazardKind.PATROL_MISSED:
        return [{"kind": "patrol"}]  # whoever comes carries the phone
    if incident.household and incident.kind is not HazardKind.AGENT_SILENT:
        return [{"household": incident.household}]
    devices = dict.fromkeys((incident.subject, *(kept.device for kept in case.evidence)))
    return [{"device": device} for device in devices]
