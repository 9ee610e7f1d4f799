"""Score the gate's faces on a labelled folder: what is found, who is told apart, at which cost.

Everything ships as it is scored: detector, alignment, embedder and threshold. The folder only asks.

- tar_at_far_1e-3: share of pairs of one person that score above all but a thousandth of the pairs
  of two; over all pairs of the folder, also for each group and at other rates;
- fmr_at_shipped, tar_at_shipped: false and true matches at the threshold in the code;
- rank1, tpir_at_fpir_1pct: the first picture of each mated person is the gallery, all others ask:
  how often the best is right; and right and above the threshold that one in a hundred non-mated
  passes;
- detected_share: pictures in which a face was found. A face that was not found matches nobody;
- ms_per_face_p50: picture to direction, what it costs one core of this machine (its own time, not
  that of others who share it); wall_ms_per_face_p50 is what passed meanwhile.
"""

import csv
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

if TYPE_CHECKING:
    from models.vision.base import Detector, Embedder

Progress = Callable[[int, int], None]

EAST_ASIAN = "east_asian"


class Face(Struct, frozen=True):
    """One line of the manifest."""

    file: str
    person: str
    group: str
    mated: bool


def evaluate_faces(
    folder: Path,
    *,
    embedder: str = "facefeature",
    models: Path | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Return the figures of the shipped detector and an embedder on a folder.

    Raises:
        FileNotFoundError: The folder has no manifest.
        WeightsMissingError: `weinao models pull` has not been run.
    """
    from models.vision.centerface import CenterFace
    from models.vision.faces import embedder_in_folder
    from models.vision.store import default_folder

    faces = read_manifest(folder / "manifest.csv")
    weights = models or default_folder(os.environ)
    looking = CenterFace.in_folder(weights), embedder_in_folder(weights, embedder)
    directions, took_ms = [], []
    for done, face in enumerate(faces, 1):
        direction, ms = _looked_at(folder / face.file, *looking)
        directions.append(direction)
        took_ms.append(ms)
        if progress:
            progress(done, len(faces))
    found = np.array([one is not None for one in directions])
    size = max((len(one) for one in directions if one is not None), default=1)
    vectors = np.array([np.zeros(size) if one is None else one for one in directions])
    return {
        **figures(faces, vectors @ vectors.T, looking[1].match_at),
        "detected_share": float(found.mean()),
        "ms_per_face_p50": float(np.nanmedian([own for own, _ in took_ms])),
        "wall_ms_per_face_p50": float(np.nanmedian([wall for _, wall in took_ms])),
    }


def read_manifest(path: Path) -> list[Face]:
    """Read which faces there are.

    Raises:
        FileNotFoundError: There is no manifest.
    """
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Face(line["file"], line["person"], line["group"], line["role"] == "mated")
            for line in csv.DictReader(file)
        ]


def figures(
    faces: Sequence[Face], scores: NDArray[np.floating], shipped: float
) -> dict[str, float]:
    """Return what the scores of all pairs say.

    Args:
        faces: In the order of the rows.
        scores: (n, n) cosines.
        shipped: The threshold in the code.
    """
    people = np.array([face.person for face in faces])
    rows, columns = np.triu_indices(len(faces), 1)
    score, same = scores[rows, columns], people[rows] == people[columns]
    groups = np.array([face.group for face in faces])
    within = {
        name: (groups[rows] == name) & (groups[columns] == name) for name in np.unique(groups)
    }
    found: dict[str, float] = {}
    for far, name in ((1e-2, "1e-2"), (1e-3, "1e-3"), (1e-4, "1e-4")):
        found[f"tar_at_far_{name}"] = share_above(score, same, far)[0]
    found |= _at(score, same, shipped, "")
    for name, own in within.items():
        tar, threshold = share_above(score[own], same[own], 1e-3)
        found[f"{name}_tar_at_own_1e-3"] = tar
        found[f"{name}_own_threshold_1e-3"] = threshold
        found |= _at(score[own], same[own], shipped, f"{name}_")
    found |= _search(faces, scores, people)
    return {**found, "threshold_shipped": shipped, "pairs": float(len(score))}


def share_above(
    score: NDArray[np.floating], same: NDArray[np.bool_], far: float
) -> tuple[float, float]:
    """Return the share of true pairs above the threshold that `far` of the others pass, and it."""
    others = np.sort(score[~same])[::-1]
    if not len(others) or not same.any():
        return float("nan"), float("nan")
    threshold = others[min(int(far * len(others)), len(others) - 1)]
    return float((score[same] > threshold).mean()), float(threshold)


def _at(
    score: NDArray[np.floating], same: NDArray[np.bool_], threshold: float, prefix: str
) -> Mapping[str, float]:
    above = score >= threshold
    return {
        f"{prefix}fmr_at_shipped": float(above[~same].mean()) if (~same).any() else float("nan"),
        f"{prefix}tar_at_shipped": float(above[same].mean()) if same.any() else float("nan"),
    }


def _search(
    faces: Sequence[Face], scores: NDArray[np.floating], people: NDArray[np.str_]
) -> Mapping[str, float]:
    first: dict[str, int] = {}
    for at, face in enumerate(faces):
        if face.mated:
            first.setdefault(face.person, at)
    gallery = np.array(sorted(first.values()))
    asking = np.setdiff1d(np.arange(len(faces)), gallery)
    near = scores[np.ix_(asking, gallery)]
    best, right = near.max(axis=1), people[gallery][near.argmax(axis=1)] == people[asking]
    mated = np.array([faces[at].mated for at in asking])
    strangers = np.sort(best[~mated])[::-1]
    threshold = strangers[int(0.01 * len(strangers))] if len(strangers) else float("nan")
    return {
        "rank1": float(right[mated].mean()),
        "tpir_at_fpir_1pct": float((right & (best > threshold))[mated].mean()),
        "fpir_1pct_threshold": float(threshold),
        "gallery": float(len(gallery)),
    }


def _looked_at(
    path: Path, detector: "Detector", embedder: "Embedder"
) -> tuple[NDArray[np.float32] | None, tuple[float, float]]:
    import cv2

    from models.vision.faces import aligned

    read = cv2.imread(str(path))
    if read is None:
        return None, (float("nan"), float("nan"))
    picture = np.asarray(read, np.uint8)
    own, wall = process_time(), perf_counter()
    found = detector.detect(picture)
    if not len(found):
        return None, ((process_time() - own) * 1_000, (perf_counter() - wall) * 1_000)
    at = _middle_one(found.boxes, found.scores, picture.shape[1], picture.shape[0])
    direction = embedder.embed(aligned(picture, found.points[at])[None])[0]
    return direction, ((process_time() - own) * 1_000, (perf_counter() - wall) * 1_000)


def _middle_one(
    boxes: NDArray[np.float32], scores: NDArray[np.float32], width: int, height: int
) -> int:
    """Return which face is meant: the surest and the nearest to the middle."""
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    away = np.abs(middles - [width / 2, height / 2]).sum(axis=1) / (width + height)
    return int(np.argmax(scores - 7.5 * away))
