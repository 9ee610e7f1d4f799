"""A person's day: where they are from when to when, as days of recorded people go.

getting up - bathroom - breakfast ... lunch ... dinner ... bed, and the ways to the bathroom
    +-- between: outings; at home the living room, still time after time, with errands from there
"""

import math
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from sim.world.fitted import Outings
from sim.world.said import DAY_MS, MINUTE_MS, dice
from sim.world.ways import Ways, part_of_day, stirring

OUT = ""
"""The room of who is not at home."""


class Stay(Struct, frozen=True):
    """Somebody is in one room from when to when, milliseconds UTC.

    Attributes:
        meal: What is eaten there.
        still: Nothing stirs in all that time.
    """

    at: int
    until: int
    room: str
    asleep: bool = False
    meal: str = ""
    still: bool = False


def day(own: Ways, midnight: int) -> list[Stay]:
    """Return where somebody is on the day that begins at `midnight`, without gaps.

    Args:
        own: Whose.
        midnight: Local midnight, milliseconds UTC.
    """
    rng = dice(own.seed, own.who, midnight)
    late = max(0.0, _bed_min(own, midnight - DAY_MS) - _DAY_MIN)
    bed = _bed_min(own, midnight)
    usual = 60 * own.hours.up + 60 * own.routine.up_h.within * rng.gauss(0, 1)
    leaves = _leaves_min(own, midnight, rng)
    up = max(min(usual, bed - _AWAKE_MIN_MIN, leaves - _READY_MIN), late + _NIGHT_MIN_MIN)
    parts = [
        *_waking(own, 0.0, late, (), rng),
        *_sleeping(own, late, up, rng),
        *_waking(own, up, min(bed, _DAY_MIN), _planned(own, up, bed, leaves, rng), rng),
        *_sleeping(own, min(bed, _DAY_MIN), _DAY_MIN, rng),
    ]
    return [
        Stay(at, until, part.room, part.asleep, part.meal, part.still)
        for part in parts
        if (at := midnight + round(part.from_min * MINUTE_MS))
        < (until := midnight + round(part.until_min * MINUTE_MS))
    ]


def at_home(stays: Sequence[Stay], from_at: int, until: int) -> list[Stay]:
    """Return a day in which nobody is out at a time, nor comes home or leaves within it."""
    return [
        replace(stay, room="living")
        if stay.room == OUT and stay.at < until and stay.until > from_at
        else stay
        for stay in stays
    ]


def in_bed(stays: Sequence[Stay], from_at: int, until: int) -> list[Stay]:
    """Return a day in which somebody is asleep at a time."""
    before = [replace(one, until=min(one.until, from_at)) for one in stays if one.at < from_at]
    after = [replace(one, at=max(one.at, until)) for one in stays if one.until > until]
    return [*before, Stay(max(from_at, stays[0].at), until, "bedroom", asleep=True), *after]


class _Part(Struct, frozen=True):
    """A stay, in minutes of the day."""

    from_min: float
    until_min: float
    room: str
    asleep: bool = False
    meal: str = ""
    still: bool = False


_DAY_MIN = 1_440.0
_NIGHT_MIN_MIN = 180.0
_AWAKE_MIN_MIN = 480.0
_READY_MIN = 30.0
_LEAVES_SD_MIN = 10.0
_BED_MIN = (19.5 * 60, 27 * 60)
_WEEKEND = 5
_BUSY_SHARE = 0.25
"""How much less who works goes out besides."""

_NAP_MIN = (30.0, 75.0)
_LATE_MEAL_MIN = 90.0
_OUTING_MIN_MIN = 10.0
_OUT_FROM_MIN = 330.0
"""Nobody goes out for pleasure earlier: those recorded get up too late to tell."""


def _bed_min(own: Ways, midnight: int) -> float:
    """Return when somebody goes to bed in the evening of a day, in minutes after its midnight."""
    usual = own.hours.bed + own.routine.bed_h.within * dice(
        own.seed, own.who, midnight, "bed"
    ).gauss(0, 1)
    return min(max(60 * usual, _BED_MIN[0]), _BED_MIN[1])


def _leaves_min(own: Ways, midnight: int, rng: random.Random) -> float:
    """Return when somebody leaves for work or school; on other days at the end of time."""
    noon = datetime.fromtimestamp(midnight / 1_000 + 43_200, tz=UTC)
    if own.hours.leaves is None or noon.weekday() >= _WEEKEND:
        return math.inf
    return 60 * own.hours.leaves + _LEAVES_SD_MIN * rng.gauss(0, 1)


