"""Group commit: many wait, few transactions, and nothing twice."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from edge import commits as commits_module
from edge.commits import Commits
from edge.lanes import Lane
from edge.outbox import Entry, Outbox, Placed
from edge.settings import OutboxSettings
from tests.edge.made import NOW, entry, outbox
from weinao.logging import logger
from weinao.outage import Outage


class Watched:
    """An outbox that counts its transactions, and fails or dawdles on demand."""

    def __init__(self, box: Outbox) -> None:
        self.box, self.groups, self.failures = box, [0][:0], 0
        self.before_put: Callable[[], None] = lambda: None

    def put(self, entries: list[Entry], now: int) -> list[Placed]:
        self.before_put()
        if self.failures:
            self.failures -= 1
            raise sqlite3.OperationalError("database or disk is full")
        self.groups.append(len(entries))
        return self.box.put(entries, now)

    def close(self) -> None:
        self.box.close()


def _commits(watched: Watched, **settings: float) -> Commits:
    return Commits(
        watched,  # type: ignore[arg-type]  # all of an outbox that it uses
        OutboxSettings(**settings),
        outage=Outage(logger(), "disk", lambda: NOW),
        now=lambda: NOW,
    )


async def _run(commits: Commits, doing: Callable[[], object]) -> object:
    running = asyncio.ensure_future(commits.run())
    try:
        return await doing()  # type: ignore[misc]
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await commits.close()


def test_many_puts_share_few_transactions_and_keep_their_order(tmp_path: Path) -> None:
    watched = Watched(outbox(tmp_path))
    commits = _commits(watched)

    placed = asyncio.run(
        _run(commits, lambda: asyncio.gather(*(commits.put(entry()) for _ in range(700))))
    )

    assert [one.seq for one in placed] == list(range(1, 701))  # type: ignore[attr-defined]
    assert watched.groups == [512, 188]


def test_an_alarm_waits_for_nobody(tmp_path: Path) -> None:
    watched = Watched(outbox(tmp_path))
    commits = _commits(watched, linger_ms=60_000)

    async def put() -> float:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await commits.put(entry("sos", lane=Lane.ALARM))
        return loop.time() - began

    assert asyncio.run(_run(commits, put)) < 30  # type: ignore[operator]


def test_a_disk_that_refuses_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commits_module, "RETRY_S", 0.01)
    watched = Watched(outbox(tmp_path))
    watched.failures = 3
    commits = _commits(watched)

    with capture_logs() as logs:
        placed = asyncio.run(_run(commits, lambda: commits.put(entry())))

    assert placed.seq == 1  # type: ignore[attr-defined]
    assert [line["event"] for line in logs] == ["peer.lost", "peer.restored"]


def test_what_is_on_its_way_holds_the_word_about_time_back(tmp_path: Path) -> None:
    commits = _commits(Watched(outbox(tmp_path)))

    async def put() -> list[int | None]:
        placing = [commits.put(entry("a", NOW - 5)), commits.put(entry("b", NOW - 9))]
        commits.put(entry("agent", NOW - 99, Lane.STATUS))
        before = commits.pending_at()
        await asyncio.gather(*placing)
        return [before, commits.pending_at()]

    assert asyncio.run(_run(commits, put)) == [NOW - 9, None]


def test_closing_in_the_middle_of_a_commit_commits_once(tmp_path: Path) -> None:
    watched = Watched(outbox(tmp_path))
    commits = _commits(watched, linger_ms=0)

    async def play() -> None:
        loop = asyncio.get_running_loop()
        started = asyncio.Event()
        watched.before_put = lambda: loop.call_soon_threadsafe(started.set) and None
        running = asyncio.ensure_future(commits.run())
        commits.put(entry())
        await started.wait()
        commits.put(entry())
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await commits.close()

    asyncio.run(play())

    again = outbox(tmp_path)
    assert [item.seq for item in again.next_batch(10, 0, NOW)] == [1, 2]
