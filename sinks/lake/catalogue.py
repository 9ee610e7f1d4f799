"""Which files a lake is made of, and how far each grid has come in it: one SQLite file.

Files and progress change in one transaction. So a file that was written is of the lake only once
the catalogue names it together with the stretch of the journal that it holds; what a crash left
beside it is nobody's, and is removed by the next who writes.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from msgspec import Struct

from sinks.lake.errors import LakeRefusedError, LakeUnavailableError
from sinks.store import Position

FILE = "catalogue.sqlite"
VERSION = 2
BUSY_S_MAX = 30.0
"""How long somebody who looks waits for somebody who commits."""

_SHAPE = """
CREATE TABLE reached (
    grid TEXT PRIMARY KEY, journal_offset INTEGER NOT NULL, journal_index INTEGER NOT NULL
);
CREATE TABLE files (
    path TEXT PRIMARY KEY, kind TEXT NOT NULL, date TEXT NOT NULL, grid TEXT NOT NULL,
    rows INTEGER NOT NULL, bytes INTEGER NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL
);
CREATE INDEX files_of ON files (kind, date, grid);
CREATE TABLE superseded (path TEXT PRIMARY KEY, at INTEGER NOT NULL);
CREATE TABLE merged (number INTEGER NOT NULL);
INSERT INTO merged VALUES (0);
"""

_JOURNALS = "CREATE TABLE journals (flow TEXT PRIMARY KEY, identity INTEGER NOT NULL);"
"""From which journals a lake was filled: new in shape 2."""


class Where(Struct, frozen=True):
    """Where a file belongs: its kind, its day in UTC (ISO 8601) and its grid."""

    kind: str
    date: str
    grid: str

    @property
    def folder(self) -> str:
        """Below that of the lake, so that others can read it as partitions."""
        return f"{self.kind}/date={self.date}/grid={self.grid}"


class LakeFile(Struct, frozen=True):
    """One file of a lake.

    Attributes:
        path: Below the folder of the lake.
        since: The first `event_at` in it,
        until: and the last.
    """

    path: str
    where: Where
    rows: int
    bytes: int
    since: int
    until: int


class Catalogue:
    """The files of a lake, for one thread.

    Args:
        folder: Of the lake.
        make: Make what is missing.

    Raises:
        LakeUnavailableError: There is no lake there.
        LakeRefusedError: It was written by a newer version of weinao.
    """

    def __init__(self, folder: Path, *, make: bool = False) -> None:
        path = folder / FILE
        if not make and not path.exists():
            raise LakeUnavailableError(f"{folder}: no lake there; `weinao lake write` makes one")
        self._db = sqlite3.connect(path, timeout=BUSY_S_MAX, isolation_level=None)
        try:
            # What is committed stays, even when the power goes.
            self._db.execute("PRAGMA synchronous = EXTRA")
            self._prepare(folder, make=make)
        except BaseException:
            self._db.close()
            raise

    def reached(self) -> dict[str, Position]:
        """Return how far each grid has come."""
        rows = self._db.execute("SELECT grid, journal_offset, journal_index FROM reached")
        return {grid: (offset, index) for grid, offset, index in rows}

    def journals(self) -> dict[str, int]:
        """Return the identity of each flow's journal that it was filled from."""
        return dict(self._db.execute("SELECT flow, identity FROM journals").fetchall())

    def note_journals(self, journals: Mapping[str, int]) -> None:
        """Remember from which journals it is filled."""
        with self._transaction():
            self._db.executemany(
                "INSERT OR REPLACE INTO journals VALUES (?, ?)", [*journals.items()]
            )

    def files(
        self,
        kind: str | None = None,
        *,
        grid: str | None = None,
        since: int | None = None,
        until: int | None = None,
    ) -> list[LakeFile]:
        """Return the files that may hold something of a kind, a grid and a time."""
        asked = {"kind": kind, "grid": grid, "since": since, "until": until}
        found = self._db.execute(
            "SELECT path, kind, date, grid, rows, bytes, since, until FROM files"
            " WHERE (:kind IS NULL OR kind = :kind) AND (:grid IS NULL OR grid = :grid)"
            " AND (:since IS NULL OR until >= :since) AND (:until IS NULL OR since < :until)"
            " ORDER BY kind, date, grid, path",
            asked,
        )
        return [LakeFile(row[0], Where(*row[1:4]), *row[4:]) for row in found]

    def commit(self, grid: str, until: Position, files: Iterable[LakeFile]) -> None:
        """Take in files, with how far their grid has come by them."""
        with self._transaction():
            self._add(files)
            self._db.execute("INSERT OR REPLACE INTO reached VALUES (?, ?, ?)", [grid, *until])

    def replace(self, old: Sequence[LakeFile], new: Iterable[LakeFile], now: int) -> None:
        """Let files take the place of others that hold the same."""
        with self._transaction():
            paths = [(one.path,) for one in old]
            gone = self._db.executemany("DELETE FROM files WHERE path = ?", paths).rowcount
            assert gone == len(paths)
            self._db.executemany(f"INSERT INTO superseded VALUES (?, {int(now)})", paths)  # noqa: S608  # a number
            self._add(new)

    def superseded(self, before: int | None = None) -> list[str]:
        """Return files that others have taken the place of, all or those of a while ago."""
        found = self._db.execute(
            "SELECT path FROM superseded WHERE :before IS NULL OR at < :before", {"before": before}
        )
        return [path for (path,) in found]

    def forget(self, paths: Iterable[str]) -> None:
        """Know no longer of files that are gone."""
        with self._transaction():
            self._db.executemany(
                "DELETE FROM superseded WHERE path = ?", [(path,) for path in paths]
            )

    def next_number(self) -> int:
        """Return a number that no file was named by."""
        with self._transaction():
            self._db.execute("UPDATE merged SET number = number + 1")
            [number] = self._db.execute("SELECT number FROM merged").fetchone()
        return int(number)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _prepare(self, folder: Path, *, make: bool) -> None:
        [version] = self._db.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise LakeRefusedError(
                f"{folder}: the lake has shape {version}, this version of weinao knows up to"
                f" {VERSION}: use the version that wrote it, or a newer one"
            )
        if version == 0:
            self._db.executescript(
                f"BEGIN EXCLUSIVE; {_SHAPE} {_JOURNALS} PRAGMA user_version = {VERSION}; COMMIT;"
            )
        if version == 1 and make:
            self._db.executescript(
                f"BEGIN EXCLUSIVE; {_JOURNALS} PRAGMA user_version = {VERSION}; COMMIT;"
            )

    def _add(self, files: Iterable[LakeFile]) -> None:
        self._db.executemany(
            "INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    one.path, one.where.kind, one.where.date, one.where.grid, one.rows, one.bytes,
                    one.since, one.until,
                )
                for one in files
            ],
        )  # fmt: skip

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


def read(folder: Path) -> "closing[Catalogue]":
    """Return the catalogue of a lake that exists, to be closed by `with`."""
    return closing(Catalogue(folder))
