"""The last seconds of a camera, so that evidence can begin before what it is evidence of."""

from collections import deque
from collections.abc import Sequence

import cv2
import numpy as np

from models.vision.base import Picture

QUALITY = 80
"""Of the JPEG that a frame waits as: a tenth of its size, and hardly a visible difference."""

Packed = tuple[int, bytes]
"""When a frame was taken, milliseconds UTC, and its JPEG."""


class PreRoll:
    """Keeps the newest frames, compressed, within a time and a size; the oldest go first.

    Args:
        keep_ms: How far back it reaches.
        bytes_max: How much it may hold.
    """

    def __init__(self, keep_ms: int = 10_000, bytes_max: int = 64_000_000) -> None:
        self._keep_ms, self._bytes_max = keep_ms, bytes_max
        self._kept: deque[Packed] = deque()
        self.bytes = 0

    def add(self, at: int, picture: Picture) -> None:
        """Keep a frame that was taken at a time, milliseconds UTC."""
        done, packed = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        assert done, "a picture can be packed"
        self._kept.append((at, packed.tobytes()))
        self.bytes += len(self._kept[-1][1])
        while self._kept and (
            self._kept[0][0] < at - self._keep_ms or self.bytes > self._bytes_max
        ):
            self.bytes -= len(self._kept.popleft()[1])

    def packed(self, from_at: int, until_at: int) -> Sequence[Packed]:
        """Return the frames of a time that are still kept, oldest first, as they wait."""
        return [one for one in self._kept if from_at <= one[0] <= until_at]

    def between(self, from_at: int, until_at: int) -> Sequence[tuple[int, Picture]]:
        """Return the frames of a time that are still kept, oldest first."""
        return [(at, unpacked(jpeg)) for at, jpeg in self.packed(from_at, until_at)]

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
        self.bytes = 0


def unpacked(jpeg: bytes) -> Picture:
    """Return a frame that waited."""
    return np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), np.uint8)
