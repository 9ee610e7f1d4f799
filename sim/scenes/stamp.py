"""Put small things into a frame as a lens would: at fractions of a pixel, blurred by motion."""

import cv2
import numpy as np
from numpy.typing import NDArray

from sim.scenes.camera import Array, Image

_FINE = 4
_SHIFT = 3
_FINE_PX_MAX = 90
"""Larger things are drawn without magnification; their edges are soft enough."""


def stamp(
    frame: Image,
    shape: Array,
    centres: Array,
    colour: NDArray[np.floating],
    *,
    soft_px: float = 0.6,
    alpha: float = 1.0,
    where: Image | None = None,
) -> None:
    """Blend a filled shape into a frame, in place.

    Args:
        frame: (H, W, 3) BGR.
        shape: (K, 2) corners around the origin, in pixels.
        centres: (S, 2) where it is during the exposure.
        colour: (3,) BGR.
        soft_px: Standard deviation of the lens.
        alpha: How opaque it is, 0 to 1.
        where: (H, W) 255 where it can be seen at all, such as in glass.
    """
    margin = 2 + 3 * soft_px
    low = np.floor(centres.min(0) + shape.min(0) - margin).astype(int)
    high = np.ceil(centres.max(0) + shape.max(0) + margin).astype(int)
    if (high < 0).any() or low[0] >= frame.shape[1] or low[1] >= frame.shape[0]:
        return
    if (high - low).max() > 2 * max(frame.shape):
        return
    fine = _FINE if (high - low).max() < _FINE_PX_MAX else 1
    size = (high - low) * fine
    cover = np.zeros((size[1], size[0]), np.float32)
    for centre in centres:
        one = np.zeros((size[1], size[0]), np.uint8)
        corners = (shape + centre - low) * fine * (1 << _SHIFT)
        cv2.fillPoly(one, [np.round(corners).astype(np.int32)], 255, cv2.LINE_AA, _SHIFT)
        cover += one
    cover *= alpha / 255 / len(centres)
    if soft_px > 0:
        cover = np.asarray(cv2.GaussianBlur(cover, (0, 0), soft_px * fine), np.float32)
    if fine > 1:
        wanted = (int(size[0] // fine), int(size[1] // fine))
        cover = np.asarray(cv2.resize(cover, wanted, interpolation=cv2.INTER_AREA), np.float32)
    mix(frame, cover, (int(low[0]), int(low[1])), colour, where)


def mix(
    frame: Image,
    cover: NDArray[np.float32],
    corner: tuple[int, int],
    colour: NDArray[np.floating],
    where: Image | None = None,
) -> None:
    """Blend a colour into a frame where a cover, 0 to 1, lies with its corner at (u, v)."""
    u, v = corner
    u0, v0 = max(u, 0), max(v, 0)
    u1, v1 = min(u + cover.shape[1], frame.shape[1]), min(v + cover.shape[0], frame.shape[0])
    if u0 >= u1 or v0 >= v1:
        return
    part = cover[v0 - v : v1 - v, u0 - u : u1 - u, None]
    if where is not None:
        part = part * (where[v0:v1, u0:u1, None] > 0)
    under = frame[v0:v1, u0:u1]
    under[:] = np.clip(under * (1 - part) + colour * part + 0.5, 0, 255).astype(np.uint8)


def ellipse(long_px: float, short_px: float, angle: float, corners: int = 12) -> Array:
    """Return the corners of an ellipse around the origin; lengths are diameters."""
    around = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return turned(np.column_stack([np.cos(around) * long_px, np.sin(around) * short_px]) / 2, angle)


def box(long_px: float, short_px: float, angle: float = 0.0) -> Array:
    """Return the corners of a rectangle around the origin."""
    half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [long_px / 2, short_px / 2]
    return turned(half, angle)


def turned(shape: Array, angle: float) -> Array:
    """Return a shape turned by an angle in radians."""
    c, s = np.cos(angle), np.sin(angle)
    return np.asarray(shape @ np.array([[c, s], [-s, c]]))
