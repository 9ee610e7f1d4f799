"""Alerts: so many bad readings in a row raise one, so many good ones end it. Pure.

Only who has a bad reading, or had one, is looked at one by one.
"""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pipeline.columns.settings import Alert


class Memory(Struct, frozen=True):
    """Where each device stands, as a value.

    Attributes:
        active: Whether an alert stands.
        bad: Bad readings in a row.
        good: Good readings in a row, since the alert began.
    """

    active: NDArray[np.bool_]
    bad: NDArray[np.int64]
    good: NDArray[np.int64]


class Streaks:
    """Counts.

    Args:
        settings: When.
        devices: How many there are.
        resume: Where an earlier one stood.
    """

    def __init__(self, settings: Alert, devices: int, resume: Memory | None = None) -> None:
        if resume is None:
            none = np.zeros(devices, dtype=np.int64)
            resume = Memory(none.astype(bool), none, none)
        self._settings = settings
        self._active = resume.active.copy()
        self._bad, self._good = resume.bad.copy(), resume.good.copy()

    def memory(self) -> Memory:
        """Return where each device stands."""
        return Memory(self._active.copy(), self._bad.copy(), self._good.copy())

    def take(
        self, device: NDArray[np.int64], points: NDArray[np.int64]
    ) -> tuple[list[int], NDArray[np.bool_]]:
        """Take in readings, in order.

        Returns:
            The places of those that raise an alert, and which are of somebody who is not well: who
            has a bad one among these, or just had, or is in an alert.
        """
        wanted = self._settings
        bad = points >= wanted.points
        looked_at = self._active | (self._bad > 0)
        looked_at[device[bad]] = True
        watched = looked_at[device]
        raised: list[int] = []
        for place in np.flatnonzero(watched).tolist():
            who, score = device[place], points[place]
            self._bad[who] = self._bad[who] + 1 if score >= wanted.points else 0
            if not self._active[who]:
                if self._bad[who] >= wanted.in_a_row:
                    self._active[who], self._good[who] = True, 0
                    raised.append(place)
                continue
            self._good[who] = self._good[who] + 1 if score < wanted.clear_below else 0
            if self._good[who] >= wanted.clear_in_a_row:
                self._active[who] = False
        return raised, watched
