"""A picture in which nobody is known: only whom it concerns is seen, and her face is blurred, too.

Everything else is a mosaic, so that a face that no detector found is not left clear by mistake.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from edge.perception.gate.tracks import Box
from models.vision.base import Picture

CELLS_ACROSS = 48
"""Squares of the mosaic across a picture: in 1280 pixels a face of 100 is four of them. Ours."""
FACE_CELLS = 4
"""Squares across a blurred face, smoothed again: the gate's own networks find no face in it, or
nobody they know (`tests/edge/vision/test_gate_evidence.py`)."""
BEYOND = 0.35
"""How far beyond the detector's box a face is blurred, of its size: hair, chin, ears. Ours."""
BODY = (1.2, 0.5, 6.0)
"""What is shown of a person: so many faces to each side, above, and below. Ours."""
_RED = (40, 40, 230)
_INK = (240, 240, 240)


def veiled(
    picture: Picture, shown: Sequence[Box], faces: Sequence[Box], clear: Sequence[Box] = ()
) -> Picture:
    """Return a picture that shows these people only, and no face.

    Args:
        picture: (H, W, 3).
        shown: Faces of the people it concerns.
        faces: All faces that are known of.
        clear: Those that may be recognised in it.
    """
    hidden = _coarse(picture, max(picture.shape[1] // CELLS_ACROSS, 2))
    for box in shown:
        left, top, right, bottom = _within(_body(box), picture)
        hidden[top:bottom, left:right] = picture[top:bottom, left:right]
    for box in (*faces, *shown):
        if box not in clear:
            _blur(hidden, _grown(box))
    for box in clear:
        left, top, right, bottom = _within(_grown(box), picture)
        hidden[top:bottom, left:right] = picture[top:bottom, left:right]
    return hidden


def framed(picture: Picture, box: Box, text: str) -> Picture:
    """Return a picture with a frame around a person and a line of text in its corner."""
    drawn = picture.copy()
    left, top, right, bottom = _within(_body(box), picture)
    cv2.rectangle(drawn, (left, top), (right - 1, bottom - 1), _RED, 2)
    cv2.rectangle(drawn, (0, 0), (drawn.shape[1], 22), (30, 30, 30), -1)
    cv2.putText(drawn, text, (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.5, _INK, 1, cv2.LINE_AA)
    return drawn


def scaled(box: Box, scale: float) -> Box:
    """Return a box in a picture of another size."""
    return box[0] * scale, box[1] * scale, box[2] * scale, box[3] * scale


def _coarse(picture: Picture, cell: int) -> Picture:
    tall, wide = picture.shape[:2]
    size = max(wide // cell, 1), max(tall // cell, 1)
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (wide, tall), interpolation=cv2.INTER_NEAREST), np.uint8)


def _blur(picture: Picture, box: Box) -> None:
    """Blur a part of a picture, in place."""
    left, top, right, bottom = _within(box, picture)
    if right <= left or bottom <= top:
        return
    part = picture[top:bottom, left:right]
    small = cv2.resize(part, (FACE_CELLS, FACE_CELLS), interpolation=cv2.INTER_AREA)
    picture[top:bottom, left:right] = cv2.resize(
        small, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR
    )


def _body(box: Box) -> Box:
    wide, high = box[2] - box[0], box[3] - box[1]
    beside, above, below = BODY
    return (
        box[0] - beside * wide, box[1] - above * high,
        box[2] + beside * wide, box[3] + below * high,
    )  # fmt: skip


def _grown(box: Box) -> Box:
    wide, high = BEYOND * (box[2] - box[0]), BEYOND * (box[3] - box[1])
    return box[0] - wide, box[1] - high, box[2] + wide, box[3] + high


def _within(box: Box, picture: Picture) -> tuple[int, int, int, int]:
    tall, wide = picture.shape[:2]
    left, top = max(int(box[0]), 0), max(int(box[1]), 0)
    return left, top, max(min(int(box[2]) + 1, wide), left), max(min(int(box[3]) + 1, tall), top)
