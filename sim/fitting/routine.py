"""The routine of recorded homes: what `sim.world.routine` lives by."""

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from sim.fitting.diary import MEALS, Diary, overlap, stays_in
from sim.fitting.features import OUTING_MIN_MAX, awake_h, features, gaps, midnights
from sim.fitting.spreads import habit, rounded, spread
from sim.importers.wearables import Sleep
from sim.world.fitted import Habit, Outings, Routine, Spread
from sim.world.said import DAY_MS, HOUR_MS, MINUTE_MS
from sim.world.ways import PARTS_OF_DAY, part_of_day, stirring

WORK_MIN = 240
"""An outing that long on a weekday is work, where most weekdays have one."""

_WORK_SHARE = 0.5
_WEEKDAYS = 5
_SLEEP_MIN_H, _SLEEP_MAX_H = 3, 14
_THURSDAY = 3  # the first of January 1970


def fit_routine(
    diaries: Sequence[Diary], sleeps: Iterable[Sleep] = (), moving: Sequence[Diary] | None = None
) -> Routine:
    """Return the routine of some people.

    Args:
        diaries: Of homes with one resident.
        sleeps: Of other people, who only slept with a watch.
        moving: Whose movement is fitted; None for those of `diaries` whose sensors watch it.

    Raises:
        TooFewError: Something is in none of them.
    """
    counted = [features(one) for one in diaries]
    beds, ups = _by_watch(sleeps)
    # A worker's outings besides work are too few to tell; those of who stays at home are taken.
    workers = [one for one in diaries if works(one)]
    at_home = [one for one in diaries if not works(one)] or list(diaries)

    def everybody(name: str) -> list[list[float]]:
        return [one[name] for one in counted]

    def pooled(name: str) -> list[float]:
        return [value for one in counted for value in one[name]]

    clocks = {name: habit(name, everybody(f"{name}_h")) for name in MEALS}
    moved = _moving([one for one in diaries if one.watched] if moving is None else moving)
    return Routine(
        up_h=_clock("getting up", everybody("up_h"), ups),
        bed_h=_clock("going to bed", everybody("bed_h"), beds),
        breakfast_h=clocks["breakfast"],
        lunch_h=clocks["lunch"],
        dinner_h=clocks["dinner"],
        meal_share=(
            _meal_share(diaries, "breakfast"),
            _meal_share(diaries, "lunch"),
            _meal_share(diaries, "dinner"),
        ),
        meal_min=spread("meals", pooled("meal_min")),
        outings=_outings("outings", at_home),
        work=_outings("work", workers or at_home, WORK_MIN if workers else 0),
        visits_per_h=habit("visits to the bathroom", everybody("visits_per_day_h")),
        visit_min=spread("visits to the bathroom", pooled("visit_min")),
        night_visits=habit("visits by night", everybody("visits_per_night")),
        night_visit_min=spread("visits by night", pooled("night_visit_min")),
        sits_on=moved.sits_on,
        errands_per_h=moved.errands_per_h,
        errand_min=moved.errand_min,
        stir_min=moved.stir_min,
    )


