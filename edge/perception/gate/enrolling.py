"""From a picture to a template: one face, and a good one. The picture is not kept."""

from pathlib import Path

from msgspec.structs import asdict

from edge.perception.gate.gallery import packed
from edge.perception.gate.quality import quality_of
from models.vision.base import Detector, Embedder
from models.vision.faces import aligned
from models.vision.pictures import PictureError, read_picture

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
    try:
        picture = read_picture(path)
    except PictureError as error:
        raise EnrolError(str(error)) from error
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
