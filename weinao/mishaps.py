"""What a command says when the world around it fails: one line, and no traceback.

That is for what the system refuses: a file that is away, a disk that is full, a port that is taken.
A broken program still ends with its traceback.
"""

import io
import os
import select
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_REFUSED = {
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOTADB,
}  # fmt: skip
"""What SQLite says of its file and of the disk, and not of what was asked of it."""


@contextmanager
def in_words(command: str) -> Iterator[None]:
    """End the program in words if the system refuses what a command asks of it.

    Args:
        command: Named in the message.

    Raises:
        SystemExit: It did; exit code 1. Silent, with code 0, if who reads our output has left.
    """
    _can_be_written_to()
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _REFUSED:
            raise
        sys.exit(f"weinao {command}: {error}")
    except OSError as error:
        left = isinstance(error, BrokenPipeError) and _reader_has_left()
        _write_no_more()
        if not left:
            sys.exit(f"weinao {command}: {told(error)}")
        # Who reads has read enough.


def told(error: OSError) -> str:
    """Return what the system refused, and what it was about."""
    if error.strerror is None:
        return str(error)
    return f"{error.filename}: {error.strerror}" if error.filename else error.strerror


def _can_be_written_to() -> None:
    """Make sure that both streams are there, and take any letter; a terminal shows what it can."""
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _nowhere() -> io.TextIOWrapper:
    # The lowest number that is free is the closed stream's own: no file of ours gets it.
    return io.TextIOWrapper(io.FileIO(os.open(os.devnull, os.O_WRONLY), "w"), encoding="utf-8")


def _reader_has_left() -> bool:
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    return any(events & (select.POLLERR | select.POLLHUP) for _, events in poll.poll(0))


def _write_no_more() -> None:
    """Forget what could not be written: Python would try again at the end, and fail again."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
