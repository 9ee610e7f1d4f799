"""Hold the picture still while the camera's mount moves.

A patch of the facade is compared with the same patch of a reference. Only while there is movement
is the frame shifted, because shifting costs more than all the rest.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.perception.highrise.facade import Image

PATCH_PX = 256
CALM_PX = 0.15
"""Below it, edges do not show in the difference of frames. Ours."""
LOOK_EVERY = 5
RESTLESS_FRAMES = 250
"""How long after the last movement frames are still shifted."""
SHIFT_PX_MAX = 25.0
"""Further, it is another view: take it as the new reference."""
PEAK_MIN = 0.12
"""Response of the correlation below which it says nothing (night, fog). Ours."""
REFRESH_FRAMES = 1_500


class Stabiliser:
    """Follows the mount's movement in grey frames of one size."""

    def __init__(self) -> None:
        self._reference: NDArray[np.float32] | None = None
        self._window: NDArray[np.float32] | None = None
        self._count = 0
        self._restless = 0
        self.shift_px = (0.0, 0.0)
        """By how much the newest frame was moved, right and down."""

    def hold(self, grey: Image) -> Image:
        """Return a frame as the mount at rest would have seen it."""
        self._count += 1
        patch = self._patch(grey)
        if self._reference is None or self._count % REFRESH_FRAMES == 0 and not self._restless:
            self._reference = patch.astype(np.float32)
            self._window = np.asarray(
                cv2.createHanningWindow((patch.shape[1], patch.shape[0]), cv2.CV_32F), np.float32
            )
            return grey
        if not self._restless and self._count % LOOK_EVERY:
            return grey
        (right, down), peak = cv2.phaseCorrelate(
            self._reference, patch.astype(np.float32), self._window
        )
        moved = float(np.hypot(right, down))
        if moved > SHIFT_PX_MAX or peak < PEAK_MIN:
            if moved > SHIFT_PX_MAX and peak >= PEAK_MIN:
                self._reference = patch.astype(np.float32)
            self.shift_px = (0.0, 0.0)
            return grey
        self._restless = RESTLESS_FRAMES if moved > CALM_PX else max(self._restless - 1, 0)
        if not self._restless or moved < CALM_PX / 3:
            self.shift_px = (0.0, 0.0)
            return grey
        self.shift_px = (float(right), float(down))
        move = np.array([[1, 0, right], [0, 1, down]], np.float64)
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

    @staticmethod
    def _patch(grey: Image) -> Image:
        tall, wide = grey.shape
        high, broad = min(PATCH_PX, tall), min(PATCH_PX, wide)
        v, u = (tall - high) // 2, (wide - broad) // 2
        return grey[v : v + high, u : u + broad]
