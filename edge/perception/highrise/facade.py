"""Where on the facade a pixel is: metres to the right and metres down from the roof's height.

Looking up at a tower, a floor is several times smaller at the top than at the bottom, so that a
fall is no parabola in pixels. In the plane of the facade it is one.

Without floor lines the scale is unknown; then the outline's height stands for `ASSUMED_M` and
gravity is read off the fall itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Image = NDArray[np.uint8]

ASSUMED_M = 30.0
"""Height of a facade whose scale nobody gave: ten floors."""

LINES_MIN = 2
CORNERS_MIN = 3


class CalibrationError(ValueError):
    """The lines or the outline given do not describe a facade; draw them again."""


@dataclass(frozen=True)
class FloorLine:
    """The lower edge of a floor, from the facade's left edge to its right edge.

    Attributes:
        floor: Its number; 1 is at the ground.
        left: (u, v) pixels.
        right: (u, v) pixels.
    """

    floor: int
    left: tuple[float, float]
    right: tuple[float, float]


@dataclass(frozen=True)
class Facade:
    """A calibrated facade.

    Attributes:
        to_plane: (3, 3) homography from pixels to (x, y): metres right of the left edge, and metres
            down; the ground floor's lower edge is y = 0, all above is negative.
        outline: (K, 2) pixels around everything that belongs to it.
        floor_m: Height of a floor.
        column_m: Width of a column of flats.
        metric: Whether the scale is known.
        shields: Polygons, (K, 2) pixels, in which nothing is looked at.
    """

    to_plane: Array
    outline: Array
    floor_m: float = 3.0
    column_m: float = 3.5
    metric: bool = True
    shields: tuple[Array, ...] = ()

    def metres(self, pixels: NDArray[Any]) -> Array:
        """Return (N, 2) metres of (N, 2) pixels."""
        return _mapped(self.to_plane, pixels)

    @cached_property
    def from_plane(self) -> Array:
        """The way back: (3, 3) from metres to pixels."""
        return np.asarray(np.linalg.inv(self.to_plane))

    def pixels(self, metres: NDArray[Any]) -> Array:
        """Return (N, 2) pixels of (N, 2) metres."""
        return _mapped(self.from_plane, metres)

    def floor_at(self, y_m: float) -> int:
        """Return the floor at a height; 1 is at the ground, there is no 0."""
        floor = int(np.floor(-y_m / self.floor_m)) + 1
        return floor if floor > 0 else floor - 1

    def column_at(self, x_m: float) -> int:
        """Return the column of flats at a place, counted from 1 at the left edge."""
        return int(np.floor(x_m / self.column_m)) + 1

    def px_per_m(self, metres: NDArray[Any]) -> Array:
        """Return (N,) how many pixels a metre down is at (N, 2) places."""
        step = np.array([0.0, 0.5])
        apart = self.pixels(metres + step) - self.pixels(metres - step)
        return np.asarray(np.hypot(apart[:, 0], apart[:, 1]))

    def mask(self, size: tuple[int, int], margin_px: int = 0) -> Image:
        """Return (H, W) 255 where something may be seen to fall.

        Args:
            size: Width and height.
            margin_px: How far beyond the outline; things thrown out appear above the roof.
        """
        seen = np.zeros(size[::-1], np.uint8)
        cv2.fillPoly(seen, [np.round(self.outline).astype(np.int32)], 255)
        if margin_px:
            seen = np.asarray(
                cv2.dilate(seen, np.ones((2 * margin_px + 1, 2 * margin_px + 1), np.uint8)),
                np.uint8,
            )
        for shield in self.shields:
            cv2.fillPoly(seen, [np.round(shield).astype(np.int32)], 0)
        return seen


def from_floor_lines(
    lines: Sequence[FloorLine],
    *,
    width_m: float,
    floor_m: float = 3.0,
    columns: int = 1,
    outline: Sequence[Sequence[float]] | None = None,
    shields: Sequence[Sequence[Sequence[float]]] = (),
) -> Facade:
    """Return the facade on which floor lines were drawn.

    Args:
        lines: Two or more, the further apart the better.
        width_m: Between their left and right ends.
        floor_m: Height of a floor.
        columns: Flats side by side.
        outline: Pixels; by default what the lines span, and a floor above.
        shields: Polygons in pixels that are not looked at.

    Raises:
        CalibrationError: Too few lines, or lines that cross.
    """
    if len({line.floor for line in lines}) < LINES_MIN:
        raise CalibrationError(f"expected lines of {LINES_MIN} floors or more, got {len(lines)}")
    if width_m <= 0 or floor_m <= 0 or columns < 1:
        raise CalibrationError("expected a width, a floor's height and columns above 0")
    seen, there = [], []
    for line in lines:
        down = -(line.floor - 1) * floor_m
        seen += [line.left, line.right]
        there += [(0.0, down), (width_m, down)]
    found, _ = cv2.findHomography(np.array(seen, np.float64), np.array(there, np.float64), 0)
    if found is None or abs(np.linalg.det(found)) < _FLAT:
        raise CalibrationError("the floor lines lie in one line or cross: draw them again")
    to_plane = np.asarray(found, np.float64)
    if outline is None:
        floors = [line.floor for line in lines]
        low, high = -(min(floors) - 1) * floor_m, -max(floors) * floor_m
        edges = np.array([[0, low], [width_m, low], [width_m, high], [0, high]])
        around = _mapped(np.asarray(np.linalg.inv(to_plane), np.float64), edges)
    else:
        around = _outline(outline)
    return Facade(
        to_plane=to_plane,
        outline=around,
        floor_m=floor_m,
        column_m=width_m / columns,
        shields=tuple(_outline(shield) for shield in shields),
    )


def from_outline(
    outline: Sequence[Sequence[float]], shields: Sequence[Sequence[Sequence[float]]] = ()
) -> Facade:
    """Return a facade of unknown scale: floors and metres are guesses.

    Raises:
        CalibrationError: Fewer than three corners, or no height.
    """
    around = _outline(outline)
    top, bottom = around[:, 1].min(), around[:, 1].max()
    if bottom - top < 1:
        raise CalibrationError("the outline has no height")
    scale = ASSUMED_M / (bottom - top)
    left = around[:, 0].min()
    to_plane = np.array([[scale, 0, -left * scale], [0, scale, -bottom * scale], [0, 0, 1.0]])
    return Facade(
        to_plane=to_plane,
        outline=around,
        metric=False,
        shields=tuple(_outline(shield) for shield in shields),
    )


_FLAT = 1e-12


def _outline(corners: Sequence[Sequence[float]]) -> Array:
    around = np.array(corners, np.float64)
    if around.ndim != 2 or around.shape[0] < CORNERS_MIN or around.shape[1] != 2:  # noqa: PLR2004  # (K, 2)
        raise CalibrationError(f"expected {CORNERS_MIN} corners or more, each (u, v)")
    return around


def _mapped(homography: Array, points: NDArray[Any]) -> Array:
    # Written out: for half a million points a product of matrices takes ten times as long.
    across, down = np.ascontiguousarray(np.asarray(points, np.float64).T)
    one, two, three = homography.tolist()
    scale = three[0] * across + three[1] * down + three[2]
    u, v = ((row[0] * across + row[1] * down + row[2]) / scale for row in (one, two))
    return np.stack([u, v], axis=1)
