"""Write scenes as clips with their truth beside them.

Clips of towers have it in the format of the falling-object data; those of yards and gates in the
same file and with the same head, and in the format that `sim/scenes/yards` tells.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import cv2

from sim.scenes.scene import SIZE, Mix, Scene, composed
from sim.scenes.seeds import Purpose, check
from sim.scenes.yards import scene as yards

Kind = Literal["highrise", "yard", "gate"]

CLIP_S = 30.0

Told = Callable[[float], object]
"""Hears how many seconds are written."""


class WriteError(RuntimeError):
    """A clip could not be written; OpenCV came without an encoder, or the disk is full."""


def scenes(
    seed: int,
    minutes: float,
    purpose: Purpose,
    mix: Mix,
    *,
    kind: Kind = "highrise",
    clip_s: float = CLIP_S,
) -> Iterator[Scene | yards.YardScene]:
    """Yield clips that last so long together; each has the seed after the one before.

    Raises:
        SeedError: One of the seeds is kept for the other purpose.
    """
    left_s = minutes * 60
    while left_s > 0.01:
        lasts_s = min(clip_s, left_s)
        check(seed, purpose)
        if kind == "highrise":
            yield composed(seed, lasts_s=lasts_s, mix=mix, size=SIZE)
        else:
            yield yards.composed(seed, kind, lasts_s=lasts_s, mix=mix)
        left_s, seed = left_s - lasts_s, seed + 1


def write(
    folder: Path,
    seed: int,
    minutes: float,
    *,
    purpose: Purpose,
    mix: Mix,
    told: Told,
    kind: Kind = "highrise",
    clip_s: float = CLIP_S,
) -> dict[str, Any]:
    """Write clips and `truth.json` into a folder, and return the truth.

    Raises:
        SeedError: One of the seeds is kept for the other purpose.
        WriteError: A clip could not be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    truth: dict[str, Any] = {}
    done_s = 0.0
    for scene in scenes(seed, minutes, purpose, mix, kind=kind, clip_s=clip_s):
        name = f"{kind}-{scene.seed}.mp4"
        camera = scene.camera
        size = (camera.width, camera.height)
        film = cv2.VideoWriter(str(folder / name), cv2.VideoWriter.fourcc(*"mp4v"), scene.fps, size)
        if not film.isOpened():
            raise WriteError(f"{folder / name}: cannot be written as mp4v")
        for index, frame in enumerate(scene.frames()):
            film.write(frame)
            told(done_s + index / scene.fps)
        film.release()
        done_s += scene.count / scene.fps
        truth[name] = scene.truth()
        _keep(folder / "truth.json", truth, kind)
    return truth


def _keep(path: Path, truth: dict[str, Any], kind: Kind) -> None:
    if kind == "highrise":
        text = json.dumps(truth, indent=1)
    else:  # many boxes: a clip a line
        lines = (f"{json.dumps(name)}: {json.dumps(clip)}" for name, clip in truth.items())
        text = "{\n" + ",\n".join(lines) + "\n}\n"
    path.write_text(text, encoding="utf-8")
