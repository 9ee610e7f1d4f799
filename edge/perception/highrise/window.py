"""The last two seconds of motion, kept so that a fall can be looked for backwards in time."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from edge.perception.highrise.facade import Array, Facade
from edge.perception.highrise.motion import CELL_PX, Motion, Moved

KEEP_S = 2.4
"""An object that fell for longer has passed 28 m, and its alarm is long out."""
_ROOM = 128
"""Frames there is room for at first: twice what is kept at 25 frames a second."""


class Window:
    """Blobs of the last frames, in one array for all, and the cells they took."""

    def __init__(self, facade: Facade, motion: Motion) -> None:
        self.facade, self._motion = facade, motion
        self.frames: deque[Moved] = deque()
        self._taken = np.zeros((_ROOM, *motion.grid), np.bool_)
        self._end = 0

    def push(self, moved: Moved) -> None:
        """Take a frame in, and let go of what is too old."""
        if self._end == len(self._taken):
            self._make_room()
        self._taken[self._end] = moved.taken
        self._end += 1
        self.frames.append(moved)
        while moved.at_s - self.frames[0].at_s > KEEP_S:
            self.frames.popleft()

    def gathered(self) -> "Gathered":
        """Return all blobs in the order of their frames."""
        frames = list(self.frames)
        counts = np.array([len(frame.px) for frame in frames])
        return Gathered(
            times=np.array([frame.at_s for frame in frames]),
            first=np.concatenate([[0], np.cumsum(counts)]),
            frame=np.repeat(np.arange(len(frames)), counts),
            px=np.concatenate([frame.px for frame in frames]),
            m=np.concatenate([frame.m for frame in frames]),
            size_px=np.concatenate([frame.size_px for frame in frames]),
            box=np.concatenate([frame.box for frame in frames]),
            tone=np.concatenate([frame.tone for frame in frames]),
        )

    def taken(self) -> NDArray[np.bool_]:
        """Return (F, rows, columns) which cells were taken in each frame."""
        return self._taken[self._end - len(self.frames) : self._end]

    def _make_room(self) -> None:
        """Move what is still wanted to the front: seldom, so that no search has to gather it."""
        kept = self.taken().copy()
        if 2 * len(kept) > len(self._taken):
            self._taken = np.zeros((2 * len(self._taken), *self._taken.shape[1:]), np.bool_)
        self._end = len(kept)
        self._taken[: self._end] = kept

    def cells(self, pixels: Array) -> NDArray[np.intp]:
        """Return (N, 2) column and row of pixels."""
        return self._motion.cells(pixels)

    def pixels(self, metres: Array) -> Array:
        """Return (N, 2) pixels of metres."""
        return self.facade.pixels(metres)

    @property
    def cell_px(self) -> int:
        """Pixels of a whole frame that a cell is wide."""
        return CELL_PX * self._motion.scale


class Gathered:
    """Blobs of many frames as arrays.

    Attributes:
        times: (F,) of each frame.
        first: (F + 1,) where each frame's blobs begin.
        frame: (N,) which frame a blob is of.
        px: (N, 2) pixels.
        m: (N, 2) metres.
        size_px: (N,) square root of the box.
        box: (N, 2) its width and height.
        tone: (N,) difference to what is behind.
    """

    def __init__(
        self,
        *,
        times: Array,
        first: NDArray[np.intp],
        frame: NDArray[np.intp],
        px: Array,
        m: Array,
        size_px: Array,
        box: Array,
        tone: Array,
    ) -> None:
        self.times, self.first, self.frame = times, first, frame
        self.px, self.m, self.size_px, self.box, self.tone = px, m, size_px, box, tone
