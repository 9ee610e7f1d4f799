"""A program's own book: a SQLite file for what it must not forget, the store's business apart.

The portal keeps accounts and the audit log in one, the courier its ledger, and both what is on its
way to the journal. One connection, one statement or one transaction at a time: it is little. Two
programs may have one book open; who opens it makes it what it should be while nobody else does.
"""

import fcntl
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

BUSY_S_MAX = 30.0
"""How long another program may be at a book before we give up: one may be stopped in the middle."""


class Book:
    """An open book.

    Args:
        path: The file; made when absent, readable by its owner alone.
        migrations: A folder of numbered `.sql` files that make it what it should be.
    """

    def __init__(self, path: Path, migrations: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        self._db = sqlite3.connect(
            path, timeout=BUSY_S_MAX, check_same_thread=False, isolation_level=None
        )
        self._lock = RLock()
        with _alone(path):
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
                self._db.execute(f"PRAGMA {pragma}")
            self._migrate(migrations)

    def ask(self, query: str, *values: object) -> list[Any]:
        """Return the rows of a question."""
        with self._lock:
            return self._db.execute(query, values).fetchall()

    def do(self, statement: str, *values: object) -> int:
        """Carry out a statement, durable when this returns; return how many rows it touched."""
        with self._lock:
            return self._db.execute(statement, values).rowcount

    @contextmanager
    def together(self) -> Iterator[None]:
        """Carry out all statements within, or none; nobody else's come in between."""
        with self._lock:
            if self._db.in_transaction:
                yield  # part of what is carried out around it
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # a full disk may have taken it back already
                    self._db.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def _migrate(self, migrations: Path) -> None:
        [[done]] = self.ask("PRAGMA user_version")
        for number, path in enumerate(_steps(migrations), 1):
            if number > done:
                self._db.executescript(
                    f"BEGIN; {path.read_text(encoding='utf-8')}"
                    f" PRAGMA user_version = {number}; COMMIT;"
                )


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let no other program do the same at the same time; a lock ends with who holds it."""
    with path.with_name(f"{path.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _steps(folder: Path) -> Sequence[Path]:
    return sorted(folder.glob("*.sql"))
