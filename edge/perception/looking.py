"""Which perception looks through a camera, by its role."""

from pathlib import Path

from edge.drivers.base import DriverError
from edge.perception.base import Finding, Perception
from edge.samples import Sample
from edge.settings import CameraDevice


class Looking:
    """A perception whose network may fail without ending the agent: its driver starts again.

    Args:
        perception: What looks.
    """

    def __init__(self, perception: Perception) -> None:
        self._perception = perception

    @property
    def lag_ms(self) -> int:
        return self._perception.lag_ms

    def perceive(self, sample: Sample) -> list[Finding]:
        """Take in a sample, and return what follows.

        Raises:
            DriverError: OpenCV or a network failed on it, or the gallery was taken away.
        """
        import cv2  # noqa: PLC0415  # needs the extra

        from edge.perception.gate.gallery import GalleryError  # noqa: PLC0415

        try:
            return self._perception.perceive(sample)
        except GalleryError as error:
            raise DriverError(str(error)) from error
        except (cv2.error, RuntimeError, MemoryError, ArithmeticError) as error:
            raise DriverError(f"{type(error).__name__} in a frame: {error}") from error


def looking(camera: CameraDevice) -> Perception:
    """Return what understands a camera's frames.

    Raises:
        DriverError: Weights, a back end, the gallery or the drawing of a facade is missing or
            wrong; the message says which.
    """
    if camera.role == "highrise":
        from edge.perception.highrise.frames import facade_watched  # noqa: PLC0415  # needs the extra

        return Looking(facade_watched(camera))
    if camera.role == "people":
        from edge.perception.people.perception import PeoplePerception  # noqa: PLC0415
        from models.vision.base import VisionError  # noqa: PLC0415

        try:
            return Looking(PeoplePerception.with_models(camera, Path(camera.models)))
        except VisionError as error:
            raise DriverError(str(error)) from error
    from edge.perception.gate.gallery import GalleryError  # noqa: PLC0415  # needs the extra
    from edge.perception.gate.gate import GatePerception  # noqa: PLC0415
    from models.vision.base import VisionError  # noqa: PLC0415

    try:
        return Looking(GatePerception.with_models(camera, Path(camera.models)))
    except (VisionError, GalleryError, OSError) as error:
        raise DriverError(str(error)) from error
