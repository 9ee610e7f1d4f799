"""A log of DuckDB with an end that cannot be read, as a loss of power leaves it: it is cut off.

DuckDB ignores a log that is too short, and refuses one whose end is zeroes or nonsense; a store
that is never opened again tells nobody of any danger. The longest beginning that can be read is
kept. What was in the rest, the flow concludes anew: it sees that it is further than its store.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

from weinao.whole import write_whole

TORN = ".torn"
"""Ends the name under which the log as it was is kept, for a person to look at."""


def cut_back(path: Path, opens: Callable[[Path], bool]) -> int:
    """Cut a database's log where it can no longer be read; return how many bytes went.

    Args:
        path: Of a database that cannot be opened.
        opens: Says whether one can be opened to be read, and leaves it as it was.

    Returns:
        0 where the log is not to blame; nothing was done then.
    """
    log = path.with_name(f"{path.name}.wal")
    if not log.exists():
        return 0
    try:
        return _cut_back(path, log, opens)
    except OSError:
        return 0  # no room, or no links: it is as it was


def _cut_back(path: Path, log: Path, opens: Callable[[Path], bool]) -> int:
    content = log.read_bytes()
    scratch = path.with_name(f"{path.name}.mending")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(mode=0o700)
    try:
        (scratch / path.name).hardlink_to(path)  # DuckDB looks for the log where a link leads
        trial = scratch / log.name

        def readable(size: int) -> bool:
            trial.write_bytes(content[:size])
            return opens(scratch / path.name)

        if not readable(0) or readable(len(content)):
            return 0
        good, bad = 0, len(content)
        while bad - good > 1:
            middle = (good + bad) // 2
            good, bad = (middle, bad) if readable(middle) else (good, middle)
        _replace(log, content[:good])
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return len(content) - good


def _replace(log: Path, content: bytes) -> None:
    """Put a shorter log in the place of one, durably, and keep that under another name."""
    kept = log.with_name(log.name + TORN)
    kept.unlink(missing_ok=True)
    kept.hardlink_to(log)
    write_whole(log, content)
