"""Means over stretches of event time. Pure.

A stretch closes once, when the newest reading is late enough; what comes for it afterwards is
counted as late, and left out. It closes between two lots of readings, never amid one, and lots are
what the journal has: a replay closes it at the same place.
"""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pipeline.columns.reading import Readings
from pipeline.columns.settings import Window

MICROSECONDS = 1_000_000


class Memory(Struct, frozen=True):
    """What is open, as a value.

    Attributes:
        newest: Event time of the newest reading, in microseconds.
        closed: Stretches that begin before this are closed, in microseconds.
        open: By its beginning: how many readings of each device, and the sums of each value.
    """

    newest: int
    closed: int
    open: dict[int, tuple[NDArray[np.int64], NDArray[np.float64]]]


class Means(Struct, frozen=True):
    """One stretch that has closed.

    Attributes:
        start: When it began, microseconds since 1970.
        device: Whose, ascending.
        count: How many readings.
        values: Their means, by name.
    """

    start: int
    device: NDArray[np.int64]
    count: NDArray[np.int64]
    values: dict[str, NDArray[np.float64]]


class Windows:
    """Adds up.

    Args:
        settings: What, and over how long.
        devices: How many there are.
        resume: What an earlier one had open.
    """

    def __init__(self, settings: Window, devices: int, resume: Memory | None = None) -> None:
        self._names: Sequence[str] = settings.of
        self._length = settings.length_s * MICROSECONDS
        self._lateness = settings.lateness_s * MICROSECONDS
        self._devices = devices
        resume = resume or Memory(0, 0, {})
        self._newest, self._closed = resume.newest, resume.closed
        self._open = {start: (n.copy(), sums.copy()) for start, (n, sums) in resume.open.items()}
        self.late = 0
        """Readings left out because they came after their stretch had closed."""

    def memory(self) -> Memory:
        """Return what is open."""
        opened = {start: (n.copy(), sums.copy()) for start, (n, sums) in self._open.items()}
        return Memory(self._newest, self._closed, opened)

    def add(self, readings: Readings) -> list[Means]:
        """Take in readings; return what closes with them, in order."""
        if not len(readings):
            return []
        starts = readings.at // self._length * self._length
        for start in np.unique(starts).tolist():
            which = starts == start
            if start < self._closed:
                self.late += int(which.sum())
                continue
            self._sum(start, readings if which.all() else readings.only(which))
        self._newest = max(self._newest, int(readings.at.max()))
        return self._close()

    def _sum(self, start: int, readings: Readings) -> None:
        if start not in self._open:
            self._open[start] = (
                np.zeros(self._devices, dtype=np.int64),
                np.zeros((len(self._names), self._devices)),
            )
        count, sums = self._open[start]
        np.add.at(count, readings.device, 1)
        for row, name in zip(sums, self._names, strict=True):
            np.add.at(row, readings.device, readings.values[name])

    def _close(self) -> list[Means]:
        limit = self._newest - self._lateness - self._length
        means = []
        for start in sorted(start for start in self._open if start <= limit):
            count, sums = self._open.pop(start)
            device = np.flatnonzero(count)
            values = {
                name: row[device] / count[device]
                for row, name in zip(sums, self._names, strict=True)
            }
            means.append(Means(start, device, count[device], values))
            self._closed = max(self._closed, start + self._length)
        return means
