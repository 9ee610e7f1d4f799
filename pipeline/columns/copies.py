"""Which readings have come before. Pure.

Nearly all come in order: whose numbers go on by one is done at once, for all devices. The others
are looked at one by one, and exactly.
"""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pipeline.columns.reading import Readings
from weinao.numbers import Numbers


class Memory(Struct, frozen=True):
    """What has come, as a value.

    Attributes:
        last: Of each device, the largest number that has come, counted from 1; 0 for none.
        newest: Of each device, the newest event time, in microseconds.
        gaps: Of devices that have left some out, what had come when they last strayed.
    """

    last: NDArray[np.int64]
    newest: NDArray[np.int64]
    gaps: dict[int, Numbers]


class Copies:
    """Remembers what has come.

    Args:
        devices: How many there are.
        resume: What an earlier one remembered.
    """

    def __init__(self, devices: int, resume: Memory | None = None) -> None:
        if resume is None:
            none = np.zeros(devices, dtype=np.int64)
            resume = Memory(none, none, {})
        self._last, self._newest = resume.last.copy(), resume.newest.copy()
        self._gaps = dict(resume.gaps)

    def memory(self) -> Memory:
        """Return what is remembered."""
        return Memory(self._last.copy(), self._newest.copy(), dict(self._gaps))

    def fresh(self, readings: Readings) -> NDArray[np.bool_]:
        """Take in readings; return which of them had not come before."""
        size = len(readings)
        fresh = np.ones(size, dtype=bool)
        if not size:
            return fresh
        device, number, at = readings.device, readings.number + 1, readings.at
        strays = self._strays(device, number)
        smooth: NDArray[np.bool_] = fresh
        if len(strays):
            picked = np.isin(device, strays)
            for place in np.flatnonzero(picked).tolist():
                fresh[place] = self._one(int(device[place]), int(number[place]), int(at[place]))
            smooth = ~picked
        np.maximum.at(self._last, device[smooth], number[smooth])
        np.maximum.at(self._newest, device[smooth], at[smooth])
        return fresh

    def _strays(self, device: NDArray[np.int64], number: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the devices whose numbers do not simply go on."""
        order = np.argsort(device, kind="stable")
        device, number = device[order], number[order]
        first = np.ones(len(device), dtype=bool)
        first[1:] = device[1:] != device[:-1]
        expected = np.empty_like(number)
        expected[1:] = number[:-1] + 1
        expected[first] = self._last[device[first]] + 1
        return np.unique(device[number != expected])

    def _one(self, device: int, number: int, at: int) -> bool:
        last = int(self._last[device])
        known = self._gaps.get(device, Numbers(last))
        if last > known.last:
            known = known.add(known.last + 1, last)
        if number in known:
            if at <= self._newest[device]:
                return False
            known = Numbers()  # no copy is newer than all that came: the device counts anew
        try:
            known = known.add(number)
        except OverflowError:
            known = Numbers(number)  # it skips about; what it left out is given up
        self._last[device] = known.last
        self._newest[device] = max(int(self._newest[device]), at)
        if known.above:
            self._gaps[device] = known
        else:
            self._gaps.pop(device, None)
        return True
