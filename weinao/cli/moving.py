"""The part of ingest that lets grids leave and come, as `weinao/cli/flows.py` tells it.

It looks whether the plan has changed, and is idempotent: after a crash it says again what it cannot
know to have said.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from structlog.typing import FilteringBoundLogger

from weinao.cli import flows
from weinao.stays import FIRST, Stays
from weinao.topics import Way

if TYPE_CHECKING:
    from pipeline.ingest.gate import Gate
    from pipeline.ingest.listening import Listening


class Moving:
    """Brings the plan to the gate and the listener of one flow.

    Args:
        data: Folder of the system.
        flow: Whose ingest this is.
        log: Bound to the flow.
    """

    def __init__(self, data: Path, flow: str, log: FilteringBoundLogger) -> None:
        self._data, self._flow, self._log = data, flow, log
        self._seen, self._awaiting = -1, False
        self._said: set[tuple[str, Way, int]] = set()

    def at_first(self, grids: tuple[str, ...]) -> tuple[str, ...]:
        """Return the grids to listen to from the start; who has moved here comes with `step`."""
        stays = flows.stays_of(self._data)
        given = {grid for grid in grids if stays.of(grid) == (self._flow,)}
        begun = {grid for grid in stays.grids if stays.of(grid) == (self._flow,)}
        return tuple(sorted(given | begun))

    def step(self, gate: "Gate", listener: "Listening") -> None:
        """Do what the plan asks for, if it asks for anything new."""
        seen = flows.seen_at(self._data)
        if (seen == self._seen and not self._awaiting) or gate.failed:
            return
        stays = flows.stays_of(self._data)
        coming = {grid for grid in stays.living_in(self._flow) if self._awaited(stays, grid)}
        elsewhere = {grid for grid in stays.grids if stays.home(grid) != self._flow}
        gate.turn_away(frozenset(elsewhere | coming))
        for grid in elsewhere:
            self._let_go(stays, grid, gate, listener)
        for grid in sorted(stays.living_in(self._flow) - coming):
            stay = len(stays.of(grid)) - 1
            if stay and self._say(gate, grid, Way.ARRIVES, stay):
                listener.listen_to(grid)
        self._seen, self._awaiting = seen, bool(coming)

    def _let_go(self, stays: Stays, grid: str, gate: "Gate", listener: "Listening") -> None:
        for stay, flow in enumerate(stays.of(grid)):
            ended = flows.ending(self._data, grid, stay) is not None
            if flow == self._flow and not ended and self._say(gate, grid, Way.DEPARTS, stay):
                listener.leave(grid)

    def _awaited(self, stays: Stays, grid: str) -> bool:
        """Return whether a grid lives here, but its last stay has not ended."""
        stay = len(stays.of(grid)) - 1
        return stay > 0 and flows.ending(self._data, grid, stay - 1) is None

    def _say(self, gate: "Gate", grid: str, way: Way, stay: int) -> bool:
        if (grid, way, stay) in self._said:
            return False
        if not gate.note_move(grid, way, stay):
            self._log.warning("move.delayed", grid=grid, way=way, stay=stay)
        self._said.add((grid, way, stay))
        self._log.info(f"grid.{_PAST[way]}", grid=grid, stay=stay)
        return True


_PAST = {Way.DEPARTS: "departed", Way.ARRIVES: "arrived"}


def listens_to_all(flow: str, grids: tuple[str, ...]) -> bool:
    """Return whether an ingest takes in what no plan speaks of: the first one, if told nothing."""
    return flow == FIRST and not grids
