"""The second look at somebody who seems to lie there: the picture around her, turned upright.

Networks learn from people who stand. A crop that is turned by a quarter shows somebody who lies as
somebody who stands; a shadow, a bag or somebody who only bent down does not become a person by it.
"""

import cv2
import numpy as np

from edge.perception.people.shapes import Box, middle, size
from models.vision.base import Detector, Floats, Picture, Pose
from models.vision.centernet import PERSON

AROUND = (1.4, 2.0)
"""How many times the longer side of the box is shown. Ours: a network wants some surroundings, and
somebody at the edge of the picture has them on one side only."""
DETECTOR_LESS = 0.15
"""By so much the detector is believed less: in turned crops of people who stand, sit or bend it saw
up to 0.33, and the joints none."""
SECOND_MIN = 0.22
"""From here on a second look agrees. Ours: in turned crops of people who did not lie joints gave
0.11 at most, in those of people who lay mostly 0.25 to 0.5; see decision 0018."""
SIDE = 320
TALL_MAX = 0.8
"""A body in a turned crop is upright if it is at most so many times as wide as high. Ours."""
MIDDLE_SHARE = 0.25
"""Its middle is at most this share of the crop away from the crop's own. Ours."""
_TURNS = (cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_90_COUNTERCLOCKWISE)


def second_look(picture: Picture, box: Box, detector: Detector, pose: Pose) -> float:
    """Return how surely a network sees somebody upright once the picture is turned; 0 to 1."""
    crops = [
        np.asarray(cv2.rotate(around(picture, box, times), turn), np.uint8)
        for times in AROUND
        for turn in _TURNS
    ]
    best = max(_by_joints(crop, pose) for crop in crops)
    # Joints are the surer word and the cheaper one; the detector is asked where they say nothing.
    return best if best >= SECOND_MIN else max(best, *(_by_shape(one, detector) for one in crops))


def around(picture: Picture, box: Box, times: float = AROUND[0]) -> Picture:
    """Return the square around a box; beyond the picture its edge goes on."""
    side = max(*size(box), 2.0) * times
    x, y = middle(box)
    scale = SIDE / side
    place = np.array([[scale, 0, SIDE / 2 - x * scale], [0, scale, SIDE / 2 - y * scale]])
    return np.asarray(
        cv2.warpAffine(
            picture, place, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        ),
        np.uint8,
    )


def _by_joints(crop: Picture, pose: Pose) -> float:
    found = pose.poses(crop)
    return _upright(found.boxes, found.scores)


def _by_shape(crop: Picture, detector: Detector) -> float:
    found = detector.detect(crop)
    persons = found.kinds == PERSON
    return max(_upright(found.boxes[persons], found.scores[persons]) - DETECTOR_LESS, 0.0)


def _upright(boxes: Floats, scores: Floats) -> float:
    """Return the score of the surest upright body in the middle of a crop; 0 for none."""
    best = 0.0
    for box, score in zip(boxes, scores, strict=True):
        across, high = box[2] - box[0], box[3] - box[1]
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        central = max(abs(x - SIDE / 2), abs(y - SIDE / 2)) <= MIDDLE_SHARE * SIDE
        if central and across <= TALL_MAX * high:
            best = max(best, float(score))
    return best
