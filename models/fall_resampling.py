"""Uneven, bursty samples in, one even grid out: the same body gives the same grid at any rate.

    samples -> lasting (clock changes undone) -> evened (bursts averaged out) -> grid

Watches stamp samples when they hand them over, five at once, and now and then a clock is put right.
So stamps are averaged over three bursts first. Then a grid point is the mean of the straight lines
between the samples over a box, and the sparser the samples, the narrower the box: lines between
sparse samples smooth by themselves, and the two together have one variance at 20, 40 and 50 Hz.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Stamps = NDArray[np.int64]

GRID_HZ = 25

GRID_MS = 1000 // GRID_HZ

STEP_MS_MAX = 2000
"""A longer silence counts as this long: nothing can be said about what happened in it."""

LATE_MS_MAX = 500
"""Who is stamped further back than this had the clock put right; others only came late."""


class Resampler:
    """Samples of one sensor, brought onto a grid of `GRID_HZ` as they arrive.

    How the samples are cut into pushes changes nothing. Holds about a second of them.

    Args:
        channels: Columns of every pushed block.
    """

    def __init__(self, channels: int) -> None:
        self._raw = _Samples.none(channels)  # the first `_lead` are evened already
        self._lead = 0
        self._even = _Samples.none(channels)
        self._filled = 0  # grid points yielded so far

    def push(self, t_ms: Stamps, values: NDArray[np.floating]) -> tuple[Stamps, Array]:
        """Take samples in and return the grid points that are settled by now.

        Args:
            t_ms: (n,) stamps, in the order of the samples.
            values: (n, channels).

        Returns:
            (k,) stamps as the device gives them, and (k, channels) values.
        """
        if len(t_ms):
            self._raw = self._raw.followed_by(_lasting(t_ms, self._raw), t_ms, values)
        self._even_out(len(self._raw.times) - _REACH)
        return self._fill()

    def finish(self) -> tuple[Stamps, Array]:
        """Return what still waited for later samples; nothing can be pushed after it."""
        self._even_out(len(self._raw.times))
        return self._fill()

    def _even_out(self, stop: int) -> None:
        if stop <= self._lead:
            return
        raw, size = self._raw, len(self._raw.times)
        i = np.arange(self._lead, stop)
        # Of the same reach on both sides, or the first and last stamps would be drawn inwards.
        reach = np.minimum(np.minimum(i, size - 1 - i), _REACH)
        sums = np.cumsum(np.concatenate([[0.0], raw.times]))
        evened = (sums[i + reach + 1] - sums[i - reach]) / (2 * reach + 1)
        period = (raw.times[i + reach] - raw.times[i - reach]) / np.maximum(2 * reach, 1)
        if len(self._even.times):
            evened = np.maximum(evened, self._even.times[-1])
        evened = np.maximum.accumulate(evened)
        settled = raw.part(slice(self._lead, stop))
        self._even = self._even.followed_by(evened, settled.stamps, settled.values, period)
        keep_from = max(0, stop - _REACH)
        self._raw, self._lead = raw.part(slice(keep_from, None)), stop - keep_from

    def _fill(self) -> tuple[Stamps, Array]:
        even = self._even
        if len(even.times) == 0:
            return even.stamps, even.values
        stop = int((even.times[-1] - _BOX_MS_MAX / 2) // GRID_MS) + 1
        grid = np.arange(self._filled, max(stop, self._filled)) * float(GRID_MS)
        half = _box_ms(np.interp(grid, even.times, even.periods)) / 2
        low, high = np.maximum(grid - half, even.times[0]), grid + half
        area = even.area(high) - even.area(low)
        stamps = even.stamps[np.searchsorted(even.times, grid)]
        self._filled += len(grid)
        passed = np.searchsorted(even.times, self._filled * GRID_MS - _BOX_MS_MAX)
        self._even = even.part(slice(max(0, int(passed) - 1), None))
        return stamps, area / (high - low)[:, None]


_REACH = 7
"""Samples on either side over which stamps are averaged: 15 are three bursts of five."""

_SPREAD_MS2 = 550.0
"""Variance of all smoothing together; leaves a box at any period up to 55 ms."""

_BOX_MS_MAX = 82.0

_BOX_MS_MIN = 10.0


def _box_ms(period_ms: Array) -> Array:
    """Return how wide the box may be; lines between samples have a variance of period² / 6."""
    left = np.maximum(_SPREAD_MS2 - period_ms**2 / 6, 0)
    return np.asarray(np.clip(np.sqrt(12 * left), _BOX_MS_MIN, _BOX_MS_MAX))


def _lasting(t_ms: Stamps, before: "_Samples") -> Array:
    """Return times from 0 in which no clock is put right: no time passes then, none is undone."""
    last = before.stamps[-1] if len(before.stamps) else t_ms[0]
    start = before.times[-1] if len(before.times) else 0.0
    steps = np.minimum(np.diff(t_ms, prepend=last), STEP_MS_MAX)
    steps[steps < -LATE_MS_MAX] = 0
    return np.asarray(start + np.cumsum(steps), np.float64)


class _Samples:
    """Columns that are cut and joined together."""

    def __init__(self, times: Array, stamps: Stamps, values: Array, periods: Array) -> None:
        self.times, self.stamps, self.values, self.periods = times, stamps, values, periods

    @classmethod
    def none(cls, channels: int) -> "_Samples":
        return cls(np.empty(0), np.empty(0, np.int64), np.empty((0, channels)), np.empty(0))

    def followed_by(
        self,
        times: Array,
        stamps: Stamps,
        values: NDArray[np.floating],
        periods: Array | None = None,
    ) -> "_Samples":
        return _Samples(
            np.concatenate([self.times, times]),
            np.concatenate([self.stamps, stamps]),
            np.concatenate([self.values, values]),
            np.concatenate([self.periods, np.zeros(len(times)) if periods is None else periods]),
        )

    def part(self, rows: slice) -> "_Samples":
        return _Samples(self.times[rows], self.stamps[rows], self.values[rows], self.periods[rows])

    def area(self, until: Array) -> Array:
        """Return the area under the lines between the values, from the first to `until`."""
        widths = np.diff(self.times)[:, None]
        sums = np.zeros_like(self.values)
        np.cumsum(widths * (self.values[1:] + self.values[:-1]) / 2, axis=0, out=sums[1:])
        i = np.clip(np.searchsorted(self.times, until, side="right") - 1, 0, len(self.times) - 2)
        i = np.maximum(i, 0)
        j = np.minimum(i + 1, len(self.times) - 1)
        into = (until - self.times[i])[:, None]
        width = np.maximum(self.times[j] - self.times[i], 1e-9)[:, None]
        slope = (self.values[j] - self.values[i]) / width
        return np.asarray(sums[i] + into * (self.values[i] + slope * into / 2))
