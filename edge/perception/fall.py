"""Falls, and lying still after one, from an accelerometer on the wrist or at the waist."""

from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from edge.lanes import Lane
from edge.perception.base import Finding
from edge.samples import Acceleration
from weinao.messages import Motion, MotionEvent

if TYPE_CHECKING:
    from models.fall import FallDetection

LAG_MS = 5_000
"""How long after a fall the detector may take to decide; nothing is dated earlier than that."""
LYING_MS = 30_000
"""When after a fall lying still is reported. Our choice: it never holds a fall back, only adds."""
STILL_S_MIN = 10.0
"""How long the wearer must have been still by then. Our choice, likewise."""
STILL_MS2_MAX = 0.6
"""Largest deviation of a second of signal, in m/s², that still counts as still. Our choice: below
it are 8 % of the seconds of daily activities in WEDA-FALL (Marques & Moreno 2023, Sensors
23(3):1146), whose volunteers do not lie still after their falls either."""
_MARK_MS_MAX = 15_000
_G_MS2 = 9.80665
_IMPACT_G_MAX = 64.0


class FallStream(Protocol):
    """What is asked of a detector; `models.fall.FallStream` is one."""

    def push(
        self,
        t_ms: NDArray[np.int64],
        acc_ms2: NDArray[np.float32],
        gyro_rads: NDArray[np.float32] | None,
    ) -> "list[FallDetection]": ...

    def finish(self) -> "list[FallDetection]": ...


class Stillness:
    """Since when a signal has not moved, second by second."""

    def __init__(self) -> None:
        self.since_ms: int | None = None
        self._second: list[NDArray[np.float32]] = []
        self._began_ms = 0

    def push(self, t_ms: NDArray[np.int64], acc_ms2: NDArray[np.float32]) -> None:
        """Take in a piece of signal."""
        if not self._second:
            self._began_ms = int(t_ms[0])
        self._second.append(acc_ms2)
        if int(t_ms[-1]) - self._began_ms < 950:  # noqa: PLR2004  # about a second
            return
        whole = np.concatenate(self._second)
        self._second = []
        if float(np.linalg.norm(whole.std(axis=0))) > STILL_MS2_MAX:
            self.since_ms = None
        elif self.since_ms is None:
            self.since_ms = self._began_ms


class FallPerception:
    """Falls of one wearer.

    Args:
        stream: Of this wearer; keeps its own windows.
        fell_at: The last fall that an earlier start of the agent reported; it is not reported
            again when a recording is taken up a little before where it was left.
    """

    def __init__(self, stream: FallStream, fell_at: int = 0) -> None:
        self._stream, self._fell_at = stream, fell_at
        self._still = Stillness()
        self._last: Acceleration | None = None
        self._lying_due: tuple[int, float] | None = None
        self._mark: tuple[int, tuple[str, str]] | None = None

    def perceive(self, sample: Acceleration) -> list[Finding]:
        """Take in a piece of signal; return a fall once it is decided, and lying still later."""
        if sample.mark:
            self._mark = (sample.at, sample.mark)
        self._still.push(sample.t_ms, sample.acc_ms2)
        self._last = sample
        last_ms = int(sample.t_ms[-1])
        found = self._falls(self._stream.push(sample.t_ms, sample.acc_ms2, sample.gyro_rads))
        if self._lying_due and last_ms >= self._lying_due[0]:
            found += self._lying(sample, last_ms)
        return found

    def finish(self) -> list[Finding]:
        """Return the falls in what is left of a recording that has ended."""
        return self._falls(self._stream.finish())

    def _falls(self, detections: "list[FallDetection]") -> list[Finding]:
        found = []
        for detection in detections:
            assert self._last
            at = self._last.at - (int(self._last.t_ms[-1]) - detection.at_ms)
            if at > self._fell_at + LAG_MS:
                found.append(self._fall(self._last, detection, at))
        return found

    def _fall(self, sample: Acceleration, detection: "FallDetection", at: int) -> Finding:
        self._fell_at = at
        self._lying_due = (detection.at_ms + LYING_MS, detection.confidence)
        seen = Motion(
            at=at,
            event=MotionEvent.FALL,
            confidence=min(max(detection.confidence, 0.0), 1.0),
            impact_g=min(detection.impact_g, _IMPACT_G_MAX),
            still_s=max(detection.still_s, 0.0),
        )
        return Finding(
            device=sample.device,
            observation=seen,
            lane=Lane.ALARM,
            mark=self._taken_mark(sample) or (f"fell/{sample.device}", str(at)),
        )

    def _taken_mark(self, sample: Acceleration) -> tuple[str, str] | None:
        """Return the mark of the signal that the fall was in, once."""
        held, self._mark = self._mark, None
        return held[1] if held and sample.at - held[0] <= _MARK_MS_MAX else None

    def _lying(self, sample: Acceleration, last_ms: int) -> list[Finding]:
        assert self._lying_due
        (_, confidence), self._lying_due = self._lying_due, None
        since_ms = self._still.since_ms
        still_s = 0.0 if since_ms is None else (last_ms - since_ms) / 1_000
        if still_s < STILL_S_MIN:
            return []
        seen = Motion(
            at=sample.at,
            event=MotionEvent.IMMOBILE,
            confidence=confidence,
            still_s=still_s,
        )
        return [Finding(device=sample.device, observation=seen, lane=Lane.ALARM)]
