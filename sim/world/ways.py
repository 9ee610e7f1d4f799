"""The own ways of people: when each gets up and eats, and how often they go where.

Recorded people tell how people differ. When elders, workers and pupils of our communities get up,
eat and go to bed is assumed (`HOURS`): those recorded are too few, and none of them is one.
"""

import random

from msgspec import Struct
from msgspec.structs import replace

from sim.world.fitted import Habit, Routine, shipped
from sim.world.said import dice


class Hours(Struct, frozen=True):
    """When a kind of person does what, local hours.

    Attributes:
        leaves: For work or school, on weekdays; None for who has neither.
        naps: How often somebody sleeps after lunch.
    """

    up: float
    breakfast: float
    lunch: float
    dinner: float
    bed: float
    leaves: float | None = None
    naps: float = 0.0


PARTS_OF_DAY = ("morning", "afternoon", "evening")
"""From 6, 12 and 18 o'clock; who is up before 6 is so since the evening."""

HOURS = {
    "elder": Hours(6.0, 6.4, 11.3, 17.4, 21.3, naps=0.6),
    "adult": Hours(6.75, 7.1, 11.8, 18.4, 22.5, leaves=7.9),
    "child": Hours(6.65, 6.9, 11.8, 18.4, 21.1, leaves=7.6),
    "preschooler": Hours(6.75, 7.1, 11.8, 18.4, 20.8, leaves=7.9),
}
"""Ours, not fitted: early, with a rest after lunch, as days go in Chinese communities."""


class Ways(Struct, frozen=True, kw_only=True):
    """The own ways of one person.

    Attributes:
        who: Their dice.
        hours: Their own.
        outings_per_day: Where neither work nor school calls.
        visits_per_h: To the bathroom, awake at home.
        night_visits: To the bathroom, in a night.
    """

    who: str
    seed: int
    hours: Hours
    outings_per_day: float
    visits_per_h: float
    night_visits: float
    routine: Routine


def ways(hours: Hours, who: str, seed: int, routine: Routine | None = None) -> Ways:
    """Return the ways of one person.

    Args:
        hours: Of their kind.
        who: Tells their dice from those of others.
        seed: Of the world.
        routine: Of people in general; None for the shipped.
    """
    routine = routine or shipped().routine
    rng = dice(seed, who, "ways")
    late = min(max(rng.gauss(0, 1), -_LATE_SDS_MAX), _LATE_SDS_MAX)
    up = hours.up + late * routine.up_h.between
    bed = hours.bed + late * routine.bed_h.between
    shift = (up - hours.up + bed - hours.bed) / 2
    own = replace(
        hours,
        up=up,
        bed=bed,
        breakfast=hours.breakfast + up - hours.up,
        lunch=hours.lunch + shift / 2,
        dinner=hours.dinner + shift / 2,
        leaves=None if hours.leaves is None else hours.leaves + shift / 2,
    )
    return Ways(
        who=who,
        seed=seed,
        hours=own,
        outings_per_day=_own(routine.outings.per_day, rng),
        visits_per_h=_own(routine.visits_per_h, rng),
        night_visits=_own(routine.night_visits, rng),
        routine=routine,
    )


def part_of_day(hour: float) -> str:
    """Return the name of a part of the day, by the local hour."""
    return PARTS_OF_DAY[min(2, max(0, int(hour - 6) // 6))] if hour >= 6 else PARTS_OF_DAY[2]  # noqa: PLR2004  # morning


def stirring(room: str, hour: float) -> str:
    """Return under which name it is known how often somebody stirs: sitting, by the hour."""
    return f"living_{part_of_day(hour)}" if room == "living" else room


def _own(habit: Habit, rng: random.Random) -> float:
    return max(0.1 * habit.mean, rng.gauss(habit.mean, habit.between))


_LATE_SDS_MAX = 1.5
"""Those recorded are of several ages and countries, and differ more than neighbours do."""
