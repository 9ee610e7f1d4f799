"""People who live and are measured by fitted numbers, counted as recorded ones are."""

from collections.abc import Iterable, Mapping
from statistics import fmean

import numpy as np
from msgspec.structs import replace

from sim.fitting.diary import Diary, simulated
from sim.fitting.features import Features, features
from sim.fitting.physiology import READINGS_MIN, SPOT_SIGNS
from sim.importers.wearables import Series
from sim.world.body import Body
from sim.world.fitted import Physiology, Routine
from sim.world.home import LivedIn
from sim.world.households import dwelling
from sim.world.routine import day
from sim.world.said import DAY_MS, HOUR_MS, MINUTE_MS, dice
from sim.world.ways import Hours, Ways, ways
from weinao.messages import Home, Sensor

DAYS = 14
"""For so many days each person is simulated."""

MONDAY = 1_772_409_600_000
"""2026-03-02, a Monday, by the local clock; where simulated days begin."""


def live(routine: Routine, number: int, working_share: float) -> Features:
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
    return pooled(people)


def embody(signs: Physiology, number: int) -> Features:
    """Return what cuffs and mats read of as many simulated people."""
    spot: dict[str, Series] = {name: {} for name in ("hr_bpm", *SPOT_SIGNS)}
    nights: Features = {"night_hr_bpm": [], "night_resp_per_min": []}
    for index in range(number):
        rng = dice("body", index)
        one, mat = Body(rng, signs), Body(rng, signs)
        for later in range(DAYS):
            midnight = MONDAY - _TZ_MS + later * DAY_MS
            for at in sorted(midnight + round(rng.uniform(*_CUFF_H) * HOUR_MS) for _ in range(2)):
                read = one.measure(at)
                skin = one.read(at + MINUTE_MS, moving=False, asleep=False).skin_temp_c
                for name, series in spot.items():
                    value = float(skin or 0 if name == "skin_temp_c" else getattr(read, name))
                    series.setdefault(str(index), []).append((at, value))
            night = [
                mat.read(midnight + hour * HOUR_MS // 6, moving=False, asleep=True)
                for hour in range(6 * _NIGHT_H)
            ]
            nights["night_hr_bpm"].append(fmean(said.hr_bpm or 0 for said in night))
            nights["night_resp_per_min"].append(fmean(said.resp_per_min or 0 for said in night))
    return measured(spot) | nights


def measured(signs: Mapping[str, Series]) -> Features:
    """Return the usual of people, and how far readings are from it, by sign."""
    found: Features = {}
    for sign in ("hr_bpm", *SPOT_SIGNS):
        for one in signs.get(sign, {}).values():
            if len(one) >= READINGS_MIN:
                values = [value for _, value in one]
                usual = float(np.median(values))
                found.setdefault(f"{sign} of people", []).append(usual)
                found.setdefault(f"{sign} off the usual", []).extend(
                    value - usual for value in values
                )
    return found


def pooled(people: Iterable[Features]) -> Features:
    """Return the features of several people as those of one crowd."""
    found: Features = {}
    for one in people:
        for name, values in one.items():
            found.setdefault(name, []).extend(values)
    return found


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


_TZ_MS = 8 * HOUR_MS
_TO_WORK_H = 1.2
_CUFF_H = (7.0, 18.0)
_NIGHT_H = 6
