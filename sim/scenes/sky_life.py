"""Distractors in the air: what flies and drifts before a facade and was not thrown."""

from dataclasses import dataclass

import numpy as np

from sim.scenes.actors import Actor, Flying, Insect, flapping, fluttering
from sim.scenes.camera import Array
from sim.scenes.physics import Path
from sim.scenes.tower import Tower
from sim.scenes.weather import Light

_STEP_S = 0.02


@dataclass(frozen=True)
class Air:
    """Where things may be, and how the air moves.

    Attributes:
        low_m: Lowest height in view.
        high_m: Highest.
        wind_ms: Along the facade.
        size: Of the frame in pixels.
        light: On everything.
    """

    tower: Tower
    low_m: float
    high_m: float
    wind_ms: float
    size: tuple[int, int]
    light: Light


def bird(at_s: float, air: Air, rng: np.random.Generator) -> Actor:
    """Return a bird that crosses, climbs, circles or swoops down from a ledge."""
    count = int(rng.uniform(1.5, 7) / _STEP_S)
    time = np.arange(count) * _STEP_S
    speed = rng.uniform(4, 14) * rng.choice([-1, 1])
    swoops = rng.random() < 0.3
    rise = rng.uniform(-3, 3)
    if swoops:  # lets itself fall, then spreads its wings
        speed *= 0.6
        pull = rng.uniform(3, 7.5) * np.exp(-((time / rng.uniform(0.5, 1.0)) ** 2))
        brake = np.clip(time - rng.uniform(0.8, 1.3), 0, None)
        vertical = -np.cumsum(pull) * _STEP_S + brake * rng.uniform(3, 9)
        along = speed * np.clip(time / 0.8, 0.1, 1)
    else:
        turns = rng.uniform(-0.6, 0.6) * time + rng.uniform(0, 6)
        vertical = rise + 1.2 * np.sin(turns * 2)
        along = speed * np.cos(rng.uniform(-0.5, 0.5) * time)
    vertical = np.clip(vertical, -11, 6)
    place = [
        rng.uniform(-2, air.tower.width_m + 2),
        rng.uniform(air.low_m + 2, air.high_m),
        rng.uniform(0.5, 14),
    ]
    moves = np.column_stack([along, vertical, np.full(count, rng.uniform(-1, 1))])
    span, beat = rng.uniform(0.22, 0.65), rng.uniform(3, 9)
    colour = np.full(3, rng.uniform(15, 90)) if rng.random() < 0.7 else rng.uniform(170, 235, 3)
    return Flying(
        _along(at_s, place, moves),
        flapping(span, 0.2 if swoops and rng.random() < 0.5 else beat, rng.uniform(0, 6)),
        colour,
        mirror=0.25 if rng.random() < 0.4 else 0.0,
    )


def leaf(at_s: float, air: Air, rng: np.random.Generator) -> Actor:
    """Return a leaf: it sinks at about 1 m/s, swinging."""
    return _drifting(
        at_s, air, rng, size_m=(0.05, 0.16), sink_ms=(0.6, 1.7), flutter_hz=(1.0, 3.0), eddy_ms=0.6
    )


def bag(at_s: float, air: Air, rng: np.random.Generator) -> Actor:
    """Return a plastic bag: eddies carry it up as well as down."""
    return _drifting(
        at_s, air, rng, size_m=(0.25, 0.5), sink_ms=(-0.8, 2.6), flutter_hz=(0.2, 1.0), eddy_ms=1.3
    )


def paper(at_s: float, air: Air, rng: np.random.Generator) -> Actor:
    """Return a sheet of paper, which tumbles down at 1 to 3.5 m/s."""
    return _drifting(
        at_s, air, rng, size_m=(0.15, 0.35), sink_ms=(1.0, 3.5), flutter_hz=(1.0, 4.0), eddy_ms=1.2
    )


def _drifting(
    at_s: float,
    air: Air,
    rng: np.random.Generator,
    *,
    size_m: tuple[float, float],
    sink_ms: tuple[float, float],
    flutter_hz: tuple[float, float],
    eddy_ms: float,
) -> Actor:
    count = int(rng.uniform(4, 14) / _STEP_S)
    time = np.arange(count) * _STEP_S
    eddies = _eddies(count, rng) * eddy_ms
    swing = rng.uniform(0.2, 1.2) * np.sin(2 * np.pi * rng.uniform(0.4, 1.6) * time)
    sink = rng.uniform(*sink_ms)
    grows = 1 - np.exp(-time / 0.4)
    moves = np.column_stack(
        [
            air.wind_ms * grows + eddies[:, 0] + swing,
            -sink * grows + eddies[:, 1] + 0.4 * abs(swing),
            eddies[:, 2] * 0.5 + 0.2,
        ]
    )
    place = [
        rng.uniform(-3, air.tower.width_m + 3),
        rng.uniform(air.low_m + 4, air.high_m),
        rng.uniform(0.5, 8),
    ]
    return Flying(
        _along(at_s, place, moves),
        fluttering(rng.uniform(*size_m), rng.uniform(*flutter_hz), rng.uniform(0, 6)),
        rng.uniform(20, 240, 3),
    )


def insect(at_s: float, air: Air, rng: np.random.Generator) -> Actor:
    """Return an insect near the lens: large, blurred, fast, and never straight for long."""
    count = int(rng.uniform(0.3, 2.5) / _STEP_S)
    heading = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, rng.uniform(0.02, 0.25), count))
    speed = rng.uniform(150, 2_200)
    steps = np.column_stack([np.cos(heading), np.sin(heading)]) * speed * _STEP_S
    begin = rng.uniform(0, 1, 2) * air.size
    size, shade = float(rng.uniform(3, 45)), rng.uniform(20, 220)
    return Insect(
        at_s,
        _STEP_S,
        begin + np.cumsum(steps, axis=0),
        size,
        np.full(3, shade),
        float(rng.uniform(0.25, 0.9)),
    )


def _along(at_s: float, place: list[float], moves: Array) -> Path:
    return Path(at_s, _STEP_S, np.array(place) + np.cumsum(moves, axis=0) * _STEP_S)


def _eddies(count: int, rng: np.random.Generator) -> Array:
    """Return (N, 3) slow random speeds of unit size."""
    knots = rng.normal(0, 1, (count // 40 + 3, 3))
    at = np.linspace(0, len(knots) - 1, count)
    return np.column_stack([np.interp(at, np.arange(len(knots)), axis) for axis in knots.T])
