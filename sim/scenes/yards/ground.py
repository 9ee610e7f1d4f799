"""The view without anything that moves or stands in it: sky, a building, paving, lanes, lawns."""

import cv2
import numpy as np

from sim.scenes.camera import Array, Image
from sim.scenes.yards.plan import Plan, plane_to_px

_PX_PER_M_MAX = 26
_FAR_Z, _HALF_X = -42.0, 34.0
_YELLOW, _WHITE = (60.0, 190.0, 225.0), (225.0, 228.0, 228.0)


def backdrop(plan: Plan, rng: np.random.Generator) -> Image:
    """Return (H, W, 3) BGR of a place by day."""
    camera = plan.camera
    size = (camera.width, camera.height)
    scale = int(np.clip(camera.width / 48, 6, _PX_PER_M_MAX))
    picture = _sky(size, rng)
    wall = _facade(scale, rng)
    across, up = np.array([1.0, 0, 0]), np.array([0.0, -1, 0])
    high = wall.shape[0] / scale
    origin = np.array([-_HALF_X, high, plan.wall_z])
    _hang(picture, wall, scale, plane_to_px(camera, origin, across, up))
    near_z = float(camera.place[2]) - 1.0
    origin = np.array([-_HALF_X, 0.0, _FAR_Z])
    along = np.array([0.0, 0, 1])
    _hang(
        picture,
        _paving(plan, near_z, scale, rng),
        scale,
        plane_to_px(camera, origin, across, along),
    )
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.7), np.uint8)


def _hang(picture: Image, texture: Image, scale: int, homography: Array) -> None:
    """Put a texture of a plane into the picture, in place."""
    size = (picture.shape[1], picture.shape[0])
    warp = homography @ np.diag([1 / scale, 1 / scale, 1.0])
    seen = cv2.warpPerspective(texture, warp, size, flags=cv2.INTER_AREA)
    inside = cv2.warpPerspective(np.full(texture.shape[:2], 255, np.uint8), warp, size)
    picture[inside > 128] = seen[inside > 128]


def mottled(
    shape: tuple[int, int], grain_px: float, depth: float, rng: np.random.Generator
) -> Array:
    """Return (h, w) grey levels that wander about 0."""
    coarse = (max(int(shape[0] / grain_px), 2), max(int(shape[1] / grain_px), 2))
    noise = rng.normal(0, depth, coarse).astype(np.float32)
    return np.asarray(cv2.resize(noise, shape[::-1], interpolation=cv2.INTER_LINEAR), np.float64)


def _tone(rng: np.random.Generator, low: float, high: float, spread: float) -> Array:
    """Return a colour near grey, a little warm."""
    return np.asarray(rng.uniform(low, high) + rng.normal([-4, 0, 4], spread))


def _sky(size: tuple[int, int], rng: np.random.Generator) -> Image:
    wide, high = size
    top, low = _tone(rng, 180, 215, 6) + np.array([25, 5, -18]), _tone(rng, 205, 240, 4)
    fade = np.linspace(0, 1, high)[:, None, None]
    sky = np.repeat(top * (1 - fade) + low * fade, wide, axis=1)
    return np.asarray(np.clip(sky + mottled((high, wide), 80, 4, rng)[..., None], 0, 255), np.uint8)


