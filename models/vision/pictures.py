"""Reading a picture's file: upright, in three colours of eight bits, or the reason why not."""

from pathlib import Path

import cv2
import numpy as np

from models.vision.base import Picture

_JPEG, _JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"


class PictureError(Exception):
    """A file holds no picture that can be used; the message says which, and why."""


def read_picture(path: Path) -> Picture:
    """Return a picture as it is to be looked at, turned as its camera says.

    Raises:
        PictureError: It is away, no picture, or a JPEG that is cut off: of that OpenCV would give
            what there is, and grey below.
    """
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        packed = path.read_bytes()
    except (OSError, ValueError) as error:
        raise PictureError(f"{path}: {getattr(error, 'strerror', error)}") from error
    if not packed:
        raise PictureError(f"{path}: an empty file")
    if packed.startswith(_JPEG) and _JPEG_END not in packed:
        raise PictureError(f"{path}: a JPEG that is cut off")
    try:
        found = cv2.imdecode(np.frombuffer(packed, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise PictureError(f"{path}: no picture that can be read: {error.err}") from error
    if found is None:
        raise PictureError(f"{path}: no picture that can be read")
    return np.asarray(found, np.uint8)
