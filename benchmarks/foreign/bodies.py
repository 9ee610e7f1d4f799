"""Things that fall: boxes, bottles, pots, shoes, water, and what is too light to count."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from foreign.view import Array

G_MS2 = 9.81
Part = tuple[Array, Array]
"""(N, 2) corners in metres about the middle, and its (3,) colour."""
Shape = Callable[[float], list[Part]]
Path = Callable[[float], Array]

TERMINAL_MS = {
    "carton": (10, 17), "bottle": (20, 34), "pot": (26, 40), "shoe": (14, 24), "melon": (26, 36),
    "full bag": (12, 20), "water": (8, 11), "cloth": (3, 5), "empty bag": (1.5, 3.5),
    "cigarette": (6, 8),
}  # fmt: skip
"""Metres a second at which drag holds gravity."""
LIGHT = ("cloth", "empty bag", "cigarette")
"""Never fast, or never large enough: in the pictures, and not counted as falls."""
SIZE_M = {
    "carton": (0.25, 0.6), "bottle": (0.22, 0.32), "pot": (0.2, 0.4), "shoe": (0.2, 0.3),
    "melon": (0.16, 0.3), "full bag": (0.3, 0.55), "water": (0.3, 0.6), "cloth": (0.4, 0.9),
    "empty bag": (0.3, 0.5), "cigarette": (0.06, 0.08),
}  # fmt: skip


@dataclass(frozen=True)
class Thing:
    """Something that moves through the picture.

    Attributes:
        name: What it is.
        begins_s: When it appears.
        ends_s: When it is gone.
        path: Where its middle is, (3,) metres; or (2,) pixels for what is near the lens.
        shape: What it looks like at an instant; metres, or pixels near the lens.
        alpha: 1 hides what is behind it.
    """

    name: str
    begins_s: float
    ends_s: float
    path: Path
    shape: Shape
    alpha: float = 1.0


def dropped(start: Array, speed: Array, terminal_ms: float, wind_ms: float) -> tuple[Path, float]:
    """Return a path from its release at 0 s, and when it is at the ground."""
    step = 1 / 400
    place, moves = start.astype(np.float64), speed.astype(np.float64)
    places = [place]
    wind = np.array([wind_ms, 0, 0])
    while place[1] > 0 and len(places) < 400 * 12:
        against = moves - wind
        pull = np.array([0, -G_MS2, 0]) - against * np.hypot(*against[:2]) * G_MS2 / terminal_ms**2
        moves = moves + pull * step
        place = place + moves * step
        place[2] = max(place[2], 0.1)
        places.append(place)
    points = np.array(places)
    times = np.arange(len(points)) * step

    def path(t_s: float) -> Array:
        return np.array([np.interp(t_s, times, points[:, axis]) for axis in range(3)])

    return path, float(times[-1])


def thrown(
    rng: np.random.Generator, name: str, at_s: float, start: Array, *, wind_ms: float, tone: float
) -> Thing:
    """Return a thing that is let go, or thrown, at an instant."""
    speed = rng.normal([0, 0, 0.4], [0.3, 0.2, 0.2])
    if rng.random() < 0.5:
        speed = np.array([rng.normal(0, 1.6), rng.uniform(-2, 2), rng.uniform(0.3, 3)])
    path, lasts = dropped(start, speed, float(rng.uniform(*TERMINAL_MS[name])), wind_ms)
    size = float(rng.uniform(*SIZE_M[name]))
    colour = np.clip(tone + rng.normal(0, 18, 3), 0, 255)
    return Thing(
        name, at_s, at_s + lasts, lambda t: path(t - at_s), shaped(rng, name, size, colour)
    )


def shaped(rng: np.random.Generator, name: str, size: float, colour: Array) -> Shape:
    """Return how a body looks while it tumbles."""
    spin, phase = rng.uniform(-9, 9), rng.uniform(0, 6)
    flips = rng.uniform(0, 5)
    side = float(rng.uniform(0.5, 1))
    drops = rng.normal(0, size / 3, (14, 2))

    def parts(t_s: float) -> list[Part]:
        angle, flip = phase + spin * t_s, 0.35 + 0.65 * abs(np.cos(phase + flips * t_s))
        if name == "water":
            wide = drops * [1, 1 + t_s % 10]
            return [(one + 0.05 * _ROUND, colour) for one in wide]
        if name in {"cloth", "full bag", "empty bag"}:
            round_ = 1 + 0.25 * np.sin(3 * _TURN + angle) * np.cos(2 * t_s + phase)
            return [(_ROUND * (round_ * size / 2)[:, None] * [1, flip], colour)]
        if name in {"bottle", "shoe", "cigarette"}:
            return [(_turned(_BOTTLE * size, angle), colour)]
        if name == "pot":
            crown = _ROUND * size * 0.35 + [0, size * 0.4]
            return [(_turned(_POT * size, angle), colour), (_turned(crown, angle), _LEAF)]
        if name == "melon":
            return [(_ROUND * size / 2, colour)]
        return [(_turned(_SQUARE * [size, size * side * flip], angle), colour)]

    return parts


_TURN = np.linspace(0, 2 * np.pi, 14, endpoint=False)
_ROUND = np.column_stack([np.cos(_TURN), np.sin(_TURN)])
_SQUARE = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
_POT = np.array([[-0.3, -0.5], [0.3, -0.5], [0.45, 0.3], [-0.45, 0.3]])
_BOTTLE = np.array(
    [[-0.16, -0.5], [0.16, -0.5], [0.16, 0.15], [0.06, 0.3], [0.06, 0.5], [-0.06, 0.5],
     [-0.06, 0.3], [-0.16, 0.15]]
)  # fmt: skip
_LEAF = np.array([45.0, 110.0, 60.0])


def _turned(corners: Array, angle: float) -> Array:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.asarray(corners @ np.array([[cos, sin], [-sin, cos]]))
