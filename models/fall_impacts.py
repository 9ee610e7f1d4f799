"""Moments that may be the impact of a fall, each with what came before and after it.

A cheap trigger, so that a quiet hour costs nothing: the acceleration is a local maximum and above
what sitting down gently or walking gives. Everything dearer looks only at these windows.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.fall_resampling import GRID_HZ, GRID_MS, Array, Resampler, Stamps

G_MS2 = 9.80665
"""Standard gravity in m/s² (CGPM 1901)."""

CLIP_MS2 = 4 * G_MS2
"""What every device is cut down to: the range of the narrowest we know (Fitbit Sense, ±4 g)."""

BEFORE = 2 * GRID_HZ
"""Grid points of a window before its impact."""

AFTER = int(2.4 * GRID_HZ)
"""Grid points of a window after its impact: the longer, the surer, and the later the alarm."""

SHIFT_MAX = 2
"""Grid points by which an impact may be shifted and still have its whole window."""

TRIGGER_MS2 = 1.4 * G_MS2
"""Published triggers are 1.5 to 1.6 g (models/cards/fall_v1.md); smoothed as the grid is, that is
less. The softest of 1,734 acted falls reaches 1.46 g, the next 1.59 g."""


@dataclass(frozen=True)
class Impact:
    """One moment that may be the impact of a fall.

    Attributes:
        at_ms: Its stamp, as the device gives it.
        elapsed_ms: Since the first sample, by a clock that is never put right.
        window: (`BEFORE` + 1 + `AFTER` + 2 * `SHIFT_MAX`, 6) float64 at `GRID_HZ`; accelerometer
            in m/s² within ±`CLIP_MS2`, gyroscope in rad/s and NaN where it gave nothing.
        impact_g: Largest acceleration around the impact, in g, on the grid but not cut down.
    """

    at_ms: int
    elapsed_ms: int
    window: Array
    impact_g: float


class ImpactFinder:
    """Finds impacts in samples as they arrive; keeps the last ten seconds and no more."""

    def __init__(self) -> None:
        self._resampler = Resampler(_CHANNELS)
        self._grid = np.empty((0, _CHANNELS))
        self._stamps = np.empty(0, np.int64)
        self._start = 0  # grid points forgotten from the front
        self._searched = 0  # grid points, from the very first, whose neighbourhood is searched
        self._waiting: list[int] = []

    def push(
        self, t_ms: Stamps, acc_ms2: NDArray[np.floating], gyro_rads: NDArray[np.floating] | None
    ) -> Iterator[Impact]:
        """Take samples in; yield the impacts whose windows they complete, oldest first."""
        rows = np.full((len(t_ms), _CHANNELS), np.nan)
        rows[:, :3] = np.clip(acc_ms2, -CLIP_MS2, CLIP_MS2)
        rows[:, 6] = np.linalg.norm(acc_ms2, axis=1)
        if gyro_rads is not None:
            rows[:, 3:6] = gyro_rads
        self._extend(*self._resampler.push(np.asarray(t_ms, np.int64), rows))
        yield from self._settle(self._end - _NEAR, self._end - AFTER - SHIFT_MAX)

    def finish(self) -> Iterator[Impact]:
        """Yield the impacts that still waited; what never came is mirrored from what did."""
        self._extend(*self._resampler.finish())
        yield from self._settle(self._end, self._end)

    @property
    def _end(self) -> int:
        return self._start + len(self._grid)

    def _extend(self, stamps: Stamps, grid: Array) -> None:
        self._grid = np.concatenate([self._grid, grid])
        self._stamps = np.concatenate([self._stamps, stamps])

    def _settle(self, searched: int, complete: int) -> Iterator[Impact]:
        self._waiting.extend(self._search(searched))
        while self._waiting and self._waiting[0] < complete:
            yield self._impact(self._waiting.pop(0))
        spare = len(self._grid) - _HELD_MAX
        if spare > 0:
            self._grid, self._stamps = self._grid[spare:], self._stamps[spare:]
            self._start += spare

    def _search(self, stop: int) -> Iterator[int]:
        if stop <= self._searched:
            return
        low = max(self._searched - _NEAR, self._start)
        size = np.linalg.norm(self._grid[low - self._start :, :3], axis=1)
        for at in np.flatnonzero(size[self._searched - low : stop - low] > TRIGGER_MS2):
            i = int(at) + self._searched - low
            near = size[max(0, i - _NEAR) : i + _NEAR + 1]
            # The first of equals: a clipped impact is flat on top.
            if np.argmax(near) == min(i, _NEAR):
                yield i + low
        self._searched = stop

    def _impact(self, at: int) -> Impact:
        reach = np.arange(-BEFORE - SHIFT_MAX, AFTER + SHIFT_MAX + 1)
        rows = self._grid[self._mirrored(at + reach) - self._start]
        near = slice(BEFORE - _NEAR, BEFORE + _NEAR)
        return Impact(
            at_ms=int(self._stamps[at - self._start]),
            elapsed_ms=at * GRID_MS,
            window=rows[:, :6],
            impact_g=float(rows[near, 6].max()) / G_MS2,
        )

    def _mirrored(self, at: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return places that exist: beyond the first and the last, the way back."""
        last = self._end - 1
        inside = np.where(at > last, 2 * last - at, np.abs(at))
        return np.clip(inside, self._start, last)


_CHANNELS = 7

_NEAR = int(0.4 * GRID_HZ)

_HELD_MAX = 10_000 // GRID_MS
