"""What a PostgreSQL store can be asked, over one connection, one question at a time."""

from collections.abc import Sequence
from typing import Any

from sinks import timescale_rows
from sinks.asking import BETWEEN, KIND_OF, at_most, between, check_length, order, where
from sinks.store import Filter, Followed, Position
from sinks.timescale_link import Link
from weinao.outcomes import Outcome

HASHED = {"observations": ("subject", "household", "device", "id")}
"""For each table, the columns that an index holds as hashes (`0006_narrow_indexes.sql`)."""


class TimescaleReads:
    """The questions, over a connection of their own."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def rows(self, table: str, wanted: Filter) -> list[Outcome]:
        """Return the outcomes of a table that fit, by `(at, id, grid)` and position.

        Raises:
            StoreRefusedError: The filter asks for what the table has not.
        """
        found = self._ask(*query(table, wanted))
        outcomes = [timescale_rows.outcome(table, row) for row in found]
        return outcomes[::-1] if wanted.newest else outcomes

    def followed(self, tables: Sequence[str], after: int, limit: int) -> list[Followed]:
        """Return what came after `after` in some tables, in the order of commits."""
        found = self._ask(*followed_query(tables, after, limit))
        return [Followed(row[0], timescale_rows.outcome(tables[0], row[1:])) for row in found]

    def counts(self) -> dict[str, dict[str, int]]:
        """Return the rows of each table by kind, and how many different ids there are."""
        counted: dict[str, dict[str, int]] = {
            table: dict(self._ask(f"SELECT {kind}, count(*) FROM {table} GROUP BY 1 ORDER BY 1"))  # noqa: S608  # our own names
            for table, kind in KIND_OF.items()
        }
        return {**counted, "distinct": {table: self._distinct(table) for table in counted}}

    def exported(self, table: str, grid: str, after: Position, until: Position) -> bytes:
        """Return rows of a table by position, as an Arrow stream."""
        from sinks import arrow  # noqa: PLC0415  # 40 MB, which only this question needs

        found = self._ask(*exported_query(table, grid, after, until))
        check_length(len(found), table, grid)
        columns = arrow.columns_exported(table)
        if table == "deadletters":
            found = [timescale_rows.letter(row) for row in found]
        return arrow.to_bytes(arrow.table_of_rows(columns, found))

    def progress(self) -> dict[str, Position]:
        """Return how far each grid has come."""
        rows = self._ask("SELECT grid, journal_offset, journal_index FROM progress")
        return {grid: (offset, index) for grid, offset, index in rows}

    def cursor(self, name: str) -> int:
        """Return where a follower stopped; 0 for one not met before."""
        found = self._ask("SELECT seq FROM cursors WHERE name = %s", [name])
        return int(found[0][0]) if found else 0

    def close(self) -> None:
        """Close the connection."""
        self._link.close()

    def _distinct(self, table: str) -> int:
        [[number]] = self._ask(
            f"SELECT count(*) FROM (SELECT DISTINCT grid, id FROM {table}) AS ids"  # noqa: S608  # our own names
        )
        return int(number)

    def _ask(self, text: str, values: Sequence[object] = ()) -> list[Any]:
        # Names of our own; whatever comes from elsewhere is among the values.
        return self._link.ask(text, values, "cannot answer")


def query(table: str, wanted: Filter) -> tuple[str, list[object]]:
    """Return how a table is asked for what fits, and the values for its marks.

    Raises:
        StoreRefusedError: The filter asks for what the table has not.
    """
    which, values = where(table, wanted, "%s", HASHED.get(table, ()))
    by = ", ".join(f"{key}{' DESC' if wanted.newest else ''}" for key in order(table))
    select = ", ".join(timescale_rows.read_columns(table))
    text = f"SELECT {select} FROM {table} {which} ORDER BY {by} LIMIT %s"  # noqa: S608  # our own names
    return text, [*values, at_most(wanted.limit)]


def exported_query(
    table: str, grid: str, after: Position, until: Position
) -> tuple[str, list[object]]:
    """Return how a table is asked for what follows from a stretch of a grid's journal."""
    names = timescale_rows.export_columns(table)
    text = f"SELECT {', '.join(names)} FROM {table} WHERE {BETWEEN.format(mark='%s')}"  # noqa: S608  # our own names
    return text, between(grid, after, until)


def followed_query(tables: Sequence[str], after: int, limit: int) -> tuple[str, list[object]]:
    """Return how tables are asked for what came after `after`, in the order of commits."""
    select = ", ".join(timescale_rows.read_columns(tables[0]))
    parts = [f"SELECT seq, {select} FROM {table} WHERE seq > %s" for table in tables]  # noqa: S608  # our own names
    text = f"{' UNION ALL '.join(parts)} ORDER BY seq LIMIT %s"
    return text, [*([after] * len(tables)), at_most(limit)]
