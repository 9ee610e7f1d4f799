"""Made videos: whoever walks towards a gate, and cameras with something wrong."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np

from models.vision.base import Picture

SIZE = 640, 360
FPS = 10


def _wall() -> "np.ndarray[tuple[int, ...], np.dtype[np.int16]]":
    wide, high = SIZE
    wall = np.full((high, wide, 3), (120, 130, 125), np.int16)
    wall[: high // 3] = (200, 180, 160)
    for row in range(high // 3, high, 30):
        for column in range(row // 30 % 2 * 30, wide, 60):
            wall[row : row + 24, column : column + 50] += 12 * ((row + column) % 7) - 30
    wall[high // 3 :, wide // 2 : wide // 2 + 90] = (60, 70, 90)
    return wall


WALL = _wall()
NOISE = (
    np.random.default_rng(9).normal(0, 3, (SIZE[1] + 64, SIZE[0] + 64, 3)).round().astype(np.int16)
)


def yard(rng: np.random.Generator, tick: int) -> Picture:
    """Return a view of a wall, a door and the sky, with a sensor's noise."""
    x, y = rng.integers(0, 64, 2)
    noise = NOISE[y : y + SIZE[1], x : x + SIZE[0]]
    return np.asarray(cv2.add(WALL, noise + np.int16(tick % 3), dtype=cv2.CV_8U), np.uint8)


def walking(face: Picture, *, frames: int, seed: int = 1, x: int = 320) -> Iterator[Picture]:
    """Yield somebody who comes closer: a photograph that grows, as no person looks."""
    rng = np.random.default_rng(seed)
    for tick in range(frames):
        scene = yard(rng, tick)
        side = round(140 + 110 * tick / max(frames - 1, 1))
        shown = cv2.resize(face, (side, side))
        left, top = x - side // 2, (SIZE[1] - side) // 2
        scene[top : top + side, left : left + side] = shown
        yield scene


def empty(frames: int, seed: int = 2) -> Iterator[Picture]:
    """Yield the yard with nobody in it."""
    rng = np.random.default_rng(seed)
    for tick in range(frames):
        yield yard(rng, tick)


def write_video(path: Path, frames: Iterable[Picture], fps: float = FPS) -> Path:
    """Write a file that cameras play."""
    codec = cv2.VideoWriter.fourcc(*("MJPG" if path.suffix == ".avi" else "mp4v"))
    size, writer = None, None
    for frame in frames:
        if writer is None:
            size = frame.shape[1], frame.shape[0]
            writer = cv2.VideoWriter(str(path), codec, fps, size)
            assert writer.isOpened()
        writer.write(frame)
    assert writer is not None, "there was a frame"
    writer.release()
    return path
