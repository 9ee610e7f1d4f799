"""Outcomes as rows of the DuckDB tables, and back. Pure: nothing here opens a file."""

from collections.abc import Iterable

import pyarrow as pa

from sinks import arrow, rows
from sinks.rows import COLUMNS, Numbered, Row
from weinao.outcomes import AnyOutcome, Outcome, Reason, Rejected


def tables(outcomes: Iterable[Numbered]) -> dict[str, pa.Table]:
    """Return outcomes as Arrow tables, by the name of the table they go to.

    Raises:
        ValueError: Something in an outcome cannot be kept, or not without changing it.
    """
    found = rows.by_table(outcomes, rows.FIELDS)
    return {name: arrow.table_of_rows(COLUMNS[name], those) for name, those in found.items()}


def columns(table: str) -> tuple[str, ...]:
    """Return the columns that `outcome` needs, in its order."""
    return _COLUMNS.get(table, _BODY)


def outcome(table: str, row: Row) -> Outcome:
    """Return the outcome that a row of `columns(table)` holds."""
    grid, offset, index, received_at = row[:4]
    return Outcome(
        grid=grid,
        offset=offset,
        index=index,
        received_at=received_at,
        value=_value(table, row),
    )


_BODY = (*rows.PLACE, "body")
_LETTER = (*rows.PLACE, "event_at", "reason", "detail", "topic", "device", "payload", "size")

_COLUMNS = {"deadletters": _LETTER, "observations": rows.OBSERVATION}


def _value(table: str, row: Row) -> AnyOutcome:
    if table == "deadletters":
        return _letter(row)
    if table != "observations":
        return rows.whole(row[4])
    # Before schema 4 `body` was the outcome whole, and nothing said when it arrived.
    if row[-2] is not None:
        return rows.observation(row)
    return rows.whole(row[-1])


def _letter(row: Row) -> Rejected:
    at, reason, detail, topic, device, payload, size = row[4:]
    return Rejected(
        reason=Reason(reason),
        detail=detail,
        topic=topic,
        device=device,
        payload=bytes(payload),
        size=size,
        received_at=at,
    )
