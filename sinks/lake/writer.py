"""Who writes to a lake: one at a time, and whatever happens, each row is in it once.

    files of a stretch of a grid's journal  ->  on the disk, nobody speaks of them
    catalogue: these files, and how far     ->  one transaction: now they are of the lake

A crash before the second leaves files that are nobody's: the next writer removes them, and reads
that stretch again. Late data makes further files of an old day; `merge` makes one of many.
"""

import fcntl
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self

import pyarrow as pa

from sinks.lake import files, shape
from sinks.lake.catalogue import Catalogue, LakeFile, Where
from sinks.lake.errors import LakeRefusedError, LakeUnavailableError
from sinks.store import Position

MERGED_ROWS_MAX = 2_000_000
"""Rows of a file that `merge` makes, at most; a larger one is not merged again."""

READING_MS_MAX = 3_600_000
"""How long a file stays that another has taken the place of: somebody may be reading it."""


class Lake:
    """A lake, for the one who writes to it.

    Args:
        folder: Made when absent.

    Raises:
        LakeUnavailableError: Another process writes to it.
        LakeRefusedError: It was written by a newer version of weinao.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder, self._lock = folder, _lock(folder)
        try:
            self._catalogue = Catalogue(folder, make=True)
            self._sweep()
        except BaseException:
            os.close(self._lock)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def reached(self) -> dict[str, Position]:
        """Return how far each grid has come."""
        return self._catalogue.reached()

    def belong(self, journals: Mapping[str, int], progress: Mapping[str, Position]) -> None:
        """Make sure that this is the lake of a store, which is filled from these journals.

        Args:
            journals: The identity of each flow's journal, as far as the store knows.
            progress: Of the store.

        Raises:
            LakeRefusedError: It is another store's, or that of another journal.
        """
        known = self._catalogue.journals()
        for flow, identity in journals.items():
            if known.get(flow, identity) != identity:
                raise LakeRefusedError(
                    f"{self._folder}: was filled from journal {known[flow]:x} of flow {flow}, and"
                    f" the store now has journal {identity:x}: begin another lake beside it"
                )
        for grid, here in sorted(self.reached().items()):
            there = progress.get(grid, (-1, -1))
            if here > there:
                raise LakeRefusedError(
                    f"{self._folder}: holds {grid} up to offset {here[0]}, its store only up to"
                    f" {there[0]}: if the store was brought back from a backup, let the flow read"
                    " the journal into it first; if it was begun anew, begin another lake"
                )
        if new := {flow: identity for flow, identity in journals.items() if flow not in known}:
            self._catalogue.note_journals(new)

    def add(self, grid: str, until: Position, exported: Mapping[str, pa.Table]) -> list[LakeFile]:
        """Keep what follows from a stretch of a grid's journal.

        Args:
            grid: Whose.
            until: Where the stretch ends; it begins where the grid stands.
            exported: The rows, by the store's tables.
        """
        assert until > self.reached().get(grid, (-1, -1)), "the lake has this already"
        name = f"{until[0]:020d}-{until[1]:06d}"
        written = [
            files.write(self._folder, Where(kind, day, grid), name, those)
            for table, rows in exported.items()
            for kind, found in shape.by_kind(table, rows).items()
            for day, those in shape.by_day(found)
        ]
        self._catalogue.commit(grid, until, written)
        return written

    def merge(self, small: Iterable[LakeFile], now: int) -> list[LakeFile]:
        """Let one file, or as many as it takes, hold what several of one kind, day and grid do."""
        old = [*small]
        where = old[0].where
        table = pa.concat_tables([files.read(self._folder, one) for one in old])
        table = table.sort_by([(name, "ascending") for name in shape.order_of(where.kind)])
        new = []
        for start in range(0, table.num_rows, MERGED_ROWS_MAX):
            name = f"merged-{self._catalogue.next_number():012d}"
            part = table.slice(start, MERGED_ROWS_MAX)
            new.append(files.write(self._folder, where, name, part))
        self._catalogue.replace(old, new, now)
        return new

    def to_merge(self, at_least: int = 2) -> list[list[LakeFile]]:
        """Return files of one kind, day and grid each that could be one."""
        found: dict[Where, list[LakeFile]] = {}
        for one in self._catalogue.files():
            if one.rows < MERGED_ROWS_MAX:
                found.setdefault(one.where, []).append(one)
        return [those for those in found.values() if len(those) >= at_least]

    def clean(self, now: int, reading_ms_max: int = READING_MS_MAX) -> int:
        """Remove files that others took the place of a while ago; return how many."""
        gone = self._catalogue.superseded(now - reading_ms_max)
        for path in gone:
            (self._folder / path).unlink(missing_ok=True)
        self._catalogue.forget(gone)
        return len(gone)

    def close(self) -> None:
        """Let another write."""
        self._catalogue.close()
        os.close(self._lock)

    def _sweep(self) -> None:
        """Remove what a crash left that is nobody's."""
        known = {one.path for one in self._catalogue.files()} | {*self._catalogue.superseded()}
        for pattern in ("*.parquet", f"*{files.DRAFT}"):
            for path in self._folder.glob(f"*/date=*/grid=*/{pattern}"):
                if str(path.relative_to(self._folder)) not in known:
                    path.unlink()


def _lock(folder: Path) -> int:
    fd = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(fd)
        raise LakeUnavailableError(f"{folder}: another process writes to this lake") from error
    return fd
