"""From a picture to a template: one face, and a good one. The picture is not kept."""

from pathlib import Path

import cv2
import numpy as np
from msgspec.structs import asdict

from edge.perception.gate.gallery import packed
from edge.perception.gate.quality import quality_of
from models.vision.base import Detector, Embedder
from models.vision.faces import aligned

QUALITY_MIN = 0.5
"""Of a picture that others will be compared with for years. Ours."""
FACE_MIN = 0.5


class EnrolError(Exception):
    """A picture cannot be enrolled; take another."""


def template_of(path: Path, detector: Detector, embedder: Embedder) -> bytes:
    """Return the template of the one face in a picture.

    Raises:
        EnrolError: It cannot be read, shows nobody or several, or shows the face badly.
    """
    read = cv2.imread(str(path))
    if read is None:
        raise EnrolError(f"{path}: no picture that can be read")
    picture = np.asarray(read, np.uint8)
    found = detector.detect(picture)
    count = int((found.scores >= FACE_MIN).sum())
    if count != 1:
        raise EnrolError(f"{path}: expected one face, got {count}")
    crop = aligned(picture, found.points[0])
    quality = quality_of(crop, found.points[0])
    if quality.worst < QUALITY_MIN:
        parts = ", ".join(f"{name} {value:.2f}" for name, value in asdict(quality).items())
        raise EnrolError(f"{path}: too poor to enrol, expected {QUALITY_MIN} of each: {parts}")
    return packed(embedder.embed(crop[None])[0])
