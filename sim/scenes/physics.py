"""How things come down: gravity, drag that grows with the square of speed, and wind.

References:
    Drag from the terminal speed v_t: a = g - g |v| v / v_t², v relative to the air.
"""

from dataclasses import dataclass

import numpy as np

from sim.scenes.camera import Array

G_MS2 = 9.81
STEP_S = 0.002
FALL_S_MAX = 12.0


@dataclass(frozen=True)
class Path:
    """Where a thing is over time.

    Attributes:
        begins_s: When it sets out, in seconds of the clip.
        step_s: Between two points.
        points: (N, 3) metres.
    """

    begins_s: float
    step_s: float
    points: Array

    @property
    def ends_s(self) -> float:
        return self.begins_s + (len(self.points) - 1) * self.step_s

    def at(self, t_s: Array) -> Array:
        """Return (N, 3) positions at instants; before and after, where it begins and ends."""
        steps = (np.asarray(t_s) - self.begins_s) / self.step_s
        grid = np.arange(len(self.points))
        return np.column_stack([np.interp(steps, grid, column) for column in self.points.T])


def fallen(
    *,
    begins_s: float,
    start: Array,
    speed: Array,
    terminal_ms: float,
    wind_ms: Array,
) -> Path:
    """Return the path of a thing let go, until it meets the ground.

    Args:
        begins_s: When.
        start: (3,) metres.
        speed: (3,) m/s at the start.
        terminal_ms: Speed at which drag carries it.
        wind_ms: (3,) of the air.
    """
    place, moves = start.astype(np.float64), speed.astype(np.float64)
    points = [place]
    for _ in range(int(FALL_S_MAX / STEP_S)):
        air = moves - wind_ms
        pull = -G_MS2 * np.linalg.norm(air) * air / terminal_ms**2
        moves = moves + (pull + np.array([0, -G_MS2, 0])) * STEP_S
        place = place + moves * STEP_S
        if place[2] < 0.05:  # along the wall
            place, moves = np.array([place[0], place[1], 0.05]), moves * np.array([1, 1, -0.2])
        points.append(place)
        if place[1] <= 0:
            break
    return Path(begins_s, STEP_S, np.array(points))
