"""Which store there is, and how to get at it: the one place that chooses.

A store is a DuckDB file in the folder of the system, or a PostgreSQL database. Which database is
said by `--dsn`, else by WEINAO_STORE_DSN, else by the settings, else by a note that its owner left
in the folder. Its password comes from the environment or from files, never from the command line,
which everybody on the machine can read.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from weinao.outcomes import Outcome

if TYPE_CHECKING:
    from sinks.duckdb_store import DuckDBStore
    from sinks.settings import StoreSettings
    from sinks.store import Store
    from sinks.timescale_store import TimescaleStore

FILE = "store.duckdb"
SOCKET = "store.sock"
NOTE = "store.dsn"
VARIABLE = "WEINAO_STORE_DSN"


class WhereError(Exception):
    """What was said about where the store is cannot be used; the message says what to do."""


def dsn_of(
    dsn: str | None = None, settings: "StoreSettings | None" = None, data: Path | None = None
) -> str:
    """Return the DSN of the database, with its password where one is in a file; empty for none.

    Args:
        dsn: From the command line.
        settings: Of the store.
        data: Folder of the system.

    Raises:
        WhereError: It cannot be used.
    """
    database = settings.database if settings else None
    said = dsn or os.environ.get(VARIABLE) or (database.dsn if database else "") or _noted(data)
    if not said:
        return ""
    from psycopg import Error
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    try:
        parts = conninfo_to_dict(said)
    except Error:
        # Its message may repeat what is secret.
        raise WhereError(f"the DSN of the store cannot be read: {_EXAMPLES}") from None
    if "password" in parts and said != os.environ.get(VARIABLE):
        raise WhereError(
            "the DSN of the store holds a password, which others could read: put it into a file"
            " that password_file of configs/store.toml names, or into PGPASSFILE or PGPASSWORD"
        )
    if database and database.password_file:
        try:
            parts["password"] = Path(database.password_file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise WhereError(f"password_file of the store: {error}") from error
    return make_conninfo("", **parts)


def note(data: Path, dsn: str) -> None:
    """Leave a note of where the database is, without its password."""
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    parts = {key: value for key, value in conninfo_to_dict(dsn).items() if key != "password"}
    (data / NOTE).write_text(make_conninfo("", **parts) + "\n", encoding="utf-8")


def own_file(
    data: Path, settings: "StoreSettings", kept: Callable[[Sequence[Outcome]], object]
) -> "DuckDBStore":
    """Return the store in a folder, for the one who owns it; `kept` is told what is new in it."""
    from sinks.duckdb_store import DuckDBStore

    return DuckDBStore(
        data / FILE,
        memory_bytes_max=settings.memory_bytes_max,
        threads=settings.threads,
        kept=kept,
    )


def own_database(
    dsn: str, settings: "StoreSettings", kept: Callable[[Sequence[Outcome]], object]
) -> "TimescaleStore":
    """Return the store in a database, for the one who looks after it."""
    from sinks.timescale_store import TimescaleStore

    return TimescaleStore(dsn, answer_s_max=settings.database.answer_s_max, kept=kept)


def to_write(data: Path, file: Path | None = None, dsn: str = "") -> "Store":
    """Return a store to write to: a DuckDB file, a database, or the way to the store's owner."""
    if file is not None:
        from sinks.duckdb_store import DuckDBStore

        return DuckDBStore(file)
    if dsn:
        from sinks.timescale_store import TimescaleStore

        return TimescaleStore(dsn)
    from sinks.client import StoreClient

    return StoreClient(data / SOCKET)


def to_read(data: Path) -> "Store":
    """Return a store to read: through its owner, or itself where there is none.

    Raises:
        StoreUnavailableError: There is no store, or its owner does not answer.
        WhereError: What is said about where it is cannot be used.
    """
    from sinks.client import StoreClient
    from sinks.store import StoreUnavailableError

    client = StoreClient(data / SOCKET)
    try:
        client.progress()
    except StoreUnavailableError:
        client.close()
    else:
        return client
    if dsn := dsn_of(data=data):
        from sinks.timescale_store import TimescaleStore

        return TimescaleStore(dsn, read_only=True)
    from sinks.duckdb_store import DuckDBStore

    return DuckDBStore(data / FILE, read_only=True)


_EXAMPLES = '"host=db.local dbname=weinao user=weinao" or postgresql://weinao@db.local/weinao'


def _noted(data: Path | None) -> str:
    if data is None or not (data / NOTE).exists():
        return ""
    return (data / NOTE).read_text(encoding="utf-8").strip()
