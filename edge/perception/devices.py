"""All perception behind one driver: each device's samples to what understands them.

Detectors, and with them numpy, are loaded when the first sample that needs them comes: a home
without wearables runs without.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from edge.memory import give_back
from edge.perception.base import Finding, Perception
from edge.perception.camera import perceive_trouble
from edge.perception.home import perceive_home
from edge.perception.observed import perceive_observed
from edge.perception.vitals import perceive_vitals
from edge.samples import (
    Acceleration,
    CameraTrouble,
    Frame,
    HomeEvent,
    Observed,
    RrIntervals,
    Sample,
    SignalEnded,
    VitalsReading,
)
from edge.settings import CameraDevice, Wearable

if TYPE_CHECKING:
    from edge.perception.fall import FallPerception
    from edge.perception.rhythm import RhythmPerception


class DevicePerception:
    """Perception for the devices behind one driver.

    Args:
        position: Where an accelerometer is worn: `wrist` or `waist`.
        fell_at: The last fall reported of a device by an earlier start of the agent.
        camera: What is to be seen, if it is a camera.
    """

    def __init__(
        self,
        position: Wearable,
        fell_at: Mapping[str, int],
        camera: CameraDevice | None = None,
    ) -> None:
        self._position, self._fell_at, self._camera = position, fell_at, camera
        self._looking: Perception | None = None
        self._falls: dict[str, FallPerception] = {}
        self._rhythms: dict[str, RhythmPerception] = {}
        self.lag_ms = 0

    def get_ready(self) -> None:
        """Load what a camera needs, before its first frame: networks take seconds.

        Raises:
            DriverError: Something is missing.
        """
        if self._camera is not None:
            self._looking_with()

    def perceive(self, sample: Sample) -> list[Finding]:
        """Take in a sample, and return what follows; its mark is in one of the findings."""
        match sample:
            case HomeEvent():
                found = perceive_home(sample)
            case VitalsReading():
                found = perceive_vitals(sample)
            case Observed():
                found = perceive_observed(sample)
            case Acceleration():
                found = self._falls_of(sample.device).perceive(sample)
            case RrIntervals():
                found = self._rhythm_of(sample.device).perceive(sample)
            case Frame():
                found = self._looking_with().perceive(sample)
            case CameraTrouble():
                found = perceive_trouble(sample)
            case SignalEnded() if self._looking:
                found = self._looking.perceive(sample)
            case SignalEnded():
                found = [one for falls in self._falls.values() for one in falls.finish()]
            case _:
                found = [Finding(device=sample.device, mark=sample.mark)] if sample.mark else []
        return found

    def _falls_of(self, device: str) -> "FallPerception":
        if device not in self._falls:
            from edge.perception.fall import LAG_MS, FallPerception  # noqa: PLC0415  # see above
            from models.fall import FallDetector, FallStream  # noqa: PLC0415

            self.lag_ms = LAG_MS
            stream = FallStream(FallDetector.shipped(self._position))
            self._falls[device] = FallPerception(stream, self._fell_at.get(device, 0))
            give_back()
        return self._falls[device]

    def _looking_with(self) -> Perception:
        if self._looking is None:
            from edge.perception.looking import looking  # noqa: PLC0415  # see above

            assert self._camera is not None, "only cameras yield frames"
            self._looking = looking(self._camera)
            self.lag_ms = self._looking.lag_ms
        return self._looking

    def _rhythm_of(self, device: str) -> "RhythmPerception":
        if device not in self._rhythms:
            from edge.perception.rhythm import RhythmPerception  # noqa: PLC0415  # see above
            from models.rhythm import RhythmDetector, RhythmStream  # noqa: PLC0415

            self._rhythms[device] = RhythmPerception(RhythmStream(RhythmDetector.shipped()))
            give_back()
        return self._rhythms[device]
