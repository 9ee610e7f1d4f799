"""Tracks and facades made by hand."""

import numpy as np
from numpy.typing import NDArray

from edge.perception.highrise.facade import Facade, FloorLine, from_floor_lines
from edge.perception.highrise.parabola import through
from edge.perception.highrise.relink import Track

Array = NDArray[np.float64]


def track_of(t_s: Array, m: Array, *, hits: float = 1.0, chance: float = 0.02) -> Track:
    """Return the track through sightings; ten pixels are a metre."""
    parabola = through(t_s, m, cubic=len(t_s) > 12)
    off = m - parabola.at(t_s)
    rms = float(np.sqrt(np.mean(np.sum(off**2, axis=1))))
    count = len(t_s)
    return Track(
        t_s=t_s, m=m, px=m * 10 + 1_000, size_px=np.full(count, 4.0), box=np.full((count, 2), 4.0),
        tone=np.full(count, 30.0), parabola=parabola, hits=hits, chance=chance, rms_m=rms,
        rms_px=rms * 10,
    )  # fmt: skip


def dropped(
    *, terminal_ms: float, drop_m: float, fps: float, down_ms: float = 0.0, across_ms: float = 0.0
) -> tuple[Array, Array]:
    """Return sightings of a thing with drag, from its release until it has dropped so far."""
    t_s, y, v, x = [0.0], [0.0], down_ms, [0.0]
    step = 0.001
    place, side, time = 0.0, 0.0, 0.0
    while place < drop_m and time < 10:
        v += (9.81 - 9.81 * v * abs(v) / terminal_ms**2) * step
        place, side, time = place + v * step, side + across_ms * step, time + step
        if time >= len(t_s) / fps:
            t_s.append(time)
            y.append(place)
            x.append(side)
    return np.array(t_s), np.column_stack([x, np.array(y) - 40])


def facade_made(tilt: float = 0.2) -> Facade:
    """Return a facade 24 m wide and 20 floors high, seen from below."""
    lines = []
    for floor in (1, 8, 15, 21):
        y = 1_040 - (floor - 1) * 50 + (floor - 1) ** 2 * 0.3
        half = 300 - (floor - 1) * 10 * tilt
        lines.append(FloorLine(floor, (960 - half, y), (960 + half, y)))
    return from_floor_lines(lines, width_m=24.0, floor_m=3.0, columns=6)
