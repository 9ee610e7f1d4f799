"""What an outbox says to an audit, read beside the agent that uses it."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path


def read_issued(path: Path) -> dict[tuple[str, str], int]:
    """Return the highest number given out, by device and boot; nothing where there is no file."""
    if not path.exists():
        return {}
    with closing(_open(path)) as db:
        rows = db.execute("SELECT device, boot, seq FROM issued").fetchall()
    return {(device, boot): seq for device, boot, seq in rows}


def read_waiting(path: Path) -> set[tuple[str, str, int]]:
    """Return device, boot and number of every pack that waits."""
    return {(device, boot, seq) for device, boot, seq, _ in _waiting(path)}


def count_waiting(path: Path, issued: Mapping[tuple[str, str], int]) -> int:
    """Return how many of the packs that were issued by then still wait.

    Args:
        path: Of the outbox.
        issued: As `read_issued` told it then. An agent's own heartbeats, which never end, do not
            count.
    """
    return sum(
        lane != _STATUS_LANE and number <= issued.get((device, boot), 0)
        for device, boot, number, lane in _waiting(path)
    )


_STATUS_LANE = 1


def _waiting(path: Path) -> list[tuple[str, str, int, int]]:
    if not path.exists():
        return []
    with closing(_open(path)) as db:
        rows = db.execute("SELECT device, boot, first, seq, lane FROM items").fetchall()
    return [
        (device, boot, number, lane)
        for device, boot, first, last, lane in rows
        for number in range(first, last + 1)
    ]


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
