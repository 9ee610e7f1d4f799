"""What can be counted of a diary, so that a recorded and a simulated one can be compared.

Each feature is a list of values, one for a day, a night or a time that something was done.
"""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import pairwise

from sim.fitting.diary import MEALS, Diary, Span, overlap
from sim.world.said import DAY_MS, HOUR_MS, MINUTE_MS
from sim.world.ways import PARTS_OF_DAY, part_of_day

Features = dict[str, list[float]]

OUTING_MIN_MAX = 16 * 60
"""Who is away for longer travels, and is not at home to be simulated."""

_MORNING_H = 15
"""An hour of the night before this one is after midnight."""

_AWAKE_H_MIN = 2


def features(diary: Diary) -> Features:
    """Return everything that is counted of a diary, by name; the name ends in its unit."""
    found: Features = {
        "bed_h": [_late(begun) for begun, _ in diary.nights],
        "up_h": [ended / HOUR_MS % 24 for _, ended in diary.nights],
        "night_h": [(ended - begun) / HOUR_MS for begun, ended in diary.nights],
    }
    for name in MEALS:
        found[f"{name}_h"] = [at / HOUR_MS % 24 for at in _first_of_days(diary.meals[name])]
    found["meal_min"] = [_minutes(one) for spans in diary.meals.values() for one in spans]
    short = [one for one in diary.outings if _minutes(one) <= OUTING_MIN_MAX]
    found["outing_min"] = [_minutes(one) for one in short]
    found["outing_leaves_h"] = [begun / HOUR_MS % 24 for begun, _ in short]
    found["outings_per_day"] = [
        float(sum(midnight <= begun < midnight + DAY_MS for begun, _ in diary.outings))
        for midnight in midnights(diary)
    ]
    by_night = [one for one in diary.visits if overlap(one, diary.nights)]
    by_day = [one for one in diary.visits if not overlap(one, diary.nights)]
    found["visits_per_night"] = [
        float(sum(overlap(one, [night]) > 0 for one in by_night)) for night in diary.nights
    ]
    found["night_visit_min"] = [_minutes(one) for one in by_night]
    found["visit_min"] = [_minutes(one) for one in by_day]
    found["visits_per_day_h"] = [
        sum(midnight <= begun < midnight + DAY_MS for begun, _ in by_day) / hours
        for midnight, hours in _awake(diary)
    ]
    if diary.watched:
        found |= _still(diary)
    return found


def midnights(diary: Diary) -> range:
    """Return when each of its days begins."""
    return range(diary.begun, diary.ended, DAY_MS)


def awake_h(diary: Diary, midnight: int) -> float:
    """Return how many hours of a day somebody is awake and at home."""
    day = (midnight, midnight + DAY_MS)
    return (DAY_MS - overlap(day, diary.nights) - overlap(day, diary.outings)) / HOUR_MS


def gaps(diary: Diary) -> Iterator[tuple[int, int, str, str]]:
    """Yield each quiet between two movements in which nobody was out: from, until, rooms."""
    away = diary.outings
    ends = [ended for _, ended in away]
    for (at, room), (until, next_room) in pairwise(diary.moves):
        following = bisect_left(ends, at - MINUTE_MS)
        if following >= len(away) or away[following][0] > until + MINUTE_MS:
            yield at, until, room, next_room


def _awake(diary: Diary) -> list[tuple[int, float]]:
    # The night before its first day is in no diary.
    days = [(midnight, awake_h(diary, midnight)) for midnight in midnights(diary)[1:]]
    return [one for one in days if one[1] >= _AWAKE_H_MIN]


def _still(diary: Diary) -> Features:
    """Return how much somebody moves, where, and how long nothing does."""
    found: Features = {"moves_awake_per_h": [], "moves_asleep_per_h": []}
    for midnight, hours in _awake(diary):
        inside = [at for at, _ in diary.moves if midnight <= at < midnight + DAY_MS]
        asleep = sum(overlap((at, at + 1), diary.nights) for at in inside)
        found["moves_awake_per_h"].append((len(inside) - asleep) / hours)
    for night in diary.nights:
        moves = sum(night[0] <= at < night[1] for at, _ in diary.moves)
        found["moves_asleep_per_h"].append(moves / ((night[1] - night[0]) / HOUR_MS))
    quiet = [(at, (until - at) / MINUTE_MS, room) for at, until, room, _ in gaps(diary)]
    found["quiet_min"] = [minutes for _, minutes, _ in quiet]
    longest: dict[tuple[str, int], float] = {}
    for at, minutes, _ in quiet:
        asleep = overlap((at, at + 1), diary.nights)
        when = ("asleep" if asleep else part_of_day(at / HOUR_MS % 24), at // DAY_MS)
        longest[when] = max(longest.get(when, 0.0), minutes)
    for part in ("asleep", *PARTS_OF_DAY):
        found[f"quiet_longest_{part}_min"] = [
            minutes for (name, _), minutes in longest.items() if name == part
        ]
    for room in ("kitchen", "living", "bathroom", "bedroom"):
        spent = dict.fromkeys((at // DAY_MS for at in midnights(diary)), 0.0)
        for at, minutes, where in quiet:
            if where == room and not overlap((at, at + 1), diary.nights) and at // DAY_MS in spent:
                spent[at // DAY_MS] += minutes / 60
        found[f"{room}_awake_h"] = list(spent.values())
    return found


def _first_of_days(spans: tuple[Span, ...]) -> list[int]:
    firsts: dict[int, int] = {}
    for begun, _ in spans:
        firsts.setdefault(begun // DAY_MS, begun)
    return list(firsts.values())


def _late(at: int) -> float:
    hour = at / HOUR_MS % 24
    return hour + 24 if hour < _MORNING_H else hour


def _minutes(span: Span) -> float:
    return (span[1] - span[0]) / MINUTE_MS
