"""A high-rise camera as the agent has it: frames of a driver in, findings out."""

from pathlib import Path

from edge.drivers.base import DriverError
from edge.perception.base import Finding
from edge.perception.highrise.facade import CalibrationError
from edge.perception.highrise.perception import HighrisePerception
from edge.perception.highrise.settings import HighriseSettings
from edge.perception.signing import device_key
from edge.samples import Frame, Sample, SignalEnded
from edge.settings import CameraDevice
from weinao.settings import SettingsError, load


class FacadeWatched:
    """Shows frames that can be trusted to what watches a facade.

    Args:
        watch: What watches it.
    """

    def __init__(self, watch: HighrisePerception) -> None:
        self._watch = watch

    @property
    def lag_ms(self) -> int:
        return self._watch.lag_ms

    def perceive(self, sample: Sample) -> list[Finding]:
        """Take in a frame, and return what fell; a troubled camera shows nothing.

        Raises:
            DriverError: The drawing does not describe a facade in frames of this size.
        """
        if isinstance(sample, SignalEnded):
            return self._watch.finish()
        if not isinstance(sample, Frame) or sample.troubled:
            return []
        try:
            return self._watch.perceive(sample.picture, sample.at)
        except CalibrationError as error:
            raise DriverError(str(error)) from error


def facade_watched(camera: CameraDevice) -> FacadeWatched:
    """Return what watches the facade before a camera.

    Raises:
        DriverError: Its drawing is missing or wrong, or its key cannot be read or made.
    """
    try:
        drawn = load(Path(camera.facade.drawing), HighriseSettings)
        key = device_key(Path(camera.facade.key_file))
    except (SettingsError, OSError) as error:
        raise DriverError(f"camera {camera.id}: {error}") from error
    folder = Path(camera.facade.evidence)
    return FacadeWatched(HighrisePerception(drawn, device=camera.id, key=key, folder=folder))
