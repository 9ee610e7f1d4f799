"""All perception behind one driver: each device's samples to what understands them.

Detectors, and with them numpy, are loaded when the first sample that needs them comes: a home
without wearables runs without.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from edge.perception.base import Finding
from edge.perception.home import perceive_home
from edge.perception.vitals import perceive_vitals
from edge.samples import (
    Acceleration,
    HomeEvent,
    Nothing,
    RrIntervals,
    Sample,
    SignalEnded,
    VitalsReading,
)
from edge.settings import Wearable

if TYPE_CHECKING:
    from edge.perception.fall import FallPerception
    from edge.perception.rhythm import RhythmPerception


class DevicePerception:
    """Perception for the devices behind one driver.

    Args:
        position: Where an accelerometer is worn: `wrist` or `waist`.
        fell_at: The last fall reported of a device by an earlier start of the agent.
    """

    def __init__(self, position: Wearable, fell_at: Mapping[str, int]) -> None:
        self._position, self._fell_at = position, fell_at
        self._falls: dict[str, FallPerception] = {}
        self._rhythms: dict[str, RhythmPerception] = {}
        self.lag_ms = 0

    def perceive(self, sample: Sample) -> list[Finding]:
        """Take in a sample, and return what follows; its mark is in one of the findings."""
        match sample:
            case HomeEvent():
                return perceive_home(sample)
            case VitalsReading():
                return perceive_vitals(sample)
            case Acceleration():
                return self._falls_of(sample.device).perceive(sample)
            case RrIntervals():
                return self._rhythm_of(sample.device).perceive(sample)
            case SignalEnded():
                return [found for falls in self._falls.values() for found in falls.finish()]
            case Nothing(mark=tuple()):
                return [Finding(device=sample.device, mark=sample.mark)]
            case _:
                return []

    def _falls_of(self, device: str) -> "FallPerception":
        if device not in self._falls:
            from edge.perception.fall import LAG_MS, FallPerception  # noqa: PLC0415  # see above
            from models.fall import FallDetector, FallStream  # noqa: PLC0415

            self.lag_ms = LAG_MS
            stream = FallStream(FallDetector.shipped(self._position))
            self._falls[device] = FallPerception(stream, self._fell_at.get(device, 0))
        return self._falls[device]

    def _rhythm_of(self, device: str) -> "RhythmPerception":
        if device not in self._rhythms:
            from edge.perception.rhythm import RhythmPerception  # noqa: PLC0415  # see above
            from models.rhythm import RhythmDetector, RhythmStream  # noqa: PLC0415

            self._rhythms[device] = RhythmPerception(RhythmStream(RhythmDetector.shipped()))
        return self._rhythms[device]
