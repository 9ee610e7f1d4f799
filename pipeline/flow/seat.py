"""One grid in one flow: whether it lives here, in which of its stays, and its brain. Pure.

    departs -> the state goes out, after all that was concluded before it   -> not here any more
    arrives -> the state comes in                                           -> the next stay begins
    entries -> the brain, if the grid is here; offsets say which stay it is
    begins  -> what another brain must know goes out: the journal may be cut here one day

A journal may say the same twice, after a crash: a stay begins once, and ends once. While a grid is
not here, ingest lets nothing of it through and acknowledges nothing, so it comes where it lives.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.bequest import Bequest, Told, adopted, bequest_of, snapshot_of
from pipeline.brain.entries import Entry
from pipeline.brain.grid import GridBrain, Snapshot
from pipeline.flow.mind import Mind
from weinao.outcomes import Outcome
from weinao.stays import lifted

Position = tuple[int, int]


class Departs(Struct, frozen=True, kw_only=True):
    """A grid leaves this journal; `stay` is the one that ends."""

    grid: str
    offset: int
    stay: int


class Arrives(Struct, frozen=True, kw_only=True):
    """A grid comes to this journal; `stay` is the one that begins."""

    grid: str
    offset: int
    stay: int


class Begins(Struct, frozen=True, kw_only=True):
    """A segment of the journal begins; no record says so, its reader does."""

    grid: str
    offset: int


Item = Entry | Departs | Arrives | Begins


class Handed(Struct, frozen=True, kw_only=True):
    """A grid's state where a stay of it ends.

    Attributes:
        stay: The one that ended.
        cut: The place of the end in the journal of that stay.
        last: The position of the last outcome so far; None if there was none.
        brain: What its brain remembers; None if it never had an entry.
    """

    grid: str
    stay: int
    cut: int
    last: Position | None
    brain: Snapshot | None


class SeatState(Struct, frozen=True, kw_only=True):
    """All that a seat remembers.

    Attributes:
        told: What another brain has told people, further on in the journal than this one is.
    """

    grid: str
    stay: int
    here: bool
    last: Position | None = None
    brain: Snapshot | None = None
    told: Told | None = None


def seat_of(left: Bequest) -> SeatState:
    """Return what a seat remembers that begins with a bequest."""
    return SeatState(
        grid=left.grid, stay=left.stay, here=left.here, last=left.last, brain=snapshot_of(left)
    )


Fetch = Callable[[str, int], Handed]
"""Given a grid and the number of a stay, returns how that stay ended."""


class Seat:
    """Runs the brain of a grid while the grid lives here.

    Args:
        grid: Its id.
        mind: What decides, and which grids begin here.
        fetch: Asked when the grid comes from elsewhere.
        resume: An earlier state.
    """

    def __init__(
        self, grid: str, mind: Mind, fetch: Fetch, resume: SeatState | None = None
    ) -> None:
        self.grid, self._mind, self._fetch = grid, mind, fetch
        state = resume or SeatState(grid=grid, stay=0, here=mind.begins_here(grid))
        self._stay, self._here, self._last = state.stay, state.here, state.last
        self._told = state.told
        self._brain: GridBrain | None = mind.brain(grid, state.brain) if state.brain else None

    def take(self, items: Iterable[Item]) -> Iterator[list[Outcome] | Handed | Bequest]:
        """Take in what the journal has for this grid, and yield what follows, in order."""
        entries: list[Entry] = []
        for item in items:
            if isinstance(item, Entry):
                entries.append(item)
                continue
            yield from self._conclude(entries)
            entries = []
            if isinstance(item, Begins):
                yield self._bequest(item.offset)
            elif isinstance(item, Arrives):
                self._arrive(item)
            elif self._here and item.stay == self._stay:
                self._here = False
                yield self._handed(item.offset)
        yield from self._conclude(entries)

    def snapshot(self) -> SeatState:
        """Return all that is remembered; what comes later does not change it."""
        return SeatState(
            grid=self.grid,
            stay=self._stay,
            here=self._here,
            last=self._last,
            brain=self._brain.snapshot() if self._brain else None,
            told=self._told,
        )

    def _conclude(self, entries: list[Entry]) -> Iterator[list[Outcome]]:
        if not self._here or not entries:
            return
        if self._stay:
            entries = [replace(it, offset=lifted(self._stay, it.offset)) for it in entries]
        brain = self._brain = self._brain or self._mind.brain(self.grid, None)
        outcomes: list[Outcome] = []
        if self._told is not None:
            again = bisect_right(entries, self._told.upto[0], key=_offset)
            outcomes, entries = brain.observe(entries[:again]), entries[again:]
            if entries:
                brain = self._brain = self._adopting(brain, self._told)
        outcomes += brain.observe(entries)
        if outcomes:
            self._last = outcomes[-1].position
            yield outcomes

    def _adopting(self, brain: GridBrain, told: Told) -> GridBrain:
        self._told = None
        return self._mind.brain(self.grid, adopted(brain.snapshot(), told))

    def _arrive(self, item: Arrives) -> None:
        if item.stay <= self._stay:
            return
        handed = self._fetch(self.grid, item.stay - 1)
        self._stay, self._here, self._last = item.stay, True, handed.last
        self._brain = self._mind.brain(self.grid, handed.brain) if handed.brain else None

    def _bequest(self, offset: int) -> Bequest:
        return bequest_of(
            self._brain.snapshot() if self._brain else None,
            grid=self.grid,
            offset=offset,
            stay=self._stay,
            here=self._here,
            last=self._last,
        )

    def _handed(self, cut: int) -> Handed:
        brain = self._brain.snapshot() if self._brain else None
        self._brain = None
        return Handed(grid=self.grid, stay=self._stay, cut=cut, last=self._last, brain=brain)


def _offset(entry: Entry) -> int:
    return entry.offset


def nobody(grid: str, stay: int) -> Handed:
    """Stand for `fetch` where no grid ever comes from elsewhere."""
    raise LookupError(f"grid {grid} came from its stay {stay}, and nobody was told how to ask")
