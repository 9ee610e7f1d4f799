"""What a DuckDB store can be asked, over one connection, one question at a time."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any

import duckdb

from sinks import arrow, duckdb_rows
from sinks.asking import BETWEEN, KIND_OF, at_most, between, check_length, order, where
from sinks.rows import FOLLOWED
from sinks.store import (
    Filter,
    Followed,
    Position,
    StoreRefusedError,
    StoreUnavailableError,
)
from weinao.outcomes import Outcome

UNAVAILABLE = (
    duckdb.IOException,
    duckdb.FatalException,
    duckdb.InternalException,
    duckdb.InterruptException,
    duckdb.ConnectionException,
    duckdb.OutOfMemoryException,
    duckdb.TransactionException,
)
"""What says nothing about the outcomes: the disk is full, the file is held by another."""

_COUNT = "SELECT {kind}, count(*) FROM {table} GROUP BY ALL ORDER BY ALL"


class DuckDBReads:
    """The questions, over a connection of their own."""

    def __init__(self, db: duckdb.DuckDBPyConnection) -> None:
        self._db, self._asking = db, Lock()
        # A file that an older version wrote, and that we only read, lacks newer tables and columns.
        self._there: dict[str, set[str]] = {}
        for table, column in self._ask("SELECT table_name, column_name FROM duckdb_columns()"):
            self._there.setdefault(table, set()).add(column)

    def rows(self, table: str, wanted: Filter) -> list[Outcome]:
        """Return the outcomes of a table that fit, by `(at, id, grid)` and position.

        Raises:
            StoreRefusedError: The filter asks for what the table has not.
        """
        which, values = where(table, wanted)
        if table not in self._there:
            return []
        by = ", ".join(f"{key}{' DESC' if wanted.newest else ''}" for key in order(table))
        select = self._select(table, duckdb_rows.columns(table))
        found = self._ask(
            f"SELECT {select} FROM {table} {which} ORDER BY {by} LIMIT ?",  # noqa: S608  # our own names
            [*values, at_most(wanted.limit)],
        )
        outcomes = [duckdb_rows.outcome(table, row) for row in found]
        return outcomes[::-1] if wanted.newest else outcomes

    def followed(self, tables: Sequence[str], after: int, limit: int) -> list[Followed]:
        """Return what came after `after` in some tables, in the order of commits."""
        select = ", ".join(duckdb_rows.columns(tables[0]))
        parts = [f"SELECT seq, {select} FROM {table} WHERE seq > $after" for table in tables]  # noqa: S608  # our own names
        found = self._ask(
            f"{' UNION ALL '.join(parts)} ORDER BY seq LIMIT $limit",
            {"after": after, "limit": at_most(limit)},
        )
        return [Followed(row[0], duckdb_rows.outcome(tables[0], row[1:])) for row in found]

    def counts(self) -> dict[str, dict[str, int]]:
        """Return the rows of each table by kind, and how many different ids there are."""
        counted = {
            table: dict(self._ask(_COUNT.format(table=table, kind=kind)))
            for table, kind in KIND_OF.items()
            if table in self._there
        }
        return {**counted, "distinct": {table: self._distinct(table) for table in counted}}

    def exported(self, table: str, grid: str, after: Position, until: Position) -> bytes:
        """Return rows of a table by position, as an Arrow stream."""
        columns = arrow.columns_exported(table)
        if table not in self._there:
            return arrow.to_bytes(arrow.table_of_rows(columns, ()))
        query = (
            f"SELECT {self._select(table, columns)} FROM {table} WHERE {BETWEEN.format(mark='?')}"  # noqa: S608  # our own names
        )
        with self._asking, _as_ours():
            found = self._db.sql(query, params=between(grid, after, until)).to_arrow_table()
        check_length(found.num_rows, table, grid)
        return arrow.to_bytes(found)

    def progress(self) -> dict[str, Position]:
        """Return how far each grid has come."""
        rows = self._ask("FROM progress")
        return {grid: (offset, index) for grid, offset, index in rows}

    def last_seq(self) -> int:
        """Return the newest `seq`; 0 when there is none."""
        return max(
            self._number(f"SELECT coalesce(max(seq), 0) FROM {table}")  # noqa: S608  # our own names
            for table in FOLLOWED
        )

    def cursor(self, name: str) -> int:
        """Return where a follower stopped; 0 for one not met before."""
        return self._number("SELECT coalesce(max(seq), 0) FROM cursors WHERE name = ?", name)

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def _select(self, table: str, columns: Sequence[str]) -> str:
        there = self._there[table]
        return ", ".join(name if name in there else f"NULL AS {name}" for name in columns)

    def _distinct(self, table: str) -> int:
        return self._number(f"SELECT count(DISTINCT (grid, id)) FROM {table}")  # noqa: S608  # our own names

    def _number(self, query: str, *values: object) -> int:
        [[number]] = self._ask(query, list(values))
        return int(number)

    def _ask(self, query: str, values: list[object] | dict[str, object] | None = None) -> list[Any]:
        with self._asking, _as_ours():
            return self._db.execute(query, values).fetchall()


@contextmanager
def _as_ours() -> Iterator[None]:
    try:
        yield
    except UNAVAILABLE as error:
        raise StoreUnavailableError(f"the store cannot answer: {error}") from error
    except (duckdb.Error, OverflowError) as error:
        raise StoreRefusedError(f"the store cannot answer that: {error}") from error
