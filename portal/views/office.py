"""The community in numbers and on a plan, for those who answer for all of it."""

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from portal.reach import OVER
from portal.views.incident import COLOURS
from portal.views.tongue import Tongue
from sinks.known import Known
from sinks.store import Filter, Store
from weinao.handling import ALL, Handled, handled, handled_by_kind
from weinao.messages import Status, Vitals
from weinao.outcomes import Incident, Kept, Loss
from weinao.registry import Device, Household

SILENT_BEATS = 3
"""Missed heartbeats after which a device is shown as silent; the brain has the alarm."""


class Tile(Struct, frozen=True, kw_only=True):
    """A building on the plan.

    Attributes:
        colour: Of the gravest incident in it; green where there is none.
        incidents: Grid, id and words of those that are open.
    """

    id: str
    name: str
    floors: int
    homes: int
    colour: str
    incidents: tuple[tuple[str, str, str], ...] = ()


class Plan(Struct, frozen=True, kw_only=True):
    """A grid on the plan.

    Attributes:
        outline: Points of its border for a drawing of 100 by 100; empty where none is registered.
        elsewhere: Open incidents in no building: of the gate, a zone, the grid.
    """

    grid: str
    name: str
    open: int
    tiles: tuple[Tile, ...]
    outline: str = ""
    elsewhere: tuple[tuple[str, str, str], ...] = ()


class Heard(Struct, frozen=True, kw_only=True):
    """A device, and when it was heard of.

    Attributes:
        silent: Nothing came for several heartbeats.
        gaps: Numbers of its packs that are missing.
    """

    id: str
    grid: str
    agent: bool
    model: str
    place: str
    heard_at: int | None
    silent: bool
    battery_pct: int | None = None
    queue_len: int | None = None
    gaps: int = 0


def plans(known: Known, board: Sequence[Incident], tongues: dict[str, Tongue]) -> list[Plan]:
    """Return all grids with their buildings, and what is open in each."""
    return [_plan(grid, known, board, tongues[grid]) for grid in known.grids]


def figures(incidents: Iterable[Incident], since: int, *, by_kind: bool) -> list[Handled]:
    """Return how incidents went that began from `since` on, by grid, and by kind if asked for."""
    lately = [one for one in incidents if one.at >= since]
    if by_kind:
        return handled_by_kind(lately)
    return [one for one in handled(lately) if one.service == ALL and one.grid != ALL]


def heard(grid: str, known: Known, store: Store, tongue: Tongue) -> list[Heard]:
    """Return the devices of a grid with when they were heard of."""
    since = tongue.now - 86_400_000
    beats = store.observations(Filter(grid=grid, kind="status", since=since, newest=True))
    lately: dict[str, int] = {}
    queues: dict[str, int] = {}
    for one in beats:
        said = one.value.observation if isinstance(one.value, Kept) else None
        if isinstance(said, Status) and isinstance(one.value, Kept):
            lately[one.value.device] = max(lately.get(one.value.device, 0), one.value.at)
            queues[one.value.device] = said.queue_len
            for device, at in said.sensors.items():
                lately[device] = max(lately.get(device, 0), at)
    gaps = _gaps(store, grid)
    return [
        replace(
            _worn(one, store, _placed(one, known, tongue, lately.get(one.id))),
            queue_len=queues.get(one.id),
            gaps=gaps.get(one.id, 0),
        )
        for one in known.devices(grid)
    ]


def _plan(grid: str, known: Known, board: Sequence[Incident], tongue: Tongue) -> Plan:
    here = [one for one in board if one.grid == grid and one.state not in OVER]
    building_of = {one.id: one.building for one in known.of(grid, Household)}
    homes = [*building_of.values()]
    by_building: dict[str, list[Incident]] = {}
    for one in here:
        name = building_of.get(one.household) or str(one.facts.get("building", ""))
        by_building.setdefault(name, []).append(one)
    tiles = [
        Tile(
            id=one.id,
            name=one.name or one.id,
            floors=one.floors,
            homes=homes.count(one.id),
            colour=_colour(by_building.get(one.id, [])),
            incidents=_links(by_building.pop(one.id, []), tongue),
        )
        for one in known.buildings(grid)
    ]
    record = known.grid(grid)
    return Plan(
        grid=grid,
        name=(record.name if record else "") or grid,
        open=len(here),
        tiles=tuple(tiles),
        outline=_outline(record.outline if record else ()),
        elsewhere=_links([one for found in by_building.values() for one in found], tongue),
    )


def _colour(found: Sequence[Incident]) -> str:
    return COLOURS[max(one.severity for one in found)] if found else "green"


def _links(found: Sequence[Incident], tongue: Tongue) -> tuple[tuple[str, str, str], ...]:
    return tuple((one.grid, one.id, tongue.voice.words.word(one.kind)) for one in found)


def _outline(ring: Sequence[tuple[float, float]]) -> str:
    if not ring:
        return ""
    xs, ys = [x for x, _ in ring], [y for _, y in ring]
    size = max(max(xs) - min(xs), max(ys) - min(ys)) or 1.0
    points = ((100 * (x - min(xs)) / size, 100 * (max(ys) - y) / size) for x, y in ring)
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _placed(device: Device, known: Known, tongue: Tongue, heard_at: int | None) -> Heard:
    home = known.home_of(tongue.grid, device)
    where = (
        tongue.home(home) if home else "",
        tongue.voice.room(device.room) if device.room else "",
        device.place,
    )
    beat_ms = (device.heartbeat_s or 0) * 1_000
    return Heard(
        id=device.id,
        grid=tongue.grid,
        agent=device.agent == device.id,
        model=device.model,
        place=" ".join(part for part in where if part),
        heard_at=heard_at,
        silent=bool(beat_ms) and tongue.now - (heard_at or 0) > SILENT_BEATS * beat_ms,
    )


def _worn(device: Device, store: Store, found: Heard) -> Heard:
    """Add what only a wearable's own words tell: when it was heard of, and its battery."""
    if not device.wearer:
        return found
    mine = Filter(grid=found.grid, device=device.id, kind="vitals", newest=True, limit=20)
    kept = [one.value for one in store.observations(mine) if isinstance(one.value, Kept)]
    said = [one.observation for one in kept if isinstance(one.observation, Vitals)]
    levels = [one.battery_pct for one in said if one.battery_pct is not None]
    heard = [*(one.at for one in kept), *((found.heard_at,) if found.heard_at else ())]
    battery = round(levels[-1]) if levels else None
    return replace(found, heard_at=max(heard, default=None), battery_pct=battery)


def _gaps(store: Store, grid: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in store.losses(Filter(grid=grid, state="missing")):
        if isinstance(one.value, Loss):
            count = one.value.last - one.value.first + 1
            found[one.value.device] = found.get(one.value.device, 0) + count
    return found
