"""Score detectors of people and vehicles on clips of yards and gates whose truth is known.

A thing is asked for if at least half of it can be seen and it is not tiny; a box finds one thing of
its kind at most, with an overlap of half of their union. What is hidden more may be found or not.

- {kind}_found: share of what is asked for; {kind}_right: share of boxes that are of something;
- people_off: by how many people a frame is miscounted, on average, against all of whom a quarter
  can be seen; people_in_frame: how many there are;
- ms_per_frame: processor time of one core of this machine, the median.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import thread_time
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from models.vision.base import Detector, Picture

Progress = Callable[[int, int], None]
Floats = NDArray[np.float64]

KIND_OF = {
    "person": "person", "car": "vehicle", "van": "vehicle", "ebike": "two_wheeler",
    "bicycle": "two_wheeler",
}  # fmt: skip
OVERLAP_MIN = 0.5
ASKED_SEEN_MIN = 0.5
ASKED_PX_MIN = 12.0
"""On the picture's own scale."""
COUNTED_SEEN_MIN = 0.25
EVERY_S = 1.0
"""Of a clip; neighbouring frames tell little more."""


@dataclass
class _Tally:
    asked: dict[str, int] = field(default_factory=dict)
    found: dict[str, int] = field(default_factory=dict)
    boxes: dict[str, int] = field(default_factory=dict)
    wrong: dict[str, int] = field(default_factory=dict)
    people: list[int] = field(default_factory=list)
    off: list[int] = field(default_factory=list)
    took_ms: list[float] = field(default_factory=list)


def evaluate_yards(
    folder: Path,
    *,
    detector: "Detector",
    kinds: Mapping[int, str],
    progress: Progress | None = None,
) -> dict[str, float]:
    """Return the figures of a detector on the clips of a folder.

    Args:
        folder: Clips with `truth.json` beside them, as `weinao sim scenes` writes them.
        detector: What is scored.
        kinds: What its kinds are called here.
        progress: Hears how many frames are done.

    Raises:
        FileNotFoundError: There is no `truth.json`.
    """
    return scored(_read(folder), detector, kinds, progress)


def scored(
    frames: "Iterable[tuple[Picture, dict[str, Any], int]]",
    detector: "Detector",
    kinds: Mapping[int, str],
    progress: Progress | None = None,
) -> dict[str, float]:
    """Return the figures of a detector on pictures, each with its clip's truth and its frame."""
    tally = _Tally()
    for done, (picture, truth, index) in enumerate(frames, 1):
        began = thread_time()
        found = detector.detect(picture)
        tally.took_ms.append((thread_time() - began) * 1_000)
        names = np.array([kinds.get(int(kind), "") for kind in found.kinds], dtype=object)
        rows = [
            (KIND_OF[thing["kind"]], row[1:])
            for thing in truth["things"]
            for row in thing["boxes"]
            if row[0] == index
        ]
        for name in dict.fromkeys(KIND_OF.values()):
            own = np.array([row for kind, row in rows if kind == name]).reshape(-1, 5)
            _hold(tally, name, own, np.asarray(found.boxes[names == name], np.float64))
        seen = sum(kind == "person" and row[4] >= COUNTED_SEEN_MIN for kind, row in rows)
        tally.people.append(seen)
        tally.off.append(abs(int((names == "person").sum()) - seen))
        if progress:
            progress(done, done)
    return _figures(tally)


def _hold(tally: _Tally, name: str, truth: Floats, boxes: Floats) -> None:
    """Match the boxes of a kind, surest first, with what there is of it."""
    tall = truth[:, 3] - truth[:, 1]
    asked = (truth[:, 4] >= ASKED_SEEN_MIN) & (tall >= ASKED_PX_MIN)
    free = np.ones(len(truth), bool)
    hits, wrong = 0, 0
    for box in boxes:
        shares = np.where(free, _overlap(box, truth[:, :4]), 0) if len(truth) else np.zeros(0)
        best = int(shares.argmax()) if len(shares) else -1
        if best >= 0 and shares[best] >= OVERLAP_MIN:
            free[best] = False
            hits += int(asked[best])
        else:
            wrong += 1
    for column, more in (
        (tally.asked, int(asked.sum())), (tally.found, hits), (tally.boxes, len(boxes)),
        (tally.wrong, wrong),
    ):  # fmt: skip
        column[name] = column.get(name, 0) + more


def _overlap(box: Floats, others: Floats) -> Floats:
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    shared = np.clip(high - low, 0, None).prod(1)
    areas = (others[:, 2:] - others[:, :2]).prod(1) + (box[2:] - box[:2]).prod()
    return np.asarray(shared / np.maximum(areas - shared, 1e-6))


def _figures(tally: _Tally) -> dict[str, float]:
    figures: dict[str, float] = {}
    for name, asked in tally.asked.items():
        if asked:
            figures[f"{name}_found"] = tally.found[name] / asked
        if tally.boxes[name]:
            figures[f"{name}_right"] = 1 - tally.wrong[name] / tally.boxes[name]
    return figures | {
        "people_off": float(np.mean(tally.off)) if tally.off else 0.0,
        "people_in_frame": float(np.mean(tally.people)) if tally.people else 0.0,
        "frames": float(len(tally.off)),
        "ms_per_frame": float(np.median(tally.took_ms)) if tally.took_ms else 0.0,
    }


def _read(folder: Path) -> "Iterator[tuple[Picture, dict[str, Any], int]]":
    import cv2

    truths = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    for name, truth in truths.items():
        if truth.get("kind") not in ("yard", "gate"):
            continue
        film = cv2.VideoCapture(str(folder / name))
        every = max(round(truth["container_fps"] * EVERY_S), 1)
        for index in range(truth["frames"]):
            there = film.grab()
            if there and index % every == 0:
                _, picture = film.retrieve()
                yield np.asarray(picture, np.uint8), truth, index
        film.release()
