"""Several flows in one folder: whose grids are whose, and how one moves.

    data/                  journal and recovery of the first flow, and what all share
    data/flows.json        which grids have lived in which flows, in order
    data/flows/NAME/       journal and recovery of each further flow
    data/moves/            GRID.STAY.json: a stay has ended, and where; GRID.STAY.state: the brain;
                           GRID.STAY.left: what another brain must know of it

A move is one line in `flows.json`; all else follows from it, whoever is killed when:

    ingest of the old flow   leaves the grid's topics, journals `departs`, turns away what comes
    the old flow             meets `departs`: keeps what came before, then writes GRID.STAY.json
    ingest of the new flow   sees it: journals `arrives`, and only then listens to the grid
    the new flow             meets `arrives`: takes the brain over, counts positions in a new stay

Between the two nothing of the grid is acknowledged, so its senders keep it, and send it again.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from weinao.stays import FIRST, Stays
from weinao.whole import write_whole

if TYPE_CHECKING:
    from pipeline.flow.mind import Mind
    from pipeline.flow.seat import Handed

PLAN, MOVES = "flows.json", "moves"


class Ending(Struct, frozen=True, kw_only=True):
    """How a stay ended: in whose journal, where, and the position of the last outcome before."""

    flow: str
    cut: int
    last: tuple[int, int] | None
    mind: str


def folder_of(data: Path, flow: str) -> Path:
    """Return the folder of a flow's journal and recovery."""
    return data if flow == FIRST else data / "flows" / flow


def stays_of(data: Path) -> Stays:
    """Return where the grids of a system live."""
    try:
        return msgspec.json.decode((data / PLAN).read_bytes(), type=Stays)
    except FileNotFoundError:
        return Stays()


def change(data: Path, by: Callable[[Stays], Stays]) -> Stays:
    """Change where grids live, one who changes it after the other; durable on return."""
    data.mkdir(parents=True, exist_ok=True)
    with _alone(data / "flows.lock"):
        before = stays_of(data)
        after = by(before)
        if after != before:
            text = msgspec.json.format(msgspec.json.encode(after), indent=1)
            write_whole(data / PLAN, text + b"\n")
        return after


def seen_at(data: Path) -> int:
    """Return something that changes whenever the plan does."""
    try:
        return (data / PLAN).stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def ending(data: Path, grid: str, stay: int) -> Ending | None:
    """Return how a stay ended; None while it has not."""
    try:
        return msgspec.json.decode(_ending(data, grid, stay).read_bytes(), type=Ending)
    except FileNotFoundError:
        return None


def keep_ending(data: Path, flow: str, handed: "Handed", mind: str) -> None:
    """Keep how a stay ended: first the brain, then the note that says so. Repeats are harmless."""
    from pipeline.brain import bequest
    from pipeline.flow.frozen import freeze

    folder = data / MOVES
    folder.mkdir(mode=0o700, exist_ok=True)
    note = Ending(flow=flow, cut=handed.cut, last=handed.last, mind=mind)
    known = ending(data, handed.grid, handed.stay)
    if known is not None and known.mind == mind:
        return
    write_whole(_state(data, handed.grid, handed.stay), freeze(handed))
    left = bequest.bequest_of(
        handed.brain,
        grid=handed.grid,
        offset=handed.cut,
        stay=handed.stay,
        here=False,
        last=handed.last,
    )
    write_whole(_left(data, handed.grid, handed.stay), bequest.encode(left))
    write_whole(_ending(data, handed.grid, handed.stay), msgspec.json.encode(note))


def kept_state(data: Path, grid: str, stay: int, mind: "Mind") -> "Handed | None":
    """Return a grid's state at the end of a stay, as its flow of the same mind left it."""
    from pipeline.flow.frozen import thaw
    from pipeline.flow.seat import Handed

    try:
        return thaw(_state(data, grid, stay).read_bytes(), Handed, mind.rules)
    except FileNotFoundError:
        return None


def left_state(data: Path, grid: str, stay: int) -> "Handed | None":
    """Return a grid's state at the end of a stay, as any brain can take it over, if it was left."""
    from pipeline.brain import bequest
    from pipeline.flow.seat import Handed

    try:
        left = bequest.decode(_left(data, grid, stay).read_bytes())
    except FileNotFoundError:
        return None
    return Handed(
        grid=grid,
        stay=stay,
        cut=left.offset,
        last=left.last,
        brain=bequest.snapshot_of(left),
    )


def runs(data: Path, flow: str) -> bool:
    """Return whether somebody writes to the journal of a flow now."""
    lock = folder_of(data, flow) / "journal" / "lock"
    if not lock.exists():
        return False
    fd = os.open(lock, os.O_RDWR)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def _ending(data: Path, grid: str, stay: int) -> Path:
    return data / MOVES / f"{grid}.{stay}.json"


def _left(data: Path, grid: str, stay: int) -> Path:
    return data / MOVES / f"{grid}.{stay}.left"


def _state(data: Path, grid: str, stay: int) -> Path:
    return data / MOVES / f"{grid}.{stay}.state"


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
