"""How falls are found where another renderer drew them, and a real encoder left its marks.

    python benchmarks/foreign_towers.py --seed 1 --clips 2 --out DIR
    weinao evaluate highrise DIR --json

Without `--out` it writes to a folder of its own, judges, and removes it. Seeds below 1,000 are for
development; from 1,000 on they are for a last test, and asked for with `--final`.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from foreign import others, walls
from foreign.bodies import LIGHT, TERMINAL_MS, Thing, thrown
from foreign.sensor import Fall, Sensor, stamp
from foreign.view import Array, View, standing

from weinao.cli.evaluate.highrise import evaluate_highrise

FINAL_FROM = 1_000
SIZES = ((1280, 720), (1920, 1080), (1280, 720), (1920, 1080), (2560, 1440))
RATES = (15.0, 25.0, 25.0, 30.0, 50.0)
CODECS = (("mp4v", "mp4"), ("MJPG", "avi"), ("XVID", "avi"))
LASTS_S = 18.0
HEAVY = tuple(name for name in TERMINAL_MS if name not in LIGHT)
LIGHT_SHARE = 0.15
VISIBLE_PX, VISIBLE_SIGMA, VISIBLE_DROP_M = 3.0, 6.0, 12.0
"""A fall counts from here on: issue 4."""


def main() -> None:
    """Write clips and their truth, and judge them where nobody wants to keep them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clips", type=int, default=2)
    parser.add_argument("--final", action="store_true", help="seeds that nothing was tuned on")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    seeds = range(asked.seed, asked.seed + asked.clips)
    if any((seed >= FINAL_FROM) != asked.final for seed in seeds):
        parser.error(f"seeds from {FINAL_FROM} on are for --final, and only they")
    cv2.setNumThreads(1)
    if asked.out:
        write(asked.out, seeds)
        return
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), seeds)
        print(json.dumps(evaluate_highrise(Path(folder)), indent=2))


def write(folder: Path, seeds: range) -> None:
    """Write clips, and add them to `truth.json`; those that are there already are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "truth.json"
    truth: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    known = {clip["seed"] for clip in truth.values()}
    for seed in seeds:
        if seed in known:
            continue
        name, clip = written(folder, seed)
        truth[name] = clip
        path.write_text(json.dumps(truth, indent=1))
        print(name, clip["weather"], *clip["distractors"], file=sys.stderr)


def written(folder: Path, seed: int) -> tuple[str, dict[str, Any]]:
    """Write the clip of a seed; return its file's name and its truth."""
    rng = np.random.default_rng([20_261_126, seed])
    size, fps = SIZES[int(rng.integers(len(SIZES)))], float(rng.choice(RATES))
    wall = walls.planned(rng)
    low = float(rng.uniform(0, max(wall.high_m - 45, 0)))
    high = min(wall.high_m, low + 60)
    view = standing(rng, size, wall.wide_m, low, high)
    weather = str(rng.choice(["day", "day", "day", "night", "rain", "snow"]))
    night = weather == "night"
    names = tuple(str(one) for one in rng.choice([*others.SPAWNS, *others.WHOLE], 3, replace=False))
    still = walls.seen(wall, view, rng, night)
    edges = np.array([[0, low], [wall.wide_m, low], [wall.wide_m, high], [0, high]])
    outline = view.pixels(np.column_stack([edges, np.zeros(4)]))
    sensor = Sensor(rng, names, size, _around(outline, size), night)
    falling = Fall(rng, weather, size) if weather in {"rain", "snow"} else None
    things = list(others.cast(rng, names, wall, size, LASTS_S))
    falls = list(_falls(rng, wall, low, high, night))
    open_s = float(rng.uniform(1 / 400, 1 / 60) if not night else rng.uniform(1 / 60, 1 / fps))
    seen: dict[int, list[tuple[int, float, float]]] = {index: [] for index in range(len(falls))}
    tag, ending = CODECS[int(rng.integers(len(CODECS)))]
    name = f"tower-{seed}.{ending}"
    film = cv2.VideoWriter(str(folder / name), cv2.VideoWriter.fourcc(*tag), fps, size)
    quality = int(rng.integers(55, 96))
    if not film.isOpened():
        raise RuntimeError(f"{name}: OpenCV cannot write {tag}")
    for index in range(round(LASTS_S * fps)):
        t_s, frame = index / fps, still.copy()
        for thing in things:
            if thing.begins_s <= t_s < thing.ends_s:
                stamp(frame, thing, t_s, open_s, view)
        for which, fall in enumerate(falls):
            if fall.begins_s <= t_s < fall.ends_s:
                contrast = stamp(frame, fall, t_s, open_s, view)
                level = float(np.median(still[_around(outline, size)]))
                seen[which].append((index, contrast / sensor.sigma(level), _big(fall, t_s, view)))
        if falling:
            falling.draw(frame, t_s, open_s)
        asks = [cv2.IMWRITE_JPEG_QUALITY, quality]
        _, code = cv2.imencode(".jpg", sensor.taken(frame, t_s), asks)
        film.write(np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR)))
    film.release()
    return name, {
        "width": size[0],
        "height": size[1],
        "container_fps": fps,
        "frames": round(LASTS_S * fps),
        "seed": seed,
        "weather": weather,
        "distractors": [wall.kind, *names],
        "facade_roi": outline.round(1).tolist(),
        "facade": _drawn(wall, view, low, high) if rng.random() < 0.85 else {},
        "falls": [
            _described(fall, seen[i], wall=wall, view=view, low=low, fps=fps)
            for i, fall in enumerate(falls)
            if seen[i]
        ],
        "must_not_alarm": [],
    }


