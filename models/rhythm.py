"""Irregular pulse, from the intervals between heart beats (RR).

Atrial fibrillation is irregular *without a pattern*; extra beats, paced beats and breathing make
a pulse irregular *with* one. So every feature asks how badly a window explains itself, and the
score only ever rises with the answer.

    beats -> clean? -> 64 beats -> surely irregular, also without extra beats? -> 2 of 3 -> reading

What follows from it is worded "irregular pulse, have an ECG". It is no diagnosis.
"""

from collections import deque
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WINDOW_BEATS = 64
STEP_BEATS = 32
FEATURES = ("entropy", "recurrence", "surprise", "structure")

RR_MS_MIN, RR_MS_MAX = 240.0, 4_000.0
"""What a beat-to-beat interval can be: 250 /min, and a pause of four seconds."""
CLEAN_SHARE_MIN = 0.9
GAP_MS_MAX = 3_000

_WEIGHTS = Path(__file__).parent / "weights" / "rhythm_v1.npz"
_SCALARS = ("bias", "threshold", "sure", "filtered")
_FLOOR = 0.005  # below half a per cent of an interval it is the clock that varies, not the heart


class WindowError(ValueError):
    """A window that cannot be scored: wait for the next one."""


class RhythmReading(Struct, frozen=True, kw_only=True):
    """What one window of beats says.

    Attributes:
        at_ms: Time of its last beat. Milliseconds UTC.
        irregular: Two of the last three windows were, surely, and also without their extra beats.
        score: 0 to 1; how much this window alone looks irregular without a pattern.
        rmssd_ms: Root mean square of successive differences between clean beats.
        clean_share: Share of beats that are no artefact; below `CLEAN_SHARE_MIN` the window counts
            for nothing and `score` is 0.
    """

    at_ms: int
    irregular: bool
    score: float
    rmssd_ms: float
    clean_share: float


class RhythmDetector:
    """A logistic score over four features, each with a weight that cannot be negative.

    Args:
        mean, scale: (4,) what standardises the features.
        weight: (4,) not negative.
        bias: Logit of a window with mean features.
        threshold: Smallest score of a window that is called irregular.
        sure: Smallest score of a window that may lead a person to be told.
        filtered: Smallest score that such a window must keep without its extra beats.

    References:
        models/cards/rhythm_v1.md: training data, operating point, known failures.
    """

    def __init__(
        self,
        *,
        mean: Floats,
        scale: Floats,
        weight: Floats,
        bias: float,
        threshold: float,
        sure: float,
        filtered: float,
    ) -> None:
        self.mean, self.scale, self.weight, self.bias = mean, scale, weight, bias
        self.threshold, self.sure, self.filtered = threshold, sure, filtered

    @classmethod
    def shipped(cls) -> "RhythmDetector":
        """Load the detector that comes with the package."""
        with np.load(_WEIGHTS, allow_pickle=False) as stored:
            one = {name: float(stored[name]) for name in _SCALARS}
            return cls(mean=stored["mean"], scale=stored["scale"], weight=stored["weight"], **one)

    def score_one(self, rr_ms: Floats) -> float:
        """Return how much a window looks irregular without a pattern, from 0 to 1.

        Args:
            rr_ms: (n,) successive intervals in ms, n >= 48; made for `WINDOW_BEATS`.

        Raises:
            WindowError: Too short, not finite, or not positive.
        """
        standard = (rhythm_features(rr_ms) - self.mean) / self.scale
        logit = float(standard @ self.weight) + self.bias
        return float(1.0 / (1.0 + np.exp(-np.clip(logit, -30.0, 30.0))))


class RhythmStream:
    """Beats of one wearer as they come; a reading for every `STEP_BEATS`.

    Args:
        detector: Scores a window.
    """

    def __init__(self, detector: RhythmDetector) -> None:
        self._detector = detector
        self._beats: list[tuple[float, bool]] = []
        self._votes: deque[bool] = deque(maxlen=3)
        self._last_at: int | None = None

    def push(
        self, rr_ms: Sequence[float] | Floats, at_ms: int, *, moving: bool = False
    ) -> list[RhythmReading]:
        """Take in intervals that follow each other.

        Args:
            rr_ms: Intervals in ms, oldest first. What cannot be an interval counts as an artefact.
            at_ms: Time of the last beat. What is not newer than the beats before is ignored; a
                hole of more than `GAP_MS_MAX` starts the windows and the votes anew.
            moving: The wearer moved: none of these beats counts as clean.
        """
        given = np.asarray(rr_ms, dtype=np.float64)
        if given.size == 0 or (self._last_at is not None and at_ms <= self._last_at):
            return []
        fresh = np.where(np.isfinite(given), np.maximum(given, 0.0), 0.0)
        possible = (fresh >= RR_MS_MIN) & (fresh <= RR_MS_MAX)
        left_ms = float(fresh.sum())
        self._restart_after_gap(at_ms - left_ms)
        self._last_at = at_ms

        readings = []
        for rr, ok in zip(fresh.tolist(), possible.tolist(), strict=True):
            left_ms -= rr
            self._beats.append((rr, ok and not moving))
            if len(self._beats) == WINDOW_BEATS:
                readings.append(self._reading(at_ms - round(left_ms)))
                self._beats = self._beats[STEP_BEATS:]
        return readings

    def _restart_after_gap(self, starts_at: float) -> None:
        if self._last_at is not None and starts_at - self._last_at > GAP_MS_MAX:
            self._beats.clear()
            self._votes.clear()

    def _reading(self, at_ms: int) -> RhythmReading:
        rr = np.array([beat for beat, _ in self._beats])
        clean = np.array([ok for _, ok in self._beats]) & ~_misdetected(rr)
        share = float(clean.mean())
        usable = share >= CLEAN_SHARE_MIN
        score = self._detector.score_one(rr[clean]) if usable else 0.0
        self._votes.append(usable and self._irregular(rr[clean], score))
        return RhythmReading(
            at_ms=at_ms,
            irregular=sum(self._votes) >= 2,  # noqa: PLR2004  # two of three
            score=score,
            rmssd_ms=_rmssd(rr, clean),
            clean_share=share,
        )

    def _irregular(self, rr: Floats, score: float) -> bool:
        if score < self._detector.sure:
            return False
        return self._detector.score_one(without_ectopy(rr)) >= self._detector.filtered