def works(diary: Diary) -> bool:
    """Return whether somebody is out for long on most weekdays."""
    days = [at for at in midnights(diary) if (at // DAY_MS + _THURSDAY) % 7 < _WEEKDAYS]
    long = [begun for begun, ended in diary.outings if (ended - begun) >= WORK_MIN * MINUTE_MS]
    gone = sum(any(day <= begun < day + DAY_MS for begun in long) for day in days)
    return gone >= _WORK_SHARE * max(1, len(days))


def _clock(what: str, at_home: list[list[float]], by_watch: list[list[float]]) -> Habit:
    """Return when people do something: the watches tell how people differ, homes how days do.

    Most of the watches were worn by people with a fever, whose days are not as days are.
    """
    return replace(habit(what, [*at_home, *by_watch]), within=habit(what, at_home).within)


def _by_watch(sleeps: Iterable[Sleep]) -> tuple[list[list[float]], list[list[float]]]:
    """Return when people went to bed and got up, by person; naps left out."""
    beds: dict[str, list[float]] = {}
    ups: dict[str, list[float]] = {}
    for one in sleeps:
        begun_h, ended_h = one.begun_at / HOUR_MS % 24, one.ended_at / HOUR_MS % 24
        long = _SLEEP_MIN_H <= (one.ended_at - one.begun_at) / HOUR_MS <= _SLEEP_MAX_H
        if long and not 9 <= begun_h < 19:  # noqa: PLR2004  # a sleep by day
            beds.setdefault(one.person, []).append(begun_h + 24 if begun_h < 12 else begun_h)  # noqa: PLR2004  # after midnight
            ups.setdefault(one.person, []).append(ended_h)
    return list(beds.values()), list(ups.values())


def _meal_share(diaries: Sequence[Diary], meal: str) -> float:
    """Return how often a meal is eaten at home, by those who ever do."""
    eaters = [one for one in diaries if one.meals[meal]]
    days = sum(one.days for one in eaters)
    eaten = sum(len({at // DAY_MS for at, _ in one.meals[meal]}) for one in eaters)
    return rounded(min(1.0, eaten / max(1, days)))


def _outings(what: str, diaries: Sequence[Diary], least: float = 0.0) -> Outings:
    leaves: list[float] = []
    minutes: list[float] = []
    per_day: list[list[float]] = []
    for diary in diaries:
        lasted = [(begun, (ended - begun) / MINUTE_MS) for begun, ended in diary.outings]
        own = [one for one in lasted if least <= one[1] <= OUTING_MIN_MAX]
        minutes += [one for _, one in own]
        leaves += [share for begun, _ in own for share in _share_of_day(diary, begun)]
        per_day.append(
            [float(sum(day <= at < day + DAY_MS for at, _ in own)) for day in midnights(diary)]
        )
    return Outings(habit(what, per_day), spread(what, leaves), spread(what, minutes))


def _share_of_day(diary: Diary, at: int) -> Iterable[float]:
    """Yield how far between getting up and going to bed a time is, where both are known."""
    ups = [ended for _, ended in diary.nights if at - DAY_MS < ended <= at]
    beds = [begun for begun, _ in diary.nights if at < begun < at + DAY_MS]
    if ups and beds:
        yield (at - max(ups)) / (min(beds) - max(ups))


class _Moving(Struct, frozen=True):
    sits_on: dict[str, float]
    errands_per_h: dict[str, float]
    errand_min: dict[str, Spread]
    stir_min: dict[str, Spread]


def _moving(watched: Sequence[Diary]) -> _Moving:
    """Return how people move about and stir, from homes whose sensors tell."""
    stir: dict[str, list[float]] = {}
    errands: dict[str, list[float]] = {"kitchen": [], "bedroom": []}
    sits: dict[str, list[bool]] = {name: [] for name in PARTS_OF_DAY}
    hours = 0.0
    for diary in watched:
        hours += sum(awake_h(diary, day) for day in midnights(diary))
        for at, until, room, following in gaps(diary):
            hour = at / HOUR_MS % 24
            asleep = overlap((at, until), diary.nights) > (until - at) / 2
            if room == following:
                name = "asleep" if asleep else stirring(room, hour)
                stir.setdefault(name, []).append((until - at) / MINUTE_MS)
            if room == "living" and not asleep:
                sits[part_of_day(hour)].append(room == following)
        meals = [span for spans in diary.meals.values() for span in spans]
        for begun, ended, where in stays_in(diary.moves):
            if where in errands and not overlap((begun, ended + 1), [*diary.nights, *meals]):
                errands[where].append(max(_BRIEF_MIN, (ended - begun) / MINUTE_MS))
    sitting = [stirring("living", hour) for hour in (6, 12, 18)]
    rooms = ("kitchen", *sitting, "bathroom", "bedroom", "hall", "asleep")
    return _Moving(
        {name: rounded(sum(one) / max(1, len(one))) for name, one in sits.items()},
        {room: rounded(len(one) / max(1.0, hours)) for room, one in errands.items()},
        {room: spread(f"errands to {room}", one) for room, one in errands.items()},
        {room: spread(f"stirring, {room}", stir.get(room, ())) for room in rooms},
    )


_BRIEF_MIN = 1.0
"""A stay that one movement alone tells of."""
