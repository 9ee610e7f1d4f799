"""A person's day: where they are from when to when, as that kind of person's days tend to go."""

import random
from datetime import UTC, datetime

from msgspec import Struct

from sim.world.said import DAY_MS, MINUTE_MS

OUT = ""
"""The room of who is not at home."""

_WEEKEND = 5
_STAYS_IN = 0.3
"""How often an elder stays at home instead of going out."""

_NIGHT_H_MIN = 3

_ELDER = (
    (360, "bathroom"), (375, "kitchen"), (420, "living"), (545, OUT), (640, "living"),
    (675, "kitchen"), (740, "living"), (790, "bedroom"), (860, "living"), (960, "bathroom"),
    (970, "living"), (1045, "kitchen"), (1110, "living"), (1260, "bathroom"), (1275, "bedroom"),
)  # fmt: skip
_WORKS = (
    (405, "bathroom"), (425, "kitchen"), (450, "living"), (475, OUT), (1085, "living"),
    (1100, "kitchen"), (1150, "living"), (1330, "bathroom"), (1345, "bedroom"),
)  # fmt: skip
_RESTS = (
    (480, "bathroom"), (500, "kitchen"), (545, "living"), (600, OUT), (690, "kitchen"),
    (750, "living"), (900, OUT), (1040, "living"), (1080, "kitchen"), (1140, "living"),
    (1340, "bathroom"), (1355, "bedroom"),
)  # fmt: skip
_LEARNS = (
    (400, "bathroom"), (415, "kitchen"), (440, "living"), (460, OUT), (1025, "living"),
    (1110, "kitchen"), (1140, "living"), (1250, "bathroom"), (1265, "bedroom"),
)  # fmt: skip


class Stay(Struct, frozen=True):
    """Somebody is in one room from when to when, milliseconds UTC."""

    at: int
    until: int
    room: str
    asleep: bool = False


def day(kind: str, midnight: int, rng: random.Random) -> list[Stay]:
    """Return where somebody is on the day that begins at `midnight`, without gaps.

    Args:
        kind: Of person.
        midnight: Local midnight, milliseconds UTC.
        rng: Of this person and day.
    """
    weekend = datetime.fromtimestamp(midnight / 1_000 + 43_200, tz=UTC).weekday() >= _WEEKEND
    plan = _ELDER if kind == "elder" else _RESTS if weekend else _PLANS[kind]
    marks: list[tuple[int, str]] = [(0, "bedroom")]
    for minute, planned in plan:
        at = max(marks[-1][0] + 6 * MINUTE_MS, round((minute + rng.gauss(0, 9)) * MINUTE_MS))
        room = (
            "living" if planned == OUT and kind == "elder" and rng.random() < _STAYS_IN else planned
        )
        marks.append((at, room))
    ends = [*(at for at, _ in marks[1:]), DAY_MS]
    last = len(marks) - 1
    stays: list[Stay] = []
    for index, ((at, room), until) in enumerate(zip(marks, ends, strict=True)):
        if room == "bedroom" and index in (0, last):
            stays += _night(midnight + at, midnight + until, kind, rng)
        else:
            stays.append(Stay(midnight + at, midnight + until, room))
    return stays


_PLANS = {"adult": _WORKS, "child": _LEARNS, "preschooler": _LEARNS}


def _night(at: int, until: int, kind: str, rng: random.Random) -> list[Stay]:
    """Return a part of a night, with the way to the bathroom that elders go about twice."""
    hours = (until - at) / 3_600_000
    if hours < _NIGHT_H_MIN or rng.random() > (0.9 if kind == "elder" else 0.25):
        return [Stay(at, until, "bedroom", asleep=True)]
    up = at + round((0.3 + 0.4 * rng.random()) * (until - at))
    back = up + round((3 + 4 * rng.random()) * MINUTE_MS)
    return [
        Stay(at, up, "bedroom", asleep=True),
        Stay(up, back, "bathroom"),
        Stay(back, until, "bedroom", asleep=True),
    ]
