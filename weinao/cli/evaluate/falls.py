"""Score the fall detector against labelled recordings.

`evaluate_falls` uses the shipped detector and learns nothing. `cross_validate_falls` trains anew,
each time on other people than it is scored on, and takes each fold's threshold from the others.
Both play recordings through the stream that ships; a recording's score is its largest window's:

- sensitivity, specificity, auc: over recordings of falls, and of daily activities;
- elder_adl_specificity: over the daily activities of elders alone;
- windows_ms_p99: what judging a window costs one core of this machine (its own time, not that of
  others who share it), the slowest hundredth.

A figure is left out where the folder holds nothing to take it from.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from time import thread_time
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from weinao.cli.evaluate.rhythm import area_under_curve

if TYPE_CHECKING:
    from models.fall import FallDetector, Position
    from sim.importers.falls import FallRecording

Progress = Callable[[int, int], None]

Scores = dict[str, dict[str, float]]


def evaluate_falls(folder: Path, *, progress: Progress | None = None) -> Scores:
    """Return the figures of the shipped detectors, for each position in a folder.

    Raises:
        FileNotFoundError: The folder has no recordings.
    """
    from models.fall import FallDetector, play

    found, done = _by_position(folder), 0
    total = sum(map(len, found.values()))
    figures: Scores = {}
    for position, recordings in found.items():
        timed = _Timed(FallDetector.shipped(position))
        scores = []
        for recording in recordings:
            scores.append(play(timed, recording.t_ms, recording.acc_ms2, recording.gyro_rads))
            done += 1
            if progress:
                progress(done, total)
        called = np.array(scores) >= timed.threshold
        figures[position] = _figures(recordings, np.array(scores), called, timed.took_ms)
    return figures


def cross_validate_falls(
    folder: Path, *, progress: Progress | None = None, out: Path | None = None
) -> Scores:
    """Return the figures of detectors that never saw the person they are scored on.

    Args:
        folder: Of recordings.
        progress: Hears how many recordings are scored.
        out: Also train on everybody, with the operating point that follows, and write the files
            that ship into this folder.

    Raises:
        FileNotFoundError: The folder has no recordings.
    """
    from models.fall import FallDetector, play
    from models.train.falls import (
        FLOORS,
        cross_validate,
        finished,
        operating_point,
        people_folds,
        save,
    )

    figures: Scores = {}
    for position, recordings in _by_position(folder).items():
        both = cross_validate(recordings, position, progress)
        if out:
            save(finished(recordings, position, both), out / f"fall_{position}_v1.npz")
        scores = both[True]
        folds, fell = people_folds(recordings), _fell(recordings).astype(int)
        called = np.zeros(len(recordings), bool)
        for fold in np.unique(folds):
            others, own = folds != fold, folds == fold
            called[own] = scores[own] >= operating_point(
                scores[others], fell[others], *FLOORS[position]
            )
        timed = _Timed(FallDetector.shipped(position))  # of the same size as those just trained
        for recording in recordings[::_TIMED_EVERY]:
            play(timed, recording.t_ms, recording.acc_ms2, recording.gyro_rads)
        figures[position] = _figures(recordings, scores, called, timed.took_ms)
    return figures


_TIMED_EVERY = 5


class _Timed:
    """A detector and a stop watch."""

    def __init__(self, detector: "FallDetector") -> None:
        self._detector = detector
        self.threshold = detector.threshold
        self.took_ms: list[float] = []

    def score_one(self, window: NDArray[np.floating]) -> float:
        began = thread_time()
        score = self._detector.score_one(window)
        self.took_ms.append((thread_time() - began) * 1_000)
        return score


def _by_position(folder: Path) -> "dict[Position, list[FallRecording]]":
    from sim.importers.falls import read_falls

    found: dict[Position, list[FallRecording]] = {}
    for recording in read_falls(folder):
        found.setdefault(recording.position, []).append(recording)
    if not found:
        raise FileNotFoundError(f"{folder}: recordings.csv lists none that is there")
    return dict(sorted(found.items(), reverse=True))


def _fell(recordings: "Sequence[FallRecording]") -> NDArray[np.bool_]:
    return np.array([recording.label == "fall" for recording in recordings])


def _figures(
    recordings: "Sequence[FallRecording]",
    scores: NDArray[np.float64],
    called: NDArray[np.bool_],
    took_ms: Sequence[float],
) -> dict[str, float]:
    fell = _fell(recordings)
    elder_adl = ~fell & np.array([recording.group == "elder" for recording in recordings])
    figures = {
        "auc": area_under_curve(fell, scores),
        "sensitivity": _share(called[fell]),
        "specificity": _share(~called[~fell]),
        "elder_adl_specificity": _share(~called[elder_adl]),
        "windows_ms_p99": float(np.percentile(took_ms, 99)) if took_ms else float("nan"),
    }
    return {name: value for name, value in figures.items() if np.isfinite(value)}


def _share(yes: NDArray[np.bool_]) -> float:
    return float(yes.mean()) if yes.size else float("nan")
