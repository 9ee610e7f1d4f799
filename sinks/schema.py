"""Brings a DuckDB file to the shape that this code writes: numbered `.sql` files, each once.

A file of a newer shape is refused: the older code would not know what it leaves out.
"""

from pathlib import Path

import duckdb

from sinks.numbered import newest, numbered_files
from sinks.store import StoreRefusedError

MIGRATIONS = Path(__file__).parent / "migrations" / "duckdb"


def migrate(db: duckdb.DuckDBPyConnection, folder: Path = MIGRATIONS) -> None:
    """Apply what has not been applied, each migration in a transaction of its own.

    Raises:
        StoreRefusedError: The file was written by a newer version of weinao.
    """
    db.execute("CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name VARCHAR)")
    check(db, folder)
    reached = applied(db)
    for number, path in sorted(numbered_files(folder).items()):
        if number > reached:
            db.begin()
            db.execute(path.read_text(encoding="utf-8"))
            db.execute("INSERT INTO migrations VALUES (?, ?)", [number, path.stem])
            db.commit()


def check(db: duckdb.DuckDBPyConnection, folder: Path = MIGRATIONS) -> None:
    """Refuse a file of a newer shape.

    Raises:
        StoreRefusedError: The file was written by a newer version of weinao.
    """
    reached, known = applied(db), newest(folder)
    if reached > known:
        raise StoreRefusedError(
            f"the store has schema {reached}, this version of weinao knows up to {known}:"
            " use the version that wrote it, or a newer one"
        )


def applied(db: duckdb.DuckDBPyConnection) -> int:
    """Return the number of the last migration that a file has seen; 0 for a new one."""
    found = db.execute("SELECT coalesce(max(number), 0) FROM migrations").fetchone()
    assert found is not None
    return int(found[0])
