"""Faces of nobody: drawn from numbers, so that a gate can be shown at work without anybody's face.

The gate's networks take these three for faces of three people. They were searched for: of 500 drawn
at random 173 are found, and most of them look like two others.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Plane = NDArray[np.float64]
Colour = tuple[float, float, float]
"""Blue, green, red, of 255."""

_FINE = 3
"""A portrait is drawn so many times as large and made smaller: smooth edges."""


@dataclass(frozen=True, kw_only=True)
class Portrait:
    """A face in hundredths of the picture's side; its eyes are level, its middle is at 50.

    Attributes:
        half: Half its width and half its height.
        eyes: Half the distance between them, and their height in the picture.
        eye: Half its width and half its height.
        brows: How far above the eyes, how slanted in degrees, and how thick.
        nose: How far below the eyes its tip is, and half its width.
        mouth: How far below the nose, half its width, and how full.
        light: How much darker its right side is.
        socket: How dark around the eyes.
        fringe: How far the hair comes down; 0 for bald.
    """

    skin: Colour
    hair: Colour
    shirt: Colour
    iris: Colour
    lips: Colour
    half: tuple[float, float]
    eyes: tuple[float, float]
    eye: tuple[float, float]
    brows: tuple[float, float, float]
    nose: tuple[float, float]
    mouth: tuple[float, float, float]
    light: float = 0.0
    socket: float = 0.2
    fringe: float = 6.5
    long_hair: bool = False
    beard: bool = False
    wrinkled: bool = False
    smiling: bool = False


RESIDENT = Portrait(
    skin=(150, 178, 222), hair=(13, 16, 12), shirt=(44, 71, 164), iris=(72, 87, 34),
    lips=(79, 79, 146), half=(24.6, 33.65), eyes=(7.93, 47.5), eye=(5.19, 2.2),
    brows=(2.76, -13.5, 1.07), nose=(11.43, 3.2), mouth=(8.12, 9.37, 1.68), light=-0.171,
    socket=0.447, wrinkled=True,
)  # fmt: skip
STRANGER = Portrait(
    skin=(136, 170, 217), hair=(15, 14, 12), shirt=(129, 81, 161), iris=(28, 42, 100),
    lips=(53, 53, 98), half=(19.1, 27.8), eyes=(10.46, 48.46), eye=(4.84, 1.46),
    brows=(2.61, -13.9, 2.65), nose=(15.3, 5.49), mouth=(8.81, 9.44, 2.39), light=-0.039,
    socket=0.429, fringe=6.7, long_hair=True, wrinkled=True,
)  # fmt: skip
WATCHED = Portrait(
    skin=(118, 150, 195), hair=(81, 90, 97), shirt=(45, 107, 191), iris=(102, 15, 18),
    lips=(91, 91, 167), half=(19.5, 30.2), eyes=(10.9, 45.4), eye=(4.48, 3.16),
    brows=(2.74, 10.06, 1.47), nose=(11.93, 5.13), mouth=(7.35, 7.11, 3.14), light=-0.01,
    socket=0.11, fringe=0.0, beard=True, smiling=True,
)  # fmt: skip


def drawn(portrait: Portrait, side: int) -> tuple[Image, Plane]:
    """Return a portrait down to the shoulders, and how much of each pixel is of it.

    Args:
        portrait: Whose.
        side: Pixels of the square.

    Returns:
        (side, side, 3) blue first, and (side, side) from 0 to 1.
    """
    easel = _Easel(side * _FINE)
    _head(easel, portrait)
    _eyes(easel, portrait)
    _middle(easel, portrait)
    if portrait.fringe:
        wide = portrait.half[0] + 0.5
        easel.oval((50, 54 - portrait.half[1]), (wide, portrait.fringe), portrait.hair, 180)
    return easel.finished(side)


class _Easel:
    """A canvas on which shapes are laid down and shadows are cast."""

    def __init__(self, side: int) -> None:
        self._unit = side / 100
        self._canvas = np.zeros((side, side, 3), np.float32)
        self._mask = np.zeros((side, side), np.float32)
        rows, columns = np.mgrid[0:side, 0:side] / self._unit
        self.x, self.y = columns, rows

    def oval(
        self, at: tuple[float, float], half: tuple[float, float], colour: Colour, begin: int = 0
    ) -> None:
        """Lay down an oval, or its upper half from 180 degrees on."""
        middle = round(at[0] * self._unit), round(at[1] * self._unit)
        axes = max(round(half[0] * self._unit), 1), max(round(half[1] * self._unit), 1)
        for layer, ink in ((self._canvas, colour), (self._mask, (1.0,))):
            cv2.ellipse(layer, middle, axes, 0, begin, 360, ink, -1, cv2.LINE_AA)

    def arc(
        self,
        at: tuple[float, float],
        half: tuple[float, float],
        span: tuple[int, int],
        colour: Colour,
        *,
        thick: float,
        turn: float = 0.0,
    ) -> None:
        """Draw a part of an oval's edge."""
        middle = round(at[0] * self._unit), round(at[1] * self._unit)
        axes = max(round(half[0] * self._unit), 1), max(round(half[1] * self._unit), 1)
        width = max(round(thick * self._unit), 1)
        cv2.ellipse(self._canvas, middle, axes, turn, *span, colour, width, cv2.LINE_AA)

    def shade(self, by: float, away: Plane) -> None:
        """Make what is near darker; brighter, if `by` is below 0."""
        self._canvas *= (1 - by * np.exp(-away))[..., None].astype(np.float32)

    def blend(self, share: Plane, colour: Colour) -> None:
        """Mix a colour in."""
        part = share[..., None].astype(np.float32)
        self._canvas = self._canvas * (1 - part) + np.array(colour, np.float32) * part

    def finished(self, side: int) -> tuple[Image, Plane]:
        """Return the picture and its mask."""
        soft = cv2.GaussianBlur(self._canvas, (0, 0), self._unit / 4)
        size = (side, side)
        picture = cv2.resize(soft, size, interpolation=cv2.INTER_AREA)
        mask = cv2.resize(self._mask, size, interpolation=cv2.INTER_AREA)
        return np.clip(picture, 0, 255).astype(np.uint8), mask.astype(np.float64)