def _planned(
    own: Ways, up: float, bed: float, leaves: float, rng: random.Random
) -> tuple[_Part, ...]:
    """Return outings, meals and a nap, in order, none of which overlap."""
    found: list[_Part] = []
    busy = leaves < math.inf
    if busy:
        _place(found, max(up + 10, leaves), own.routine.work.minutes.draw(rng), OUT, bed - 60)
    going: Outings = own.routine.outings
    for _ in range(_poisson(own.outings_per_day * (_BUSY_SHARE if busy else 1.0), rng)):
        at = up + going.leaves.draw(rng) * (bed - up)
        _place(found, max(up + 15, at, _OUT_FROM_MIN), going.minutes.draw(rng), OUT, bed - 15)
    hours, habits = own.hours, own.routine
    meals = (
        ("breakfast", max(60 * hours.breakfast, up + 8), habits.breakfast_h),
        ("lunch", 60 * hours.lunch, habits.lunch_h),
        ("dinner", 60 * hours.dinner, habits.dinner_h),
    )
    for (meal, usual, habit), share in zip(meals, habits.meal_share, strict=True):
        at = max(up + 6, usual + 60 * habit.within * rng.gauss(0, 1))
        if rng.random() < share:
            after = max((one.until_min + 3 for one in found if one.from_min <= at), default=at)
            at = after if at < after <= at + _LATE_MEAL_MIN else at
            _place(found, at, habits.meal_min.draw(rng), "kitchen", bed - 10, meal=meal)
    if rng.random() < hours.naps:
        at = 60 * hours.lunch + rng.uniform(60, 120)
        _place(found, at, rng.uniform(*_NAP_MIN), "bedroom", bed)
    return tuple(sorted(found, key=lambda one: one.from_min))


def _place(
    found: list[_Part], at: float, minutes: float, room: str, by: float, *, meal: str = ""
) -> None:
    """Add a part where nothing else is; what must be shorter than ten minutes for it is not."""
    by = min(by, _DAY_MIN)
    until = min([at + minutes, by, *(one.from_min - 2 for one in found if one.from_min >= at)])
    inside = any(one.from_min <= at < one.until_min + 2 for one in found)
    if not inside and until - at >= min(minutes, _OUTING_MIN_MIN):
        found.append(_Part(at, until, room, meal=meal))


def _waking(
    own: Ways, begun: float, ended: float, planned: Sequence[_Part], rng: random.Random
) -> Iterator[_Part]:
    at = begun
    for part in planned:
        yield from _free(own, at, part.from_min, rng, first=at == begun)
        yield part
        at = part.until_min
    yield from _free(own, at, ended, rng, first=at == begun)


def _free(
    own: Ways, begun: float, ended: float, rng: random.Random, *, first: bool
) -> Iterator[_Part]:
    """Yield the time between plans: in the living room, with ways to other rooms and back."""
    at = begun
    sits, room = ([1.0], "bathroom") if first else _sits(own, at, rng)
    while at < ended:
        for minutes in sits:
            until = min(at + minutes, ended)
            if until > at:
                yield _Part(at, until, "living", still=True)
            at = until
        spread = own.routine.visit_min if room == "bathroom" else own.routine.errand_min[room]
        back = at + max(0.8, spread.draw(rng))
        if at < ended and back + 0.5 < ended:
            yield _Part(at, back, room)
            at = back
        sits, room = _sits(own, at, rng)


def _sits(own: Ways, at: float, rng: random.Random) -> tuple[list[float], str]:
    """Return how long somebody who sits down now is still, time after time; and goes where then."""
    routine, hour = own.routine, at / 60
    share, still = routine.sits_on[part_of_day(hour)], routine.stir_min[stirring("living", hour)]
    sits = [_ON_THE_WAY_MIN]
    while rng.random() < share:
        sits.append(still.draw(rng))
    hourly = sum(routine.errands_per_h.values())
    if rng.random() < own.visits_per_h / (own.visits_per_h + hourly):
        return sits, "bathroom"
    return sits, rng.choices([*routine.errands_per_h], [*routine.errands_per_h.values()])[0]


_ON_THE_WAY_MIN = 1.0
"""How long who does not sit down is in the living room."""


def _sleeping(own: Ways, begun: float, ended: float, rng: random.Random) -> Iterator[_Part]:
    """Yield a part of a night, with the ways to the bathroom."""
    night = 60 * (24 - own.hours.bed + own.hours.up)
    at = begun
    for _ in range(_poisson(own.night_visits * (ended - begun) / night, rng)):
        up = rng.uniform(at, ended)
        back = up + own.routine.night_visit_min.draw(rng)
        if up - at < _ABED_MIN or back + _ABED_MIN > ended:
            continue
        yield _Part(at, up, "bedroom", asleep=True)
        yield _Part(up, back, "bathroom")
        at = back
    if ended > at:
        yield _Part(at, ended, "bedroom", asleep=True)


_ABED_MIN = 10.0


def _poisson(mean: float, rng: random.Random) -> int:
    """Return how often something happens that happens so often on average."""
    count, left = 0, rng.expovariate(1.0)
    while left < mean:
        count += 1
        left += rng.expovariate(1.0)
    return count
