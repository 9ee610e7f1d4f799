"""What comes over days and weeks: bodies and habits that drift from what is usual. Pure.

    begins -> grows over `days` -> stands as far as it goes -> over, at once

How far each goes where nobody says is beyond the limit of its rule, and of no alarm: it is what a
visit is for. The near misses are the same happenings, shorter or smaller.
"""

import random
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from sim.world.households import Person
from sim.world.routine import Stay
from sim.world.said import DAY_MS, HOUR_MS, MINUTE_MS
from sim.world.truth import Fact
from weinao.messages import Vitals


class Drift(Struct, frozen=True):
    """How far something goes where nobody says, in its unit, and over how many days it grows."""

    by: float
    days: float


DRIFTS = {
    "pulse_drifts": Drift(12, 4),  # bpm
    "oxygen_drifts": Drift(-3, 4),  # points of SpO2
    "pressure_rises": Drift(22, 4),  # mmHg, systolic
    "weight_gains": Drift(3.0, 2),  # kg: water that gathers
    "eats_well": Drift(2.4, 21),  # kg: a month of feasts
    "up_at_night": Drift(4, 0),  # visits to the bathroom
    "does_less": Drift(40, 0),  # minutes between movements, where it was under ten
    "wakes_early": Drift(150, 0),  # minutes; nights of one person differ by half of that
}

FULL_PCT, DRAIN_PCT_A_DAY, CHARGED_EVERY_DAYS = 98.0, 9.5, 3
"""A band's battery: a week's worth, and charged twice a week. Ours."""

_VISIT_MS = 5 * MINUTE_MS
_MORNING_H = (4, 13)
_CHARGED_H = 19


def moved_by(kind: str, facts: Iterable[Fact], at: int) -> float:
    """Return how far one kind has moved at a time, in its unit; 0 where it has not."""
    drift, total = DRIFTS[kind], 0.0
    for fact in facts:
        if fact.happening == kind and fact.at <= at < fact.until:
            grown = min(1.0, (at - fact.at) / (drift.days * DAY_MS)) if drift.days else 1.0
            total += grown * (fact.by or drift.by)
    return total


def drifted(said: Vitals, facts: Sequence[Fact]) -> Vitals:
    """Return what a band reads off a body that drifts, or that a child's crying has upset."""
    pulse = moved_by("pulse_drifts", facts, said.at)
    oxygen = moved_by("oxygen_drifts", facts, said.at)
    cries = any(one.happening == "cries" and one.at <= said.at < one.until for one in facts)
    if not (pulse or oxygen or cries):
        return said
    assert said.hr_bpm is not None
    assert said.spo2_pct is not None
    assert said.resp_per_min is not None
    return replace(
        said,
        hr_bpm=round(said.hr_bpm + pulse + (_CRYING_BPM if cries else 0), 1),
        spo2_pct=round(min(100.0, said.spo2_pct + oxygen), 1),
        resp_per_min=round(said.resp_per_min + (_CRYING_BREATHS if cries else 0), 1),
    )


_CRYING_BPM, _CRYING_BREATHS = 75, 16
"""A small child in tears has the pulse of an ill one, for minutes. Ours."""


def battery_pct(facts: Sequence[Fact], at: int, start: int, phase: int) -> float:
    """Return how full a band's battery is.

    Args:
        facts: What befalls its wearer.
        at: When, milliseconds UTC.
        start: When the story begins.
        phase: Which day of three it is charged on, 0 to 2.
    """
    day = (at + 8 * HOUR_MS) // DAY_MS
    for ago in range(_CHARGED_AGO_MAX):
        charged_at = (day - ago) * DAY_MS + (_CHARGED_H - 8) * HOUR_MS
        usual = (day - ago) % CHARGED_EVERY_DAYS == phase
        forgot = any(
            one.happening == "forgets_charger" and one.at <= charged_at < one.until for one in facts
        )
        late = any(
            one.happening == "forgets_charger" and charged_at - DAY_MS < one.until <= charged_at
            for one in facts
        )
        if charged_at <= at and ((usual and not forgot) or late):
            return max(0.0, FULL_PCT - DRAIN_PCT_A_DAY * (at - charged_at) / DAY_MS)
        if charged_at < start - CHARGED_EVERY_DAYS * DAY_MS:
            break
    return max(0.0, FULL_PCT - DRAIN_PCT_A_DAY * max(0, at - start) / DAY_MS)


_CHARGED_AGO_MAX = 40


def slept(
    stays: Sequence[Stay], person: Person, facts: Sequence[Fact], rng: random.Random
) -> list[Stay]:
    """Return a day with the nights that somebody has lately."""
    own = [one for one in facts if one.about[0] == person.id]
    changed = list(stays)
    if any(one.happening == "wakes_early" for one in own):
        changed = [part for stay in changed for part in _wakes_early(stay, own)]
    if any(one.happening == "up_at_night" for one in own):
        changed = [part for stay in changed for part in _up(stay, own, rng)]
    return changed


def _wakes_early(stay: Stay, own: Sequence[Fact]) -> Iterator[Stay]:
    """Yield the end of a night without its last hours: whoever lies awake gets up and sits."""
    early_ms = round(moved_by("wakes_early", own, stay.until) * MINUTE_MS)
    morning = _MORNING_H[0] <= (stay.until // HOUR_MS + 8) % 24 < _MORNING_H[1]
    if not (early_ms and stay.asleep and morning):
        yield stay
        return
    up_at = max(stay.at, stay.until - early_ms)
    if up_at > stay.at:
        yield replace(stay, until=up_at)
    yield Stay(up_at, stay.until, "living")


def _up(stay: Stay, own: Sequence[Fact], rng: random.Random) -> Iterator[Stay]:
    """Yield a part of a night with its share of visits, spread over it."""
    visits = moved_by("up_at_night", own, stay.at)
    count = round(visits * (stay.until - stay.at) / _NIGHT_MS) if stay.asleep else 0
    part_ms = (stay.until - stay.at) // (count + 1) if count else 0
    if part_ms <= 3 * _VISIT_MS:
        yield stay
        return
    at = stay.at
    for index in range(1, count + 1):
        up_at = stay.at + index * part_ms + rng.randrange(_VISIT_MS)
        yield replace(stay, at=at, until=up_at)
        yield Stay(up_at, up_at + _VISIT_MS, "bathroom")
        at = up_at + _VISIT_MS
    yield replace(stay, at=at)


_NIGHT_MS = 9 * HOUR_MS


def fewer(
    moves: Iterable[tuple[int, str]], person: Person, facts: Sequence[Fact]
) -> Iterator[tuple[int, str]]:
    """Yield the movements of somebody who sits more, and makes fewer errands through the home.

    Where somebody cooks is left alone: nobody cooks sitting.
    """
    own = [one for one in facts if one.about[0] == person.id and one.happening == "does_less"]
    seen_at = 0
    for at, room in moves:
        rest_ms = moved_by("does_less", own, at) * MINUTE_MS if own else 0
        if room == "kitchen" or at >= seen_at + rest_ms:
            seen_at = at
            yield at, room
