"""Brings a PostgreSQL schema to the shape that this code writes: numbered `.sql` files, each once.

A schema of a newer shape is refused: the older code would not know what it leaves out. What the
server has decides what is made, once: hypertables, or partitions where there is no TimescaleDB.
"""

from pathlib import Path

import psycopg

from sinks.numbered import newest, numbered_files
from sinks.store import StoreRefusedError, StoreUnavailableError
from sinks.timescale_link import Connection

MIGRATIONS = Path(__file__).parent / "migrations" / "timescale"

NOTICES = {
    "timescale": "",
    "apache": "TimescaleDB under its Apache licence: not compressed; roll-ups and the dropping of"
    " what is old are done by the owner of the store",
    "plain": "PostgreSQL without TimescaleDB: partitions in the place of hypertables, not"
    " compressed; roll-ups and the dropping of what is old are done by the owner of the store",
}
"""What a person should know about each edition."""


def migrate(db: Connection, folder: Path = MIGRATIONS) -> None:
    """Apply what has not been applied, all of it in one transaction.

    Raises:
        StoreRefusedError: The schema was written by a newer version of weinao.
    """
    if _applied(db) == newest(folder):
        return
    _offer_timescale(db)
    with db.transaction():
        # One at a time: several programs may be the first.
        db.execute("SELECT pg_advisory_xact_lock(hashtext(current_schema() || '.migrations'))")
        db.execute(
            "CREATE TABLE IF NOT EXISTS migrations (number integer PRIMARY KEY, name text NOT NULL)"
        )
        check(db, folder)
        reached = _applied(db)
        for number, path in sorted(numbered_files(folder).items()):
            if number > reached:
                # Our own files, and no marks in them.
                db.execute(path.read_text(encoding="utf-8"))
                db.execute("INSERT INTO migrations VALUES (%s, %s)", [number, path.stem])


def check(db: Connection, folder: Path = MIGRATIONS) -> None:
    """Refuse a schema of a newer shape.

    Raises:
        StoreRefusedError: The schema was written by a newer version of weinao.
        StoreUnavailableError: There is no store here yet.
    """
    reached, known = _applied(db), newest(folder)
    if reached > known:
        raise StoreRefusedError(
            f"the store has schema {reached}, this version of weinao knows up to {known}:"
            " use the version that wrote it, or a newer one"
        )


def check_there(db: Connection) -> None:
    """Refuse what cannot be read, or is not there.

    Raises:
        StoreRefusedError: The schema was written by a newer version of weinao.
        StoreUnavailableError: There is no store here yet.
    """
    check(db)
    if _applied(db) == 0:
        raise StoreUnavailableError("no such store yet")


def edition(db: Connection) -> str:
    """Return what the schema was made for: a key of `NOTICES`."""
    row = db.execute("SELECT made_for FROM edition").fetchone()
    assert row is not None
    return str(row[0])


def see_extension(db: Connection) -> None:
    """Let the functions of TimescaleDB be found, wherever it was installed."""
    db.execute(
        "SELECT set_config('search_path', format('%I, %I', current_schema(), nspname), false)"
        " FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace"
        " WHERE extname = 'timescaledb' AND nspname <> current_schema()"
    )


def _applied(db: Connection) -> int:
    # Of this schema: another store may stand behind it in the search path.
    ours = db.execute("SELECT to_regclass(format('%I.migrations', current_schema()))").fetchone()
    if ours == (None,):
        return 0
    row = db.execute("SELECT coalesce(max(number), 0) FROM migrations").fetchone()
    assert row is not None
    return int(row[0])


def _offer_timescale(db: Connection) -> None:
    """Install the extension where the server has it and lets us; do without where not."""
    offered = db.execute(
        "SELECT FROM pg_available_extensions"
        " WHERE name = 'timescaledb' AND installed_version IS NULL"
    ).fetchone()
    if offered is None:
        return
    try:
        # Over a connection of its own: a server that has not preloaded it hangs up.
        with psycopg.connect(db.info.dsn, password=db.info.password, autocommit=True) as other:
            other.execute("CREATE EXTENSION IF NOT EXISTS timescaledb SCHEMA public")
    except psycopg.Error:
        return
    finally:
        see_extension(db)
