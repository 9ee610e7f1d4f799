"""Hours of a day in which somebody was up and about, room by room, from what sensors said.

A quarter of an hour counts as lively in a room if a sensor there saw somebody at least once. Rooms
appear only where the resident agreed to that; otherwise all rooms are one.
"""

from collections.abc import Iterable

from msgspec import Struct

from weinao.messages import Home, Sensor
from weinao.outcomes import Kept

CELL_MIN = 15
CELLS = 24 * 60 // CELL_MIN
_CELL_MS = CELL_MIN * 60_000

SIGNS_OF_LIFE = frozenset({Sensor.PIR, Sensor.DOOR, Sensor.BED, Sensor.CHAIR, Sensor.MEDICINE})
"""Sensors that tell of somebody there."""


class Span(Struct, frozen=True):
    """Some quarters of an hour in a row: minutes of the local day, the last one excluded."""

    from_min: int
    until_min: int


class Band(Struct, frozen=True, kw_only=True):
    """One room's day.

    Attributes:
        room: As devices name it; empty for all rooms together.
        spans: When somebody was seen there.
    """

    room: str
    spans: tuple[Span, ...]


def bands(kept: Iterable[Kept], begins: int, rooms: dict[str, str], *, apart: bool) -> list[Band]:
    """Return the bands of a day, the room that was used most first.

    Args:
        kept: What the home's sensors said.
        begins: When the local day began.
        rooms: The room of each device, where observations do not say.
        apart: Whether rooms may be told apart.
    """
    seen: dict[str, set[int]] = {}
    for one in kept:
        said = one.observation
        if not isinstance(said, Home) or said.sensor not in SIGNS_OF_LIFE or not said.value:
            continue
        cell = (one.at - begins) // _CELL_MS
        if 0 <= cell < CELLS:
            room = (said.room or rooms.get(one.device, "")) if apart else ""
            seen.setdefault(room, set()).add(cell)
    found = sorted(seen.items(), key=lambda item: (-len(item[1]), item[0]))
    return [Band(room=room, spans=_joined(sorted(cells))) for room, cells in found]


def _joined(cells: list[int]) -> tuple[Span, ...]:
    spans: list[Span] = []
    for cell in cells:
        begin, end = cell * CELL_MIN, (cell + 1) * CELL_MIN
        if spans and spans[-1].until_min == begin:
            spans[-1] = Span(spans[-1].from_min, end)
        else:
            spans.append(Span(begin, end))
    return tuple(spans)