def _head(easel: _Easel, one: Portrait) -> None:
    wide, high = one.half
    easel.oval((50, 108), (40, 22), one.shirt)
    easel.oval((50, 82), (9, 14), _darker(one.skin, 0.8))
    if one.long_hair:
        easel.oval((50, 52), (wide + 8, high + 10), one.hair)
    easel.oval((50, 42), (wide + 3, high + 2), one.hair)
    for side in (-1, 1):
        easel.oval((50 + side * wide, 52), (3, 6), _darker(one.skin, 0.9))
    easel.oval((50, 50), one.half, one.skin)
    edge = ((easel.x - 50) / wide) ** 2 + ((easel.y - 50) / high) ** 2
    inside = np.where(edge < 1, 0.28 * np.clip(edge, 0, 1) ** 1.5, 0.0)
    inside += np.where(edge < 1, one.light * (easel.x - 50) / wide, 0.0)
    easel.blend(np.clip(inside, 0, 1), (0, 0, 0))
    easel.blend(np.clip(-inside, 0, 1), (255, 255, 255))
    if one.beard:
        below = np.clip((easel.y - one.eyes[1] - 14) / 4, 0, 1) * np.clip(
            (1.02 - edge) / 0.05, 0, 1
        )
        lips = np.exp(-(((easel.x - 50) / 8) ** 2) - ((easel.y - one.eyes[1] - 19) / 4) ** 2)
        easel.blend(0.85 * below * np.clip(1 - 1.2 * lips, 0, 1), one.hair)


def _eyes(easel: _Easel, one: Portrait) -> None:
    (apart, level), (wide, high), (above, slant, thick) = one.eyes, one.eye, one.brows
    for side in (-1, 1):
        x = 50 + side * apart
        easel.shade(one.socket, ((easel.x - x) / 6.5) ** 2 + ((easel.y - level + 0.5) / 4.2) ** 2)
        easel.oval((x, level), one.eye, (225, 228, 232))
        easel.oval((x, level), (high * 1.05, high * 1.05), one.iris)
        easel.oval((x, level), (high / 2, high / 2), (8, 8, 8))
        easel.oval((x + 0.5, level - 0.6), (0.4, 0.4), (250, 250, 250))
        lid = (wide + 0.3, high + 0.4)
        easel.arc((x, level - 0.3), lid, (180, 360), (25, 25, 30), thick=0.7)
        brow, arch = (x, level - above), (wide + 1.6, 2.6)
        easel.arc(brow, arch, (200, 340), _darker(one.hair, 0.8), thick=thick, turn=side * slant)


def _middle(easel: _Easel, one: Portrait) -> None:
    x, y, level = easel.x - 50, easel.y, one.eyes[1]
    tip, broad = level + one.nose[0], one.nose[1]
    easel.shade(-0.16, (x / 1.6) ** 2 + ((y - (level + tip) / 2) / 7) ** 2)
    easel.shade(0.14, ((x - 2.4) / 1.5) ** 2 + ((y - (level + tip) / 2 - 2) / 6) ** 2)
    easel.shade(-0.10, (x / broad) ** 2 + ((y - tip + 1) / 2.6) ** 2)
    for side in (-1, 1):
        easel.oval((50 + side * broad * 0.55, tip + 0.6), (1.1, 0.6), _darker(one.skin, 0.35))
        easel.shade(0.2, ((x - side * broad) / 1.2) ** 2 + ((y - tip + 0.5) / 2) ** 2)
    below, wide, full = one.mouth
    line = tip + below
    easel.oval((50, line - 0.5), (wide, full * 0.7), _darker(one.lips, 0.85))
    easel.oval((50, line + 1.2), (wide * 0.85, full), one.lips)
    if one.smiling:
        easel.oval((50, line + 0.2), (wide * 0.7, 1.0), (235, 240, 240))
    easel.arc((50, line), (wide, 0.8), (0, 180), (40, 35, 70), thick=0.5)
    if one.wrinkled:
        for side in (-1, 1):
            fold = x - side * (broad + 3 + (y - tip) * 0.35)
            easel.shade(0.25, (fold / 0.8) ** 2 + ((y - tip - 4) / 5) ** 2)
        for row in range(3):
            easel.shade(0.18, ((y - level + 10 + 3 * row) / 0.6) ** 2 + (x / 11) ** 2)
    if one.beard:
        easel.oval((50, line - 3.2), (wide, 1.6), one.hair)


def _darker(colour: Colour, share: float) -> Colour:
    return colour[0] * share, colour[1] * share, colour[2] * share
