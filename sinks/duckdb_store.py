"""The embedded store: one DuckDB file, no server.

Rows and progress are committed together. Threads may share a store: one at a time writes, one at a
time reads, each over a connection of its own, and a reader sees whole commits only.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock

import duckdb
import pyarrow as pa

from sinks import duckdb_rows, schema
from sinks.duckdb_reads import UNAVAILABLE, DuckDBReads
from sinks.store import (
    READ_MAX,
    Filter,
    Followed,
    Position,
    StoreRefusedError,
    StoreUnavailableError,
    set_aside,
)
from weinao.outcomes import Outcome

UNFIT = (duckdb.Error, pa.ArrowException, ValueError, TypeError, OverflowError)
"""What an outcome that cannot be kept makes of a batch."""


class DuckDBStore:
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
        self._path, self._kept, self._writing = path, kept, RLock()
        self._db = _open(path, memory_bytes_max, threads, read_only=read_only)
        try:
            (schema.check if read_only else schema.migrate)(self._db)
        except (duckdb.Error, StoreRefusedError) as error:
            self._db.close()
            raise StoreRefusedError(f"{path}: {error}") from error
        self._owned = {path.resolve()} if not read_only else set[Path]()
        _OWNED.update(self._owned)
        self._reads = DuckDBReads(self._db.cursor())
        self._progress = self._reads.progress()
        self._seq = self._reads.last_seq()

    @property
    def last_seq(self) -> int:
        """The `seq` of the newest outcome that can be followed; 0 when there is none."""
        return self._seq

    def write(self, batch: Sequence[Outcome]) -> int:
        with self._writing, _away_if_unavailable(f"{self._path}: {len(batch)} outcomes kept back"):
            return self._write(batch)

    def progress(self) -> dict[str, Position]:
        return dict(self._progress)

    def incidents(self, wanted: Filter) -> list[Outcome]:
        return self._reads.rows("incidents", wanted)

    def observations(self, wanted: Filter) -> list[Outcome]:
        return self._reads.rows("observations", wanted)

    def deadletters(self, wanted: Filter) -> list[Outcome]:
        return self._reads.rows("deadletters", wanted)

    def losses(self, wanted: Filter) -> list[Outcome]:
        return self._reads.rows("losses", wanted)

    def hazards(self, wanted: Filter) -> list[Outcome]:
        return self._reads.rows("hazards", wanted)

    def risks(self, wanted: Filter) -> list[Outcome]:
        return self._reads.rows("risks", wanted)

    def risk_changes(self, wanted: Filter) -> list[Outcome]:
        return self._reads.rows("risk_changes", wanted)

    def scores(self, wanted: Filter) -> list[Outcome]:
        return self._reads.rows("scores", wanted)

    def tasks(self, wanted: Filter) -> list[Outcome]:
        return self._reads.rows("tasks", wanted)

    def notices(self, wanted: Filter) -> list[Outcome]:
        return self._reads.rows("notices", wanted)

    def commands(self, wanted: Filter) -> list[Outcome]:
        return self._reads.rows("commands", wanted)

    def adjustments(self, wanted: Filter) -> list[Outcome]:
        return self._reads.rows("adjustments", wanted)

    def incident_changes(self, after: int = 0, limit: int = READ_MAX) -> list[Followed]:
        return self._reads.followed(("incident_changes",), after, limit)

    def outgoing(
        self,
        after: int = 0,
        limit: int = READ_MAX,
        wait_s: float = 0.0,  # noqa: ARG002  # whoever writes here is whoever asks
    ) -> list[Followed]:
        if after >= self._seq:
            return []
        return self._reads.followed(duckdb_rows.FOLLOWED, after, limit)

    def counts(self) -> dict[str, dict[str, int]]:
        return self._reads.counts()

    def cursor(self, name: str) -> int:
        return self._reads.cursor(name)

    def set_cursor(self, name: str, seq: int) -> None:
        with self._writing, _away_if_unavailable(f"{self._path}: cursor {name}"):
            self._db.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?)", [name, seq])

    def close(self) -> None:
        self._reads.close()
        self._db.close()
        _OWNED.difference_update(self._owned)

    def _write(self, batch: Sequence[Outcome]) -> int:
        new = self._new(batch)
        if not new:
            return 0
        try:
            self._commit(new)
        except UNAVAILABLE:
            raise
        except UNFIT as error:
            return self._isolate(new, error)
        return len(new)

    def _new(self, batch: Sequence[Outcome]) -> list[Outcome]:
        reached = dict(self._progress)
        new: list[Outcome] = []
        for outcome in batch:
            if outcome.position > reached.get(outcome.grid, (-1, -1)):
                reached[outcome.grid] = outcome.position
                new.append(outcome)
        return new

    def _commit(self, new: Sequence[Outcome]) -> None:
        items = duckdb_rows.numbered(new, self._seq)
        tables = duckdb_rows.tables(items)
        reached = {outcome.grid: outcome.position for outcome in new}
        with _transaction(self._db):
            # As Arrow tables: row by row, DuckDB is two orders of magnitude slower.
            for name, rows in tables.items():
                self._insert(name, rows)
            self._insert("progress", _progress_rows(reached))
        self._progress.update(reached)
        self._seq = max(self._seq, *(item.seq for item in items))
        if self._kept is not None:
            self._kept(new)

    def _insert(self, table: str, rows: pa.Table) -> None:  # noqa: ARG002  # DuckDB finds it by name
        replace = "OR REPLACE " if table in (*duckdb_rows.KEYED, "progress") else ""
        # By name: a later migration may add columns, which rows of this code leave empty.
        # `rows` is the argument: registering it under a name costs as much as the insert.
        self._db.execute(f"INSERT {replace}INTO {table} BY NAME FROM rows")

    def _isolate(self, new: Sequence[Outcome], error: Exception) -> int:
        """Keep the halves of a batch that cannot be kept whole; of one outcome, a dead letter."""
        if len(new) > 1:
            half = len(new) // 2
            return self._write(new[:half]) + self._write(new[half:])
        letter = set_aside(new[0], error)
        try:
            self._commit([letter])
        except UNAVAILABLE:
            raise
        except UNFIT as again:
            raise StoreRefusedError(
                f"{self._path}: not even a dead letter can be kept of {new[0].grid!r}"
                f" at {new[0].position}: {again}"
            ) from error
        return 1


_OWNED: set[Path] = set()
"""Files this process writes to. DuckDB would open them again; two counts of `seq` would collide."""


def _open(
    path: Path, memory_bytes_max: int, threads: int, *, read_only: bool
) -> duckdb.DuckDBPyConnection:
    if read_only and not path.exists():
        raise StoreUnavailableError(f"{path}: no such store yet")
    if path.resolve() in _OWNED:
        raise StoreUnavailableError(f"{path}: open in this process already; share that store")
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
