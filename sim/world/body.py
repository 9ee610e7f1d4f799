"""A body's signs through the day: circadian, at rest and in movement, in health and illness.

References:
    Royal College of Physicians, NEWS2, 2017: the ranges that a healthy resting adult stays in.
    Amplitudes (pulse up to 11 bpm lower in sleep than in the afternoon, SpO2 about 0.6 % lower) are
    ours, and not fitted to measured days yet.
"""

import math
import random

from msgspec import Struct

from sim.world.said import DAY_MS, MINUTE_MS
from weinao.messages import Vitals

READ_MS = 10 * MINUTE_MS
"""How often a band reads a calm body."""

CLOSE_MS = MINUTE_MS
"""How often it reads one that is not."""

ONSET_MS = 10 * MINUTE_MS
"""How long an illness takes to show in full."""


class Body(Struct, frozen=True):
    """One body at rest in the afternoon.

    Attributes:
        hr_bpm: Pulse.
        spo2_pct: Oxygen saturation.
        resp_per_min: Breaths.
    """

    hr_bpm: float
    spo2_pct: float
    resp_per_min: float


def body(rng: random.Random) -> Body:
    """Return the body of a healthy elder."""
    return Body(rng.uniform(62, 76), rng.uniform(96.6, 98.0), rng.uniform(14, 16.5))


def read(
    one: Body, at: int, ill: float, rng: random.Random, *, moving: bool, asleep: bool
) -> Vitals:
    """Return what a band reads.

    Args:
        one: Whose.
        at: When, milliseconds UTC.
        ill: How far an acute illness of the lungs has come, 0 to 1.
        rng: Noise.
        moving: In exercise.
        asleep: In bed.
    """
    afternoon = math.cos(2 * math.pi * (at % DAY_MS / DAY_MS - 7.5 / 24))  # 15:30 at UTC+8
    pulse = one.hr_bpm + 3 * afternoon - (5 if asleep else 0) + (38 if moving else 0) + 42 * ill
    spo2 = one.spo2_pct - (0.6 if asleep else 0) - 8.5 * ill
    breath = one.resp_per_min - (1 if asleep else 0) + (6 if moving else 0) + 12 * ill
    return Vitals(
        at=at,
        hr_bpm=round(pulse + rng.gauss(0, 2), 1),
        spo2_pct=round(min(100.0, spo2 + rng.gauss(0, 0.4)), 1),
        resp_per_min=round(breath + rng.gauss(0, 0.7), 1),
        skin_temp_c=round(33.2 + 0.4 * afternoon + 2.2 * ill + rng.gauss(0, 0.1), 1),
        worn=True,
        moving=moving,
    )


def illness(at: int, begun_at: int, ends_at: int) -> float:
    """Return how far an illness has come at a time, 0 to 1."""
    if not begun_at <= at < ends_at:
        return 0.0
    return min(1.0, (at - begun_at) / ONSET_MS)
