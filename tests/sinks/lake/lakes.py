"""What the store has and what the lake has, to be held against each other."""

from contextlib import closing
from pathlib import Path
from typing import Any

from sinks import arrow
from sinks.duckdb_store import DuckDBStore
from sinks.lake import query, shape
from sinks.lake.catalogue import Catalogue
from sinks.rows import EXPORTED, KEYED

STANDING = tuple(table for table in EXPORTED if table in KEYED)
"""What the store has only as it stands now: of these, the lake may hold what was before, too."""


def rows(folder: Path, kind: str, columns: str = "*") -> list[Any]:
    found = query.ask(folder, f"SELECT {columns} FROM {kind} ORDER BY ALL")
    assert found is not None
    return found.fetchall()


def stored(store: DuckDBStore, until: int = 2**60) -> dict[str, list[dict[str, Any]]]:
    """Return what the lake has to hold, kind by kind, in the words of the store."""
    found: dict[str, list[dict[str, Any]]] = {}
    for grid in store.progress():
        for table in EXPORTED:
            exported = arrow.from_bytes(store.exported(table, grid, (-1, -1), (until, 0)))
            for kind, part in shape.by_kind(table, exported).items():
                found.setdefault(kind, []).extend({**row, "grid": grid} for row in part.to_pylist())
    return {kind: sorted(those, key=_key) for kind, those in found.items()}


def in_lake(folder: Path) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    with closing(Catalogue(folder)) as catalogue:
        for kind in {one.where.kind for one in catalogue.files()}:
            answer = query.ask(folder, f"SELECT * EXCLUDE (date) FROM {kind}")
            assert answer is not None
            found[kind] = sorted(answer.to_arrow_table().to_pylist(), key=_key)
    return found


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["grid"], row["journal_offset"], row["journal_index"], row["id"]
