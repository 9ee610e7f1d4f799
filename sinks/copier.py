"""Blocks of rows into a database, each once, with the position that they bring it to.

The position of a journal stands in a table of ours beside the rows, and moves in the transaction
that adds them: what a crash makes come again is recognised, and left out.
"""

from collections.abc import Sequence

import psycopg
from psycopg import sql

from sinks.copying import END, HEAD, Block, Target

POSITIONS = """
CREATE TABLE IF NOT EXISTS weinao_bridge_positions (
    journal text PRIMARY KEY,
    position bigint NOT NULL,
    moved_at timestamptz NOT NULL DEFAULT now()
)
"""

LOCK_S_MAX = 10.0
"""How long we wait for a transaction of a connection that was lost, before it is said."""

LOST = """
SET tcp_keepalives_idle = 10;
SET tcp_keepalives_interval = 5;
SET tcp_keepalives_count = 3;
"""
"""Lets the server find out in half a minute that we are gone, and end what we had begun."""


class DatabaseAwayError(Exception):
    """The database cannot be reached, refuses, or has other tables; nothing of a write counts."""


class Copier:
    """Adds blocks to a database.

    Args:
        dsn: As libpq understands it.
        journal: Identity of the journal that the blocks come from.
        targets: The tables.
    """

    def __init__(self, dsn: str, journal: str, targets: Sequence[Target]) -> None:
        self._dsn, self._journal = dsn, journal
        self._targets = {target.name: target for target in targets}
        self._db: psycopg.Connection | None = None

    def write(self, blocks: Sequence[Block]) -> int:
        """Add what is new among blocks; return how many of them were.

        Raises:
            DatabaseAwayError: The database is away, refuses, or has no such tables: nothing of
                this counts; call again.
        """
        try:
            return self._add(self._connected(), blocks)
        except psycopg.Error as error:
            self.close()
            raise DatabaseAwayError(str(error).strip()) from error

    def close(self) -> None:
        """Let go of the connection."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def _add(self, db: psycopg.Connection, blocks: Sequence[Block]) -> int:
        with db.transaction(), db.cursor() as cursor:
            # The lock waits for a transaction of a connection that we have lost: whether it came
            # to its end is known only then.
            reached = cursor.execute(
                "SELECT position FROM weinao_bridge_positions WHERE journal = %s FOR UPDATE",
                (self._journal,),
            ).fetchone()
            assert reached is not None
            blocks = [block for block in blocks if block.position > reached[0]]
            if not blocks:
                return 0
            for target in self._targets.values():
                rows = [block.rows for block in blocks if block.table == target.name]
                if not rows:
                    continue
                columns = sql.SQL(", ").join(
                    sql.Identifier(column.name) for column in target.columns
                )
                query = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
                    sql.Identifier(target.name), columns
                )
                with cursor.copy(query) as copy:
                    copy.write(b"".join((HEAD, *rows, END)))
            cursor.execute(
                "UPDATE weinao_bridge_positions SET position = %s, moved_at = now()"
                " WHERE journal = %s",
                (max(block.position for block in blocks), self._journal),
            )
        return len(blocks)

    def _connected(self) -> psycopg.Connection:
        if self._db is None:
            db = psycopg.connect(self._dsn, connect_timeout=5, autocommit=True)
            try:
                self._begin(db)
            except BaseException:
                db.close()
                raise
            self._db = db
        return self._db

    def _begin(self, db: psycopg.Connection) -> None:
        """Check the tables, and have a position."""
        for target in self._targets.values():
            found: dict[str, str] = dict(
                db.execute(
                    "SELECT column_name, data_type FROM information_schema.columns"
                    " WHERE table_schema = ANY (current_schemas(false)) AND table_name = %s",
                    (target.name,),
                ).fetchall()
            )
            wrong = [
                f"{column.name} {found.get(column.name, 'is not there')}, expected {column.type}"
                for column in target.columns
                if found.get(column.name) != column.type
            ]
            if wrong:
                raise DatabaseAwayError(f"table {target.name}: {'; '.join(wrong)}")
        db.execute(LOST)
        db.execute(sql.SQL("SET lock_timeout = {}").format(round(LOCK_S_MAX * 1_000)))
        db.execute(POSITIONS)
        db.execute(
            "INSERT INTO weinao_bridge_positions (journal, position) VALUES (%s, -1)"
            " ON CONFLICT DO NOTHING",
            (self._journal,),
        )
