"""Falls, from an accelerometer on the wrist or at the waist, with or without a gyroscope.

    samples -> grid -> impacts -> features -> trees -> one `FallDetection` for each fall

Nothing is known of when or how long was recorded, nor at which rate. What is evaluated is what
ships: a recording's score is the largest that `FallStream` gave while it was played.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from models.fall_features import LENGTH, calm_s, measure, turn_deg
from models.fall_impacts import SHIFT_MAX, Impact, ImpactFinder
from models.fall_resampling import Array, Stamps
from models.fall_trees import Forest

Position = Literal["wrist", "waist"]

WINDOW = LENGTH + 2 * SHIFT_MAX
"""Grid points of a window at 25 Hz: 2.08 s before the impact, 2.48 s after it."""


@dataclass(frozen=True)
class FallDetection:
    """One fall, as far as the seconds around its impact can tell.

    Attributes:
        at_ms: Stamp of the impact, by the device's clock.
        decided_at_ms: Stamp of the newest sample when it was decided.
        confidence: From the detector's threshold to 1.
        impact_g: Largest acceleration around the impact, in g, smoothed as at 20 Hz.
        still_s: Seconds without movement before the decision; 0 to 2.3.
        posture_change_deg: Angle between gravity before and after, as the device felt it; 0 to 180.
    """

    at_ms: int
    decided_at_ms: int
    confidence: float
    impact_g: float
    still_s: float
    posture_change_deg: float


class Scorer(Protocol):
    """What judges windows; `FallDetector` does."""

    @property
    def threshold(self) -> float:
        """Score from which a window counts as a fall."""

    def score_one(self, window: NDArray[np.floating]) -> float:
        """Return how likely a window holds a fall, from 0 to 1."""


class WindowError(ValueError):
    """The window cannot be judged: skip it; the next may do."""


@dataclass(frozen=True)
class FallDetector:
    """Trained trees for one place on the body.

    Attributes:
        with_gyro: For windows whose gyroscope is complete.
        without_gyro: For all others.
        threshold: Half: the trees' offsets put their frozen operating points there.
    """

    with_gyro: Forest
    without_gyro: Forest
    threshold: float = 0.5

    @classmethod
    def shipped(cls, position: Position) -> "FallDetector":
        """Return the trained detector that comes with weinao."""
        with (files("models") / "weights" / f"fall_{position}_v1.npz").open("rb") as file:
            arrays = np.load(file, allow_pickle=False)
            kept = {name: arrays[name] for name in arrays.files}
        return cls(Forest.from_arrays(kept, "gyro_"), Forest.from_arrays(kept, "acc_"))

    def score_one(self, window: NDArray[np.floating]) -> float:
        """Return how likely a window holds a fall, from 0 to 1.

        Args:
            window: (`WINDOW`, 3 or 6) at 25 Hz with the impact in row 52; accelerometer in m/s²,
                cut to ±4 g, then gyroscope in rad/s, all in the axes of the device. A gyroscope
                with gaps counts as none. Not modified.

        Raises:
            WindowError: Another shape, or an accelerometer that is not finite.

        References:
            models/cards/fall_v1.md: training data, operating point, known failures.
        """
        if window.shape not in _SHAPES or not np.isfinite(window[:, :3]).all():
            raise WindowError(f"expected finite {_SHAPES[0]} or {_SHAPES[1]}, got {window.shape}")
        gyro = window.shape == _SHAPES[1] and bool(np.isfinite(window).all())
        shifts = aligned(np.asarray(window if gyro else window[:, :3], np.float64))
        forest = self.with_gyro if gyro else self.without_gyro
        return float(1 / (1 + np.exp(-forest.log_odds(measure(shifts)).mean())))


def aligned(window: Array) -> Array:
    """Return a window as if the impact were found earlier, where it was, and later: (3, T, C)."""
    return np.stack([window[i : i + LENGTH] for i in range(0, 2 * SHIFT_MAX + 1, SHIFT_MAX)])


class FallStream:
    """Finds falls in samples as they arrive from one device; each fall once.

    Holds ten seconds. While nobody moves fast, no window is scored.

    Args:
        detector: Judges the windows.
    """

    def __init__(self, detector: Scorer) -> None:
        self._detector = detector
        self._finder = ImpactFinder()
        self._newest_ms = 0
        self._fell_ms: int | None = None  # on the stream's own clock
        self.score_max = 0.0
        """Largest score of any window so far, from 0 to 1."""

    def push(
        self,
        t_ms: Stamps,
        acc_ms2: NDArray[np.floating],
        gyro_rads: NDArray[np.floating] | None = None,
    ) -> list[FallDetection]:
        """Take samples in, and return the falls that are decided by now.

        How samples are cut into pushes changes no detection but its `decided_at_ms`. A fall is
        decided about 2.9 s after its impact. Samples that are not finite are left out.

        Args:
            t_ms: (n,) stamps in the order of the samples; bursts and steps back do no harm.
            acc_ms2: (n, 3) m/s², gravity included.
            gyro_rads: (n, 3) rad/s at the same instants, or None.
        """
        good = np.isfinite(acc_ms2).all(axis=1)
        t_ms, acc_ms2 = np.asarray(t_ms, np.int64)[good], acc_ms2[good]
        if len(t_ms) == 0:
            return []
        self._newest_ms = int(t_ms[-1])
        gyro_rads = None if gyro_rads is None else gyro_rads[good]
        return self._judge(self._finder.push(t_ms, acc_ms2, gyro_rads))

    def finish(self) -> list[FallDetection]:
        """Return the falls in what is left when a recording ends; what follows is another."""
        found = self._judge(self._finder.finish())
        self._finder, self._fell_ms = ImpactFinder(), None
        return found

    def _judge(self, impacts: Iterable[Impact]) -> list[FallDetection]:
        found = (self._judge_one(impact) for impact in impacts)
        return [detection for detection in found if detection is not None]

    def _judge_one(self, impact: Impact) -> FallDetection | None:
        score = self._detector.score_one(impact.window)
        self.score_max = max(self.score_max, score)
        if score < self._detector.threshold or self._is_the_same_fall(impact.elapsed_ms):
            return None
        self._fell_ms = impact.elapsed_ms
        acc = impact.window[SHIFT_MAX : SHIFT_MAX + LENGTH, :3]
        return FallDetection(
            at_ms=impact.at_ms,
            decided_at_ms=self._newest_ms,
            confidence=score,
            impact_g=impact.impact_g,
            still_s=calm_s(acc),
            posture_change_deg=turn_deg(acc),
        )

    def _is_the_same_fall(self, elapsed_ms: int) -> bool:
        return self._fell_ms is not None and elapsed_ms - self._fell_ms < _ONE_FALL_MS


def play(
    detector: Scorer,
    t_ms: Stamps,
    acc_ms2: NDArray[np.floating],
    gyro_rads: NDArray[np.floating] | None,
) -> float:
    """Return the largest score, from 0 to 1, that a stream gives while a recording is played."""
    stream = FallStream(detector)
    stream.push(t_ms, acc_ms2, gyro_rads)
    stream.finish()
    return stream.score_max


_SHAPES = ((WINDOW, 3), (WINDOW, 6))

_ONE_FALL_MS = 10_000
"""Impacts this close are one fall: the knee, the hip, the hand, the turning over."""
