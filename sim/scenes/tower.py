"""What stands still: the tower with its floors, windows and balconies, the sky and the ground."""

from dataclasses import dataclass

import cv2
import numpy as np

from sim.scenes.camera import Array, Camera, Image

_TEXTURE_PX_PER_M = 24


@dataclass(frozen=True)
class Tower:
    """The measures of a building.

    Attributes:
        floors: How many.
        floor_m: Height of one.
        columns: Flats side by side.
        column_m: Width of one.
    """

    floors: int
    floor_m: float
    columns: int
    column_m: float

    @property
    def height_m(self) -> float:
        return self.floors * self.floor_m

    @property
    def width_m(self) -> float:
        return self.columns * self.column_m


def built(rng: np.random.Generator) -> Tower:
    """Return a tower of a Chinese residential community.

    References:
        GB 50096-2011, 5.5.1: a storey of a dwelling is 2.8 m high.
    """
    return Tower(
        floors=int(rng.integers(11, 34)),
        floor_m=float(rng.uniform(2.8, 3.1)),
        columns=int(rng.integers(5, 10)),
        column_m=float(rng.uniform(2.8, 4.0)),
    )


@dataclass(frozen=True)
class Backdrop:
    """A view without anything that moves.

    Attributes:
        picture: (H, W, 3) BGR by day.
        glass: (H, W) 255 where there are window panes.
        lit: (H, W, 3) BGR light that windows give at night.
    """

    picture: Image
    glass: Image
    lit: Image


def painted(tower: Tower, camera: Camera, rng: np.random.Generator) -> Backdrop:
    """Return the view of a tower."""
    wall, glass, lit = _textures(tower, rng)
    flip = np.array([[1, 0, 0], [0, -1, wall.shape[0]], [0, 0, 1.0]])
    scale = np.diag([1 / _TEXTURE_PX_PER_M, 1 / _TEXTURE_PX_PER_M, 1.0])
    warp = camera.facade_to_px() @ scale @ flip
    size = (camera.width, camera.height)

    def seen(texture: Image) -> Image:
        soft = cv2.GaussianBlur(texture, (0, 0), 0.8)
        return np.asarray(cv2.warpPerspective(soft, warp, size, flags=cv2.INTER_LINEAR), np.uint8)

    inside = seen(np.full(wall.shape[:2], 255, np.uint8))[..., None].astype(np.float32) / 255
    picture = _surroundings(camera, rng) * (1 - inside) + seen(wall) * inside
    return Backdrop(picture.astype(np.uint8), (seen(glass) > 128).astype(np.uint8) * 255, seen(lit))


def _textures(tower: Tower, rng: np.random.Generator) -> tuple[Image, Image, Image]:
    scale = _TEXTURE_PX_PER_M
    shape = (round(tower.height_m * scale), round(tower.width_m * scale))
    tone = rng.uniform([90, 100, 110], [205, 215, 225])
    wall = np.empty((*shape, 3), np.float32)
    wall[:] = tone
    wall += _mottled(shape, 3.0, rng)[..., None] + _mottled(shape, 60.0, rng)[..., None] * 2
    wall = np.clip(wall, 0, 255).astype(np.uint8)
    glass, lit = np.zeros(shape, np.uint8), np.zeros((*shape, 3), np.uint8)
    slab = tuple(map(float, np.clip(tone * rng.uniform(0.6, 1.15), 0, 255)))
    balconies = rng.random(tower.columns) < rng.uniform(0.2, 0.8)
    sill, tall, wide = rng.uniform(0.5, 1.0), rng.uniform(1.3, 1.8), rng.uniform(0.45, 0.8)
    for floor in range(tower.floors):
        base = shape[0] - round(floor * tower.floor_m * scale)
        cv2.rectangle(wall, (0, base - 4), (shape[1], base), slab, -1)
        for column in range(tower.columns):
            left = column * tower.column_m + tower.column_m * (1 - wide) / 2
            box = np.array([left, sill, left + tower.column_m * wide, sill + tall]) * scale
            x0, x1 = round(box[0]), round(box[2])
            y0, y1 = base - round(box[3]), base - round(box[1])
            pane = rng.uniform([60, 45, 30], [135, 115, 90])
            cv2.rectangle(wall, (x0, y0), (x1, y1), tuple(map(float, pane)), -1)
            if rng.random() < 0.4:  # a curtain
                cut = round(rng.uniform(0.2, 0.9) * (x1 - x0))
                shade = tuple(map(float, rng.uniform(120, 225, 3)))
                cv2.rectangle(wall, (x0, y0), (x0 + cut, y1), shade, -1)
            cv2.rectangle(wall, (x0, y0), (x1, y1), (225.0, 225.0, 225.0), 2)
            cv2.rectangle(glass, (x0, y0), (x1, y1), 255, -1)
            if rng.random() < 0.35:
                glow = rng.uniform([90, 140, 170], [170, 220, 250])
                cv2.rectangle(lit, (x0, y0), (x1, y1), tuple(map(float, glow)), -1)
            if balconies[column]:
                rail = base - round(1.1 * scale)
                cv2.rectangle(wall, (x0 - 8, rail), (x1 + 8, base), slab, -1)
                for bar in range(x0 - 6, x1 + 6, 5):
                    cv2.line(wall, (bar, rail + 3), (bar, base - 6), (90.0, 90.0, 90.0), 1)
            elif rng.random() < 0.5:  # the outside of an air conditioner
                cv2.rectangle(
                    wall, (x1 - 18, base - 14), (x1 - 2, base - 3), (215.0, 215.0, 215.0), -1
                )
    return np.asarray(wall, np.uint8), glass, lit


def _mottled(shape: tuple[int, int], grain_px: float, rng: np.random.Generator) -> Array:
    coarse = (max(int(shape[0] / grain_px), 2), max(int(shape[1] / grain_px), 2))
    noise = rng.normal(0, 4, coarse).astype(np.float32)
    return np.asarray(cv2.resize(noise, shape[::-1], interpolation=cv2.INTER_CUBIC), np.float64)


def _surroundings(camera: Camera, rng: np.random.Generator) -> Array:
    high, wide = camera.height, camera.width
    top, low = rng.uniform([170, 130, 100], [250, 210, 190]), rng.uniform(190, 240, 3)
    fade = np.linspace(0, 1, high)[:, None, None]
    sky = np.repeat(top * (1 - fade) + low * fade, wide, axis=1)
    sky += _mottled((high, wide), 90.0, rng)[..., None] * rng.uniform(0, 3)
    corner = np.array([[-300.0, 0, -60], [300, 0, -60], [300, 0, 28], [-300, 0, 28]])
    horizon = camera.project(corner)[:2, 1]
    ground = int(np.clip(horizon.mean(), 0, high))
    sky[ground:] = rng.uniform(80, 150, 3)
    sky[ground:] += (_mottled((high, wide), 5.0, rng)[..., None] * 2)[ground:]
    for _ in range(int(rng.integers(0, 4))):  # neighbours behind
        x, w = rng.integers(0, wide), rng.integers(60, 400)
        y = int(rng.uniform(0.2, 0.9) * high)
        sky[y:ground, x : x + w] = rng.uniform(100, 190, 3)
    return np.asarray(np.clip(sky, 0, 255), np.float64)
