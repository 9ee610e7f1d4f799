"""How close simulated people are to recorded ones: two samples of everything that can be counted.

Every figure says whether the recordings it is held against took part in the fit. For routines, each
home in turn is left out of the fit; for movement, of which one home tells, the second half of its
days; for bodies, every second person. What two parts of the recordings differ by among themselves
stands beside it: no simulation of people in general comes closer to those left out than that.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from msgspec import Struct

from sim.fitting.diary import Diary
from sim.fitting.features import Features, features
from sim.fitting.lived import embody, live, measured, pooled
from sim.fitting.physiology import People, fit_physiology
from sim.fitting.routine import fit_routine, works
from sim.fitting.spreads import distance
from sim.importers.wearables import Sleep
from sim.world.fitted import Physiology, Routine
from sim.world.said import DAY_MS

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
    everybody = pooled(features(one) for one in diaries)
    lived = live(shipped, number, sum(map(works, diaries)) / len(diaries))
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
    own, known = features(diary), pooled(features(one) for one in others)
    watched = [one for one in diaries if one.watched]
    lived = live(fit_routine(others, sleeps, watched), number, float(works(diary)))
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
    lived = live(fit_routine([*others, first], sleeps, [first]), number, float(works(diary)))
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
    everybody = measured(people.signs)
    nightly = _nightly(people)
    found = embody(shipped, number)
    for name, values in (everybody | nightly).items():
        yield from _compared("body", name, "all", values, found.get(name, []))
    told("bodies without every second person")
    fit_with, left_out = _halves(people, 0), _halves(people, 1)
    found = embody(fit_physiology(fit_with), number)
    known = measured(fit_with.signs) | _nightly(fit_with)
    for name, values in (measured(left_out.signs) | _nightly(left_out)).items():
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
