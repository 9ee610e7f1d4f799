"""How close simulated people are to recorded ones: two samples of everything that can be counted.

Every figure says whether the recordings it is held against took part in the fit. For routines, each
home in turn is left out of the fit; for movement, of which one home tells, the second half of its
days; for bodies, every second person. What two parts of the recordings differ by among themselves
stands beside it: no simulation of people in general comes closer to those left out than that.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from statistics import fmean

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from sim.fitting.diary import Diary, simulated
from sim.fitting.features import Features, features
from sim.fitting.physiology import SPOT_SIGNS, People, fit_physiology
from sim.fitting.routine import fit_routine, works
from sim.fitting.spreads import distance
from sim.importers.wearables import Series, Sleep
from sim.world.body import Body
from sim.world.fitted import Physiology, Routine
from sim.world.home import LivedIn
from sim.world.households import dwelling
from sim.world.routine import Hours, Ways, day, ways
from sim.world.said import DAY_MS, HOUR_MS, MINUTE_MS, dice
from weinao.messages import Home, Sensor

DAYS = 14
"""For so many days each person is simulated."""

MONDAY = 1_772_409_600_000
"""2026-03-02, a Monday, by the local clock; where simulated days begin."""

VALUES_MIN = 5
"""Fewer are not compared."""

MOVEMENT = ("moves", "quiet", "kitchen", "living", "bathroom", "bedroom")
"""How the names of what only movement sensors tell begin."""

Told = Callable[[str], object]


class Compared(Struct, frozen=True, kw_only=True):
    """One feature of recorded and simulated people.

    Attributes:
        group: `routine`, `movement` or `body`.
        against: The recordings it is held against.
        held_out: None of them took part in the fit.
        recorded: How many values; simulated: likewise.
        ks: Kolmogorov-Smirnov distance, from 0 to 1.
        wasserstein: In the unit of the feature.
        ks_among: Between the recordings left out and those fitted, simulation aside.
        recorded_at: A tenth, half and nine tenths of values do not exceed these.
        simulated_at: Likewise.
    """

    group: str
    feature: str
    against: str
    held_out: bool
    recorded: int
    simulated: int
    ks: float
    wasserstein: float
    ks_among: float | None
    recorded_at: tuple[float, float, float]
    simulated_at: tuple[float, float, float]


class Samples(Struct, frozen=True, kw_only=True):
    """The values behind a figure, for a picture."""

    feature: str
    recorded: tuple[float, ...]
    simulated: tuple[float, ...]


def routines(
    diaries: Sequence[Diary], sleeps: Sequence[Sleep], shipped: Routine, number: int, told: Told
) -> Iterator[tuple[Compared, Samples]]:
    """Yield how close routines are: of all homes to the shipped, of each to a fit without it.

    Args:
        diaries: Of recorded homes.
        sleeps: Of other people.
        shipped: What the world is made with.
        number: Of people to simulate.
        told: Hears what is being done.
    """
    told("routines of all")
    everybody = _pooled(features(one) for one in diaries)
    lived = _live(shipped, number, sum(map(works, diaries)) / len(diaries))
    for name in everybody:
        group = "movement" if name.startswith(MOVEMENT) else "routine"
        yield from _compared(group, name, "all", everybody[name], lived.get(name, []))
    for diary in diaries:
        yield from _left_out(diary, diaries, sleeps, number, told)
    for diary in diaries:
        if diary.watched:
            yield from _second_half(diary, diaries, sleeps, number, told)


def _left_out(
    diary: Diary, diaries: Sequence[Diary], sleeps: Sequence[Sleep], number: int, told: Told
) -> Iterator[tuple[Compared, Samples]]:
    """Yield how close a home is to a fit without it; its movement, which few tell, stays."""
    others = [one for one in diaries if one is not diary]
    if works(diary) and not any(map(works, others)):
        return  # the others tell nothing of work
    told(f"routines without {diary.who}")
    own, known = features(diary), _pooled(features(one) for one in others)
    watched = [one for one in diaries if one.watched]
    lived = _live(fit_routine(others, sleeps, watched), number, float(works(diary)))
    for name in own:
        if not name.startswith(MOVEMENT):
            yield from _compared(
                "routine", name, diary.who, own[name], lived[name], among=known.get(name, [])
            )


def _second_half(
    diary: Diary, diaries: Sequence[Diary], sleeps: Sequence[Sleep], number: int, told: Told
) -> Iterator[tuple[Compared, Samples]]:
    """Yield how close the movement of half of a home's days is to a fit of the other half."""
    told(f"movement without the second half of {diary.who}")
    middle = diary.begun + diary.days // 2 * DAY_MS
    first, second = diary.between(diary.begun, middle), diary.between(middle, diary.ended)
    others = [one for one in diaries if one is not diary]
    lived = _live(fit_routine([*others, first], sleeps, [first]), number, float(works(diary)))
    early, late = features(first), features(second)
    for name in late:
        if name.startswith(MOVEMENT):
            yield from _compared(
                "movement", name, f"{diary.who}, second half", late[name], lived.get(name, []),
                among=early[name],
            )  # fmt: skip


def bodies(
    people: People, shipped: Physiology, number: int, told: Told
) -> Iterator[tuple[Compared, Samples]]:
    """Yield how close bodies are: of all people to the shipped, of half to a fit of the others."""
    told("bodies of all")
    everybody = _measured(people.signs)
    nightly = _nightly(people)
    found = _embodied(shipped, number)
    for name, values in (everybody | nightly).items():
        yield from _compared("body", name, "all", values, found.get(name, []))
    told("bodies without every second person")
    fit_with, left_out = _halves(people, 0), _halves(people, 1)
    found = _embodied(fit_physiology(fit_with), number)
    known = _measured(fit_with.signs) | _nightly(fit_with)
    for name, values in (_measured(left_out.signs) | _nightly(left_out)).items():
        yield from _compared(
            "body", name, "every second person", values, found.get(name, []),
            among=known.get(name, []),
        )  # fmt: skip


