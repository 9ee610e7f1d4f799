"""What a store in a database can be asked: which columns a filter means, and in which order."""

from collections.abc import Collection

from sinks.rows import KEYED
from sinks.store import (
    EXPORTED_MAX,
    READ_MAX,
    Filter,
    Position,
    StoreRefusedError,
    TooMuchError,
)

_SAME = {name: name for name in ("grid", "id", "kind", "subject", "household")}
_ABOUT = {name: name for name in ("grid", "id", "kind", "incident")}
COLUMN_OF: dict[str, dict[str, str]] = {
    "incidents": {**_SAME, "state": "state"},
    "observations": {**_SAME, "device": "device"},
    "deadletters": {"grid": "grid", "id": "id", "kind": "reason", "device": "device"},
    "losses": {"grid": "grid", "id": "id", "state": "state", "device": "device"},
    "hazards": {**_SAME, "state": "phase"},
    "risks": {**_SAME, "state": "phase"},
    "risk_changes": {**_SAME, "state": "phase"},
    "scores": {name: name for name in ("grid", "id", "subject", "household")},
    "tasks": _ABOUT,
    "notices": _ABOUT,
    "commands": _ABOUT,
    "due_visits": {name: name for name in ("grid", "id", "household")},
    "adjustments": {**_SAME, "incident": "incident"},
}
"""For each table, the columns that the fields of a `Filter` ask for."""

KIND_OF = {
    "observations": "kind",
    "hazards": "kind",
    "risks": "kind",
    "risk_changes": "phase",
    "scores": "substr(day, 1, 7)",
    "incidents": "kind",
    "incident_changes": "state",
    "tasks": "kind",
    "notices": "kind",
    "commands": "kind",
    "due_visits": "grid",
    "adjustments": "kind",
    "losses": "state",
    "deadletters": "reason",
}
"""For each table, by what its rows are counted; scores by month."""


BETWEEN = (
    "grid = {mark} AND journal_offset BETWEEN {mark} AND {mark}"
    " AND (journal_offset <> {mark} OR journal_index > {mark})"
    " AND (journal_offset <> {mark} OR journal_index <= {mark})"
    " ORDER BY journal_offset, journal_index LIMIT {mark}"
)
"""Which rows of a grid follow from a stretch of its journal, so that an index on offsets serves."""


def between(grid: str, after: Position, until: Position) -> list[object]:
    """Return the values for the marks of `BETWEEN`."""
    return [grid, after[0], until[0], *after, *until, EXPORTED_MAX + 1]


def check_length(rows: int, table: str, grid: str) -> None:
    """Refuse an answer that is too long.

    Raises:
        TooMuchError: It is.
    """
    if rows > EXPORTED_MAX:
        raise TooMuchError(
            f"more than {EXPORTED_MAX} rows of {table} follow from that stretch of {grid}:"
            " ask for a shorter one"
        )


def at_most(asked: int) -> int:
    """Return how many outcomes to read where so many were asked for."""
    return max(0, min(asked, READ_MAX))


def order(table: str) -> tuple[str, ...]:
    """Return the columns by which a table is read."""
    # What stands now moves on in the journal while somebody reads; its place among others does not.
    place = () if table in KEYED else ("journal_offset", "journal_index")
    return ("event_at", "id", "grid", *place)


def where(
    table: str, wanted: Filter, mark: str = "?", hashed: Collection[str] = ()
) -> tuple[str, list[object]]:
    """Return the clause that a filter means, and the values for its marks.

    Args:
        table: Its name.
        wanted: The filter.
        mark: What stands for a value.
        hashed: Columns of which an index holds PostgreSQL's hash: it is asked for, too.

    Raises:
        StoreRefusedError: The filter asks for what the table has not.
    """
    known = COLUMN_OF[table]
    parts: list[str] = []
    values: list[object] = []
    for field in ("grid", "id", "kind", "state", "subject", "household", "device", "incident"):
        value = getattr(wanted, field)
        if value is None:
            continue
        if field not in known:
            raise StoreRefusedError(f"{table} have no {field}; they have {', '.join(known)}")
        if known[field] in hashed:
            parts.append(f"hashtext({known[field]}) = hashtext({mark})")
            values.append(value)
        parts.append(f"{known[field]} = {mark}")
        values.append(value)
    for text, bound in (("event_at >= ", wanted.since), ("event_at < ", wanted.until)):
        if bound is not None:
            parts.append(text + mark)
            values.append(bound)
    if wanted.after is not None:
        by = order(table)
        # Said by the comparison after it, too; but this is what leaves out whole days unread.
        parts.append(f"event_at >= {mark}")
        values.append(wanted.after[0])
        parts.append(f"({', '.join(by)}) > ({', '.join([mark] * len(by))})")
        values += wanted.after[: len(by)]
    return ("WHERE " + " AND ".join(parts) if parts else ""), values
