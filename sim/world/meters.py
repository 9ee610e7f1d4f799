"""A home's meters and what people measure by hand: power, water, blood pressure, weight."""

import random
from collections.abc import Iterator, Sequence

from sim.world.households import Dwelling
from sim.world.routine import Stay
from sim.world.said import DAY_MS, HOUR_MS, MINUTE_MS, Said, dice
from sim.world.slow import moved_by
from sim.world.truth import Fact
from weinao.messages import Utility, Vitals

METER_MS = 10 * MINUTE_MS
"""How often a meter speaks."""

_BAKES_W = {"overloads": 11_500.0, "bakes": 5_000.0, "heats": 7_600.0}
_DRIP_L_H = 6.0
"""A tap or a cistern that is not tight any more: 2 ml a second. Ours."""

_FLUSH_L, _COOKING_L_MIN, _WASHING_L_MIN = 6.0, 0.4, 1.5
_MORNING_MS = 7 * HOUR_MS + 30 * MINUTE_MS


def power(
    home: Dwelling, facts: Sequence[Fact], midnight: int, rng: random.Random
) -> Iterator[Said]:
    """Yield what the power meter reads over a day, W."""
    meter = home.meter
    for at in range(midnight + 90_000, midnight + DAY_MS, METER_MS) if meter else ():
        usual = rng.uniform(150, 2_400)
        now = [fact.happening for fact in facts if fact.at <= at < fact.until]
        watts = next((_BAKES_W[one] for one in now if one in _BAKES_W), usual)
        yield Said(at, meter, Utility(at=at, meter="power", value=round(watts), unit="W"))


class WaterMeter:
    """A register that counts litres: what people use, and what drips."""

    def __init__(self, home: Dwelling, facts: Sequence[Fact], seed: int) -> None:
        self._device = home.water
        self._facts = [one for one in facts if one.happening == "drips"]
        self._litres = dice(seed, "water", home.id).uniform(50_000, 400_000)

    def said(self, stays: Sequence[Stay], midnight: int) -> Iterator[Said]:
        """Yield a day's readings, given where the people of the home are."""
        for at in range(midnight, midnight + DAY_MS, METER_MS) if self._device else ():
            self._litres += sum(_used(stay, at, at + METER_MS) for stay in stays)
            for one in self._facts:
                if one.at <= at < one.until:
                    self._litres += (one.by or _DRIP_L_H) * METER_MS / HOUR_MS
            told_at = at + METER_MS - 1
            value = round(self._litres, 1)
            said = Utility(at=told_at, meter="water", value=value, unit="l")
            yield Said(told_at, self._device, said)


def _used(stay: Stay, begin: int, end: int) -> float:
    """Return what somebody uses in a stay's part of a span, litres."""
    minutes = max(0, min(stay.until, end) - max(stay.at, begin)) / MINUTE_MS
    if stay.room == "bathroom":
        ends = begin < stay.until <= end
        return minutes * _WASHING_L_MIN + (_FLUSH_L if ends else 0.0)
    return minutes * _COOKING_L_MIN if stay.room == "kitchen" else 0.0


def by_hand(home: Dwelling, facts: Sequence[Fact], midnight: int, seed: int) -> Iterator[Said]:
    """Yield what the first resident measures on a day: each morning, and when something is up."""
    who = home.people[0].id
    own = [fact for fact in facts if fact.about[0] == who]
    body, rng = dice(seed, "by_hand", who), dice(seed, "by_hand", who, midnight)
    sbp, dbp, weight = body.uniform(120, 128), body.uniform(70, 76), body.uniform(56, 68)
    at = midnight + _MORNING_MS + rng.randrange(20 * MINUTE_MS)
    up = moved_by("pressure_rises", own, at)
    if home.device("cuff") in home.spots:
        high, low = sbp + up + rng.gauss(0, 3), dbp + up / 3 + rng.gauss(0, 2)
        yield _pressed(home, at, high, low, rng.uniform(64, 74))
        for fact in own:
            if midnight <= fact.at < midnight + DAY_MS and fact.happening in _TAKEN:
                high = fact.by or _TAKEN[fact.happening]
                yield _pressed(home, fact.at, high, high * 0.6, 88)
    if home.device("scale") in home.spots:
        weight += moved_by("weight_gains", own, at) + moved_by("eats_well", own, at)
        kg = round(weight + rng.gauss(0, 0.2), 1)
        yield Said(at + MINUTE_MS, home.device("scale"), Vitals(at=at + MINUTE_MS, weight_kg=kg))


_TAKEN = {"pressure_crisis": 186.0, "takes_pressure": 150.0}


def _pressed(home: Dwelling, at: int, high: float, low: float, pulse: float) -> Said:
    said = Vitals(at=at, sbp_mmhg=round(high), dbp_mmhg=round(low), hr_bpm=round(pulse))
    return Said(at, home.device("cuff"), said)
