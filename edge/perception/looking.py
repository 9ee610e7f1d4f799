"""Which perception looks through a camera, by its role."""

from pathlib import Path

from edge.drivers.base import DriverError
from edge.perception.base import Perception
from edge.settings import CameraDevice


def looking(camera: CameraDevice) -> Perception:
    """Return what understands a camera's frames.

    Raises:
        DriverError: Weights, a back end or the gallery is missing; the message says which.
    """
    from edge.perception.gate.gallery import GalleryError  # noqa: PLC0415  # needs the extra
    from edge.perception.gate.gate import GatePerception  # noqa: PLC0415
    from models.vision.base import VisionError  # noqa: PLC0415

    try:
        return GatePerception.with_models(camera, Path(camera.models))
    except (VisionError, GalleryError) as error:
        raise DriverError(str(error)) from error
