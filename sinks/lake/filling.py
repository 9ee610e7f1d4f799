"""From a store into a lake, grid by grid, a stretch of the journal at a time.

How much follows from a stretch is not known before: packs may hold one reading or a thousand, and
of a Kafka partition an offset is a message, not a byte. So it is tried, and the next stretch is
longer or shorter. A stretch ends with its stay: behind it the offsets of another journal begin.
"""

from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa
from msgspec import Struct

from sinks import arrow
from sinks.lake.writer import Lake
from sinks.rows import EXPORTED
from sinks.store import EXPORTED_MAX, Position, Store, TooMuchError
from weinao.stays import PLACE_BITS, lowered

STRETCH = 4 * 1024**2
"""Offsets that are read at once, to begin with."""

ROWS_WANTED = EXPORTED_MAX // 3
"""A stretch that led to less than half of it is followed by one twice as long; one that led to
more than twice, by one half as long."""

_INDEX_MAX = 2**62


class Filled(Struct, frozen=True):
    """What came into a lake.

    Attributes:
        rows: How many.
        bytes: How many they are in files.
        files: How many of these.
    """

    rows: int = 0
    bytes: int = 0
    files: int = 0

    def __add__(self, other: "Filled") -> "Filled":
        return Filled(self.rows + other.rows, self.bytes + other.bytes, self.files + other.files)


def fill(
    lake: Lake,
    store: Store,
    grids: Sequence[str] = (),
    told: Callable[[str, int, int, int], object] = lambda *_: None,
    *,
    journals: Mapping[str, int] | None = None,
) -> Filled:
    """Bring a lake to where its store stands now.

    Args:
        lake: To fill.
        store: To read.
        grids: Only these; all, if none is given.
        told: Told, after each stretch, the grid, how far it has come, where it goes, and the rows.
        journals: The identity of each flow's journal that the store was filled from.

    Raises:
        LakeRefusedError: It is the lake of another store, or of a journal that was begun anew.
        StoreUnavailableError: The store is away; what was written stays.
    """
    total, stretch = Filled(), STRETCH
    reached, progress = lake.reached(), store.progress()
    lake.belong(journals or {}, progress)
    for grid, end in sorted(progress.items()):
        if grids and grid not in grids:
            continue
        at = reached.get(grid, (-1, -1))
        while at < end:
            until = _until(at, stretch, end)
            try:
                exported = _exported(store, grid, at, until)
            except TooMuchError:
                if stretch <= 1:
                    raise
                stretch //= 2
                continue
            written = lake.add(grid, until, exported)
            done = Filled(sum(one.rows for one in written), sum(one.bytes for one in written),
                          len(written))  # fmt: skip
            stretch = STRETCH if lowered(until[0])[0] > _stay(at) else _next(stretch, done.rows)
            total, at = total + done, until
            told(grid, at[0], end[0], done.rows)
    return total


def _until(at: Position, stretch: int, end: Position) -> Position:
    """Return where a stretch ends, no later than its stay: the next begins at its first place."""
    start = max(at[0], 0)
    behind = (_stay(at) + 1) << PLACE_BITS
    if start + stretch >= behind:
        return min(end, (behind, -1))
    return min(end, (start + stretch, _INDEX_MAX))


def _stay(at: Position) -> int:
    return lowered(max(at[0], 0))[0]


def _exported(store: Store, grid: str, after: Position, until: Position) -> dict[str, pa.Table]:
    return {
        table: arrow.from_bytes(store.exported(table, grid, after, until)) for table in EXPORTED
    }


def _next(stretch: int, rows: int) -> int:
    if rows < ROWS_WANTED // 2:
        return stretch * 2
    return max(1, stretch // 2) if rows > ROWS_WANTED * 2 else stretch
