"""From a store into a lake, grid by grid, a stretch of the journal at a time."""

from collections.abc import Callable, Sequence

import pyarrow as pa
from msgspec import Struct

from sinks import arrow
from sinks.lake.writer import Lake
from sinks.rows import EXPORTED
from sinks.store import Position, Store, StoreRefusedError

STRETCH_BYTES_MIN, STRETCH_BYTES_MAX = 64 * 1024, 1024**3
STRETCH_BYTES = 4 * 1024**2
"""How much of the journal is read at once, to begin with."""

ROWS_WANTED = 200_000
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
) -> Filled:
    """Bring a lake to where its store stands now.

    Args:
        lake: To fill.
        store: To read.
        grids: Only these; all, if none is given.
        told: Told, after each stretch, the grid, how far it has come, where it goes, and the rows.

    Raises:
        StoreUnavailableError: The store is away; what was written stays.
    """
    total = Filled()
    reached = lake.reached()
    for grid, end in sorted(store.progress().items()):
        if grids and grid not in grids:
            continue
        at, stretch = reached.get(grid, (-1, -1)), STRETCH_BYTES
        while at < end:
            until = min(end, (max(at[0], 0) + stretch, _INDEX_MAX))
            exported = _exported(store, grid, at, until)
            if exported is None:  # too much for one answer
                if stretch <= STRETCH_BYTES_MIN:
                    raise StoreRefusedError(f"{grid}: too much follows from {at} to {until}")
                stretch //= 2
                continue
            written = lake.add(grid, until, exported)
            done = Filled(sum(one.rows for one in written), sum(one.bytes for one in written),
                          len(written))  # fmt: skip
            total, at = total + done, until
            told(grid, at[0], end[0], done.rows)
            stretch = _next(stretch, done.rows)
    return total


def _exported(
    store: Store, grid: str, after: Position, until: Position
) -> dict[str, pa.Table] | None:
    try:
        return {
            table: arrow.from_bytes(store.exported(table, grid, after, until))
            for table in EXPORTED
        }  # fmt: skip
    except StoreRefusedError as error:
        if "ask for less" in str(error):
            return None
        raise


def _next(stretch: int, rows: int) -> int:
    if rows < ROWS_WANTED // 2:
        return min(stretch * 2, STRETCH_BYTES_MAX)
    return max(stretch // 2, STRETCH_BYTES_MIN) if rows > ROWS_WANTED * 2 else stretch
