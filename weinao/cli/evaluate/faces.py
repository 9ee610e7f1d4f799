"""Score the gate's faces on a labelled folder: what is found, who is told apart, at which cost.

Everything ships as it is scored: detector, alignment, embedder and threshold. The folder only asks.

- tar_at_far_1e-3: share of pairs of one person that score above all but a thousandth of the pairs
  of two; over all pairs of the folder, also for each group and at other rates;
- fmr_at_shipped, tar_at_shipped: false and true matches at the threshold in the code;
- rank1, tpir_at_fpir_1pct: the first picture of each mated person is the gallery, all others ask:
  how often the best is right; and right and above the threshold that one in a hundred non-mated
  passes;
- pictures: how many could be read; all else is of these;
- detected_share: those in which a face was found. A face that was not found matches nobody;
- ms_per_face_p50: picture to direction, what it costs one core of this machine (its own time, not
  that of others who share it); wall_ms_per_face_p50 is what passed meanwhile.
"""

import csv
import math
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from weinao.cli.evaluate.reading import with_unread

if TYPE_CHECKING:
    from models.vision.base import Detector, Embedder, Picture

Progress = Callable[[int, int], None]

EAST_ASIAN = "east_asian"


class ManifestError(Exception):
    """There is a manifest, and nobody can read it."""


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
        ManifestError: It cannot be read.
        WeightsMissingError: `weinao models pull` has not been run.
    """
    from models.vision.centerface import CenterFace
    from models.vision.faces import embedder_in_folder
    from models.vision.pictures import PictureError, read_picture
    from models.vision.store import default_folder

    listed, unread = read_manifest(folder / "manifest.csv")
    weights = models or default_folder(os.environ)
    looking = CenterFace.in_folder(weights), embedder_in_folder(weights, embedder)
    faces, directions, took_ms = [], [], []
    for done, face in enumerate(listed, 1):
        if progress:
            progress(done, len(listed))
        try:
            picture = read_picture(folder / face.file)
        except PictureError as error:
            unread[face.file] = str(error)
            continue
        direction, ms = _looked_at(picture, *looking)
        faces.append(face)
        directions.append(direction)
        took_ms.append(ms)
    found = np.array([one is not None for one in directions], bool)
    size = max((len(one) for one in directions if one is not None), default=1)
    vectors = np.zeros((len(faces), size))
    vectors[found] = np.array([one for one in directions if one is not None]).reshape(-1, size)
    own_ms, wall_ms = np.array(took_ms).reshape(-1, 2).T
    measured = {
        "pictures": float(len(faces)),
        "detected_share": mean(found),
        "ms_per_face_p50": float(np.median(own_ms)) if len(own_ms) else math.nan,
        "wall_ms_per_face_p50": float(np.median(wall_ms)) if len(wall_ms) else math.nan,
    }
    shipped = looking[1].match_at
    return with_unread(figures(faces, vectors @ vectors.T, shipped) | measured, unread, folder)


def read_manifest(path: Path) -> tuple[list[Face], dict[str, str]]:
    """Return which faces there are, and why a line is none.

    Without a column `group` there are no groups; without `role`, whoever has two pictures is mated.

    Raises:
        FileNotFoundError: There is no manifest.
        ManifestError: It is no CSV in UTF-8 with the columns `file` and `person`.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            lines = [(reader.line_num, line) for line in reader]
            columns = reader.fieldnames or ()
    except (UnicodeDecodeError, csv.Error) as error:
        raise ManifestError(f"{path}: expected CSV in UTF-8: {error}") from error
    if not {"file", "person"} <= set(columns):
        got = ", ".join(columns) or "none"
        raise ManifestError(f"{path}: expected columns file, person, group, role; got {got}")
    if not lines:
        raise ManifestError(f"{path}: expected a line for each picture; got none")
    count = Counter(line["person"] for _, line in lines)
    faces, unread = [], dict[str, str]()
    for number, line in lines:
        name, person, role = line["file"], line["person"], line.get("role")
        if name and person:
            mated = role == "mated" if role else count[person] > 1
            faces.append(Face(name, person, line.get("group") or "", mated))
        else:
            unread[f"manifest.csv, line {number}"] = "expected a file and a person"
    return faces, unread


def figures(
    faces: Sequence[Face], scores: NDArray[np.floating], shipped: float
) -> dict[str, float]:
    """Return what the scores of all pairs say.

    Args:
        faces: In the order of the rows.
        scores: (n, n) cosines.
        shipped: The threshold in the code.
    """
    people = np.array([face.person for face in faces], str)
    rows, columns = np.triu_indices(len(faces), 1)
    score, same = scores[rows, columns], people[rows] == people[columns]
    groups = np.array([face.group for face in faces], str)
    within = {
        name: (groups[rows] == name) & (groups[columns] == name)
        for name in np.unique(groups)
        if name
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


def mean(of: NDArray[np.bool_]) -> float:
    """Return the share of what holds; not a number, where there is nothing to ask."""
    return float(of.mean()) if len(of) else math.nan


def _at(
    score: NDArray[np.floating], same: NDArray[np.bool_], threshold: float, prefix: str
) -> Mapping[str, float]:
    above = score >= threshold
    return {
        f"{prefix}fmr_at_shipped": mean(above[~same]),
        f"{prefix}tar_at_shipped": mean(above[same]),
    }


def _search(
    faces: Sequence[Face], scores: NDArray[np.floating], people: NDArray[np.str_]
) -> Mapping[str, float]:
    first: dict[str, int] = {}
    for at, face in enumerate(faces):
        if face.mated:
            first.setdefault(face.person, at)
    gallery = np.array(sorted(first.values()), int)
    asking = np.setdiff1d(np.arange(len(faces)), gallery)
    if not len(gallery) or not len(asking):
        return {}
    near = scores[np.ix_(asking, gallery)]
    best, right = near.max(axis=1), people[gallery][near.argmax(axis=1)] == people[asking]
    mated = np.array([faces[at].mated for at in asking], bool)
    strangers = np.sort(best[~mated])[::-1]
    threshold = strangers[int(0.01 * len(strangers))] if len(strangers) else float("nan")
    return {
        "rank1": mean(right[mated]),
        "tpir_at_fpir_1pct": (
            math.nan if math.isnan(threshold) else mean((right & (best > threshold))[mated])
        ),
        "fpir_1pct_threshold": float(threshold),
        "gallery": float(len(gallery)),
    }


def _looked_at(
    picture: "Picture", detector: "Detector", embedder: "Embedder"
) -> tuple[NDArray[np.float32] | None, tuple[float, float]]:
    from models.vision.faces import aligned

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
