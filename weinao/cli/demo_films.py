"""The films that play as cameras in the demo: a rendered tower, and a gate with drawn faces."""

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from msgspec import Struct

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.scenes.portraits import Portrait

SIZE = 1_280, 720
DOOR = 960, 540
FPS = 25
TOWER_SEED = 200_010
"""Neither for training nor for testing: a bag falls from floor 21 after five seconds."""
TOWER_S, GATE_S, COMPOSED_S = 10.0, 10.5, 14.0
"""Of the films; and of the scene, whose length decides what falls when."""
SIDE = 310
BUILDING = "building-grid-1"


class Passer(Struct, frozen=True):
    """Somebody who comes through the gate: when, for how long, and where in the picture."""

    portrait: "Portrait"
    from_s: float
    lasts_s: float
    x: int


def tower(path: Path) -> None:
    """Write a film of something that falls, and the drawing of its facade beside it."""
    from sim.scenes.scene import composed

    scene = composed(TOWER_SEED, lasts_s=COMPOSED_S, mix="quiet", size=SIZE, falls_every_s=7)
    film = _film(path, scene.fps, SIZE)
    for frame in islice(scene.frames(), round(TOWER_S * scene.fps)):
        film.write(frame)
    film.release()
    path.with_suffix(".toml").write_text(_drawing(scene.truth()), encoding="utf-8")


def gate(path: Path) -> None:
    """Write a film of a resident, a stranger right behind her, and somebody on the watch-list."""
    from sim.scenes.portraits import RESIDENT, STRANGER, WATCHED, drawn

    passers = (
        Passer(RESIDENT, 1.0, 3.0, 300),
        Passer(STRANGER, 2.0, 3.5, 650),
        Passer(WATCHED, 6.5, 3.0, 470),
    )
    rng = np.random.default_rng(4)
    wall = _wall(rng)
    looks = [drawn(one.portrait, SIDE) for one in passers]
    film = _film(path, FPS, DOOR)
    grain = rng.normal(0, 2.5, (DOOR[1] + 64, DOOR[0] + 64, 3)).round().astype(np.int16)
    for tick in range(round(GATE_S * FPS)):
        scene = wall.copy()
        for one, look in zip(passers, looks, strict=True):
            share = (tick / FPS - one.from_s) / one.lasts_s
            if 0 <= share < 1:
                _show(scene, one, look, round(200 + 110 * share))
        x, y = rng.integers(0, 64, 2)
        noise = grain[y : y + DOOR[1], x : x + DOOR[0]]
        film.write(cv2.add(scene, noise, dtype=cv2.CV_8U))
    film.release()


def portrait_file(portrait: "Portrait", path: Path) -> Path:
    """Write a picture of a drawn face, as somebody would bring one to be enrolled."""
    from sim.scenes.portraits import drawn

    picture, mask = drawn(portrait, 320)
    plain = np.full(picture.shape, 150.0)
    shown = plain * (1 - mask[..., None]) + picture * mask[..., None]
    cv2.imwrite(str(path), np.clip(shown, 0, 255).astype(np.uint8))
    return path


def _show(
    scene: "NDArray[np.uint8]",
    one: Passer,
    look: "tuple[NDArray[np.uint8], NDArray[np.float64]]",
    side: int,
) -> None:
    picture, mask = (cv2.resize(part, (side, side), interpolation=cv2.INTER_AREA) for part in look)
    left, top = one.x - side // 2, 150 - side // 3
    part = scene[top : top + side, left : left + side]
    share = mask[..., None]
    part[:] = np.clip(part * (1 - share) + picture * share, 0, 255)
    below = scene[top + side : top + 2 * side, left + side // 8 : left + side - side // 8]
    below[:] = one.portrait.shirt


def _wall(rng: np.random.Generator) -> "NDArray[np.uint8]":
    wide, high = DOOR
    wall = np.full((high, wide, 3), (120.0, 130.0, 125.0))
    wall[: high // 4] = (200, 180, 160)
    for row in range(high // 4, high, 40):
        for column in range(-(row // 40 % 2) * 45, wide, 90):
            wall[row : row + 34, max(column, 0) : column + 80] += rng.normal(0, 9)
    wall[high // 5 :, 410:530] = (70, 80, 95)
    return np.asarray(np.clip(wall, 0, 255), np.uint8)


def _film(path: Path, fps: float, size: tuple[int, int]) -> cv2.VideoWriter:
    film = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), fps, size)
    if not film.isOpened():
        raise OSError(f"{path}: OpenCV came without an encoder")
    return film


def _drawing(truth: dict[str, Any]) -> str:
    facade = truth["facade"]
    head = (
        f'building = "{BUILDING}"\nwidth_px = {truth["width"]}\nheight_px = {truth["height"]}\n'
        f'width_m = {facade["width_m"]}\nfloor_m = {facade["floor_m"]}\n'
        f'columns = {facade["columns"]}\noutline = {truth["facade_roi"]}\n'
    )  # fmt: skip
    lines = (
        f"[[lines]]\nfloor = {one['floor']}\nleft = {one['left']}\nright = {one['right']}\n"
        for one in facade["floor_lines"]
    )
    return head + "".join(lines)
