"""Hold the picture still while the camera's mount moves.

Two patches of the facade are compared with the same patches of a reference; only if both moved
alike was it the camera, and not something in the picture. Only while there is movement is the frame
shifted, because shifting costs more than all the rest.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.perception.highrise.facade import Array, Image

PATCH_PX = 192
CALM_PX = 0.2
"""Below it, edges do not show in the difference of frames. Ours."""
ALIKE_PX = 0.35
"""How far two patches may disagree about one movement: rolling and noise. Ours."""
LOOK_EVERY = 5
RESTLESS_FRAMES = 250
"""How long after the last movement frames are still shifted."""
SHIFT_PX_MAX = 25.0
"""Further, it is another view: take it as the new reference."""
PEAK_MIN = 0.08
"""Response of the correlation below which it says nothing (night, fog). Ours."""
REFRESH_FRAMES = 1_500

Floats = NDArray[np.float32]


class Stabiliser:
    """Follows the mount's movement in grey frames of one size."""

    def __init__(self) -> None:
        self._reference: list[Floats] = []
        self._fade: Floats | None = None
        self._count = 0
        self._restless = 0
        self.shift_px: Array = np.zeros(2)
        """By how much the newest frame was moved back, right and down."""

    def hold(self, grey: Image) -> Image:
        """Return a frame as the mount at rest would have seen it."""
        self._count += 1
        due = self._count % REFRESH_FRAMES == 0 and not self._restless
        if not self._reference or due:
            self._refer(grey)
            return grey
        if not self._restless and self._count % LOOK_EVERY:
            return grey
        self.shift_px = self._moved(grey)
        far = float(np.hypot(*self.shift_px))
        self._restless = RESTLESS_FRAMES if far > CALM_PX else max(self._restless - 1, 0)
        if not self._restless or far < CALM_PX / 4:
            return grey
        move = np.array([[1, 0, self.shift_px[0]], [0, 1, self.shift_px[1]]])
        return np.asarray(
            cv2.warpAffine(
                grey,
                move,
                (grey.shape[1], grey.shape[0]),
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REPLICATE,
            ),
            np.uint8,
        )

    def _refer(self, grey: Image) -> None:
        self._reference = _patches(grey)
        tall, wide = self._reference[0].shape
        self._fade = np.asarray(cv2.createHanningWindow((wide, tall), cv2.CV_32F), np.float32)
        self.shift_px = np.zeros(2)

    def _moved(self, grey: Image) -> Array:
        """Return how far the picture moved; zero where the patches do not agree."""
        shifts, peaks = [], []
        for before, now in zip(self._reference, _patches(grey), strict=True):
            shift, peak = cv2.phaseCorrelate(before, now, self._fade)
            shifts.append(np.array(shift))
            peaks.append(peak)
        if min(peaks) < PEAK_MIN:
            return np.zeros(2)
        mean = np.asarray((shifts[0] + shifts[1]) / 2)
        if np.abs(mean).max() > SHIFT_PX_MAX:
            self._refer(grey)
            return np.zeros(2)
        if np.hypot(*(shifts[0] - shifts[1])) > ALIKE_PX:
            return np.zeros(2)
        return mean


def _patches(grey: Image) -> list[Floats]:
    """Return two patches, a quarter and three quarters down."""
    tall, wide = grey.shape
    high, broad = min(PATCH_PX, tall // 2), min(PATCH_PX, wide)
    u = (wide - broad) // 2
    return [
        grey[v : v + high, u : u + broad].astype(np.float32)
        for v in (tall // 4 - high // 2, 3 * tall // 4 - high // 2)
    ]