def rhythm_features(rr_ms: Floats) -> Floats:
    """Return the `FEATURES` of a window as (4,): the larger, the less of a pattern.

    - entropy: of one interval given the one before, for the mean interval (CoSEn).
    - recurrence: log distance from a triple of intervals to the second nearest other triple; small
      where a pattern comes back, as in bigeminy or after every extra beat.
    - surprise: log error of predicting an interval from the three nearest histories.
    - structure: minus the length of the autocorrelation at lags 1 to 4; a breathing rhythm and a
      coupled one remember, fibrillation does not.

    References:
        Lake & Moorman 2011, Am J Physiol Heart Circ Physiol 300:H319: coefficient of sample
        entropy. The other three are nearest-neighbour forms of it, made for this detector.
    """
    rr = np.asarray(rr_ms, dtype=np.float64)
    if rr.ndim != 1 or rr.size < WINDOW_BEATS * 3 // 4:
        raise WindowError(f"{rr.shape} intervals, need at least {WINDOW_BEATS * 3 // 4}")
    if not np.all(np.isfinite(rr)) or np.any(rr <= 0):
        raise WindowError("an interval is not a positive number")
    relative = rr / _median(rr)
    pattern = [_recurrence(relative), _surprise(relative), _structure(relative)]
    return np.array([_entropy(rr), *pattern])


def without_ectopy(rr_ms: Floats) -> Floats:
    """Return the window as if extra beats had come on time.

    A short interval and the pause that makes up for it become two of their mean. Fibrillation loses
    a little of its irregularity by this, a regular pulse with extra beats nearly all.
    """
    rr = rr_ms.copy()
    place = 1
    while place < rr.size - 1:
        usual = float(_median(rr[max(0, place - 8) : place + 9]))
        early, pause = rr[place], rr[place + 1]
        made_up = abs(early + pause - 2 * usual) < 0.24 * usual
        if early < 0.88 * usual and pause > 1.02 * usual and made_up:
            rr[place : place + 2] = (early + pause) / 2
            place += 1
        place += 1
    return rr


def _entropy(rr: Floats) -> float:
    apart = np.abs(rr[:, None] - rr[None, :])
    pairs = np.triu_indices(rr.size - 1, 1)
    now, after = apart[:-1, :-1][pairs], apart[1:, 1:][pairs]
    # The tolerance grows until five pairs match twice, as the method asks: fewer tell nothing.
    both = np.sort(np.maximum(now, after))[4]
    tolerance = min(max(30.0, float(np.ceil(both / 10.0) * 10.0)), 2_000.0)
    once = max(int(np.count_nonzero(now <= tolerance)), 1)
    twice = max(int(np.count_nonzero((now <= tolerance) & (after <= tolerance))), 1)
    return float(-np.log(twice / once) + np.log(2 * tolerance) - np.log(rr.mean()))


def _recurrence(relative: Floats) -> float:
    apart = _apart(np.lib.stride_tricks.sliding_window_view(relative, 3))
    return float(np.log(_median(np.sort(apart, axis=1)[:, 1]) + _FLOOR))


def _surprise(relative: Floats) -> float:
    history = np.lib.stride_tricks.sliding_window_view(relative[:-1], 3)
    follows = relative[3:]
    nearest = np.argsort(_apart(history), axis=1, kind="stable")[:, :3]
    error = np.abs(_median(follows[nearest]) - follows)
    return float(np.log(_median(error) + _FLOOR))


def _structure(relative: Floats) -> float:
    centred = np.clip(relative, 0.4, 1.8)
    centred = centred - centred.mean()
    power = float(np.mean(centred**2)) + 1e-4
    lags = [float(np.mean(centred[lag:] * centred[:-lag])) / power for lag in (1, 2, 3, 4)]
    return -float(np.sqrt(np.sum(np.square(lags))))


def _apart(points: Floats) -> Floats:
    """Return the largest coordinate difference of each two points, (n, n); infinite to oneself."""
    apart: Floats = np.max(np.abs(points[:, None] - points[None, :]), axis=2)
    np.fill_diagonal(apart, np.inf)
    return apart


def _misdetected(rr: Floats) -> NDArray[np.bool_]:
    """Mark intervals of a missed beat: twice their neighbours, which agree with each other."""
    missed = np.zeros(rr.size, dtype=np.bool_)
    before, after = rr[:-2], rr[2:]
    usual = (before + after) / 2
    alike = np.abs(before - after) < 0.06 * usual
    missed[1:-1] = alike & (np.abs(rr[1:-1] - 2 * usual) < 0.1 * usual)
    return missed


def _rmssd(rr: Floats, clean: NDArray[np.bool_]) -> float:
    successive = np.diff(rr)[clean[1:] & clean[:-1]]
    return float(np.sqrt(np.mean(successive**2))) if successive.size else 0.0


def _median(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the median along the last axis.

    `np.median` would load numpy's masked arrays: 9 MB of an agent's 60.
    """
    ordered, count = np.sort(values, axis=-1), values.shape[-1]
    middle: NDArray[np.float64] = (ordered[..., (count - 1) // 2] + ordered[..., count // 2]) / 2
    return middle
