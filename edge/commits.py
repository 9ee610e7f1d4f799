"""Group commit: many wait, one transaction makes them all durable.

    put -> waiting --(alarm: at once; else linger)--> one thread: Outbox.put -> futures

All that touches the outbox's file happens in this one thread, so that a slow disk never stops
the loop that listens to sensors.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from edge.lanes import Lane
from edge.outbox import Entry, Outbox, Placed
from edge.settings import OutboxSettings
from weinao.outage import Outage

T = TypeVar("T")

RETRY_S = 0.5
"""Pause before a commit that the disk refused is tried again; its callers wait meanwhile."""


class Commits:
    """The way to an outbox from an event loop.

    Args:
        outbox: Used by nobody else from now on.
        settings: How long to linger, and for how many.
        outage: Told when the disk refuses, and when it takes again.
        now: Milliseconds UTC.
        on_durable: Called after every commit; the uplink looks for more then.
    """

    def __init__(
        self,
        outbox: Outbox,
        settings: OutboxSettings,
        *,
        outage: Outage,
        now: Callable[[], int],
        on_durable: Callable[[], None] = lambda: None,
    ) -> None:
        self.outbox = outbox
        self._settings, self._outage, self._now = settings, outage, now
        self._on_durable = on_durable
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="outbox")
        self._waiting: list[tuple[Entry, asyncio.Future[Placed]]] = []
        self._committing: list[tuple[Entry, asyncio.Future[Placed]]] = []
        self._placing: asyncio.Future[list[Placed]] | None = None
        self._some, self._urgent = asyncio.Event(), asyncio.Event()

    def put(self, entry: Entry) -> "asyncio.Future[Placed]":
        """Queue an entry; what is returned is done once the entry is durable.

        Entries become durable in the order in which they were put.
        """
        placed: asyncio.Future[Placed] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, placed))
        self._some.set()
        if entry.lane is Lane.ALARM or len(self._waiting) >= self._settings.group_max:
            self._urgent.set()
        return placed

    async def ask(self, what: Callable[..., T], *args: object) -> T:
        """Run something on the outbox, after what has been asked before."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, what, *args)

    def pending_at(self) -> int | None:
        """Return the event time of the oldest observation that is put but not yet durable."""
        ats = [
            seen.at
            for entry, _ in (*self._committing, *self._waiting)
            if entry.lane is not Lane.STATUS
            for seen in entry.obs
        ]
        return min(ats, default=None)

    async def run(self) -> None:
        """Commit what is put, until cancelled."""
        while True:
            await self._some.wait()
            await self._linger()
            self._committing = self._waiting[: self._settings.group_max]
            self._waiting = self._waiting[self._settings.group_max :]
            if not self._waiting:
                self._some.clear()
            if len(self._waiting) < self._settings.group_max:
                self._urgent.clear()
            await self._commit()

    async def close(self) -> None:
        """Commit what still waits, and let go of the file."""
        if self._placing:
            [ended] = await asyncio.gather(self._placing, return_exceptions=True)
            if not isinstance(ended, BaseException):
                self._settle(ended)
        rest = [entry for entry, _ in (*self._committing, *self._waiting)]
        if rest:
            await self.ask(self.outbox.put, rest, self._now())
        await self.ask(self.outbox.close)
        self._thread.shutdown()

    async def _linger(self) -> None:
        if self._settings.linger_ms and not self._urgent.is_set():
            try:
                async with asyncio.timeout(self._settings.linger_ms / 1_000):
                    await self._urgent.wait()
            except TimeoutError:
                pass

    async def _commit(self) -> None:
        entries = [entry for entry, _ in self._committing]
        while True:
            self._placing = asyncio.ensure_future(self.ask(self.outbox.put, entries, self._now()))
            try:
                # A cancelled commit still takes place; `close` must know how it ended.
                self._settle(await asyncio.shield(self._placing))
            except sqlite3.OperationalError as error:
                self._outage.lost(error)
                await asyncio.sleep(RETRY_S)
            else:
                break
        self._outage.restored()
        self._on_durable()

    def _settle(self, placed: list[Placed]) -> None:
        done, self._committing, self._placing = self._committing, [], None
        for (_, future), one in zip(done, placed, strict=True):
            if not future.done():
                future.set_result(one)
