"""What the gate costs: comparing with a full gallery, and one frame from picture to word.

    python benchmarks/gate.py [--json]

Comparing needs numpy alone; the rest is measured where the weights are (`weinao models pull`). The
fastest run counts, and the middle one stands beside it: this machine may be busy.
"""

import argparse
import json
import os
from collections.abc import Callable
from statistics import median
from time import perf_counter, process_time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as `weinao edge run` does

import numpy as np

from edge.perception.gate.gallery import TEMPLATES_MAX, Comparing, Entry, Gallery, packed
from models.vision.base import VisionError
from models.vision.centerface import CenterFace
from models.vision.faces import aligned, embedder_in_folder
from models.vision.liveness import Liveness
from models.vision.store import default_folder
from weinao.messages import Match

ROUNDS = 200
NUMBERS = 512
BUDGET_MS = 2.0


def timed(doing: Callable[[], object], rounds: int = ROUNDS) -> dict[str, float]:
    """Return how long something takes, in milliseconds: at best, in the middle, and on the core."""
    wall, core = [], []
    for _ in range(rounds):
        began, core_began = perf_counter(), process_time()
        doing()
        wall.append((perf_counter() - began) * 1_000)
        core.append((process_time() - core_began) * 1_000)
    return {
        "best_ms": round(min(wall), 3),
        "p50_ms": round(median(wall), 3),
        "core_p50_ms": round(median(core), 3),
    }


def comparing() -> dict[str, float]:
    """Compare one face with a full gallery."""
    rng = np.random.default_rng(1)
    directions = rng.normal(size=(TEMPLATES_MAX, NUMBERS)).astype(np.float32)
    entries = tuple(
        Entry(person=f"r-{number}", kind=Match.RESIDENT, templates=(packed(one),), consent="made")
        for number, one in enumerate(directions)
    )
    known = Comparing(Gallery(embedder="facefeature", entries=entries))
    asked = directions[7:8] / np.linalg.norm(directions[7])
    [found] = known.nearest(asked, 1)
    assert found.entry is not None
    assert found.entry.person == "r-7"
    return timed(lambda: known.nearest(asked, 1))


def looking() -> dict[str, dict[str, float]]:
    """Find, turn, compare and doubt a face; the picture is noise, which costs the same."""
    folder = default_folder(os.environ)
    rng = np.random.default_rng(2)
    frame = rng.integers(0, 255, (720, 1_280, 3), np.uint8)
    small = rng.integers(0, 255, (150, 150, 3), np.uint8)
    points = np.array([[60, 70], [90, 70], [75, 88], [64, 105], [86, 105]], np.float32)
    box = np.array([40, 40, 110, 130], np.float32)
    crops = aligned(small, points)[None]
    detector, embedder = CenterFace.in_folder(folder), embedder_in_folder(folder)
    liveness = Liveness.in_folder(folder)
    return {
        "detect in 1280 x 720": timed(lambda: detector.detect(frame), 40),
        "detect in 150 x 150": timed(lambda: detector.detect(small), 40),
        "align": timed(lambda: aligned(small, points), 40),
        "embed, with its mirror image": timed(lambda: embedder.embed(crops), 40),
        "liveness": timed(lambda: liveness.live(frame, box), 40),
    }


def main() -> None:
    """Measure, and fail if a full gallery is too slow."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = {f"compare with {TEMPLATES_MAX} templates": comparing()}
    try:
        found |= looking()
    except VisionError as error:
        print(f"not measured: {error}")
    if asked.json:
        print(json.dumps(found, indent=2))
    else:
        for name, figures in found.items():
            print(f"{name:32}", *(f"{what} {value:8.2f}" for what, value in figures.items()))
    first = next(iter(found.values()))
    raise SystemExit(first["core_p50_ms"] > BUDGET_MS)


if __name__ == "__main__":
    main()