def _compared(
    group: str,
    feature: str,
    against: str,
    recorded: Sequence[float],
    lived: Sequence[float],
    *,
    among: Sequence[float] | None = None,
) -> Iterator[tuple[Compared, Samples]]:
    if min(len(recorded), len(lived)) < VALUES_MIN:
        return
    ks, apart = distance(recorded, lived)
    others = among if among is not None and len(among) >= VALUES_MIN else None
    yield (
        Compared(
            group=group,
            feature=feature,
            against=against,
            held_out=among is not None,
            recorded=len(recorded),
            simulated=len(lived),
            ks=round(ks, 3),
            wasserstein=round(apart, 3),
            ks_among=None if others is None else round(distance(recorded, others)[0], 3),
            recorded_at=_at(recorded),
            simulated_at=_at(lived),
        ),
        Samples(feature=feature, recorded=tuple(recorded), simulated=tuple(lived)),
    )


def _at(values: Sequence[float]) -> tuple[float, float, float]:
    low, middle, high = (round(float(one), 2) for one in np.quantile(values, (0.1, 0.5, 0.9)))
    return low, middle, high


def _live(routine: Routine, number: int, working_share: float) -> Features:
    """Return the features of people who live by a routine at the hours of those recorded."""
    hours = Hours(
        routine.up_h.mean,
        routine.breakfast_h.mean,
        routine.lunch_h.mean,
        routine.dinner_h.mean,
        routine.bed_h.mean,
    )
    people = []
    for index in range(number):
        leaves = routine.up_h.mean + _TO_WORK_H if index < working_share * number else None
        own = ways(replace(hours, leaves=leaves), f"resident-{index}", index, routine)
        people.append(features(_diary(own, index)))
    return _pooled(people)


def _diary(own: Ways, index: int) -> Diary:
    """Return the diary of one simulated person; a home's devices tell how it moved."""
    home = dwelling(f"home-{index}", "grid", ("elder",))
    who = home.people[0].id
    start = MONDAY - _TZ_MS
    until = start + DAYS * DAY_MS
    lived = LivedIn(home, (), start=start, until=until, seed=index, own={who: own})
    moves = [
        (said.at + _TZ_MS, said.observation.room)
        for said in lived.said()
        if isinstance(said.observation, Home) and said.observation.sensor is Sensor.PIR
    ]
    stays = [
        replace(stay, at=stay.at + _TZ_MS, until=stay.until + _TZ_MS)
        for midnight in range(start, until, DAY_MS)
        for stay in day(own, midnight)
    ]
    return simulated(who, stays, moves)


def _embodied(signs: Physiology, number: int) -> Features:
    """Return what cuffs and mats read of as many simulated people."""
    measured: dict[str, Series] = {name: {} for name in ("hr_bpm", *SPOT_SIGNS)}
    nights: Features = {"night_hr_bpm": [], "night_resp_per_min": []}
    for index in range(number):
        rng = dice("body", index)
        one, mat = Body(rng, signs), Body(rng, signs)
        for later in range(DAYS):
            midnight = MONDAY - _TZ_MS + later * DAY_MS
            for at in sorted(midnight + round(rng.uniform(*_CUFF_H) * HOUR_MS) for _ in range(2)):
                read = one.measure(at)
                skin = one.read(at + MINUTE_MS, moving=False, asleep=False).skin_temp_c
                for name, series in measured.items():
                    value = float(skin or 0 if name == "skin_temp_c" else getattr(read, name))
                    series.setdefault(str(index), []).append((at, value))
            night = [
                mat.read(midnight + hour * HOUR_MS // 6, moving=False, asleep=True)
                for hour in range(6 * _NIGHT_H)
            ]
            nights["night_hr_bpm"].append(fmean(said.hr_bpm or 0 for said in night))
            nights["night_resp_per_min"].append(fmean(said.resp_per_min or 0 for said in night))
    return _measured(measured) | nights


def _measured(signs: Mapping[str, Series]) -> Features:
    """Return the usual of people, and how far readings are from it, by sign."""
    found: Features = {}
    for sign in ("hr_bpm", *SPOT_SIGNS):
        for one in signs.get(sign, {}).values():
            if len(one) >= VALUES_MIN:
                values = [value for _, value in one]
                usual = float(np.median(values))
                found.setdefault(f"{sign} of people", []).append(usual)
                found.setdefault(f"{sign} off the usual", []).extend(
                    value - usual for value in values
                )
    return found


def _nightly(people: People) -> Features:
    return {
        "night_hr_bpm": [one.hr_bpm for one in people.nights],
        "night_resp_per_min": [one.resp_per_min for one in people.nights],
    }


def _halves(people: People, side: int) -> People:
    """Return every second person of those with signs at home; of others, all."""
    names = sorted({who for series in people.signs.values() for who in series})
    chosen = set(names[side::2])
    return People(
        signs={
            sign: {who: one for who, one in series.items() if who in chosen}
            for sign, series in people.signs.items()
        },
        rested=people.rested,
        nights=[one for one in people.nights if one.person in chosen],
        days=people.days,
        minutes=people.minutes,
        stays=people.stays,
    )


def _pooled(people: Iterable[Features]) -> Features:
    found: Features = {}
    for one in people:
        for name, values in one.items():
            found.setdefault(name, []).extend(values)
    return found


_TZ_MS = 8 * HOUR_MS
_TO_WORK_H = 1.2
_CUFF_H = (7.0, 18.0)
_NIGHT_H = 6
