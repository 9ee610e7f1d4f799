"""Motion first, network second: where nothing has changed, nobody new can have come.

A look costs a Raspberry Pi 4 some 180 ms (estimated), this comparison one. A gate is empty most of
the day.
"""

import cv2
import numpy as np

from models.vision.base import Floats, Picture

WIDTH, HEIGHT = 64, 36
"""Of the small picture that is compared: a face that can be compared covers at least two of its
pixels each way."""
STIR_MIN = 6.0
"""Change of one of its pixels, of 255, that is more than noise: a sensor's noise of 10 becomes 0.5
there. Ours."""
LOOK_MS = 1_000
"""A look is taken so often, however still it is: somebody may have come slowly."""


class Stillness:
    """Says whether a frame is worth the network's time."""

    def __init__(self) -> None:
        self._last: Floats | None = None
        self._looked_at = 0

    def is_over(self, picture: Picture, at: int, *, following: bool) -> bool:
        """Return whether to look at a frame; it is then what the next ones are compared with.

        Args:
            picture: The frame.
            at: When it was taken, milliseconds UTC.
            following: Somebody is there already.
        """
        small = _small(picture)
        still = (
            not following
            and self._last is not None
            and 0 <= at - self._looked_at < LOOK_MS
            and float(np.abs(small - self._last).max()) < STIR_MIN
        )
        if not still:
            self._last, self._looked_at = small, at
        return not still


def _small(picture: Picture) -> Floats:
    shrunk = cv2.resize(picture, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(shrunk, cv2.COLOR_BGR2GRAY).astype(np.float32)
