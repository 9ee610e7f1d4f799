"""Room on the disk that is kept for the outbox: alarms still become durable when the disk is full.

A file of some megabytes stands beside the outbox while there is space. When SQLite is refused
space, the file goes, and what was to be written is tried again. SQLite keeps what its log has grown
to, and writes over it: so little is enough for as long as the disk stays full.
"""

import os
import sqlite3
from contextlib import suppress
from pathlib import Path

BYTES = 4 * 2**20
"""As much as the outbox's log may keep (`journal_size_limit`)."""


class Room:
    """Kept beside a file.

    Args:
        path: Of the file that it is for.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(f"{path.name}.room")
        self._kept = self._path.exists() and self._path.stat().st_size == BYTES

    def keep(self, free_bytes: int) -> None:
        """Keep it, where there is space for twice as much; where there is not, do without."""
        if self._kept or free_bytes < 2 * BYTES:
            return
        with suppress(OSError):
            fd = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                os.posix_fallocate(fd, 0, BYTES)
                self._kept = True
            except OSError:
                self._path.unlink()
            finally:
                os.close(fd)

    def give(self, error: BaseException) -> bool:
        """Give it up, if an error says that the disk is full; return whether to try again."""
        if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_FULL:
            return False
        given, self._kept = self._path.exists(), False
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
        return given
