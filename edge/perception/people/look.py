"""Looks at somebody who seems to lie there: the picture around her, turned upright.

Networks learn from people who stand. A crop that is turned by a quarter shows somebody who lies as
somebody who stands; a shadow, a bag or somebody who only bent down does not become a person by it.
So who goes down is followed, and who has gone down is looked at again.
"""

import cv2
import numpy as np

from edge.perception.people.bodies import Body, tilt_of
from edge.perception.people.shapes import Box, middle, size
from models.vision.base import Detector, Floats, Picture, Pose
from models.vision.centernet import PERSON

AROUND = (1.4, 2.0, 2.8)
"""How many times the longer side of the box is shown. Ours: a network wants some surroundings, and
somebody at the edge of the picture has them on one side only."""
SHAPES = 4
"""In so many of the narrowest crops the detector is asked, too: it takes thrice as long."""
DETECTOR_LESS = 0.15
"""By so much the detector is believed less: in turned crops of people who stand, sit or bend it saw
up to 0.33, and the joints none."""
SECOND_MIN = 0.22
"""From here on a second look agrees. Ours: in turned crops of people who did not lie joints gave
0.11 at most, in those of people who lay mostly 0.25 to 0.5; see decision 0018."""
FOLLOW_MIN = 0.15
"""From here on who went down is followed by turned joints; she still needs a second look. Ours:
above what was seen of people who did not lie."""
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
    if best >= SECOND_MIN:
        return best
    return max(best, *(_by_shape(one, detector) for one in crops[:SHAPES]))


def lying_body(picture: Picture, box: Box, times: float, pose: Pose) -> Body | None:
    """Return who lies where somebody was seen last, by joints; None for nobody.

    Args:
        picture: The whole.
        box: Where somebody was.
        times: How many times its longer side is shown, as in `AROUND`.
        pose: Finds joints.
    """
    side, (x, y) = _side(box, times), middle(box)
    best: Body | None = None
    for turn, sign in zip(_TURNS, (1, -1), strict=True):
        found = pose.poses(np.asarray(cv2.rotate(around(picture, box, times), turn), np.uint8))
        index = _likeliest(found.boxes, found.scores)
        if index is None or found.scores[index] < (best.score if best else FOLLOW_MIN):
            continue

        def back(turned: Floats, sign: int = sign) -> Floats:
            """Return (n, 2) pixels of the picture of pixels of the turned crop."""
            off = (turned - SIDE / 2) * (side / SIDE)
            return np.stack([x + sign * off[:, 1], y - sign * off[:, 0]], axis=1)

        corners = back(found.boxes[index].reshape(2, 2))
        (left, top), (right, bottom) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
        joints = found.joints[index].copy()
        joints[:, :2] = back(joints[:, :2])
        best = Body((left, top, right, bottom), float(found.scores[index]), tilt_of(joints))
    return best


def whole(box: Box, high: float) -> Box:
    """Return the square around a box in which a body of a length has room: none grows shorter.

    Who lies is often seen in part only: by the detector, or because furniture hides the rest.
    """
    half, (x, y) = max(*size(box), high) / 2, middle(box)
    return x - half, y - half, x + half, y + half


def around(picture: Picture, box: Box, times: float = AROUND[0]) -> Picture:
    """Return the square around a box; beyond the picture its edge goes on."""
    x, y = middle(box)
    scale = SIDE / _side(box, times)
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
    index = _likeliest(boxes, scores)
    return 0.0 if index is None else float(scores[index])


def _likeliest(boxes: Floats, scores: Floats) -> int | None:
    """Return which is the surest upright body in the middle of a crop."""
    best = None
    for index, box in enumerate(boxes):
        across, high = box[2] - box[0], box[3] - box[1]
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        central = max(abs(x - SIDE / 2), abs(y - SIDE / 2)) <= MIDDLE_SHARE * SIDE
        if central and across <= TALL_MAX * high and (best is None or scores[index] > scores[best]):
            best = index
    return best


def _side(box: Box, times: float = AROUND[0]) -> float:
    """Return the side of the square around a box, in pixels of the picture."""
    return max(*size(box), 2.0) * times
