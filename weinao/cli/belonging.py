"""Whether a store and a journal belong together: positions in one are places in the other.

Where a journal was begun anew beside a store that knows an older one, its places start again, and
the store would take every danger for one that it has. That is refused before anything is read.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import stamina

from weinao.cli import flows
from weinao.outage import Outage
from weinao.stays import lowered

if TYPE_CHECKING:
    from sinks.store import Store


def check(
    data: Path,
    flow: str,
    asked: "Callable[[], AbstractContextManager[Store]]",
    command: str,
    outage: Outage | None = None,
) -> int:
    """Return the identity of a flow's journal, and leave it with the store that has none yet.

    It waits while the store is away.

    Args:
        data: Folder of the system.
        flow: Its name.
        asked: Opens the store, and closes it.
        command: For whom, in the message.
        outage: Told while the store is away; None if nobody is.

    Raises:
        SystemExit: The store belongs to another journal.
    """
    from pipeline.journal import JournalReader, identity_of
    from sinks.client import StoreClient
    from sinks.store import OF_JOURNAL, StoreUnavailableError

    folder = flows.folder_of(data, flow) / "journal"
    identity, end, name = identity_of(folder), JournalReader(folder).end, OF_JOURNAL + flow

    def compare() -> str:
        with asked() as store:
            reached = store.accepted() if isinstance(store, StoreClient) else store.progress()
            known = store.cursor(name)
            beyond = [grid for grid, it in reached.items() if _place(data, flow, grid, it[0]) > end]
            if beyond:
                return f"it has come further with {min(beyond)} than this journal goes ({end})"
            if identity and known not in (0, identity):
                return f"it was filled from journal {known:x}, and this one is {identity:x}"
            if identity and not known:
                store.set_cursor(name, identity)
        return ""

    def patiently() -> str:
        for attempt in stamina.retry_context(
            on=StoreUnavailableError, attempts=None, timeout=None, wait_initial=0.05, wait_max=1.0
        ):
            with attempt:
                try:
                    return compare()
                except StoreUnavailableError as error:
                    if outage is not None:
                        outage.lost(error)
                    raise
        raise AssertionError("it was compared, or waited for")

    other = patiently()
    if outage is not None:
        outage.restored()
    if other:
        raise SystemExit(
            f"weinao {command}: the store does not belong to {folder}: {other}. Bring the journal"
            " back, or begin a store anew with it (and a lake); what this journal says would be"
            " taken for known"
        )
    return identity


def journals_of(data: Path, store: "Store") -> dict[str, int]:
    """Return from which journals a store was filled, by flow, as far as it knows."""
    from sinks.store import OF_JOURNAL

    found = {flow: store.cursor(OF_JOURNAL + flow) for flow in flows.stays_of(data).flows}
    return {flow: identity for flow, identity in found.items() if identity}


def _place(data: Path, flow: str, grid: str, offset: int) -> int:
    """Return the place of an offset in the journal of a flow; -1 if it is of another."""
    stay, place = lowered(offset)
    lived = flows.stays_of(data).of(grid)
    return place if stay < len(lived) and lived[stay] == flow else -1
