"""How well falling objects are found, on rendered scenes that nobody learnt from.

Renders, compresses the facade's part by JPEG and judges in memory: two hours of 1080p would be
100 GB of film. Clips are independent: `--only K/N` plays every N-th, for several processes.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import msgspec
import numpy as np

from sim.scenes.compress import around, compressed
from sim.scenes.scene import Scene, composed
from sim.scenes.seeds import check
from weinao.cli.evaluate.highrise import ClipScore, figures, score_clip

CLIP_S = 30.0
QUALITIES = (60, 92)
"""Of JPEG: what cameras at 4 to 10 Mbit/s leave of a facade."""


def main() -> None:
    """Play, and print the figures as JSON; one line a clip goes to a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=500_000)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--mix", choices=["dense", "fair", "quiet"], default="dense")
    parser.add_argument("--only", default="0/1")
    parser.add_argument("--log", type=Path, help="keep a line a clip; lines there are not redone")
    parser.add_argument("--blind", action="store_true", help="hide the floor lines: no scale")
    asked = parser.parse_args()
    offset, stride = map(int, asked.only.split("/"))
    log: Path | None = asked.log
    done = read(log) if log and log.exists() else {}
    cv2.setNumThreads(1)
    for index in range(offset, round(asked.minutes * 60 / CLIP_S), stride):
        seed = check(asked.seed + index, "test")
        if seed in done:
            continue
        scene = composed(seed, lasts_s=CLIP_S, mix=asked.mix)
        truth = scene.truth()
        if asked.blind:
            truth["facade"] = {}
        done[seed] = score_clip(truth, _frames(scene))
        if log:
            with log.open("ab") as lines:
                told = {"seed": seed, "weather": scene.weather, "with": scene.distractors}
                lines.write(msgspec.json.encode(told | {"score": done[seed]}) + b"\n")
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(figures(done.values()))).decode())


def read(log: Path) -> dict[int, ClipScore]:
    """Return the scores a log holds, by seed."""
    lines = [msgspec.json.decode(line) for line in log.read_bytes().splitlines()]
    return {line["seed"]: msgspec.convert(line["score"], ClipScore) for line in lines}


def _frames(scene: Scene) -> Iterator[tuple[float, np.ndarray]]:
    part = around(scene.truth()["facade_roi"], (scene.camera.width, scene.camera.height))
    quality = int(np.random.default_rng([scene.seed, 3]).integers(*QUALITIES))
    for index, frame in enumerate(scene.frames(part)):
        yield index / scene.fps, compressed(frame, part, quality)


if __name__ == "__main__":
    main()
