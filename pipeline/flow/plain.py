"""The runner without an engine: a for-loop. Same brain, same outcomes, any Python."""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from pipeline.brain.bequest import Bequest
from pipeline.flow.frozen import freeze, thaw
from pipeline.flow.mind import Mind
from pipeline.flow.seat import Fetch, Handed, Seat, SeatState, nobody
from pipeline.flow.steps import by_grid
from pipeline.journal import Record
from weinao.outcomes import Outcome
from weinao.whole import write_whole


class Checkpoint(Struct, frozen=True):
    """Where a plain runner stood, and what its seats remembered there."""

    offset: int
    seats: dict[str, SeatState]


class PlainRunner:
    """Runs the brains of all grids in the calling thread.

    Args:
        mind: What decides.
        write: Takes what was concluded; returns once it is kept.
        resume: An earlier checkpoint.
        fetch: Asked for the state of a grid that comes from another flow.
        hand: Given the state of a grid that leaves, after all that was concluded before.
        leave: Given what another brain must know where a segment begins, likewise.
    """

    def __init__(
        self,
        mind: Mind,
        write: Callable[[Sequence[Outcome]], object],
        resume: Checkpoint | None = None,
        *,
        fetch: Fetch = nobody,
        hand: Callable[[Handed], object] = lambda _: None,
        leave: Callable[[Bequest], object] = lambda _: None,
    ) -> None:
        self._mind, self._write, self._fetch = mind, write, fetch
        self._hand, self._leave = hand, leave
        self._known = {*mind.grids}
        resumed = resume.seats if resume else {}
        self._seats = {grid: Seat(grid, mind, fetch, resumed[grid]) for grid in resumed}

    def take(self, records: Sequence[Record]) -> int:
        """Take in records, and return how many outcomes followed."""
        outcomes: list[Outcome] = []
        later: list[Handed | Bequest] = []
        for grid, items in by_grid(records, self._mind, self._known):
            for concluded in self._seat(grid).take(items):
                if isinstance(concluded, list):
                    outcomes += concluded
                else:
                    later.append(concluded)
        if outcomes:
            self._write(outcomes)
        for one in later:
            if isinstance(one, Handed):
                self._hand(one)
            else:
                self._leave(one)
        return len(outcomes)

    def checkpoint(self, offset: int) -> Checkpoint:
        """Return what is needed to go on from `offset`, the next record to read."""
        return Checkpoint(offset, {grid: self._seats[grid].snapshot() for grid in self._seats})

    def _seat(self, grid: str) -> Seat:
        if grid not in self._seats:
            self._seats[grid] = Seat(grid, self._mind, self._fetch)
        return self._seats[grid]


def save(checkpoint: Checkpoint, path: Path) -> None:
    """Write a checkpoint so that a crash leaves the old one or the new one, which is durable.

    The journal before it may be trimmed as soon as this has returned.
    """
    frozen = {grid: freeze(seat) for grid, seat in checkpoint.seats.items()}
    write_whole(path, msgspec.msgpack.encode((checkpoint.offset, frozen)))


def load(path: Path, mind: Mind) -> Checkpoint | None:
    """Read the checkpoint of an earlier run of the same mind, if there was one."""
    if not path.exists():
        return None
    offset, frozen = msgspec.msgpack.decode(path.read_bytes(), type=tuple[int, dict[str, bytes]])
    seats = {grid: thaw(data, SeatState, mind.rules) for grid, data in frozen.items()}
    return Checkpoint(offset, seats)
