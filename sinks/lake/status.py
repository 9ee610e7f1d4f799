"""What a lake holds, and how far behind its store it is."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from sinks.lake.catalogue import read
from sinks.store import Position


class KindStatus(Struct, frozen=True):
    """What there is of one kind.

    Attributes:
        first: The first day of which there is something, ISO 8601 in UTC,
        last: and the last.
    """

    rows: int = 0
    files: int = 0
    bytes: int = 0
    bytes_per_row: float = 0.0
    first: str = ""
    last: str = ""


class GridStatus(Struct, frozen=True):
    """How far one grid has come in its journal.

    Attributes:
        behind_bytes: Of the journal, that the store has and the lake has not; None if the store
            could not be asked.
    """

    offset: int
    index: int
    behind_bytes: int | None


class Status(Struct, frozen=True):
    """What a lake holds.

    Attributes:
        superseded: Files that wait to be removed, for others have taken their place.
    """

    rows: int
    files: int
    bytes: int
    superseded: int
    kinds: dict[str, KindStatus]
    reached: dict[str, GridStatus]


def status(folder: Path, store: Mapping[str, Position] | None) -> Status:
    """Return what a lake holds.

    Args:
        folder: Of the lake.
        store: How far each grid has come in the store; None if it could not be asked.

    Raises:
        LakeUnavailableError: There is no lake.
    """
    with read(folder) as catalogue:
        files, reached = catalogue.files(), catalogue.reached()
        superseded = len(catalogue.superseded())
    kinds: dict[str, KindStatus] = {}
    for one in files:
        known, date = kinds.get(one.where.kind, KindStatus()), one.where.date
        rows, size = known.rows + one.rows, known.bytes + one.bytes
        kinds[one.where.kind] = replace(
            known,
            rows=rows,
            files=known.files + 1,
            bytes=size,
            bytes_per_row=round(size / rows, 2),
            first=min(known.first or date, date),
            last=max(known.last, date),
        )
    return Status(
        rows=sum(one.rows for one in files),
        files=len(files),
        bytes=sum(one.bytes for one in files),
        superseded=superseded,
        kinds=kinds,
        reached={
            grid: GridStatus(*reached.get(grid, (-1, -1)), _behind(grid, reached, store))
            for grid in sorted({*reached, *(store or ())})
        },
    )


def _behind(
    grid: str, reached: Mapping[str, Position], store: Mapping[str, Position] | None
) -> int | None:
    if store is None:
        return None
    here, there = reached.get(grid, (-1, -1)), store.get(grid, (-1, -1))
    if here >= there:
        return 0
    return max(1, there[0] - max(0, here[0]))
