"""Uneven, bursty samples in, one even grid out: the same body gives the same grid at any rate.

Watches stamp samples when they hand them over, five at once and now and then a step back. So stamps
are averaged over three bursts first. Then every grid point is the mean of the straight lines
between samples over a box, and the box is the narrower the sparser the samples: lines between
sparse samples smooth already, and the two together have one variance at 20, 40 and 50 Hz.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

GRID_HZ = 25

GRID_MS = 1000 / GRID_HZ

STEP_MS_MAX = 2000
"""A longer silence counts as this long: nothing may be said about what happened in it."""


class Resampler:
    """Samples of one sensor, brought onto a grid of `GRID_HZ` as they arrive.

    How the samples are cut into pushes changes nothing. Holds at most about a second of them.

    Args:
        channels: Columns of every pushed block.
    """

    def __init__(self, channels: int) -> None:
        self._values: Array = np.empty((0, channels))
        self._stamps: NDArray[np.int64] = np.empty(0, np.int64)  # as the device gave them
        self._rising: Array = np.empty(0)  # the same, never falling, from 0
        self._dropped = 0  # samples forgotten from the front
        self._evened_max = 0.0
        self._next = 0  # grid points yielded so far

    def push(
        self, t_ms: NDArray[np.int64], values: NDArray[np.floating]
    ) -> tuple[NDArray[np.int64], Array]:
        """Take samples in and return the grid points that are settled by now.

        Args:
            t_ms: (n,) stamps, in the order of the samples.
            values: (n, channels).

        Returns:
            (k,) stamps as the device would have given them, and (k, channels) values.
        """
        self._append(t_ms, values)
        return self._settle(len(self._rising) - _HALF)

    def finish(self) -> tuple[NDArray[np.int64], Array]:
        """Return what was still waiting for later samples; nothing can be pushed after it."""
        return self._settle(len(self._rising))

    def _append(self, t_ms: NDArray[np.int64], values: NDArray[np.floating]) -> None:
        if len(t_ms) == 0:
            return
        last = self._stamps[-1] if len(self._stamps) else t_ms[0]
        # A step back is a clock put right: no time has passed, and none is undone.
        steps = np.clip(np.diff(t_ms, prepend=last), 0, STEP_MS_MAX)
        start = self._rising[-1] if len(self._rising) else 0.0
        self._rising = np.concatenate([self._rising, start + np.cumsum(steps)])
        self._stamps = np.concatenate([self._stamps, t_ms])
        self._values = np.concatenate([self._values, values])

    def _settle(self, count: int) -> tuple[NDArray[np.int64], Array]:
        """Yield the grid points that the first `count` held samples determine."""
        if count < 2:  # noqa: PLR2004  # a line has two ends
            return np.empty(0, np.int64), np.empty((0, self._values.shape[1]))
        evened, period_ms = self._even(count)
        stop = max(self._next, int((evened[-1] - _BOX_MS_MAX / 2) // GRID_MS) + 1)
        grid = np.arange(self._next, stop) * GRID_MS
        half = _box_ms(np.interp(grid, evened, period_ms)) / 2
        area = _Area(evened, self._values[:count])
        low, high = np.maximum(grid - half, evened[0]), grid + half
        values = (area.until(high) - area.until(low)) / (high - low)[:, None]
        nearest = np.minimum(np.searchsorted(evened, grid), count - 1)
        stamps = self._stamps[nearest]
        self._next = stop
        self._forget(evened)
        return stamps, values

    def _even(self, count: int) -> tuple[Array, Array]:
        """Return the stamps of the first `count` samples without bursts, and the local period."""
        sums = np.cumsum(np.concatenate([[0.0], self._rising]))
        i = np.arange(count)
        reach = np.minimum(np.minimum(i + self._dropped, len(self._rising) - 1 - i), _HALF)
        reach = np.minimum(reach, i)  # equal to the line above: that many are always kept
        low, high = i - reach, i + reach
        evened = (sums[high + 1] - sums[low]) / (2 * reach + 1)
        period_ms = (self._rising[high] - self._rising[low]) / np.maximum(2 * reach, 1)
        evened[: _HALF if self._dropped else 0] = -np.inf  # their own neighbours are forgotten
        return np.maximum.accumulate(evened), period_ms

    def _forget(self, evened: Array) -> None:
        raise NotImplementedError
