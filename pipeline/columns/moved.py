"""What a job remembers, brought to another list of devices. Pure.

People move in and out and get other bands; the numbers of devices are those of the file of today.
"""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline.columns import copies, passing, streak, window
from pipeline.columns.job import Memory

Kind = TypeVar("Kind", bound=np.generic)


def moved(memory: Memory, was: Sequence[str], is_: Sequence[str]) -> Memory:
    """Return what was remembered of devices `was`, for devices `is_`; what is gone is forgotten."""
    if tuple(was) == tuple(is_):
        return memory
    now = {name: place for place, name in enumerate(is_)}
    pairs = [(place, now[name]) for place, name in enumerate(was) if name in now]
    old, new = (np.array(side, dtype=np.int64) for side in zip(*pairs, strict=True)) if pairs else (
        np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    )  # fmt: skip

    def column(values: NDArray[Kind]) -> NDArray[Kind]:
        made = np.zeros((*values.shape[:-1], len(is_)), dtype=values.dtype)
        made[..., new] = values[..., old]
        return made

    places = dict(pairs)
    streaks, windows = memory.streaks, memory.windows
    return Memory(
        copies.Memory(
            column(memory.copies.last),
            column(memory.copies.newest),
            {
                places[device]: gaps
                for device, gaps in memory.copies.gaps.items()
                if device in places
            },
        ),
        {places[device]: boots for device, boots in memory.packs.items() if device in places},
        None
        if streaks is None
        else streak.Memory(column(streaks.active), column(streaks.bad), column(streaks.good)),
        None
        if windows is None
        else window.Memory(
            windows.newest,
            windows.closed,
            {start: (column(n), column(sums)) for start, (n, sums) in windows.open.items()},
        ),
        None
        if memory.passing is None
        else passing.Memory(column(memory.passing.count), column(memory.passing.at)),
    )
