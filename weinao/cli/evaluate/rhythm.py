"""Score the irregular-pulse detector against annotated beats.

`evaluate_rhythm` uses the shipped detector and learns nothing. `cross_validate_rhythm` trains
anew, each time on other people than it is scored on. Both give the same figures:

- sensitivity, specificity, auc: over windows of 64 beats, half overlapping, that are all atrial
  fibrillation or hold none; windows with flutter, and mixed ones, are left out;
- worst_non_af_flagged_share: of the recordings without fibrillation or flutter, the largest share
  of time that the stream (ectopy filter, quality gate, two windows of three) called irregular.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from models.rhythm import RhythmDetector
    from models.train.rhythm import Recording

Progress = Callable[[str], None]

_CHUNK_BEATS = 16  # as a strap sends them: a few at a time


def evaluate_rhythm(folder: Path, progress: Progress | None = None) -> dict[str, float]:
    """Return the figures of the shipped detector over all recordings of a folder.

    Raises:
        FileNotFoundError: The folder has no annotated beats.
    """
    from models.rhythm import RhythmDetector

    detector = RhythmDetector.shipped()
    return _figures([(detector, one) for one in _recordings(folder)], progress)


def cross_validate_rhythm(folder: Path, progress: Progress | None = None) -> dict[str, float]:
    """Return the figures of detectors that never saw the person they are scored on.

    Raises:
        FileNotFoundError: The folder has no annotated beats.
    """
    from models.train.rhythm import folds, train

    judged = []
    for number, (learn, test) in enumerate(folds(_recordings(folder)), 1):
        if progress:
            progress(f"fold {number}: {len(learn)} recordings to learn from, {len(test)} to test")
        detector = train(learn)
        judged += [(detector, one) for one in test]
    return _figures(judged, progress)


def train_rhythm(folder: Path, path: Path) -> None:
    """Train on every recording of a folder and write the weights to `path`."""
    from models.train.rhythm import save, train

    save(train(_recordings(folder)), path)


def area_under_curve(positive: NDArray[np.bool_], score: NDArray[np.float64]) -> float:
    """Return the area under the ROC curve; ties count half, NaN without both classes."""
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]
    positives = int(np.count_nonzero(positive))
    negatives = positive.size - positives
    if not positives or not negatives:
        return float("nan")
    above = rank[positive].sum() - positives * (positives + 1) / 2
    return float(above / (positives * negatives))


def _recordings(folder: Path) -> "list[Recording]":
    from models.train.rhythm import Recording
    from sim.importers.vitals import read_beats

    found = [
        Recording(
            person=one.person,
            rr_ms=one.rr_ms,
            af=one.rhythm == "AFIB",
            unclear=one.rhythm == "AFL",
            normal=one.beat == "N",
        )
        for one in read_beats(folder)
    ]
    if not found:
        raise FileNotFoundError(f"{folder} has no mitbih_beats.parquet")
    return found


def _figures(
    judged: "Sequence[tuple[RhythmDetector, Recording]]", progress: Progress | None
) -> dict[str, float]:
    from models.train.rhythm import labelled_windows

    labels: list[bool] = []
    scores: list[float] = []
    called: list[bool] = []
    flagged = [0.0]
    for detector, one in judged:
        for rr, label in labelled_windows(one):
            score = detector.score_one(rr)
            labels.append(label)
            scores.append(score)
            called.append(score >= detector.threshold)
        if not (one.af.any() or one.unclear.any()):
            flagged.append(_flagged_share(detector, one))
        if progress:
            progress(f"{len(labels)} windows scored")
    truth, call = np.array(labels), np.array(called)
    return {
        "auc": area_under_curve(truth, np.array(scores)),
        "sensitivity": float(call[truth].mean()) if truth.any() else float("nan"),
        "specificity": float(1 - call[~truth].mean()) if (~truth).any() else float("nan"),
        "worst_non_af_flagged_share": max(flagged),
    }


def _flagged_share(detector: "RhythmDetector", one: "Recording") -> float:
    """Return the share of a recording's time after which the stream said "irregular"."""
    from models.rhythm import RhythmStream

    stream, at, told_at, irregular_ms = RhythmStream(detector), 0.0, 0, 0
    for first in range(0, one.rr_ms.size, _CHUNK_BEATS):
        chunk = one.rr_ms[first : first + _CHUNK_BEATS]
        at += float(chunk.sum())
        for reading in stream.push(chunk, round(at)):
            irregular_ms += (reading.at_ms - told_at) * reading.irregular
            told_at = reading.at_ms
    return irregular_ms / told_at if told_at else 0.0
