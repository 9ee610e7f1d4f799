"""Where a frame is looked at: all of it to find somebody, a little of it to see her again.

The whole picture costs four times as much as the place where a face should be by now; so the whole
is looked at some times a second, and in between only whoever has not been compared often enough.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from edge.perception.gate.tracks import OVERLAP_MIN, Box, overlap
from models.vision.base import Detections, Detector, Floats, Picture

FACE_MIN = 0.5
"""Score of a detection that is followed; `CenterFace` finds more at 0.35, half of them no faces."""
FIND_MS = 200
"""How often the whole picture is looked at: every fifth frame of 25 a second. Ours."""
NEAR_SIDE = 224
"""Pixels of the square that is looked at near a face: the least that `CenterFace` is shown."""
NEAR_TIMES = 2.2
"""How many times as large as the face that square is: she moves on by half a face at most. Ours."""


@dataclass(frozen=True)
class Face:
    """A face in a frame.

    Attributes:
        box: Left, top, right, bottom.
        points: (5, 2) eyes, nose, corners of the mouth.
    """

    box: Box
    points: Floats


class Looks:
    """Finds faces in frames.

    Args:
        detector: Of faces, with five points.
    """

    def __init__(self, detector: Detector) -> None:
        self._detector = detector

    def whole(self, picture: Picture) -> list[Face]:
        """Return the faces of a picture, surest first."""
        return _faces(self._detector.detect(picture))

    def near(self, picture: Picture, box: Box) -> Face | None:
        """Return the face that is where one should be; None if it is not there."""
        side = NEAR_TIMES * max(box[2] - box[0], box[3] - box[1], 1.0)
        scale = NEAR_SIDE / side
        corner = (
            (box[0] + box[2] - side) / 2,
            (box[1] + box[3] - side) / 2,
        )
        onto = np.array([[scale, 0, -corner[0] * scale], [0, scale, -corner[1] * scale]])
        shown = cv2.warpAffine(picture, onto, (NEAR_SIDE, NEAR_SIDE))
        seen = [
            Face(
                box=(
                    one.box[0] / scale + corner[0],
                    one.box[1] / scale + corner[1],
                    one.box[2] / scale + corner[0],
                    one.box[3] / scale + corner[1],
                ),
                points=one.points / np.float32(scale) + np.array(corner, np.float32),
            )
            for one in _faces(self._detector.detect(np.asarray(shown, np.uint8)))
        ]
        best = max(seen, key=lambda one: overlap(one.box, box), default=None)
        return best if best and overlap(best.box, box) >= OVERLAP_MIN else None


def _faces(found: Detections) -> list[Face]:
    return [
        Face(box=_box(found.boxes[index]), points=found.points[index])
        for index in range(len(found))
        if found.scores[index] >= FACE_MIN
    ]


def _box(corners: Floats) -> Box:
    left, top, right, bottom = map(float, corners)
    return left, top, right, bottom
