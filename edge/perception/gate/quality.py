"""How good a picture of a face is for comparing: size, pose, sharpness, light.

Each part is from 0 to 1, and the worst counts: a sharp picture of an ear is of no use.
"""

import cv2
import numpy as np
from msgspec import Struct

from models.vision.base import Floats, Picture

EYES_MIN_PX, EYES_GOOD_PX = 10.0, 20.0
"""Between the eyes. Nine in ten of the pictures that the card's figures were measured on have 20 to
29; the crop that is compared has 35."""
YAW_GOOD, YAW_MAX = 0.25, 0.75
"""How far the nose is off the middle of the eyes, in their distance: a half is some 45 degrees. One
in a hundred of those pictures has more than 0.36."""
SHARP_MIN, SHARP_GOOD = 4.0, 20.0
"""Variance of the Laplacian of the crop. The median of those pictures is 144; blurred by 1, 2 and 4
pixels it is 23, 7.5 and 3.6."""
LIGHT_MIN, LIGHT_LOW, LIGHT_HIGH, LIGHT_MAX = 25.0, 60.0, 205.0, 240.0
"""Mean of the crop, of 255: beyond them a face is a silhouette or burnt out. Those pictures have 69
to 175."""


class Quality(Struct, frozen=True):
    """How good a picture of a face is, from 0 to 1 each."""

    size: float
    pose: float
    sharp: float
    light: float

    @property
    def worst(self) -> float:
        """Return what counts."""
        return min(self.size, self.pose, self.sharp, self.light)


def quality_of(crop: Picture, points: Floats) -> Quality:
    """Return how good a face is.

    Args:
        crop: (112, 112, 3), aligned.
        points: (5, 2) in the picture that it was taken from.
    """
    eyes = float(np.linalg.norm(points[1] - points[0]))
    grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
    bright = float(grey.mean())
    light = min(_share(bright, LIGHT_MIN, LIGHT_LOW), 1 - _share(bright, LIGHT_HIGH, LIGHT_MAX))
    return Quality(
        size=_share(eyes, EYES_MIN_PX, EYES_GOOD_PX),
        pose=1 - _share(yaw(points), YAW_GOOD, YAW_MAX),
        sharp=_share(float(cv2.Laplacian(grey, cv2.CV_64F).var()), SHARP_MIN, SHARP_GOOD),
        light=light,
    )


def yaw(points: Floats) -> float:
    """Return how far a face is turned aside: the nose off the middle of the eyes; 0 is frontal."""
    across = points[1] - points[0]
    length = max(float(np.linalg.norm(across)), 1e-6)
    off = points[2] - (points[0] + points[1]) / 2
    return abs(float(off @ across)) / length**2


def _share(value: float, low: float, high: float) -> float:
    return min(max((value - low) / (high - low), 0.0), 1.0)
