"""How well falling objects are found, on rendered scenes that nobody learnt from.

Renders, compresses the facade's part by JPEG and judges in memory: two hours of 1080p would be
100 GB of film. Clips are independent: `--only K/N` plays every N-th, for several processes.
Rendering costs more than judging: `--kept FOLDER` keeps what the encoder left, 60 MB a clip.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import msgspec
import numpy as np

from sim.scenes.camera import Part
from sim.scenes.compress import around, coded, restored
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
    parser.add_argument("--kept", type=Path, help="keep rendered clips in this folder")
    parser.add_argument("--render", action="store_true", help="render and keep, judge nothing")
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
        codes = _codes(scene, asked.kept and asked.kept / f"{asked.mix}-{seed}.msgpack")
        if asked.render:
            sum(1 for _ in codes)
            continue
        truth = scene.truth()
        if asked.blind:
            truth["facade"] = {}
        done[seed] = score_clip(truth, _frames(scene, codes))
        if log:
            with log.open("ab") as lines:
                told = {"seed": seed, "weather": scene.weather, "with": scene.distractors}
                lines.write(msgspec.json.encode(told | {"score": done[seed]}) + b"\n")
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(figures(done.values()))).decode())


def read(log: Path) -> dict[int, ClipScore]:
    """Return the scores a log holds, by seed."""
    lines = [msgspec.json.decode(line) for line in log.read_bytes().splitlines()]
    return {line["seed"]: msgspec.convert(line["score"], ClipScore) for line in lines}


def _codes(scene: Scene, kept: Path | None) -> Iterator[bytes]:
    """Yield what an encoder makes of each frame; from a file if it is there, else into it."""
    if kept and kept.exists():
        yield from msgspec.msgpack.decode(kept.read_bytes(), type=list[bytes])
        return
    part = _part(scene)
    quality = int(np.random.default_rng([scene.seed, 3]).integers(*QUALITIES))
    codes = []
    for frame in scene.frames(part):
        codes.append(coded(frame, part, quality))
        yield codes[-1]
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        half = kept.with_suffix(".half")
        half.write_bytes(msgspec.msgpack.encode(codes))
        half.replace(kept)


def _frames(scene: Scene, codes: Iterator[bytes]) -> Iterator[tuple[float, np.ndarray]]:
    part, size = _part(scene), (scene.camera.height, scene.camera.width, 3)
    frame = np.zeros(size, np.uint8)
    for index, code in enumerate(codes):
        yield index / scene.fps, restored(frame, part, code)


def _part(scene: Scene) -> Part:
    return around(scene.truth()["facade_roi"], (scene.camera.width, scene.camera.height))


if __name__ == "__main__":
    main()
