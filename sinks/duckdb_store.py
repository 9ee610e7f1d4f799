"""The embedded store: one DuckDB file, no server.

Rows and progress are committed together. Threads may share a store: one at a time writes, one at a
time reads, each over a connection of its own, and a reader sees whole commits only.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
import pyarrow as pa

from sinks import duckdb_rows, schema
from sinks.duckdb_log import cut_back
from sinks.duckdb_reads import UNAVAILABLE, DuckDBReads
from sinks.positioned import PositionedStore, UnfitError
from sinks.rows import FOLLOWED, KEYED, numbered
from sinks.store import (
    READ_MAX,
    Followed,
    Position,
    StoreRefusedError,
    StoreUnavailableError,
)
from weinao.outcomes import Outcome

UNFIT = (duckdb.Error, pa.ArrowException, ValueError, TypeError, OverflowError)
"""What an outcome that cannot be kept makes of a batch."""


class DuckDBStore(PositionedStore):
    """A `Store` in one file.

    Args:
        path: The file; made when absent.
        read_only: Only read, and make nothing; other processes may do so, too.
        memory_bytes_max: What DuckDB may use beside its results.
        threads: Of DuckDB, for one statement.
        kept: Told, after each commit, what was new in it.

    Raises:
        StoreUnavailableError: Another process owns the file, or there is none to read.
        StoreRefusedError: The file was written by a newer version of weinao.
    """

    def __init__(
        self,
        path: Path,
        *,
        read_only: bool = False,
        memory_bytes_max: int = 512 * 1024**2,
        threads: int = 1,
        kept: Callable[[Sequence[Outcome]], object] | None = None,
    ) -> None:
        super().__init__(str(path))
        self._path, self._kept = path, kept
        if path.resolve() in _OWNED:
            raise StoreUnavailableError(f"{path}: open in this process already; share that store")
        self.cut_bytes = 0
        """How much of its log could not be read and was cut off, when it was opened."""

        try:
            self._db = _open(path, memory_bytes_max, threads, read_only=read_only)
        except StoreUnavailableError:
            self.cut_bytes = 0 if read_only else cut_back(path, _readable)
            if not self.cut_bytes:
                raise
            self._db = _open(path, memory_bytes_max, threads, read_only=False)
        try:
            (schema.check if read_only else schema.migrate)(self._db)
        except (duckdb.Error, StoreRefusedError) as error:
            self._db.close()
            raise StoreRefusedError(f"{path}: {error}") from error
        self._owned = {path.resolve()} if not read_only else set[Path]()
        _OWNED.update(self._owned)
        self._asked = DuckDBReads(self._db.cursor())
        self._progress = self._asked.progress()
        self._seq = self._asked.last_seq()

    @property
    def _reads(self) -> DuckDBReads:
        return self._asked

    def write(self, batch: Sequence[Outcome]) -> int:
        with _away_if_unavailable(f"{self._path}: {len(batch)} outcomes kept back"):
            return super().write(batch)

    def progress(self) -> dict[str, Position]:
        return dict(self._progress)

    def incident_changes(self, after: int = 0, limit: int = READ_MAX) -> list[Followed]:
        return self._asked.followed(("incident_changes",), after, limit)

    def outgoing(
        self,
        after: int = 0,
        limit: int = READ_MAX,
        wait_s: float = 0.0,  # noqa: ARG002  # whoever writes here is whoever asks
    ) -> list[Followed]:
        if after >= self._seq:
            return []
        return self._asked.followed(FOLLOWED, after, limit)

    def set_cursor(self, name: str, seq: int) -> None:
        with self._writing, _away_if_unavailable(f"{self._path}: cursor {name}"):
            self._db.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?)", [name, seq])

    def close(self) -> None:
        self._asked.close()
        self._db.close()
        _OWNED.difference_update(self._owned)

    def _commit(self, new: Sequence[Outcome]) -> None:
        items = numbered(new, self._seq)
        reached = {outcome.grid: outcome.position for outcome in new}
        try:
            tables = duckdb_rows.tables(items)
            with _transaction(self._db):
                # As Arrow tables: row by row, DuckDB is two orders of magnitude slower.
                for name, rows in tables.items():
                    self._insert(name, rows)
                self._insert("progress", _progress_rows(reached))
        except UNAVAILABLE:
            raise
        except UNFIT as error:
            raise UnfitError(str(error)) from error
        self._progress.update(reached)
        self._seq = max(self._seq, *(item.seq for item in items))
        if self._kept is not None:
            self._kept(new)

    def _insert(self, table: str, rows: pa.Table) -> None:  # noqa: ARG002  # DuckDB finds it by name
        replace = "OR REPLACE " if table in (*KEYED, "progress") else ""
        # By name: a later migration may add columns, which rows of this code leave empty.
        # `rows` is the argument: registering it under a name costs as much as the insert.
        self._db.execute(f"INSERT {replace}INTO {table} BY NAME FROM rows")


_OWNED: set[Path] = set()
"""Files this process writes to. DuckDB would open them again; two counts of `seq` would collide."""


def _open(
    path: Path, memory_bytes_max: int, threads: int, *, read_only: bool
) -> duckdb.DuckDBPyConnection:
    if read_only and not path.exists():
        raise StoreUnavailableError(
            f"{path}: no such store yet; name a system's folder, or start one there: `weinao up`"
        )
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{memory_bytes_max // 1024**2}MiB",
        "threads": threads,
        # Nothing is fetched from anywhere, whatever a query names.
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    try:
        return duckdb.connect(str(path), read_only=read_only, config=config)
    except duckdb.Error as error:
        raise StoreUnavailableError(f"{path}: cannot be opened: {error}") from error


def _readable(path: Path) -> bool:
    try:
        duckdb.connect(str(path), read_only=True).close()
    except duckdb.Error:
        return False
    return True


def _progress_rows(reached: dict[str, Position]) -> pa.Table:
    return pa.table(
        {
            "grid": pa.array(list(reached), pa.string()),
            "journal_offset": pa.array([offset for offset, _ in reached.values()], pa.int64()),
            "journal_index": pa.array([index for _, index in reached.values()], pa.int64()),
        }
    )


@contextmanager
def _transaction(db: duckdb.DuckDBPyConnection) -> Iterator[None]:
    db.begin()
    try:
        yield
    except BaseException:
        with suppress(duckdb.Error):  # after a fatal one there is nothing left to roll back
            db.rollback()
        raise
    db.commit()


@contextmanager
def _away_if_unavailable(what: str) -> Iterator[None]:
    try:
        yield
    except UNAVAILABLE as error:
        raise StoreUnavailableError(f"{what}: {error}") from error