def _falls(
    rng: np.random.Generator, wall: walls.Wall, low: float, high: float, night: bool
) -> Iterator[Thing]:
    at_s = float(rng.uniform(4.2, 7))
    while at_s < LASTS_S - 4:
        start = np.array([rng.uniform(0.05, 0.95) * wall.wide_m, 0.0, 0.3])
        start[1] = rng.uniform(min(low + 13, high - 1), high)
        tone = float(rng.uniform(5, 60) if rng.random() < 0.5 else rng.uniform(150, 250))
        pool = LIGHT if rng.random() < LIGHT_SHARE else HEAVY
        what, wind_ms = str(rng.choice(pool)), float(rng.normal(0, 1.5))
        fall = thrown(rng, what, at_s, start, wind_ms=wind_ms, tone=tone * (0.4 if night else 1))
        yield fall
        at_s = max(at_s + float(rng.uniform(5, 10)), fall.ends_s + 2)


def _around(outline: Array, size: tuple[int, int]) -> tuple[slice, slice]:
    low = np.maximum(outline.min(0) - 30, 0).astype(int)
    high = np.minimum(outline.max(0) + 30, size).astype(int)
    return np.s_[int(low[1]) : int(high[1]), int(low[0]) : int(high[0])]


def _big(fall: Thing, t_s: float, view: View) -> float:
    spread = np.concatenate([corners for corners, _ in fall.shape(t_s)])
    return float(np.sqrt(np.prod(np.ptp(spread, axis=0))) * view.px_per_m(fall.path(t_s)))


def _drawn(wall: walls.Wall, view: View, low: float, high: float) -> dict[str, Any]:
    first, last = int(np.ceil(low / wall.floor_m)), int(high / wall.floor_m + 1e-6)
    lines = []
    for floor in (first, (first + last) // 2, last):
        y = floor * wall.floor_m
        left, right = view.pixels(np.array([[0, y, 0], [wall.wide_m, y, 0]])).round(1).tolist()
        lines.append({"floor": floor + 1, "left": left, "right": right})
    about = {"floor_m": wall.floor_m, "width_m": wall.wide_m, "columns": wall.columns}
    return {**about, "floor_lines": lines}


def _described(
    fall: Thing,
    seen: list[tuple[int, float, float]],
    *,
    wall: walls.Wall,
    view: View,
    low: float,
    fps: float,
) -> dict[str, Any]:
    start = fall.path(fall.begins_s)
    inside = [one for one in seen if fall.path(one[0] / fps)[1] >= low]
    first, last = inside[0][0], inside[-1][0]
    sigmas, big = (float(np.median([one[i] for one in inside])) for i in (1, 2))
    drop_m = float(start[1] - fall.path(last / fps)[1])
    big_enough = big >= VISIBLE_PX and sigmas >= VISIBLE_SIGMA and drop_m >= VISIBLE_DROP_M
    ends = view.pixels(np.array([start, fall.path(last / fps)])).round(1).tolist()
    return {
        "first_frame": first,
        "last_frame": last,
        "release_s": round(fall.begins_s, 3),
        "start_xy": ends[0],
        "end_xy": ends[1],
        "floor": int(start[1] / wall.floor_m) + 1,
        "start_m": start[:2].round(2).tolist(),
        "object": fall.name,
        "size_px": round(big, 2),
        "contrast_sigma": round(sigmas, 1),
        "drop_m": round(drop_m, 1),
        "visible": big_enough and fall.name not in LIGHT,
    }


if __name__ == "__main__":
    main()
