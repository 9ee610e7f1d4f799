"""By how much all of a picture got lighter or darker: an exposure set anew, a cloud, lamps.

A fall is a difference of frames, and so is a change of light. What all of the picture shares is
measured at many places and taken out before frames are compared; what moves by itself is
outvoted.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.perception.highrise.facade import Image
from edge.perception.highrise.robust import middle, weights

PLACES = 1_500
"""So many give the gain to 0.0006 where the noise is two grey levels: 0.08 of a level."""
DARK, FULL = 8, 247
"""Grey levels outside which a gain does not show: black level and saturation."""
_PLACES_MIN = 100
_ROUNDS = 2


class Light:
    """Follows the light of frames of one size.

    Args:
        inside: (H, W) above 0 where the facade is.
    """

    def __init__(self, inside: Image) -> None:
        rows, columns = np.nonzero(inside)
        step = max(len(rows) // PLACES, 1)
        self._at = (rows[::step] * inside.shape[1] + columns[::step]).astype(np.intp)
        self._before: NDArray[np.float32] | None = None
        self._level = 1.0

    def level(self, grey: Image) -> float:
        """Return how light a frame is, when the first one is 1; frames come in their order."""
        now = grey.ravel()[self._at].astype(np.float32)
        if self._before is not None:
            self._level *= gain(self._before, now)
        self._before = now
        return self._level


def gain(before: NDArray[np.float32], now: NDArray[np.float32]) -> float:
    """Return by what brightness must be multiplied to come from one frame to the next.

    Args:
        before: (N,) grey levels.
        now: (N,) of the same places.
    """
    shows = (before > DARK) & (before < FULL) & (now > DARK) & (now < FULL)
    if np.count_nonzero(shows) < _PLACES_MIN:
        return 1.0
    one, two = before[shows], now[shows]
    found = float(middle(two / one)[0])
    for _ in range(_ROUNDS):
        weighed = one * weights(two - found * one)
        found = float((weighed @ two) / (weighed @ one))
    return found


def relit(grey: Image, by: float) -> Image:
    """Return a frame under other light; the frame itself, where no level would change."""
    if abs(by - 1) * _WHITE < 0.5:  # noqa: PLR2004  # half a level is rounded away
        return grey
    return np.asarray(cv2.convertScaleAbs(grey, alpha=by), np.uint8)


_WHITE = 255
