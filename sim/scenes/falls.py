"""What is thrown in a scene, and how visible it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.scenes.actors import Flying, View, tumbling
from sim.scenes.camera import Array, Image
from sim.scenes.facade_life import Tree
from sim.scenes.physics import Path, fallen
from sim.scenes.sky_life import Air
from sim.scenes.weather import Light

_TERMINAL_MS = {
    "bottle": (20, 35), "brick": (35, 50), "fruit": (22, 32), "cup": (14, 22), "shoe": (15, 24),
    "box": (10, 16), "rubbish bag": (12, 20), "flower pot": (28, 40), "toy": (11, 18),
}  # fmt: skip
"""Terminal speeds: sqrt(2 m g / (rho c_d A)) of things with these masses and faces."""

VISIBLE_PX, VISIBLE_SIGMA, VISIBLE_DROP_M = 3.0, 6.0, 12.0
"""A fall counts as visible from here on."""

_LUMA = np.array([0.114, 0.587, 0.299])


@dataclass(frozen=True)
class Fall:
    """One thrown thing.

    Attributes:
        start_m: (x, y) of its release on the facade in metres.
        seen: (N, 2) pixels in each frame it is in view.
        first_frame: Of `seen`.
        size_px: Median size in the picture.
        contrast_sigma: Median difference to what is behind it, in standard deviations of the noise.
        drop_m: How far it falls in view.
    """

    actor: Flying
    what: str
    floor: int
    column: int
    start_m: tuple[float, float]
    seen: Array
    first_frame: int
    size_px: float
    contrast_sigma: float
    drop_m: float

    @property
    def visible(self) -> bool:
        return (
            self.size_px >= VISIBLE_PX
            and self.contrast_sigma >= VISIBLE_SIGMA
            and self.drop_m >= VISIBLE_DROP_M
        )


@dataclass(frozen=True)
class Stage:
    """What decides how a fall is seen.

    Attributes:
        picture: (H, W, 3) the view without anything that moves, in its light.
        trees: What hides things.
        fps: Frames a second.
    """

    air: Air
    view: View
    light: Light
    picture: Image
    trees: Sequence[Tree]
    fps: float


def thrown(stage: Stage, lasts_s: float, every_s: float, rng: np.random.Generator) -> list[Fall]:
    """Return the falls of a clip, each over before the next begins; none in the first 4 s."""
    falls: list[Fall] = []
    if every_s <= 0:
        return falls
    at_s = 4.0 + float(rng.uniform(0, every_s / 2))
    while at_s < lasts_s - 6:
        path, what, column = _path(at_s, stage.air, rng)
        fall = _seen(path, what, column, stage, rng)
        if fall is not None:
            falls.append(fall)
        at_s += max(7.0, float(rng.exponential(every_s)))
    return falls


def described(fall: Fall, fps: float, count: int) -> dict[str, Any]:
    """Return a fall as it stands in `truth.json`."""
    last = min(fall.first_frame + len(fall.seen) - 1, count - 1)
    return {
        "first_frame": fall.first_frame,
        "last_frame": last,
        "release_s": round(fall.actor.path.begins_s, 4),
        "start_xy": fall.seen[0].round(1).tolist(),
        "end_xy": fall.seen[last - fall.first_frame].round(1).tolist(),
        "floor": fall.floor,
        "column": fall.column,
        "start_m": [round(at, 3) for at in fall.start_m],
        "object": fall.what,
        "size_px": round(fall.size_px, 2),
        "contrast_sigma": round(fall.contrast_sigma, 2),
        "drop_m": round(fall.drop_m, 2),
        "visible": fall.visible,
        "fps": fps,
    }


def _path(at_s: float, air: Air, rng: np.random.Generator) -> tuple[Path, str, int]:
    tower = air.tower
    lowest = int(np.ceil((air.low_m + 13) / tower.floor_m))
    floor = int(rng.integers(min(lowest, tower.floors - 1), tower.floors)) + 1
    column = int(rng.integers(tower.columns))
    x = (column + rng.uniform(0.2, 0.8)) * tower.column_m
    y = (floor - 1) * tower.floor_m + rng.uniform(0.9, 2.0)
    what = str(rng.choice(list(_TERMINAL_MS)))
    speed = np.array([0.0, 0.0, rng.uniform(0.1, 0.6)])
    if rng.random() < 0.5:  # thrown, not dropped
        speed = np.array([rng.normal(0, 1.3), rng.uniform(-1.5, 1.5), rng.uniform(0.5, 3.0)])
    path = fallen(
        begins_s=at_s,
        start=np.array([x, y, 0.3]),
        speed=speed,
        terminal_ms=float(rng.uniform(*_TERMINAL_MS[what])),
        wind_ms=np.array([air.wind_ms, 0, 0]),
    )
    return path, what, column + 1


def _seen(
    path: Path, what: str, column: int, stage: Stage, rng: np.random.Generator
) -> Fall | None:
    fps, view, light, picture = stage.fps, stage.view, stage.light, stage.picture
    first = int(np.ceil(path.begins_s * fps))
    times = np.arange(first, int(path.ends_s * fps) + 1) / fps
    places = path.at(times)
    pixels = view.camera.project(places)
    hidden: NDArray[np.bool_] = ((pixels < 2) | (pixels > np.array(stage.air.size) - 3)).max(axis=1)
    for tree in stage.trees:
        hidden |= tree.covers(pixels)
    if hidden[:3].any():
        return None
    count = int(np.argmax(hidden)) if hidden.any() else len(hidden)
    pixels, places = pixels[:count], places[:count]
    behind = picture[pixels[:, 1].astype(int), pixels[:, 0].astype(int)].astype(np.float64)
    behind_luma = behind @ _LUMA
    wanted = np.exp(rng.uniform(np.log(5.0), np.log(45.0))) * light.noise
    middle = float(np.median(behind_luma))
    luma = middle + wanted * (1 if middle < rng.uniform(40, 200) else -1)
    colour = np.clip(luma + rng.normal(0, 12, 3), 0, 255)
    scales = np.array([view.camera.px_per_m(place) for place in places])
    size_px = float(np.exp(rng.uniform(np.log(2.4), np.log(16))))
    size_m = float(np.clip(size_px / np.median(scales), 0.06, 0.9))
    aspect = float(rng.uniform(0.45, 1.0))
    contrast = np.median(np.abs(colour @ _LUMA - behind_luma)) / light.noise
    x, y = path.points[0, :2]
    actor = Flying(
        path,
        tumbling(size_m, aspect, float(rng.uniform(0, 3)), float(rng.uniform(0, 6))),
        colour,
        mirror=0.4 if rng.random() < 0.3 else 0.0,
    )
    return Fall(
        actor=actor,
        what=what,
        floor=int(y / stage.air.tower.floor_m) + 1,
        column=column,
        start_m=(float(x), float(y)),
        seen=pixels,
        first_frame=first,
        size_px=float(np.median(scales) * size_m * np.sqrt((aspect + 1) / 2)),
        contrast_sigma=float(contrast),
        drop_m=float(y - places[-1, 1]),
    )