def _facade(scale: int, rng: np.random.Generator) -> Image:
    shape = (round(rng.uniform(9, 24) * scale), round(2 * _HALF_X * scale))
    tone = _tone(rng, 105, 215, 14)
    wall = tone + mottled(shape, 4, 5, rng)[..., None] + mottled(shape, 70, 8, rng)[..., None]
    picture = np.clip(wall, 0, 255).astype(np.uint8)
    column_m, wide, sill = rng.uniform(3, 4.5), rng.uniform(1.2, 2.2), rng.uniform(0.8, 1.2)
    for base in np.arange(shape[0], 0, -2.9 * scale):
        for left in np.arange(0.6 * scale, shape[1], column_m * scale):
            x0, x1 = int(left), int(left + wide * scale)
            y0, y1 = int(base - (sill + 1.4) * scale), int(base - sill * scale)
            pane = tuple(map(float, _tone(rng, 45, 125, 7) + np.array([10, 2, -6])))
            cv2.rectangle(picture, (x0, y0), (x1, y1), pane, -1)
            cv2.rectangle(picture, (x0, y0), (x1, y1), (200.0, 205.0, 205.0), 2)
            cv2.line(picture, ((x0 + x1) // 2, y0), ((x0 + x1) // 2, y1), (190.0, 195.0, 195.0), 2)
    skirt = round(0.9 * scale)  # shrubs along its foot
    leaves = mottled((skirt, shape[1]), 3, 26, rng)[..., None] + _tone(rng, 30, 50, 4) + [0, 36, 10]
    picture[-skirt:] = np.clip(leaves, 0, 255).astype(np.uint8)
    return np.asarray(picture, np.uint8)


def _paving(plan: Plan, near_z: float, scale: int, rng: np.random.Generator) -> Image:
    shape = (round((near_z - _FAR_Z) * scale), round(2 * _HALF_X * scale))
    base = _tone(rng, 95, 170, 7)
    ground = base + mottled(shape, 2, 6, rng)[..., None] + mottled(shape, 60, 7, rng)[..., None]
    picture = np.clip(ground, 0, 255).astype(np.uint8)
    tile_m = rng.uniform(0.4, 1.2)
    joint = tuple(map(float, base * rng.uniform(0.82, 0.94)))
    for at in np.arange(0, shape[1], tile_m * scale):
        cv2.line(picture, (int(at), 0), (int(at), shape[0]), joint, 1)
    for at in np.arange(0, shape[0], tile_m * scale):
        cv2.line(picture, (0, int(at)), (shape[1], int(at)), joint, 1)
    for _ in range(int(rng.integers(1, 5))):  # lawns, off the ways
        side = rng.choice([-1, 1])
        x0, z0 = side * rng.uniform(9, 20), rng.uniform(-3, 2)
        _lawn(picture, np.array([[x0, z0], [x0 + side * 12, z0 + rng.uniform(4, 7)]]), scale, rng)
    for zone in plan.zones:
        if zone.lane:
            _lane(picture, zone.corners, scale, rng, across=plan.kind == "yard")
    if plan.kind == "yard":
        _bays(picture, plan, scale)
    return picture


def _px(points: Array, scale: int) -> Array:
    return np.asarray(np.round((points - [-_HALF_X, _FAR_Z]) * scale).astype(np.int32))


def _lawn(picture: Image, ends: Array, scale: int, rng: np.random.Generator) -> None:
    low, high = _px(ends.min(0), scale), _px(ends.max(0), scale)
    low, high = np.maximum(low, 0), np.minimum(high, picture.shape[1::-1])
    if (high - low < 4).any():
        return
    shape = (int(high[1] - low[1]), int(high[0] - low[0]))
    grass = _tone(rng, 45, 75, 4) + [0, 32, 12] + mottled(shape, 2, 14, rng)[..., None]
    picture[low[1] : high[1], low[0] : high[0]] = np.clip(grass, 0, 255).astype(np.uint8)


def _lane(
    picture: Image, corners: Array, scale: int, rng: np.random.Generator, *, across: bool
) -> None:
    wide = corners.copy()
    wide[:, 0 if across else 1] *= 6
    points = np.clip(_px(wide, scale), 0, np.array(picture.shape[1::-1]) - 1).astype(np.int32)
    mask = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, points, 255)
    tar = rng.uniform(70, 110) + mottled(picture.shape[:2], 2, 6, rng)[..., None]
    tar = tar + mottled(picture.shape[:2], 40, 5, rng)[..., None] + np.array([2.0, 0, -2])
    picture[mask > 0] = np.clip(tar, 0, 255).astype(np.uint8)[mask > 0]
    marks = _px(corners, scale)
    cv2.polylines(picture, [marks.astype(np.int32)], True, _YELLOW, 4)
    begin, end = _px(corners[[0]], scale)[0], _px(corners[[2]], scale)[0]
    for at in np.arange(0, float(max(end - begin)), 3 * scale):  # hatched: keep free
        one = begin + (np.array([at, 0]) if across else np.array([0, at]))
        reach = (end - begin)[1 if across else 0]
        two = one + reach
        cv2.line(picture, tuple(map(int, one)), tuple(map(int, two)), _YELLOW, 3)


def _bays(picture: Image, plan: Plan, scale: int) -> None:
    behind = float(plan.zones[1].corners[:, 1].min()) - 0.6
    for x in np.arange(1.5, 16, 2.5):
        ends = _px(np.array([[x, behind], [x, behind - 5.2]]), scale)
        cv2.line(picture, tuple(map(int, ends[0])), tuple(map(int, ends[1])), _WHITE, 3)
