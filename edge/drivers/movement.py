"""A made accelerometer signal: a body at rest, about its home, and falling.

A fall is the sequence that recordings of falls show: a loss of support (the length of the signal
dips), an impact of several g that rings and bounces, another posture, and stillness. It is made for
trying the whole system out; no detector is trained or judged on it.

References:
    Palmerini et al. 2020, Sensors 20(22):6479: the phases of real falls, pre-fall to resting.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge.drivers.story import Event, Story

G_MS2 = 9.80665
RATE_HZ = 50
STEP_MS = 1_000 // RATE_HZ
TUMBLE_S = 0.75
"""From the loss of balance to the impact."""

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
    down = np.array([_lies(falls, int(at)) for at in t_ms])
    moves = story.moves_about(int(t_ms[-1])) and not down.any()
    chance = np.random.default_rng([story.seed, from_ms // STEP_MS % 2**31, _number(device)])
    acc = _gravity(t_ms, down)
    acc += chance.normal(0.0, 0.02 if down.any() or not moves else 0.15, acc.shape)
    if moves:
        acc += _strolling(story, t_ms)
    for fall in falls:
        acc = _falling(acc, (t_ms - fall.at) / 1_000, chance)
    return t_ms, acc.astype(np.float32)


def _lies(falls: Sequence[Event], at: int) -> float:
    """Return how far the wearer has gone over, from 0 upright to 1 lying."""
    for fall in falls:
        if fall.at - 1_000 <= at < fall.until:
            return float(np.clip(((at - fall.at) / 1_000 + TUMBLE_S) / TUMBLE_S, 0.0, 1.0))
    return 0.0


def _gravity(t_ms: NDArray[np.int64], down: Floats) -> Floats:
    """Return gravity in the axes of the device: mostly along y upright, along z and x lying."""
    seconds = (t_ms % 86_400_000) / 1_000
    sway = np.where(down > 0, 0.0, 0.15 * np.sin(seconds / 7.0))
    tilt = down * np.deg2rad(82.0) + sway
    return G_MS2 * np.stack(
        [0.3 * np.sin(tilt), np.cos(tilt), np.sqrt(1 - 0.09) * np.sin(tilt)], axis=1
    )


def _strolling(story: Story, t_ms: NDArray[np.int64]) -> Floats:
    """Return steps at 1.8 Hz, in about one of three ten-second stretches."""
    if story.dice("steps", int(t_ms[-1]) // 10_000).random() > 0.35:  # noqa: PLR2004
        return np.zeros((len(t_ms), 3))
    phase = 2 * np.pi * 1.8 * (t_ms % 86_400_000) / 1_000
    return np.stack([0.6 * np.sin(phase / 2), 1.5 * np.sin(phase), 0.8 * np.cos(phase)], axis=1)


def _falling(acc: Floats, tau_s: Floats, chance: np.random.Generator) -> Floats:
    """Add a fall whose impact is at `tau_s` 0."""
    if tau_s[-1] < -2.5 or tau_s[0] > 3.0:  # noqa: PLR2004  # nothing of it in this piece
        return acc
    dropping = (tau_s > -0.45) & (tau_s < -0.02)  # noqa: PLR2004  # seconds
    acc = np.where(dropping[:, None], acc * 0.35, acc)
    flailing = np.exp(-(((tau_s + 0.7) / 0.25) ** 2))[:, None]
    acc = acc + flailing * chance.normal(0.0, 2.5, acc.shape)
    for at_s, size_g, along in _IMPACTS:
        after = tau_s - at_s
        hit = np.where(after >= 0, np.exp(-np.maximum(after, 0) / 0.045), 0.0)
        rise = np.where((after < 0) & (after > -0.03), 1 + after / 0.03, 0.0)  # noqa: PLR2004
        ringing = np.cos(2 * np.pi * 9.0 * np.maximum(after, 0))
        acc = acc + size_g * G_MS2 * ((hit * ringing + rise)[:, None] * along)
    settling = np.where(tau_s > 0, np.exp(-np.maximum(tau_s, 0) / 0.35), 0.0)[:, None]
    return np.asarray(acc + settling * chance.normal(0.0, 2.0, acc.shape))


_IMPACTS = (
    (0.0, 4.5, np.array([0.45, 0.75, 0.48])),
    (0.18, 2.2, np.array([-0.5, 0.4, 0.77])),
    (0.42, 1.0, np.array([0.3, -0.2, 0.93])),
)


def _number(device: str) -> int:
    return int.from_bytes(device.encode()[-4:], "big")
