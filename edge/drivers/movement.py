"""A made accelerometer signal: a body at rest, about its home, and falling.

A fall is the sequence that recordings of falls show: a loss of support (the length of the signal
dips), an impact of several g that rings and bounces, another posture, and stillness. It is made for
trying the whole system out; no detector is trained or judged on it.

References:
    Palmerini et al. 2020, Sensors 20(22):6479: the phases of real falls, pre-fall to resting.
"""

import math
from collections.abc import Sequence
from random import Random

import numpy as np
from numpy.typing import NDArray

from edge.drivers.story import Event, Story

G_MS2 = 9.80665
RATE_HZ = 50
STEP_MS = 1_000 // RATE_HZ
BEGINS_S, ENDS_S = -2.0, 2.5
"""A fall's part of the signal, around its impact."""

Floats = NDArray[np.float64]


def signal(
    story: Story, device: str, from_ms: int, points: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return a piece of the signal.

    Args:
        story: Says when the wearer moves, and falls.
        device: Seeds what is by chance.
        from_ms: Time of the first point, milliseconds UTC; a multiple of `STEP_MS`.
        points: How many, at `RATE_HZ`.

    Returns:
        (n,) times in milliseconds and (n, 3) m/s².
    """
    t_ms = from_ms + STEP_MS * np.arange(points, dtype=np.int64)
    falls = story.of(device, "fall")
    lying = any(fall.at <= t_ms[-1] < fall.until for fall in falls)
    moves = story.moves_about(int(t_ms[-1])) and not lying
    acc = _gravity(t_ms, _tilt(t_ms, falls))
    acc += _normal(story.dice(device, from_ms), acc.shape) * (0.15 if moves else 0.03)
    if moves:
        acc += _strolling(story, t_ms)
    for fall in falls:
        tau_s = (t_ms - fall.at) / 1_000
        if tau_s[-1] > BEGINS_S and tau_s[0] < ENDS_S:
            acc = _falling(acc, tau_s, story.dice("fall", fall.at))
    return t_ms, acc.astype(np.float32)


def _tilt(t_ms: NDArray[np.int64], falls: Sequence[Event]) -> Floats:
    """Return how far the wearer has gone over, from 0 upright to 1 lying."""
    tilt = np.zeros(len(t_ms))
    for fall in falls:
        over = np.clip(((t_ms - fall.at) / 1_000 + 0.6) / 1.4, 0.0, 1.0)
        up = np.clip((t_ms - fall.until) / 3_000, 0.0, 1.0)
        tilt = np.maximum(tilt, over * over * (3 - 2 * over) * (1 - up))
    return tilt


def _gravity(t_ms: NDArray[np.int64], tilt: Floats) -> Floats:
    """Return gravity in the axes of the device: mostly along -x upright, along y and z lying."""
    sway = 0.15 * (1 - tilt) * np.sin(t_ms % 86_400_000 / 7_000)
    angle = np.deg2rad(95.0) * tilt + 0.35 + sway
    along = np.stack([-np.cos(angle), -0.5 * np.sin(angle), 0.866 * np.sin(angle)], axis=1)
    return np.asarray(G_MS2 * along)


def _strolling(story: Story, t_ms: NDArray[np.int64]) -> Floats:
    """Return steps at 1.8 Hz, in about one of three ten-second stretches."""
    if story.dice("steps", int(t_ms[-1]) // 10_000).random() > 0.35:  # noqa: PLR2004
        return np.zeros((len(t_ms), 3))
    phase = 2 * np.pi * 1.8 * (t_ms % 86_400_000) / 1_000
    return np.stack([0.6 * np.sin(phase / 2), 1.5 * np.sin(phase), 0.8 * np.cos(phase)], axis=1)


def _falling(acc: Floats, tau_s: Floats, dice: Random) -> Floats:
    """Add a fall whose impact is at `tau_s` 0; the dice are the fall's own."""
    support = np.interp(tau_s, (-0.4, -0.25, -0.12, -0.04), (1.0, 0.5, 0.4, 1.0))[:, None]
    size_g = np.interp(tau_s, *_FLAILING)[:, None]
    return acc * support + G_MS2 * (size_g * _flailing(tau_s, dice) + _impacts(tau_s, dice))


_FLAILING = (
    (-2.0, -0.9, -0.5, -0.25, 0.0, 0.2, 0.4, 0.7, 1.0, 1.3, 1.8),
    (0.0, 0.15, 0.35, 0.9, 1.1, 1.0, 0.8, 0.5, 0.25, 0.08, 0.0),
)
"""How hard the arms are thrown about, in g, by seconds from the impact."""
_IMPACTS = ((0.0, 5.2, 0.075), (0.13, 2.4, 0.06), (0.34, 1.6, 0.08))
"""The hits: seconds from the first, size in g, half of their length in seconds."""


def _flailing(tau_s: Floats, dice: Random) -> Floats:
    """Return smooth noise of unit size in three axes: a few slow waves."""
    waves = [(dice.uniform(1.5, 6.0), [dice.uniform(0, 6.283) for _ in "xyz"]) for _ in range(6)]
    summed = sum(np.sin(2 * np.pi * hz * tau_s[:, None] + np.array(at)) for hz, at in waves)
    return np.asarray(summed) / 3.0


def _impacts(tau_s: Floats, dice: Random) -> Floats:
    way = _normal(dice, (3,))
    way /= np.linalg.norm(way)
    hits = np.zeros((len(tau_s), 3))
    for at_s, size_g, half_s in _IMPACTS:
        near = np.clip(1 - np.abs(tau_s - at_s) / half_s, 0.0, 1.0)
        hits += size_g * (np.sin(np.pi / 2 * near) ** 2)[:, None] * way
        way = -0.7 * way + 0.7 * _normal(dice, (3,)) / np.sqrt(3)
    return hits


def _normal(dice: Random, shape: tuple[int, ...]) -> Floats:
    # Of the standard library, because numpy's dice alone take 3 MB of an agent's memory.
    drawn = [dice.gauss(0.0, 1.0) for _ in range(math.prod(shape))]
    return np.asarray(drawn).reshape(shape)
