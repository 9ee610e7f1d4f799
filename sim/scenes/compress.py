"""What a camera's encoder takes away, without paying for a whole film.

Blocks of a JPEG depend on nothing outside them, and its luma on no colour. So coding only the luma
of the part that shows the facade does to it what coding the frame would, for a fifth of the time.
"""

import cv2
import numpy as np

from sim.scenes.camera import Image, Part

_BLOCK = 16
_AROUND_PX = 4 * _BLOCK
"""Beyond an outline: as far as a detector looks for what is thrown out above the roof."""


def compressed(frame: Image, part: Part, quality: int) -> Image:
    """Return a frame whose part went through an encoder, and lost its colour.

    Args:
        frame: (H, W, 3) BGR; changed in place.
        part: Rows and columns, in whole blocks.
        quality: Of JPEG, 1 to 100.
    """
    return restored(frame, part, coded(frame, part, quality))


def coded(frame: Image, part: Part, quality: int) -> bytes:
    """Return what an encoder makes of the luma of a frame's part."""
    grey = cv2.cvtColor(frame[part], cv2.COLOR_BGR2GRAY)
    return cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def restored(frame: Image, part: Part, code: bytes) -> Image:
    """Return a frame with what `coded` left of its part, in place."""
    back = np.asarray(cv2.imdecode(np.frombuffer(code, np.uint8), cv2.IMREAD_GRAYSCALE), np.uint8)
    frame[part] = cv2.cvtColor(back, cv2.COLOR_GRAY2BGR)
    return frame


def around(outline: list[list[float]], size: tuple[int, int]) -> Part:
    """Return the rows and columns of whole blocks around an outline in pixels."""
    corners = np.array(outline)
    low = np.clip(corners.min(0) - _AROUND_PX, 0, np.array(size) - _BLOCK)
    high = np.clip(corners.max(0) + _AROUND_PX, _BLOCK, size)
    u0, v0 = (low // _BLOCK * _BLOCK).astype(int)
    u1, v1 = high.astype(int)
    return slice(int(v0), int(v1)), slice(int(u0), int(u1))
