"""What an earlier run left to go on from, looked at before anything trusts it.

Recovery only spares reading: the journal has it all. What a disk has spoilt, or what would go on
where the journal does not reach any more, counts for nothing; a flow that died of it at each start
would keep every danger from everybody until somebody came. So does what is further than the store:
what lies between the two would never be told.
"""

import pickle
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import msgspec

from pipeline.flow import plain
from pipeline.flow.frozen import thaw
from pipeline.flow.mind import Mind
from pipeline.flow.seat import Position, SeatState
from pipeline.journal import oldest


class SpoiltError(Exception):
    """What was left cannot be read, or leads nowhere."""


def check(
    recovery: Path, journal: Path, mind: Mind, kept: Mapping[str, Position] | None = None
) -> None:
    """Look whether a flow can go on from what an earlier one left, if one did.

    Args:
        recovery: Where either runner leaves it.
        journal: Its folder.
        mind: Of both.
        kept: How far the store has come with each grid; None where that cannot be asked.

    Raises:
        SpoiltError: It cannot; the message says why.
    """
    offsets, seats = _plainly(recovery / "plain.msgpack", mind)
    parts = sorted((recovery / "bytewax").glob("part-*.sqlite3"))
    try:
        for offset, seat in _engine(parts, mind):
            offsets += offset
            seats += seat
    except (sqlite3.Error, pickle.UnpicklingError, EOFError, msgspec.DecodeError) as error:
        raise SpoiltError(f"{recovery.name}/bytewax: {error}") from error
    at, begins = min(offsets, default=None), oldest(journal)
    if at is not None and at < begins:
        raise SpoiltError(f"it goes on at offset {at}, and the journal begins at {begins}")
    if kept is None:
        return
    for one in seats:
        if one.last is not None and kept.get(one.grid, (-1, -1)) < one.last:
            raise SpoiltError(
                f"it goes on behind {one.last} of {one.grid}, and the store has it up to"
                f" {kept.get(one.grid)}"
            )


def _plainly(path: Path, mind: Mind) -> tuple[list[int], list[SeatState]]:
    try:
        left = plain.load(path, mind)
    except msgspec.DecodeError as error:
        raise SpoiltError(f"{path.name}: {error}") from error
    return ([left.offset], [*left.seats.values()]) if left else ([], [])


def _engine(parts: list[Path], mind: Mind) -> Iterator[tuple[list[int], list[SeatState]]]:
    """Yield, for each part of the engine's store, what it would go on from."""
    resumes: dict[int, int] = {}
    for path in parts:
        with closing(sqlite3.connect(path)) as db:
            [(verdict,)] = db.execute("PRAGMA quick_check(1)").fetchall()
            # A part that was never filled holds tables all the same.
            if verdict != "ok" or not db.execute("SELECT count(*) FROM parts").fetchone()[0]:
                raise SpoiltError(f"{path.name}: {verdict}")
            for run, epoch in db.execute("SELECT ex_num, resume_epoch FROM exs"):
                resumes.setdefault(run, epoch)
            for run, epoch in db.execute(
                "SELECT ex_num, min(worker_frontier) FROM fronts GROUP BY ex_num"
            ):
                resumes[run] = max(epoch, resumes.get(run, epoch))
    epoch = resumes[max(resumes)] if resumes else 0
    for path in parts:
        with closing(sqlite3.connect(path)) as db:
            newest = (
                "SELECT ser_change FROM snaps WHERE step_id LIKE ? AND snap_epoch < ?"
                " AND ser_change IS NOT NULL GROUP BY state_key HAVING snap_epoch = max(snap_epoch)"
            )
            offsets, seats = (
                [pickle.loads(row) for (row,) in db.execute(newest, [step, epoch])]  # noqa: S301  # our own
                for step in ("%.journal", "%.brain")
            )
        yield offsets, [thaw(one, SeatState, mind.rules) for one in seats if one is not None]
