"""The outbox's file: opened or made anew, never a reason not to start.

A file that cannot be used is moved aside, named in the log, and replaced: an agent that starts
with an empty outbox still hears the next alarm, one that does not start hears nothing.
"""

import sqlite3
from contextlib import suppress
from pathlib import Path

from structlog.typing import FilteringBoundLogger

SCHEMA_VERSION = 1
SET_ASIDE_MAX = 3
"""Unusable files kept for a person to look at; older ones are removed."""

_NOT_THE_FILE = {
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH, sqlite3.SQLITE_NOMEM,
}  # fmt: skip

_SCHEMA = """
CREATE TABLE items (
    id INTEGER PRIMARY KEY,       -- the order in which they became durable
    lane INTEGER NOT NULL CHECK (lane BETWEEN 0 AND 3),
    device TEXT NOT NULL,
    boot TEXT NOT NULL,
    first INTEGER NOT NULL,       -- below seq only where numbers were given up
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,          -- event time of the oldest observation
    put_at INTEGER NOT NULL,
    observations INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    payload BLOB NOT NULL
) STRICT;
CREATE INDEX items_by_lane ON items (lane, id, bytes);
CREATE UNIQUE INDEX items_by_number ON items (device, boot, seq);
CREATE INDEX items_by_at ON items (at) WHERE lane <> 1;

CREATE TABLE issued (             -- the highest number given out, for audits
    device TEXT NOT NULL,
    boot TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (device, boot)
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger (             -- what was given up, by name
    device TEXT NOT NULL,
    boot TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    lane TEXT NOT NULL,
    reason TEXT NOT NULL,
    observations INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (device, boot, last)
) STRICT, WITHOUT ROWID;

CREATE TABLE marks (              -- what a driver wants to know after a restart
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    device TEXT NOT NULL,         -- the pack that it became durable with
    boot TEXT NOT NULL,
    seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE starts (counter INTEGER NOT NULL) STRICT;
"""


def open_database(path: Path, log: FilteringBoundLogger, now: int) -> sqlite3.Connection:
    """Open the file, or set it aside and begin a new one.

    Args:
        path: Of the database; its folder exists.
        log: Names what was set aside.
        now: Milliseconds UTC; part of the name that an unusable file gets.

    Raises:
        sqlite3.OperationalError: Neither could be done: the folder is not writable, or another
            agent holds the file.
    """
    try:
        return _opened(path)
    except (sqlite3.Error, UnicodeError) as error:  # it may not even be able to say what is wrong
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _NOT_THE_FILE or not path.exists():
            raise
        problem = error
    aside = _set_aside(path, now)
    log.error("outbox.set_aside", path=str(path), moved_to=str(aside), error=str(problem))
    return _opened(path)


def _opened(path: Path) -> sqlite3.Connection:
    # One thread at a time uses it, but not always the one that opened it.
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1.0)
    db.text_factory = lambda raw: raw.decode("utf-8", "replace")
    try:
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")  # a commit is on the disk, not on its way
        db.execute("PRAGMA cache_size = -512")  # KiB; the queue is read once, in order
        db.execute("PRAGMA journal_size_limit = 4194304")
        _check(db)
    except BaseException:
        db.close()
        raise
    return db


def _check(db: sqlite3.Connection) -> None:
    """Make the schema where there is none yet.

    Raises:
        sqlite3.DatabaseError: The file is of another version, or damaged.
    """
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version == 0 and not db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        db.executescript(f"BEGIN;{_SCHEMA}PRAGMA user_version = {SCHEMA_VERSION};COMMIT")
    elif version != SCHEMA_VERSION:
        raise sqlite3.DatabaseError(f"schema version {version}, expected {SCHEMA_VERSION}")
    verdict = db.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if verdict != "ok":
        raise sqlite3.DatabaseError(str(verdict))


def _set_aside(path: Path, now: int) -> Path:
    aside = path.with_name(f"{path.name}.unusable-{now}")
    for suffix in ("-wal", "-shm", ""):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    earlier = sorted(
        found
        for found in path.parent.glob(f"{path.name}.unusable-*")
        if not found.name.endswith(("-wal", "-shm"))
    )
    for found in earlier[:-SET_ASIDE_MAX]:
        for suffix in ("-wal", "-shm", ""):
            found.with_name(found.name + suffix).unlink(missing_ok=True)
    return aside
