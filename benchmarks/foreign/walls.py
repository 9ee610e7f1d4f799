"""Facades as rasters in metres: brick, curtain wall, plaster, balconies; plants, coolers."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from foreign.view import View

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]

RASTER = 28
"""Of the wall's picture: pixels a metre."""
KINDS = ("brick", "curtain", "balcony", "plaster")


@dataclass(frozen=True)
class Wall:
    """A facade.

    Attributes:
        kind: Of `KINDS`.
        wide_m: From edge to edge.
        floors: Above each other.
        floor_m: Height of one.
        columns: Flats side by side.
    """

    kind: str
    wide_m: float
    floors: int
    floor_m: float
    columns: int

    @property
    def high_m(self) -> float:
        return self.floors * self.floor_m


def planned(rng: np.random.Generator) -> Wall:
    """Return a facade."""
    columns = int(rng.integers(3, 8))
    return Wall(
        str(rng.choice(KINDS)),
        columns * float(rng.uniform(3.2, 5)),
        int(rng.integers(7, 27)),
        float(rng.uniform(2.8, 3.6)),
        columns,
    )


def clouds(rng: np.random.Generator, size: tuple[int, int], octaves: int = 6) -> Floats:
    """Return (H, W) noise of many scales, about 0, as stains, leaves and clouds have."""
    wide, tall = size
    total = np.zeros((tall, wide), np.float32)
    for octave in range(1, octaves + 1):
        cells = 2**octave
        rough = rng.standard_normal((max(cells * tall // wide, 2), cells + 1)).astype(np.float32)
        total += cv2.resize(rough, (wide, tall), interpolation=cv2.INTER_CUBIC) / octave
    return total / float(total.std())


def seen(wall: Wall, view: View, rng: np.random.Generator, night: bool) -> Image:
    """Return (H, W, 3) what stands still before the camera."""
    raster = _raster(wall, rng, night)
    wide, tall = view.size
    sky = 200 + 18 * clouds(rng, (wide // 4, tall // 4))
    backdrop = cv2.resize(np.repeat(sky[..., None], 3, 2), (wide, tall)) * [1.08, 1.0, 0.9]
    trees = clouds(rng, view.size, 8)
    rows = np.arange(tall)[:, None] / tall
    green = (trees * 0.06 + rows > 0.9)[..., None]
    backdrop = np.where(green, np.array([40, 75, 55]) + 14 * trees[..., None], backdrop)
    backdrop *= 0.12 if night else 1.0
    to_raster = np.array([[RASTER, 0, 0], [0, -RASTER, wall.high_m * RASTER], [0, 0, 1]])
    lies = view.wall() @ np.linalg.inv(to_raster)
    alpha = np.ones(raster.shape[:2], np.float32)
    facade = cv2.warpPerspective(raster, lies, view.size, flags=cv2.INTER_AREA)
    part = cv2.warpPerspective(alpha, lies, view.size)[..., None]
    picture = backdrop * (1 - part) + facade * part
    soft = cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.5, 1.1)))
    return np.clip(soft, 0, 255).astype(np.uint8)


def _raster(wall: Wall, rng: np.random.Generator, night: bool) -> Floats:
    wide, tall = round(wall.wide_m * RASTER), round(wall.high_m * RASTER)
    base = rng.uniform(70, 190) + rng.normal(0, 12, 3)
    raster = np.tile(base.astype(np.float32), (tall, wide, 1))
    if wall.kind == "brick":
        _lay_bricks(raster, rng)
    raster += 7 * clouds(rng, (wide, tall), 8)[..., None]
    raster += rng.normal(0, 3, (tall, wide, 1)).astype(np.float32)
    glass = np.array([95, 80, 62]) * rng.uniform(0.6, 1.3)
    mirrored = clouds(rng, (wide, tall), 5)[..., None] * 14
    light = 0.16 if night else 1.0
    raster *= light
    for floor in range(wall.floors):
        for column in range(wall.columns):
            at = (floor, column)
            _furnish(raster, wall, at, rng, glass=glass, mirrored=mirrored, light=light)
    return np.clip(raster, 0, 255)


def _lay_bricks(raster: Floats, rng: np.random.Generator) -> None:
    raster[:] = np.array([55, 70, 130]) * rng.uniform(0.7, 1.1)
    for row, top in enumerate(range(0, raster.shape[0], 4)):
        shades = rng.normal(0, 13, raster.shape[1] // 8 + 2).repeat(8)
        shades = np.roll(shades, 4 * (row % 2))[: raster.shape[1]]
        raster[top : top + 3] += shades[None, :, None]
        raster[top + 3 : top + 4] += 28


def _furnish(
    raster: Floats,
    wall: Wall,
    at: tuple[int, int],
    rng: np.random.Generator,
    *,
    glass: NDArray[np.float64],
    mirrored: Floats,
    light: float,
) -> None:
    """Put a window and what hangs beside it on a flat's part of the wall."""
    floor, column = at
    cell = wall.wide_m / wall.columns
    left, top = column * cell, (wall.floors - floor - 1) * wall.floor_m

    def box(x: float, y: float, w: float, h: float) -> tuple[slice, slice]:
        u, v = round((left + x) * RASTER), round((top + y) * RASTER)
        return np.s_[v : v + max(round(h * RASTER), 1), u : u + max(round(w * RASTER), 1)]

    edge = 0.06 if wall.kind == "curtain" else cell * 0.2
    pane = box(edge, edge, cell - 2 * edge, wall.floor_m * (0.96 if edge < 0.1 else 0.6))
    raster[box(edge - 0.06, edge - 0.06, cell - 2 * edge + 0.12, 0.1)] *= 0.5
    raster[pane] = (glass + mirrored[pane]) * light
    if rng.random() < 0.35:
        curtain = box(edge, edge, (cell - 2 * edge) * rng.uniform(0.2, 0.5), wall.floor_m * 0.6)
        raster[curtain] = np.array([150, 165, 180]) * rng.uniform(0.5, 1.1) * light
    if light < 1 and rng.random() < 0.25:
        raster[pane] += np.array([70, 130, 165]) * rng.uniform(0.3, 1.0)
    if wall.kind == "balcony":
        rail = box(0.1, wall.floor_m * 0.62, cell - 0.2, wall.floor_m * 0.33)
        raster[rail] = np.array([175, 175, 170]) * rng.uniform(0.5, 1.1) * light
        raster[rail][:, ::6] *= 0.6
        raster[box(0.1, wall.floor_m * 0.95, cell - 0.2, 0.12)] *= 0.4
        if rng.random() < 0.4:
            leaves = box(rng.uniform(0.2, cell - 1.2), wall.floor_m * 0.45, 1.0, 0.55)
            tall, wide = raster[leaves].shape[:2]
            shape = rng.random((tall, wide, 1)) < 0.6
            raster[leaves] = np.where(shape, np.array([40, 95, 50]) * light, raster[leaves])
    if rng.random() < 0.5:
        unit = box(rng.uniform(0, cell * 0.3), wall.floor_m * 0.72, 0.85, 0.55)
        raster[unit] = np.array([205, 205, 200]) * light
        raster[unit][3:-3, 3:-8] *= 0.7
