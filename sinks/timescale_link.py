"""A connection to PostgreSQL that is made when it is needed, and made anew after it was lost."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import RLock
from typing import Any

import psycopg
from psycopg import errors

from sinks.positioned import UnfitError
from sinks.store import StoreRefusedError, StoreUnavailableError

Connection = psycopg.Connection[tuple[Any, ...]]

CONNECT_S_MAX = 5
"""How long the server may take to greet us."""

UNFIT = (
    psycopg.DataError,
    psycopg.IntegrityError,
    errors.ProgramLimitExceeded,  # a text longer than an index takes
    ValueError,
    TypeError,
    OverflowError,
)
"""What an outcome that cannot be kept makes of a batch; all else says nothing about outcomes."""


class Link:
    """One connection, for one thread at a time.

    Args:
        dsn: Where the database is, as libpq understands it.
        answer_s_max: How long a statement may take; then the database counts as busy.
        greet: Called with each new connection before it is used.
    """

    def __init__(
        self,
        dsn: str,
        answer_s_max: float,
        greet: Callable[[Connection], object] = lambda _: None,
        *,
        read_only: bool = False,
    ) -> None:
        self._dsn, self._answer_s_max, self._greet = dsn, answer_s_max, greet
        self._read_only = read_only
        self._db: Connection | None = None
        self._using = RLock()
        self.name = name_of(dsn)

    @contextmanager
    def use(self, what: str) -> Iterator[Connection]:
        """Give the connection; what fails with it is told as ours.

        Args:
            what: Is not done if it fails; for the message.

        Raises:
            StoreUnavailableError: The database is away, busy, full, or not as we need it.
            UnfitError: It does not take what it was given.
        """
        with self._using:
            try:
                yield self._db or self._connected()
            except UNFIT as error:
                raise UnfitError(f"{self.name}: {what}: {_told(error)}") from error
            except psycopg.Error as error:
                # Whatever it was, a new connection may be better: to another server, with room.
                self.close()
                raise StoreUnavailableError(f"{self.name}: {what}: {_told(error)}") from error

    def ask(self, text: str, values: Sequence[object], what: str) -> list[Any]:
        """Return the rows of an answer; over a new connection, if the one we had is dead.

        A database that was away and is back again has not gone away because our connection has.

        Raises:
            StoreUnavailableError: As `use`.
        """
        with self._using:
            old = self._db
            try:
                with self.use(what) as db:
                    return db.execute(text, values).fetchall()
            except StoreUnavailableError:
                if old is None or not old.broken:
                    raise
            with self.use(what) as db:
                return db.execute(text, values).fetchall()

    def interrupt(self) -> None:
        """End what is being done, from another thread."""
        if self._db is not None and not self._db.closed:
            self._db.cancel_safe(timeout=CONNECT_S_MAX)

    def close(self) -> None:
        """Let go of the connection; the next use makes another."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def _connected(self) -> Connection:
        try:
            self._db = self._connect()
        except psycopg.Error as error:
            raise StoreUnavailableError(f"{self.name}: {_told(error)}") from error
        return self._db

    def _connect(self) -> Connection:
        db = psycopg.connect(
            self._dsn,
            autocommit=True,
            connect_timeout=CONNECT_S_MAX,
            application_name="weinao",
            # A network that swallows everything is noticed, too.
            keepalives_idle=5,
            keepalives_interval=5,
            keepalives_count=3,
            tcp_user_timeout=int(self._answer_s_max * 1_000),
        )
        try:
            ms = f"{int(self._answer_s_max * 1_000)}ms"
            db.execute(
                "SELECT set_config('statement_timeout', %s, false),"
                # Who is stopped in the middle of a transaction must not stop all others.
                " set_config('idle_in_transaction_session_timeout', %s, false)",
                [ms, ms],
            )
            if self._read_only:
                db.execute("SET default_transaction_read_only = on")
            self._greet(db)
        except BaseException:
            db.close()
            raise
        return db


def name_of(dsn: str) -> str:
    """Return where a DSN points to, without its secrets.

    Raises:
        StoreRefusedError: It is none.
    """
    try:
        parts = psycopg.conninfo.conninfo_to_dict(dsn)
    except psycopg.Error:
        # Its message may repeat of the DSN what is secret in it.
        raise StoreRefusedError("the DSN of the database cannot be read: see libpq") from None
    host, port = parts.get("host", "localhost"), parts.get("port", 5432)
    return f"postgresql://{host}:{port}/{parts.get('dbname', '')}"


def _told(error: Exception) -> str:
    return " ".join(str(error).split())
