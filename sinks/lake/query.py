"""SQL over a lake: DuckDB, with a view for each kind that a question names.

Only the files that the catalogue names are read, as of one moment. A view says everything as it was
before it was made narrow, with `date` and `grid` from the names of the folders. A question may read
the lake, and nothing else of this machine; it changes nothing.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from sinks.lake import narrow, shape
from sinks.lake.catalogue import LakeFile, read
from sinks.lake.errors import LakeRefusedError

MEMORY_BYTES_MAX = 512 * 1024**2

_SQL_TYPES = {
    pa.int64(): "BIGINT", pa.float64(): "DOUBLE", pa.bool_(): "BOOLEAN", pa.string(): "VARCHAR",
    pa.binary(): "BLOB",
}  # fmt: skip


class Narrowed:
    """Which part of a lake a question is about: whole files are left out by it.

    Args:
        grid: Only of this grid.
        since: Oldest `event_at`, inclusive.
        until: Newest `event_at`, exclusive.
    """

    def __init__(
        self, grid: str | None = None, since: int | None = None, until: int | None = None
    ) -> None:
        self.grid, self.since, self.until = grid, since, until


def connect(
    lake: Path,
    question: str,
    part: Narrowed | None = None,
    *,
    threads: int = 2,
    memory_bytes_max: int = MEMORY_BYTES_MAX,
) -> duckdb.DuckDBPyConnection:
    """Return a connection to which the kinds that a question names are known.

    Raises:
        LakeUnavailableError: There is no lake.
    """
    part = part or Narrowed()
    with read(lake) as catalogue:
        known = [
            one for one in shape.schemas() if re.search(rf"\b{one}\b", question, re.IGNORECASE)
        ]
        found = {
            kind: catalogue.files(kind, grid=part.grid, since=part.since, until=part.until)
            for kind in known
        }
    db = duckdb.connect(
        config={
            "threads": threads,
            "memory_limit": f"{memory_bytes_max // 1024**2}MiB",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            # What does not fit into memory is refused: files of ours go to the lake alone.
            "temp_directory": "",
        }
    )
    db.execute("SET allowed_directories = ?", [[f"{lake.resolve()}/"]])
    db.execute("SET enable_external_access = false")
    for kind, files in found.items():
        db.execute(f"CREATE VIEW {kind} AS {_view(lake.resolve(), kind, files, part)}")
    db.execute("SET lock_configuration = true")
    return db


def ask(
    lake: Path,
    question: str,
    part: Narrowed | None = None,
    values: dict[str, object] | None = None,
    *,
    threads: int = 2,
) -> duckdb.DuckDBPyRelation | None:
    """Return the answer to a question; None where it is none, but a statement.

    Raises:
        LakeUnavailableError: There is no lake.
        LakeRefusedError: DuckDB cannot answer that.
    """
    db = connect(lake, question, part, threads=threads)
    try:
        return db.sql(question, params=values)
    except duckdb.Error as error:
        raise refused(error) from error


def refused(error: duckdb.Error) -> LakeRefusedError:
    """Return what a failed question is told."""
    hint = ""
    if isinstance(error, duckdb.CatalogException):
        hint = f"\nThere are: {', '.join(sorted(shape.schemas()))}"
    return LakeRefusedError(f"the lake cannot answer that: {error}{hint}")


def _view(lake: Path, kind: str, files: Sequence[LakeFile], part: Narrowed) -> str:
    schema = shape.schemas()[kind]
    types: dict[str, Any] = {field.name: _SQL_TYPES[field.type] for field in schema}
    if not files:
        columns = [f'CAST(NULL AS {type_}) AS "{name}"' for name, type_ in types.items()]
        nothing = "CAST(NULL AS DATE) AS date, CAST(NULL AS VARCHAR) AS grid"
        return f"SELECT {', '.join(columns)}, {nothing} WHERE false"
    columns = [narrow.sql(schema.names, name, type_) for name, type_ in types.items()]
    # Files may be older than a field; then nothing else would know of it.
    empty = [
        f'CAST(NULL AS {type_}) AS "{name}"'
        for name, type_ in types.items()
        if name not in ("arrived_at", "received_at")
    ]
    paths = ", ".join("'" + str(lake / one.path).replace("'", "''") + "'" for one in files)
    bounds = [
        f"event_at {sign} {int(at)}"
        for sign, at in ((">=", part.since), ("<", part.until))
        if at is not None
    ]
    return (
        f"SELECT {', '.join(columns)}, date, grid FROM ("  # noqa: S608  # our own names
        f"SELECT * FROM read_parquet([{paths}], union_by_name = true, hive_partitioning = true,"
        " hive_types = {'date': DATE, 'grid': VARCHAR})"
        f" UNION ALL BY NAME SELECT {', '.join(empty)} WHERE false)"
        + (f" WHERE {' AND '.join(bounds)}" if bounds else "")
    )
