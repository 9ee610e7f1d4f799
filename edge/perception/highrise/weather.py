"""Whether it rains or snows: many things move everywhere, not in one corner as leaves do."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

TILES = 6
"""Rows and columns that the facade is divided into."""
FRAMES = 125
"""Over how many frames is averaged: five seconds."""
_LOOKS_EVERY = 25


class Weather:
    """Counts what moves in each part of a facade.

    Attributes:
        blobs: Things a frame shows, if every part of it were as busy as the median part.
    """

    def __init__(self) -> None:
        self._counts: deque[NDArray[np.intp]] = deque(maxlen=FRAMES)
        self._frames = 0
        self.blobs = 0.0

    def push(self, grid: tuple[int, ...], cells: NDArray[np.intp]) -> None:
        """Take in a frame.

        Args:
            grid: Rows and columns of cells.
            cells: (N, 2) column and row of what moved.
        """
        tiles = np.clip(cells * TILES // np.array([grid[1], grid[0]]), 0, TILES - 1)
        flat = tiles[:, 1] * TILES + tiles[:, 0]
        self._counts.append(np.bincount(flat, minlength=TILES * TILES))
        if self._frames % _LOOKS_EVERY == 0:
            mean = np.mean(self._counts, axis=0)
            self.blobs = float(np.median(mean)) * TILES * TILES
        self._frames += 1
