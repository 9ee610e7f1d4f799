"""The regularity of the pulse, from RR intervals: one observation for each window of beats."""

from collections import deque

from edge.perception.base import Finding
from edge.samples import RrIntervals
from models.rhythm import WINDOW_BEATS, RhythmReading, RhythmStream
from weinao.messages import Rhythm

RR_MS_MIN, RR_MS_MAX = 100.0, 10_000.0
"""What the vocabulary takes as an interval at all."""


class RhythmPerception:
    """Readings of one wearer.

    Args:
        stream: Of this wearer; keeps its own windows.
    """

    def __init__(self, stream: RhythmStream) -> None:
        self._stream = stream
        self._beats: deque[float] = deque(maxlen=WINDOW_BEATS)

    def perceive(self, sample: RrIntervals) -> list[Finding]:
        """Take in intervals, and return a finding for each window that they complete."""
        readings = self._stream.push(sample.rr_ms, sample.at, moving=sample.moving)
        self._beats.extend(sample.rr_ms)
        found = [self._finding(sample, reading) for reading in readings]
        if sample.mark:
            found.append(Finding(device=sample.device, mark=sample.mark))
        return found

    def _finding(self, sample: RrIntervals, reading: RhythmReading) -> Finding:
        possible = tuple(rr for rr in self._beats if RR_MS_MIN <= rr <= RR_MS_MAX)
        seen = Rhythm(
            at=reading.at_ms,
            rr_ms=possible,
            rmssd_ms=min(reading.rmssd_ms, RR_MS_MAX),
            irregular=reading.irregular,
            confidence=min(max(reading.score, 0.0), 1.0),
        )
        return Finding(device=sample.device, observation=seen)
