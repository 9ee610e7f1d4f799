"""Write scenes as clips with their truth beside them, in the format of the falling-object data."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2

from sim.scenes.scene import SIZE, Mix, Scene, composed
from sim.scenes.seeds import Purpose, check

CLIP_S = 30.0

Told = Callable[[float], object]
"""Hears how many seconds are written."""


class WriteError(RuntimeError):
    """A clip could not be written; OpenCV came without an encoder, or the disk is full."""


def scenes(seed: int, minutes: float, purpose: Purpose, mix: Mix) -> Iterator[Scene]:
    """Yield clips that last so long together; each has the seed after the one before.

    Raises:
        SeedError: One of the seeds is kept for the other purpose.
    """
    left_s = minutes * 60
    while left_s > 0.01:
        lasts_s = min(CLIP_S, left_s)
        yield composed(check(seed, purpose), lasts_s=lasts_s, mix=mix, size=SIZE)
        left_s, seed = left_s - lasts_s, seed + 1


def write(
    folder: Path, seed: int, minutes: float, *, purpose: Purpose, mix: Mix, told: Told
) -> dict[str, Any]:
    """Write clips and `truth.json` into a folder, and return the truth.

    Raises:
        SeedError: One of the seeds is kept for the other purpose.
        WriteError: A clip could not be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    truth: dict[str, Any] = {}
    done_s = 0.0
    for scene in scenes(seed, minutes, purpose, mix):
        name = f"highrise-{scene.seed}.mp4"
        size = (scene.camera.width, scene.camera.height)
        film = cv2.VideoWriter(str(folder / name), cv2.VideoWriter.fourcc(*"mp4v"), scene.fps, size)
        if not film.isOpened():
            raise WriteError(f"{folder / name}: cannot be written as mp4v")
        for index, frame in enumerate(scene.frames()):
            film.write(frame)
            told(done_s + index / scene.fps)
        film.release()
        done_s += scene.count / scene.fps
        truth[name] = scene.truth()
        (folder / "truth.json").write_text(json.dumps(truth, indent=1), encoding="utf-8")
    return truth
