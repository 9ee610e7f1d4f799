"""What an earlier run left to go on from, looked at before anything trusts it.

Recovery only spares reading: the journal has it all. What a disk has spoilt, or what would go on
where the journal does not reach any more, counts for nothing; a flow that died of it at each start
would keep every danger from everybody until somebody came.
"""

import pickle
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec

from pipeline.flow import plain
from pipeline.flow.mind import Mind
from pipeline.journal import oldest


class SpoiltError(Exception):
    """What was left cannot be read, or leads nowhere."""


def check(recovery: Path, journal: Path, mind: Mind) -> None:
    """Look whether a flow can go on from what an earlier one left, if one did.

    Args:
        recovery: Where either runner leaves it.
        journal: Its folder.
        mind: Of both.

    Raises:
        SpoiltError: It cannot; the message says why.
    """
    found = _plain_offsets(recovery / "plain.msgpack", mind)
    for path in sorted((recovery / "bytewax").glob("part-*.sqlite3")):
        found += _part_offsets(path)
    at, begins = min(found, default=None), oldest(journal)
    if at is not None and at < begins:
        raise SpoiltError(f"it goes on at offset {at}, and the journal begins at {begins}")


def _plain_offsets(path: Path, mind: Mind) -> list[int]:
    try:
        left = plain.load(path, mind)
    except msgspec.DecodeError as error:
        raise SpoiltError(f"{path.name}: {error}") from error
    return [left.offset] if left else []


def _part_offsets(path: Path) -> list[int]:
    """Return the journal's offsets in a part of the engine's store; the oldest may be gone on from.

    A part that was never filled holds tables all the same.
    """
    try:
        with closing(sqlite3.connect(path)) as db:
            [(verdict,)] = db.execute("PRAGMA quick_check(1)").fetchall()
            if verdict != "ok" or not db.execute("SELECT count(*) FROM parts").fetchone()[0]:
                raise SpoiltError(f"{path.name}: {verdict}")
            kept = db.execute("SELECT ser_change FROM snaps WHERE step_id LIKE '%.journal'")
            rows = [row for (row,) in kept.fetchall() if row is not None]
        found = [pickle.loads(row) for row in rows]  # noqa: S301  # our own, as the engine does
    except (sqlite3.Error, pickle.UnpicklingError, EOFError) as error:
        raise SpoiltError(f"{path.name}: {error}") from error
    return [at for at in found if isinstance(at, int)]
