"""What everything in a yard is drawn from: flat pieces in pixels, from far to near.

A thing in space becomes pieces once, and both its picture and the truth about it come from them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from sim.scenes.camera import Array, Camera

Plane = NDArray[np.float32]

NEAR_M = 0.4
"""Whatever is nearer to the lens than this is not drawn."""
_AROUND = np.linspace(0, 2 * np.pi, 10, endpoint=False)
_CIRCLE = np.column_stack([np.cos(_AROUND), np.sin(_AROUND)])
_SHIFT = 3
_FAR_PX = 8_000.0


@dataclass(frozen=True)
class Piece:
    """A part of a thing, of one colour.

    Attributes:
        shape: (K, 2) convex outline in pixels.
        colour: (3,) BGR by daylight.
        depth_m: Away from the camera; nearer pieces hide farther ones.
        round: Whether it is rounded like a limb, or flat like sheet metal.
    """

    shape: Array
    colour: Array
    depth_m: float
    round: bool = True


def depth_of(camera: Camera, points: NDArray[np.floating]) -> Array:
    """Return (N,) metres along the view of (N, 3) points; at least `NEAR_M`."""
    return np.asarray(np.maximum((points - camera.place) @ camera.turn[2], NEAR_M))


def hull(
    camera: Camera, points: Array, radii_m: Array, colour: Array, *, bias_m: float = 0.0
) -> Piece:
    """Return the piece that spans balls in space, as a limb spans its joints.

    Args:
        camera: Who looks.
        points: (N, 3) centres in metres.
        radii_m: (N,) of the balls.
        colour: (3,) BGR.
        bias_m: Drawn as if it were so much farther away.
    """
    ahead = (points - camera.place) @ camera.turn[2] > NEAR_M
    if not ahead.any():
        return face(camera, points, colour)
    points, radii_m = points[ahead], radii_m[ahead]
    depths = depth_of(camera, points)
    radii = radii_m * camera.focal_px / depths
    rims = (camera.project(points)[:, None] + _CIRCLE * radii[:, None, None]).reshape(-1, 2)
    shape = np.asarray(cv2.convexHull(rims.astype(np.float32)), np.float64)[:, 0]
    return Piece(shape, colour, float(depths.mean()) + bias_m)


def face(camera: Camera, corners: Array, colour: Array, *, bias_m: float = 0.0) -> Piece:
    """Return the flat piece between (K, 3) corners in metres, as far as it is before the lens."""
    seen = _clipped(camera, corners)
    depth = float(depth_of(camera, seen).mean()) + bias_m
    return Piece(camera.project(seen), colour, depth, round=False)


def _clipped(camera: Camera, corners: Array) -> Array:
    """Return the part of a convex face that is at least `NEAR_M` before the lens."""
    depths = (corners - camera.place) @ camera.turn[2] - NEAR_M
    if (depths >= 0).all():
        return corners
    kept = []
    for one, two, a, b in zip(
        corners, np.roll(corners, -1, axis=0), depths, np.roll(depths, -1), strict=True
    ):
        if a >= 0:
            kept.append(one)
        if (a >= 0) != (b >= 0):
            kept.append(one + (two - one) * (a / (a - b)))
    # What is wholly behind becomes a point far below the picture.
    return np.array(kept) if kept else (camera.place + camera.turn[2] + 99 * camera.turn[1])[None]


def bounds(pieces: Sequence[Piece]) -> Array:
    """Return (4,) left, top, right, bottom of pieces."""
    corners = np.concatenate([piece.shape for piece in pieces])
    return np.concatenate([corners.min(0), corners.max(0)])


def fill(picture: NDArray[np.uint8], shape: Array, value: float, *, smooth: bool = True) -> None:
    """Fill a convex outline in a plane with a value, at fractions of a pixel."""
    points = np.round(np.clip(shape, -_FAR_PX, _FAR_PX) * (1 << _SHIFT)).astype(np.int32)
    line = cv2.LINE_AA if smooth else cv2.LINE_8
    cv2.fillConvexPoly(picture, points, value, line, _SHIFT)
