"""What happens now: follows the store, keeps the incidents at hand, and tells the open pages.

    store.outgoing ─► board (incidents as they stand) ─► hub ─► every page that may know of it
                 └► registry, read again every two seconds

A thread of its own asks; the pages' loop is only ever told. While the store is away, the board
stands as it was, and says how old it is.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue

from structlog.typing import FilteringBoundLogger

from portal.measures import CHANGES, STORE_AGE, STREAMS, TOLD_SECONDS
from portal.reach import OVER, gravest_first
from sinks import known as registry
from sinks.known import LATE_MS, Known
from sinks.store import Filter, Store, StoreUnavailableError, every
from weinao.outage import Outage
from weinao.outcomes import Incident, IncidentState, Outcome

DAYS_KEPT = 31
"""How far back closed incidents stand on the board; the store has the older ones."""

WAIT_S = 1.0
REGISTRY_EVERY_MS = 2_000
REGISTRY_WHOLE_EVERY_MS = 600_000
CURSOR_EVERY_MS = 30_000
CURSOR = "portal"
QUEUE_MAX = 64
"""Changes that may wait for one page; a page that is slower fetches all that stands anyway."""

AWAITED = tuple(state for state in IncidentState if state not in OVER)

_DAY_MS = 86_400_000


class Stores:
    """Lends connections to the store, one to each that asks, and takes them back.

    Args:
        open_store: Makes a new one; also for who keeps one.
    """

    def __init__(self, open_store: Callable[[], Store]) -> None:
        self.open, self._idle = open_store, SimpleQueue[Store]()

    @contextmanager
    def lent(self) -> Iterator[Store]:
        """Lend a connection."""
        try:
            store = self._idle.get_nowait()
        except Empty:
            store = self.open()
        try:
            yield store
        finally:
            self._idle.put(store)

    def close(self) -> None:
        """Close those that are not lent."""
        while not self._idle.empty():
            self._idle.get_nowait().close()


class Board:
    """Every incident as it stands, newest first; changed by one thread, read by all."""

    def __init__(self) -> None:
        self._incidents: dict[tuple[str, str], Outcome] = {}

    def put(self, outcome: Outcome) -> bool:
        """Take in a change; return whether it was news."""
        incident = outcome.value
        assert isinstance(incident, Incident)
        before = self._incidents.get((outcome.grid, incident.id))
        if before is not None and before.position >= outcome.position:
            return False
        self._incidents[outcome.grid, incident.id] = outcome
        return True

    def forget(self, before: int) -> None:
        """Leave to the store what ended and began before."""
        kept = {
            key: one
            for key, one in self._incidents.items()
            if isinstance(one.value, Incident)
            and (one.value.at >= before or one.value.state not in OVER)
        }
        self._incidents = kept

    def all(self) -> list[Incident]:
        """Return all incidents, those that began last first."""
        found = [one.value for one in [*self._incidents.values()]]
        incidents = [one for one in found if isinstance(one, Incident)]
        return sorted(incidents, key=lambda one: (-one.at, one.id))

    def open(self) -> list[Incident]:
        """Return those for which somebody is awaited, the gravest first."""
        return gravest_first(one for one in self.all() if one.state not in OVER)

    def find(self, incident: str, grid: str | None = None) -> Incident | None:
        """Return one incident, if it is on the board."""
        for (where, name), outcome in [*self._incidents.items()]:
            if name == incident and grid in (None, where):
                return outcome.value if isinstance(outcome.value, Incident) else None
        return None


class Hub:
    """Tells open pages of changes; lives in the loop that serves them."""

    def __init__(self) -> None:
        self._listening: set[asyncio.Queue[Incident]] = set()
        self.told = 0
        """Counts changes; what a page shows is as new as this was when it was asked for."""

    def __len__(self) -> int:
        return len(self._listening)

    @contextmanager
    def listening(self) -> Iterator[asyncio.Queue[Incident]]:
        """Give a queue of all changes from now on."""
        queue: asyncio.Queue[Incident] = asyncio.Queue(QUEUE_MAX)
        self._listening.add(queue)
        STREAMS.set(len(self))
        try:
            yield queue
        finally:
            self._listening.discard(queue)
            STREAMS.set(len(self))

    def tell(self, incident: Incident) -> None:
        """Tell everybody of a change."""
        self.told += 1
        for queue in self._listening:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(incident)


class Live:
    """Follows the store.

    Args:
        stores: Whom to ask.
        now: The wall clock, in milliseconds.
        log: For outages.
    """

    def __init__(
        self, stores: Stores, *, now: Callable[[], int], log: FilteringBoundLogger
    ) -> None:
        self.board, self.hub, self.known = Board(), Hub(), Known()
        self.answered_at: int | None = None
        """When the store answered last; None while it never has."""

        self._stores, self._now = stores, now
        self._outage = Outage(log, "store", now)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = threading.Event()
        self._seq: int | None = None
        self._read_at = self._whole_at = self._saved_at = 0
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)
        STORE_AGE.set_function(self._age_s)

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to follow, and tell the pages that this loop serves."""
        self._loop = loop
        self._thread.start()

    def close(self) -> None:
        """Stop following."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(WAIT_S + 2)

    def look(self, wait_s: float = 0.0) -> int:
        """Take in what is new; return how many changes that were.

        Raises:
            StoreUnavailableError: The store is away.
        """
        with self._stores.lent() as store:
            if self._seq is None:
                self._begin(store)
            assert self._seq is not None
            self._registry(store)
            found = store.outgoing(self._seq, wait_s=wait_s)
            self.answered_at = self._now()
            changed = [one for one in found if self._takes(one.outcome)]
            if found:
                self._seq = found[-1].seq
                self._save(store)
        return len(changed)

    def wait_for(self, seen: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until something is so; used by answers that want to see what became of them."""
        end = threading.Event()
        deadline = self._now() + round(timeout_s * 1_000)
        while not seen():
            if self._now() >= deadline:
                return False
            end.wait(0.02)
        return True

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.look(WAIT_S)
                self._outage.restored()
            except StoreUnavailableError as error:
                self._outage.lost(error)
                self._stop.wait(0.5)

    def _begin(self, store: Store) -> None:
        self._seq = store.cursor(CURSOR)
        since = self._now() - DAYS_KEPT * _DAY_MS
        wanted = [Filter(since=since), *(Filter(state=state) for state in AWAITED)]
        for outcome in (one for each in wanted for one in every(store, "incidents", each)):
            self.board.put(outcome)

    def _registry(self, store: Store) -> None:
        now = self._now()
        if now - self._read_at < REGISTRY_EVERY_MS:
            return
        whole = now - self._whole_at >= REGISTRY_WHOLE_EVERY_MS
        since = None if whole else self._read_at - LATE_MS
        self.known = registry.read(store, self.known, since)
        self._read_at = now
        if whole:
            self._whole_at = now
            self.board.forget(now - DAYS_KEPT * _DAY_MS)

    def _takes(self, outcome: Outcome) -> bool:
        incident = outcome.value
        if not isinstance(incident, Incident) or not self.board.put(outcome):
            return False
        CHANGES.inc()
        TOLD_SECONDS.observe(max(0, self._now() - outcome.received_at) / 1_000)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.hub.tell, incident)
        return True

    def _save(self, store: Store) -> None:
        if self._seq is not None and self._now() - self._saved_at >= CURSOR_EVERY_MS:
            self._saved_at = self._now()
            store.set_cursor(CURSOR, self._seq)

    def _age_s(self) -> float:
        return float("inf") if self.answered_at is None else (self._now() - self.answered_at) / 1e3
