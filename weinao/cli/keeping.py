"""What of a flow's journal is still needed: who says so, and where one begins who has read nothing.

The flow notes what its recovery would read again; the store, what still waits for its database; the
lake, what the store has and it has not. Ingest reads these notes, and knows nothing else of them.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from structlog.typing import FilteringBoundLogger

from weinao.cli import flows
from weinao.outage import Outage
from weinao.stays import lowered

if TYPE_CHECKING:
    from pipeline.flow.seat import SeatState
    from pipeline.journal import JournalReader

FLOW = "flow"
"""The reader that must have read what goes."""

AGAIN_MS = 60_000
"""A note is written again after so long although nothing in it has changed: its writer lives."""


class Notes:
    """Leaves notes of one reader in the journals of flows; what the disk refuses is said later.

    Args:
        data: Folder of the system.
        reader: Its name.
        must: Whether what it has not read may never go.
        outage: Told when the disk refuses.
        now: Milliseconds UTC.
    """

    def __init__(
        self, data: Path, reader: str, *, must: bool, outage: Outage, now: Callable[[], int]
    ) -> None:
        self._data, self._reader, self._must = data, reader, must
        self._outage, self._now = outage, now
        self._said: dict[str, tuple[int | None, int]] = {}

    def say(self, flow: str, needs: int | None) -> None:
        """Note the first place of a flow's journal that is still needed; None for none."""
        from pipeline.readers import Bookmark, put

        known, at = self._said.get(flow, (-1, 0))
        now = self._now()
        if needs == known and 0 <= now - at < AGAIN_MS:
            return
        journal = flows.folder_of(self._data, flow) / "journal"
        note = Bookmark(reader=self._reader, needs=needs, must=self._must, at=now)
        try:
            put(journal, note)
        except OSError as error:
            self._outage.lost(error)  # the older note keeps more
            return
        self._outage.restored()
        self._said[flow] = (needs, now)

    def say_of(self, waiting: Mapping[str, int]) -> None:
        """Note what is needed of each flow's journal, given the first offset for each grid."""
        stays = flows.stays_of(self._data)
        needed: dict[str, int | None] = dict.fromkeys(stays.flows)
        for grid, offset in waiting.items():
            stay, place = lowered(offset)
            lived = stays.of(grid)
            flow = lived[min(stay, len(lived) - 1)]
            before = needed.get(flow)
            needed[flow] = place if before is None else min(before, place)
        for flow, needs in needed.items():
            if (flows.folder_of(self._data, flow) / "journal").exists():
                self.say(flow, needs)


def needed_by_flows(data: Path) -> dict[str, int | None]:
    """Return what each flow has said it needs of its journal, where it has said so."""
    from pipeline.readers import bookmarks

    return {
        flow: one.needs
        for flow in flows.stays_of(data).flows
        for one in bookmarks(flows.folder_of(data, flow) / "journal")
        if one.reader == FLOW
    }


class Start:
    """Where a flow begins that has no recovery, and what its seats remember there.

    Args:
        journal: Its folder.
        log: Bound to the flow.
        notes: Told where the flow begins; None if nobody is.
        flow: Its name.
    """

    def __init__(
        self, journal: Path, log: FilteringBoundLogger, notes: Notes | None, flow: str
    ) -> None:
        self._journal, self._log, self._notes, self._flow = journal, log, notes, flow
        self.seats: dict[str, SeatState] = {}
        self.told: Callable[[dict[str, SeatState]], dict[str, SeatState]] = lambda seats: seats
        """Adds to seats what people were told by another brain, if one was here before."""

    def open_at(self, offset: int | None) -> "JournalReader":
        """Open the journal at an offset, or at None for where one begins."""
        from pipeline.flow.bequests import beginning, seats_at
        from pipeline.journal import JournalReader

        if offset is None:
            offset = beginning(self._journal)
            if self._notes is not None:
                self._notes.say(self._flow, offset)
            self.seats.update(self.told(seats_at(self._journal, offset, self._log)))
            if offset:
                self._log.info("journal.begun", offset=offset, grids=len(self.seats))
        return JournalReader(self._journal, offset)

    def settled(self, reader: "JournalReader", offset: int) -> None:
        """Say that nothing before an offset will be read again."""
        if self._notes is not None:
            # From there another brain can begin, too.
            self._notes.say(self._flow, reader.begun_before(offset))
