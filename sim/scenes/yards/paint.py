"""Paint things: a round piece is a relief as high as it is thick, creased like cloth, and lit."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from sim.scenes.camera import Array, Image
from sim.scenes.yards.pieces import Piece, Plane, bounds, fill

_FINE_PX_MAX = 160
"""Larger things are drawn without magnification."""
_BULGE = 0.4
_CREASE = 0.01
"""Height of a relief as a share of its thickness, and of creases as a share of the thing's height:
of what was tried, where a detector trained on photographs found most people."""
_GRAIN = 4.0
"""Grey levels."""


@dataclass(frozen=True)
class Lamp:
    """How things are lit.

    Attributes:
        toward: (3,) unit vector to the light: right, down, and towards the camera.
        ambient: Share of its colour that a surface shows in shade.
        direct: And how much more where it faces the light.
        haze: Share of the air's own colour over ten metres.
        haze_tone: Grey level of it.
    """

    toward: Array
    ambient: float
    direct: float
    haze: float = 0.0
    haze_tone: float = 0.0

    @property
    def flat(self) -> float:
        """Factor on a surface that faces the camera."""
        return self.ambient + self.direct * max(float(self.toward[2]), 0.0)


@dataclass(frozen=True)
class Patch:
    """A thing as painted, to be laid into frames.

    Attributes:
        corner: (u, v) of its upper left.
        seen: (h, w, 3) its colours.
        cover: (h, w, 1) how opaque it is, 0 to 1.
    """

    corner: tuple[int, int]
    seen: Plane
    cover: Plane

    def lay(self, frame: Image) -> None:
        """Put it into a frame, in place."""
        (u, v), (tall, wide) = self.corner, self.cover.shape[:2]
        under = frame[v : v + tall, u : u + wide]
        under[:] = np.clip(under * (1 - self.cover) + self.seen * self.cover + 0.5, 0, 255)


def painted(
    pieces: Sequence[Piece], size: tuple[int, int], lamp: Lamp, cloth: Plane, soft_px: float
) -> Patch | None:
    """Return a thing as one body with soft edges; None if it is out of the picture.

    Args:
        pieces: Of the thing.
        size: Width and height of the frame.
        lamp: How it is lit.
        cloth: (S, S) creases, from about -1 to 1, over the whole of it.
        soft_px: Of the lens and of the thing's movement.
    """
    box = bounds(pieces)
    pad = 3 + 2 * soft_px
    low = np.maximum(np.floor(box[:2] - pad), 0).astype(int)
    high = np.minimum(np.ceil(box[2:] + pad), np.array(size)).astype(int)
    if (high - low < 2).any():
        return None
    fine = 2 if (high - low).max() < _FINE_PX_MAX else 1
    wide, tall = (int(side) * fine for side in high - low)
    body = np.zeros((tall, wide, 3), np.uint8)
    cover = np.zeros((tall, wide), np.uint8)
    relief = np.zeros((tall, wide), np.float32)
    ordered = sorted(pieces, key=lambda one: -one.depth_m)
    for piece in ordered:
        _lay(body, cover, relief, Piece((piece.shape - low) * fine, piece.colour, 0, piece.round))
    creases = np.asarray(cv2.resize(cloth, (wide, tall)), np.float32)
    deep = np.where(relief > 0, creases, 0) * np.float32(_CREASE * (box[3] - box[1]) * fine)
    lit = _lambert(np.asarray(cv2.GaussianBlur(relief + deep, (0, 0), 0.9 * fine)), lamp)
    seen = body * lit[..., None] + creases[..., None] * np.float32(_GRAIN)
    cover = np.asarray(cv2.GaussianBlur(cover, (0, 0), soft_px * fine), np.uint8)
    seen = np.asarray(cv2.GaussianBlur(seen, (0, 0), 0.6 * soft_px * fine), np.float32)
    if fine > 1:
        half = (wide // fine, tall // fine)
        seen = np.asarray(cv2.resize(seen, half, interpolation=cv2.INTER_AREA), np.float32)
        cover = np.asarray(cv2.resize(cover, half, interpolation=cv2.INTER_AREA), np.uint8)
    air = 1 - (1 - lamp.haze) ** (ordered[len(ordered) // 2].depth_m / 10)
    seen = np.asarray(seen * (1 - air) + lamp.haze_tone * air, np.float32)
    share = cover[..., None].astype(np.float32) / np.float32(255)
    return Patch((int(low[0]), int(low[1])), seen, share)


def creased(rng: np.random.Generator, side: int = 96) -> Plane:
    """Return (S, S) creases of cloth, longer down than across, at three scales."""
    made = np.zeros((side, side), np.float32)
    for across, down, share in ((8, 14, 0.6), (20, 34, 0.45), (48, 60, 0.3)):
        coarse = rng.standard_normal((down, across)).astype(np.float32)
        made += share * np.asarray(
            cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC), np.float32
        )
    return made


def _lay(body: Image, cover: Image, relief: Plane, piece: Piece) -> None:
    """Put one piece over what is there; its outline is in pixels of the planes."""
    fill(cover, piece.shape, 255)
    u0, v0 = np.maximum(np.floor(piece.shape.min(0)).astype(int) - 1, 0)
    u1, v1 = np.minimum(np.ceil(piece.shape.max(0)).astype(int) + 2, np.array(cover.shape[::-1]))
    if u1 <= u0 or v1 <= v0:
        return
    mask = np.zeros((v1 - v0 + 2, u1 - u0 + 2), np.uint8)  # with a rim that is never filled
    fill(mask[1:-1, 1:-1], piece.shape - [u0, v0], 255, smooth=False)
    inside = mask[1:-1, 1:-1] > 0
    body[v0:v1, u0:u1][inside] = np.clip(piece.colour, 0, 255).astype(np.uint8)
    if not piece.round:
        relief[v0:v1, u0:u1][inside] = 0
        return
    deep = np.asarray(cv2.distanceTransform(mask, cv2.DIST_L2, 3), np.float32)[1:-1, 1:-1]
    thick = max(float(deep.max()), 1.0)
    high = _BULGE * thick * np.sqrt(np.maximum(1 - (1 - deep / thick) ** 2, 0))
    relief[v0:v1, u0:u1][inside] = high[inside]


def _lambert(relief: Plane, lamp: Lamp) -> Plane:
    du = np.asarray(cv2.Sobel(relief, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8), np.float32)
    dv = np.asarray(cv2.Sobel(relief, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8), np.float32)
    right, down, near = (np.float32(one) for one in lamp.toward)
    facing = (near - du * right - dv * down) / np.sqrt(1 + du * du + dv * dv)
    lit = np.float32(lamp.ambient) + np.float32(lamp.direct) * np.maximum(facing, 0)
    return np.asarray(lit, np.float32)
