"""A high-rise camera as the agent has it: frames of a driver in, findings out."""

import secrets
from pathlib import Path

from edge.drivers.base import DriverError
from edge.perception.base import Finding
from edge.perception.highrise.facade import CalibrationError
from edge.perception.highrise.perception import HighrisePerception
from edge.perception.highrise.settings import HighriseSettings
from edge.samples import Frame, Sample
from edge.settings import CameraDevice
from weinao.settings import SettingsError, load

KEY_BYTES = 32


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
        key = _key(Path(camera.facade.key_file))
    except (SettingsError, OSError) as error:
        raise DriverError(f"camera {camera.id}: {error}") from error
    folder = Path(camera.facade.evidence)
    return FacadeWatched(HighrisePerception(drawn, device=camera.id, key=key, folder=folder))


def _key(file: Path) -> bytes:
    """Return the device's secret; make it, for its user's eyes only, where there is none."""
    if file.exists():
        return file.read_bytes()
    file.parent.mkdir(parents=True, exist_ok=True)
    made = secrets.token_bytes(KEY_BYTES)
    file.touch(mode=0o600, exist_ok=False)
    file.write_bytes(made)
    return made
