"""A body's signs through the day: circadian, at rest and in movement, in health and illness.

What is fitted comes from `sim.world.fitted`. Three numbers here are not, for want of recordings of
healthy people: the oxygen saturation they have, what sleep takes off it and off the breath, and how
much of it an illness of the lungs takes.

References:
    Royal College of Physicians, NEWS2, 2017: the ranges that a healthy resting adult stays in.
"""

import math
import random

from sim.world.fitted import Physiology, Sign, shipped
from sim.world.said import DAY_MS, HOUR_MS, MINUTE_MS
from weinao.messages import Vitals

READ_MS = 10 * MINUTE_MS
"""How often a band reads a calm body."""

CLOSE_MS = MINUTE_MS
"""How often it reads one that is not."""

ONSET_MS = 10 * MINUTE_MS
"""How long an illness takes to show in full."""

_TZ_MS = 8 * HOUR_MS
_SPO2_PCT = (96.6, 98.0)
_ASLEEP_SPO2_PCT = 0.6
_ASLEEP_RESP_PER_MIN = 1.0
_MOVING_RESP_PER_MIN = 6.0
_ILL_SPO2_PCT = 8.5
_NOISE_SDS_MAX = 3.0


class Body:
    """One body, read day after day; every day and every reading is a little off its usual.

    Args:
        rng: Decides whose it is, and every reading after.
        people: What people in general have; None for the shipped.
    """

    def __init__(self, rng: random.Random, people: Physiology | None = None) -> None:
        self._people, self._rng = people or shipped().physiology, rng
        rank = rng.random()  # the two pressures of one body go together
        signs = self._people
        self._pulse = _Course(signs.hr_bpm, rng, rng.random())
        self._calm = signs.hr_asleep_sd / signs.hr_bpm.noise_sd
        off = self._pulse.usual - signs.hr_bpm.people.median
        self._asleep_bpm = signs.hr_asleep_bpm - (1 - signs.hr_asleep_share) * off
        self._breath = _Course(signs.resp_asleep, rng, rng.random())
        self._skin = _Course(signs.skin_temp_c, rng, rng.random())
        self._warmth = _Course(signs.temp_c, rng, rng.random())
        self._pressure = (_Course(signs.sbp_mmhg, rng, rank), _Course(signs.dbp_mmhg, rng, rank))
        self._weight = _Course(signs.weight_kg, rng, rng.random())
        self._spo2 = rng.uniform(*_SPO2_PCT)
        self._oxygen = _Noise(signs.spo2_noise_sd, signs.spo2_noise_rho)

    def read(self, at: int, ill: float = 0.0, *, moving: bool, asleep: bool) -> Vitals:
        """Return what a band reads.

        Args:
            at: When, milliseconds UTC, later than the last time.
            ill: How far an acute illness of the lungs has come, 0 to 1.
            moving: In exercise.
            asleep: In bed.
        """
        signs, rng = self._people, self._rng
        pulse = self._pulse.at(at, rng, self._calm if asleep else 1.0)
        pulse += swing_bpm(signs, (at + _TZ_MS) / HOUR_MS % 24)
        pulse += (self._asleep_bpm if asleep else 0) + signs.ill_hr_bpm * ill
        pulse += signs.hr_exercise_bpm if moving else 0
        spo2 = self._spo2 - (_ASLEEP_SPO2_PCT if asleep else 0) - _ILL_SPO2_PCT * ill
        breath = self._breath.at(at, rng) + (0 if asleep else _ASLEEP_RESP_PER_MIN)
        breath += (_MOVING_RESP_PER_MIN if moving else 0) + signs.ill_resp_per_min * ill
        return Vitals(
            at=at,
            hr_bpm=round(pulse, 1),
            spo2_pct=round(min(100.0, spo2 + self._oxygen.at(at, rng)), 1),
            resp_per_min=round(breath, 1),
            skin_temp_c=round(self._skin.at(at, rng) + signs.ill_temp_c * ill, 1),
            worn=True,
            moving=moving,
        )

    def settle(self, hr_bpm: float, resp_per_min: float) -> None:
        """Take other usual values at rest: those of a child are nobody's among the fitted."""
        self._asleep_bpm += hr_bpm - self._pulse.usual
        self._pulse.usual, self._breath.usual = hr_bpm, resp_per_min

    def measure(self, at: int) -> Vitals:
        """Return what cuff, thermometer and scale read of a body at rest."""
        rng = self._rng
        hour = (at + _TZ_MS) / HOUR_MS % 24
        return Vitals(
            at=at,
            hr_bpm=round(self._pulse.at(at, rng) + swing_bpm(self._people, hour)),
            sbp_mmhg=round(self._pressure[0].at(at, rng)),
            dbp_mmhg=round(self._pressure[1].at(at, rng)),
            temp_c=round(self._warmth.at(at, rng), 1),
            weight_kg=round(self._weight.at(at, rng), 1),
        )


_YOUNG = {
    "child": ((80.0, 90.0), (22.0, 24.0)),
    "preschooler": ((100.0, 106.0), (25.0, 28.0)),
}
"""Pulse and breath of children at rest.

References:
    Parshuram et al. 2009, Critical Care 13:R135, table 1: the columns of no points.
"""


def body_of(kind: str, rng: random.Random) -> Body:
    """Return the body of a healthy person of a kind."""
    made = Body(rng)
    if kind in _YOUNG:
        pulse, breath = _YOUNG[kind]
        made.settle(rng.uniform(*pulse), rng.uniform(*breath))
    return made


def swing_bpm(signs: Physiology, hour: float) -> float:
    """Return by how much a pulse at rest is above its mean at a local hour."""
    return signs.hr_swing_bpm * math.cos(2 * math.pi * (hour - signs.hr_peak_h) / 24)


def illness(at: int, begun_at: int, ends_at: int) -> float:
    """Return how far an illness has come at a time, 0 to 1."""
    if not begun_at <= at < ends_at:
        return 0.0
    return min(1.0, (at - begun_at) / ONSET_MS)


class _Noise:
    """What a reading is off; the next one is off much the same way, the sooner the more."""

    def __init__(self, sd: float, rho: float) -> None:
        self._sd, self._rho, self._at, self._off = sd, rho, 0, 0.0

    def at(self, at: int, rng: random.Random) -> float:
        left = self._rho ** (max(0, at - self._at) / MINUTE_MS) if self._at else 0.0
        fresh = math.sqrt(1 - left * left) * _tame(rng)
        self._at, self._off = at, left * self._off + self._sd * fresh
        return self._off


class _Course:
    """A sign of one body over days and readings."""

    def __init__(self, sign: Sign, rng: random.Random, rank: float) -> None:
        self._sign, self.usual = sign, sign.people.at(rank)
        self._noise = _Noise(sign.noise_sd, sign.noise_rho)
        self._day, self._off = -1, sign.day_sd * _tame(rng)

    def at(self, at: int, rng: random.Random, noise: float = 1.0) -> float:
        day, sign = (at + _TZ_MS) // DAY_MS, self._sign
        if day != self._day:
            left = sign.day_rho if self._day >= 0 else 0.0
            self._off = left * self._off + sign.day_sd * math.sqrt(1 - left * left) * _tame(rng)
            self._day = day
        return self.usual + self._off + noise * self._noise.at(at, rng)


def _tame(rng: random.Random) -> float:
    """Return what is normally spread, without the tails that no recording is long enough for."""
    return min(max(rng.gauss(0, 1), -_NOISE_SDS_MAX), _NOISE_SDS_MAX)
