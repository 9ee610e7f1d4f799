"""A pinhole camera on the ground that looks up at a facade.

World: x metres to the right along the facade, y metres up from the ground, z metres out of the
facade towards the camera. Pixels: u to the right, v down, from the upper left corner.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Image = NDArray[np.uint8]
Part = tuple[slice, slice]
"""Rows and columns of a frame."""


@dataclass(frozen=True)
class Camera:
    """Where the camera stands and how it is turned.

    Attributes:
        width: Pixels.
        height: Pixels.
        focal_px: Focal length.
        place: (3,) x, y, z of its lens in metres.
        turn: (3, 3) world axes to right, down, forward of the camera.
    """

    width: int
    height: int
    focal_px: float
    place: Array
    turn: Array

    def project(self, points: NDArray[Any]) -> Array:
        """Return (N, 2) pixels of (N, 3) points in metres; behind the camera, far outside."""
        seen = (np.asarray(points, np.float64) - self.place) @ self.turn.T
        forward = np.maximum(seen[:, 2:], 1e-3)
        centre = np.array([self.width / 2, self.height / 2])
        return np.asarray(seen[:, :2] / forward * self.focal_px + centre)

    def facade_to_px(self) -> Array:
        """Return the (3, 3) homography from (x, y, 1) on the facade, z = 0, to pixels."""
        lens = np.array(
            [[self.focal_px, 0, self.width / 2], [0, self.focal_px, self.height / 2], [0, 0, 1.0]]
        )
        pose = np.column_stack([self.turn[:, 0], self.turn[:, 1], -self.turn @ self.place])
        return np.asarray(lens @ pose)

    def px_per_m(self, point: NDArray[Any]) -> float:
        """Return how many pixels a metre across the view is at a (3,) point."""
        seen = self.turn @ (np.asarray(point, np.float64) - self.place)
        return float(self.focal_px / max(seen[2], 1e-3))


def aimed(
    *,
    size: tuple[int, int],
    place: tuple[float, float, float],
    span_m: tuple[float, float],
    width_m: float,
    yaw: float,
    roll: float,
) -> Camera:
    """Return a camera that just sees a facade between two heights.

    Args:
        size: Width and height in pixels.
        place: x, y, z of the lens in metres.
        span_m: Lowest and highest point of the facade to be seen.
        width_m: Of the facade, from x = 0; its middle is in the middle of the view, but for yaw.
        yaw: Radians away from the middle.
        roll: Radians.
    """
    width, height = size
    low, high = (np.arctan2(y - place[1], place[2]) for y in span_m)
    pitch = (low + high) / 2
    focal = height / 2 / np.tan((high - low) / 2 * 1.06)
    across = abs(np.array([0, width_m]) - place[0]).max() / np.hypot(place[2], span_m[0])
    focal = min(focal, width / 2 / (across * 1.15))
    heading = np.arctan2(width_m / 2 - place[0], place[2]) + yaw
    forward = np.array(
        [np.sin(heading) * np.cos(pitch), np.sin(pitch), -np.cos(heading) * np.cos(pitch)]
    )
    right = np.array([np.cos(heading), 0, np.sin(heading)])
    down = np.cross(forward, right)
    tilted = np.cos(roll) * right + np.sin(roll) * down
    turn = np.stack([tilted, np.cross(forward, tilted), forward])
    return Camera(width, height, float(focal), np.array(place, np.float64), turn)
