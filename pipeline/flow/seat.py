"""One grid in one flow: whether it lives here, in which of its stays, and its brain. Pure.

    departs -> the state goes out, after all that was concluded before it   -> not here any more
    arrives -> the state comes in                                           -> the next stay begins
    entries -> the brain, if the grid is here; offsets say which stay it is

A journal may say the same twice, after a crash: a stay begins once, and ends once. While a grid is
not here, ingest lets nothing of it through and acknowledges nothing, so it comes where it lives.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.entries import Entry
from pipeline.brain.grid import GridBrain, Snapshot
from weinao.outcomes import Outcome
from weinao.stays import lifted

if TYPE_CHECKING:
    from pipeline.flow.steps import Mind

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


Item = Entry | Departs | Arrives


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
    """All that a seat remembers."""

    grid: str
    stay: int
    here: bool
    last: Position | None = None
    brain: Snapshot | None = None


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
        self, grid: str, mind: "Mind", fetch: Fetch, resume: SeatState | None = None
    ) -> None:
        self.grid, self._mind, self._fetch = grid, mind, fetch
        state = resume or SeatState(grid=grid, stay=0, here=mind.begins_here(grid))
        self._stay, self._here, self._last = state.stay, state.here, state.last
        self._brain: GridBrain | None = mind.brain(grid, state.brain) if state.brain else None

    def take(self, items: Iterable[Item]) -> Iterator[list[Outcome] | Handed]:
        """Take in what the journal has for this grid, and yield what follows, in order."""
        entries: list[Entry] = []
        for item in items:
            if isinstance(item, Entry):
                entries.append(item)
                continue
            yield from self._conclude(entries)
            entries = []
            if isinstance(item, Arrives):
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
        )

    def _conclude(self, entries: list[Entry]) -> Iterator[list[Outcome]]:
        if not self._here or not entries:
            return
        if self._stay:
            entries = [replace(it, offset=lifted(self._stay, it.offset)) for it in entries]
        self._brain = self._brain or self._mind.brain(self.grid, None)
        outcomes = self._brain.observe(entries)
        if outcomes:
            self._last = outcomes[-1].position
            yield outcomes

    def _arrive(self, item: Arrives) -> None:
        if item.stay <= self._stay:
            return
        handed = self._fetch(self.grid, item.stay - 1)
        self._stay, self._here, self._last = item.stay, True, handed.last
        self._brain = self._mind.brain(self.grid, handed.brain) if handed.brain else None

    def _handed(self, cut: int) -> Handed:
        brain = self._brain.snapshot() if self._brain else None
        self._brain = None
        return Handed(grid=self.grid, stay=self._stay, cut=cut, last=self._last, brain=brain)


def nobody(grid: str, stay: int) -> Handed:
    """Stand for `fetch` where no grid ever comes from elsewhere."""
    raise LookupError(f"grid {grid} came from its stay {stay}, and nobody was told how to ask")
