"""Boxes, polygons and the ground: the little geometry that counting people needs."""

from collections.abc import Sequence
from math import hypot

import cv2
import numpy as np
from numpy.typing import NDArray

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels."""
Pixel = tuple[float, float]
Polygon = Sequence[Pixel]


def size(box: Box) -> tuple[float, float]:
    """Return width and height."""
    return box[2] - box[0], box[3] - box[1]


def middle(box: Box) -> Pixel:
    """Return the middle of a box."""
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def foot(box: Box) -> Pixel:
    """Return where what is in the box touches the ground."""
    return (box[0] + box[2]) / 2, box[3]


def wide(box: Box) -> float:
    """Return how many times as wide as high a box is."""
    across, down = size(box)
    return across / max(down, 1e-6)


def overlap(one: Box, other: Box) -> float:
    """Return shared area over joint area."""
    shared = max(min(one[2], other[2]) - max(one[0], other[0]), 0.0) * max(
        min(one[3], other[3]) - max(one[1], other[1]), 0.0
    )
    joint = _area(one) + _area(other) - shared
    return shared / joint if joint > 0 else 0.0


def holds(polygon: Polygon, at: Pixel) -> bool:
    """Return whether a polygon holds a point; its edge belongs to it."""
    outline = np.array(polygon, np.float32).reshape(-1, 1, 2)
    return bool(cv2.pointPolygonTest(outline, (float(at[0]), float(at[1])), measureDist=False) >= 0)


def side(first: Pixel, second: Pixel, at: Pixel) -> float:
    """Return how far a point is from a line, in pixels; positive where `first` is on the left.

    On the left of somebody, that is, who stands at the point and looks at the line.
    """
    across, down = second[0] - first[0], second[1] - first[1]
    length = max(hypot(across, down), 1e-9)
    return (across * (at[1] - first[1]) - down * (at[0] - first[0])) / length


def along(first: Pixel, second: Pixel, at: Pixel) -> float:
    """Return where beside a line a point is: 0 at its first end, 1 at its second."""
    across, down = second[0] - first[0], second[1] - first[1]
    square = max(across**2 + down**2, 1e-9)
    return ((at[0] - first[0]) * across + (at[1] - first[1]) * down) / square


class Ground:
    """The ground as a plane: pixels to metres.

    Args:
        pixels: Four points or more on the ground,
        metres: and where they are; any origin, any axes at right angles.

    Raises:
        ValueError: They do not describe a plane: fewer than four, or three of four in a line.
    """

    def __init__(self, pixels: Sequence[Pixel], metres: Sequence[Pixel]) -> None:
        if len(pixels) < 4:  # noqa: PLR2004  # what a plane seen in perspective needs
            raise ValueError(f"the ground needs four points, got {len(pixels)}")
        found, _ = cv2.findHomography(np.array(pixels, np.float64), np.array(metres, np.float64))
        if found is None or abs(float(np.linalg.det(found))) < _FLAT:
            raise ValueError("the ground's points lie in a line")
        self._to_metres: NDArray[np.float64] = np.asarray(found, np.float64)

    def metres(self, polygon: Polygon) -> NDArray[np.float64]:
        """Return (n, 2) metres of pixels."""
        points = np.array(polygon, np.float64).reshape(-1, 1, 2)
        moved = cv2.perspectiveTransform(points, self._to_metres)
        return np.asarray(moved, np.float64).reshape(-1, 2)

    def area_m2(self, polygon: Polygon) -> float:
        """Return the area of a polygon of pixels on the ground."""
        outline = self.metres(polygon)
        ahead = np.roll(outline, -1, axis=0)
        return abs(float((outline[:, 0] * ahead[:, 1] - ahead[:, 0] * outline[:, 1]).sum())) / 2


_FLAT = 1e-12


def _area(box: Box) -> float:
    return max(box[2] - box[0], 0.0) * max(box[3] - box[1], 0.0)
