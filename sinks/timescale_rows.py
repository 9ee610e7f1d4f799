"""Outcomes as rows of the PostgreSQL tables, and back. Pure: nothing here opens a connection."""

from collections.abc import Iterable

from sinks import rows
from sinks.rows import BOOLEANS, COLUMNS, FLOATS, INTEGERS, Fields, Numbered, Row
from weinao.outcomes import AnyOutcome, Kept, Outcome, Rejected

MINUTE_MS = 60_000

Minute = tuple[str, int]
"""A grid, and when a minute of it began."""


def tables(outcomes: Iterable[Numbered]) -> dict[str, list[Row]]:
    """Return outcomes as rows, by the name of the table they go to.

    Raises:
        ValueError: Something in an outcome cannot be kept, or not without changing it.
    """
    return rows.by_table(outcomes, _FIELDS)


def columns_of(table: str) -> tuple[str, ...]:
    """Return the columns of a row, in its order."""
    return _COLUMNS.get(table, COLUMNS[table])


def types_of(table: str) -> list[str]:
    """Return the types of these columns, as PostgreSQL names them."""
    return [_type(column) for column in columns_of(table)]


def read_columns(table: str) -> tuple[str, ...]:
    """Return the columns that `outcome` needs, in its order."""
    return rows.OBSERVATION if table == "observations" else _BODY


def outcome(table: str, row: Row) -> Outcome:
    """Return the outcome that a row of `read_columns(table)` holds."""
    grid, offset, index, received_at = row[:4]
    return Outcome(
        grid=grid,
        offset=offset,
        index=index,
        received_at=received_at,
        value=rows.observation(row) if table == "observations" else rows.whole(row[4]),
    )


def export_columns(table: str) -> tuple[str, ...]:
    """Return the columns of `export`; of dead letters those that `letter` needs."""
    if table == "deadletters":
        return (*rows.KEY, "body")
    return tuple(name for name in columns_of(table) if name != "seq")


def letter(row: Row) -> Row:
    """Return a dead letter as other databases keep it, out of `export_columns`."""
    value = rows.whole(row[-1])
    assert isinstance(value, Rejected)
    return (*row[:-1], *rows.rejected(value))


def minutes(outcomes: Iterable[Outcome]) -> set[Minute]:
    """Return the minutes whose roll-ups these outcomes make stale."""
    return {
        (made.grid, made.value.at - made.value.at % MINUTE_MS)
        for made in outcomes
        if isinstance(made.value, Kept)
    }


_BODY = (*rows.PLACE, "body")
_COLUMNS = {
    "deadletters": (*rows.KEY, "reason", "topic", "device", "size", "body"),
}
_NUL_SHOWN = "\N{SYMBOL FOR NULL}"


def _type(column: str) -> str:
    if column in INTEGERS:
        return "int8"
    if column in BOOLEANS:
        return "bool"
    return "float8" if column in FLOATS else "text"


def _rejected(value: Rejected) -> Row:
    # Its texts are whatever somebody sent. Exactly they stand in `body`.
    topic, device = (text.replace("\0", _NUL_SHOWN) for text in (value.topic, value.device))
    return (value.reason.value, topic, device, value.size, rows.body(value))


_FIELDS: dict[type[AnyOutcome], Fields] = {
    **rows.FIELDS,
    Rejected: _rejected,
}
