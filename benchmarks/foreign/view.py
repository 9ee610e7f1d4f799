"""A pinhole camera before a facade: x right, y up, z out of the wall, all in metres."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """A camera.

    Attributes:
        matrix: (3, 4) from metres to pixels.
        size: Width and height of a frame.
    """

    matrix: Array
    size: tuple[int, int]

    def pixels(self, places: Array) -> Array:
        """Return (N, 2) pixels of (N, 3) metres."""
        flat = np.asarray(places, np.float64) @ self.matrix[:, :3].T + self.matrix[:, 3]
        return np.asarray(flat[:, :2] / flat[:, 2:])

    def wall(self) -> Array:
        """Return the (3, 3) homography from (x, y) on the wall to pixels."""
        return np.asarray(self.matrix[:, [0, 1, 3]])

    def px_per_m(self, place: Array) -> float:
        """Return how many pixels a metre up is at a place."""
        ends = self.pixels(np.array([place, place + np.array([0, 0.5, 0])]))
        return float(np.hypot(*(ends[1] - ends[0])) * 2)


def standing(
    rng: np.random.Generator, size: tuple[int, int], wide_m: float, low_m: float, high_m: float
) -> View:
    """Return a camera on the ground or on a low roof that looks up at a part of a facade."""
    away = rng.uniform(0.7, 1.8) * max(high_m - low_m, wide_m)
    place = np.array([rng.uniform(-0.4, 1.4) * wide_m, rng.uniform(1.5, 9), away])
    target = np.array([wide_m / 2, (low_m + high_m) / 2, 0.0])
    ahead = (target - place) / np.linalg.norm(target - place)
    right = np.cross(ahead, [0, 1, 0])
    right /= np.linalg.norm(right)
    below = np.cross(ahead, right)
    roll = np.radians(rng.uniform(-4, 4))
    across = right * np.cos(roll) + below * np.sin(roll)
    down = below * np.cos(roll) - right * np.sin(roll)
    turned = np.stack([across, down, ahead])
    corners = np.array([[x, y, 0] for x in (0, wide_m) for y in (low_m, high_m)]) - place
    seen = corners @ turned.T
    spread = seen[:, :2] / seen[:, 2:]
    middle = (spread.min(0) + spread.max(0)) / 2
    extent = spread.max(0) - spread.min(0)
    focal = float(min(np.array(size) * 0.94 / extent))
    inner = np.array(
        [
            [focal, 0, size[0] / 2 - focal * middle[0]],
            [0, focal, size[1] / 2 - focal * middle[1]],
            [0, 0, 1],
        ]
    )
    return View(inner @ np.column_stack([turned, -turned @ place]), size)
