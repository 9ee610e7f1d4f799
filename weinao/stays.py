"""Where a grid lives: one stay after another, each in the journal of one flow.

A position in the store is `(offset, index)` and belongs to a grid, not to a journal. So that it
goes on growing when a grid moves to another journal, the number of the stay stands above the place:

    offset = stay << 48 | place in the journal of that stay

A grid that never moved is in its stay 0, and its offsets are plain places. 2^48 bytes of journal
are 280 TB; 2^15 moves of one grid are more than one a day for eighty years.
"""

from msgspec import Struct

PLACE_BITS = 48
STAYS_MAX = 1 << 15

FIRST = "1"
"""The flow that a system with one flow has; its folder is that of the system."""


class Stays(Struct, frozen=True, kw_only=True):
    """Which grids have lived in which flows, in order; the last one is where a grid lives now."""

    grids: dict[str, tuple[str, ...]] = {}

    def of(self, grid: str) -> tuple[str, ...]:
        """Return the flows in which a grid has lived; a grid nobody entered lives in the first."""
        return self.grids.get(grid, (FIRST,))

    def home(self, grid: str) -> str:
        """Return the flow in which a grid lives now."""
        return self.of(grid)[-1]

    def living_in(self, flow: str) -> frozenset[str]:
        """Return the grids that live in a flow now."""
        return frozenset(grid for grid in self.grids if self.home(grid) == flow)

    def ever_in(self, flow: str) -> frozenset[str]:
        """Return the grids that have ever lived in a flow."""
        return frozenset(grid for grid, stays in self.grids.items() if flow in stays)

    def begun_elsewhere(self, flow: str) -> frozenset[str]:
        """Return the grids whose first stay is in another flow."""
        return frozenset(grid for grid, stays in self.grids.items() if stays[0] != flow)

    @property
    def flows(self) -> tuple[str, ...]:
        """All flows in which a grid has lived, the first flow in front."""
        named = {flow for stays in self.grids.values() for flow in stays} - {FIRST}
        return (FIRST, *sorted(named, key=_natural))


def settled(stays: Stays, flow: str, grids: tuple[str, ...]) -> Stays:
    """Let grids that have lived nowhere begin in a flow; the others stay where they are."""
    new = {grid: (flow,) for grid in grids if grid not in stays.grids}
    return Stays(grids=stays.grids | new)


def dealt(stays: Stays, flows: tuple[str, ...], grids: tuple[str, ...]) -> Stays:
    """Spread grids that have lived nowhere: in the order of names, each to the flow with fewest."""
    for grid in sorted(set(grids) - {*stays.grids}):
        emptiest = min(flows, key=lambda flow: (len(stays.living_in(flow)), flows.index(flow)))
        stays = settled(stays, emptiest, (grid,))
    return stays


def moved(stays: Stays, grid: str, to: str) -> Stays:
    """Let a grid move on to another flow; moving to where it lives changes nothing."""
    so_far = stays.of(grid)
    if so_far[-1] == to:
        return stays
    assert len(so_far) < STAYS_MAX, f"grid {grid} has moved too often"
    return Stays(grids=stays.grids | {grid: (*so_far, to)})


def lifted(stay: int, place: int) -> int:
    """Return the offset of a place in the journal of a stay."""
    assert 0 <= place < 1 << PLACE_BITS, "a journal is longer than an offset can tell"
    return stay << PLACE_BITS | place


def lowered(offset: int) -> tuple[int, int]:
    """Return the stay of an offset, and the place in the journal of that stay."""
    return offset >> PLACE_BITS, offset & ((1 << PLACE_BITS) - 1)


def _natural(flow: str) -> tuple[int, str]:
    return (int(flow) if flow.isdigit() else 1 << 30, flow)
