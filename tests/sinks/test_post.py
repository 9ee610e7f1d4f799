"""What people say reaches the journal, whoever dies on the way, and counts once."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from pipeline.journal import Record
from sinks.book import Book
from sinks.ledger import MIGRATIONS
from sinks.outbox import Outbox, Waiting
from sinks.post import Post
from sinks.settings import PostSettings
from tests.pipeline.running import COMMUNITY, GRID, Running, running
from weinao import codec, logging
from weinao.clock import now_ms
from weinao.codec import Arrival
from weinao.messages import Action, Feedback

pytestmark = [pytest.mark.service, pytest.mark.slow]


def test_what_was_said_while_nothing_ran_arrives_once_over_crashes_of_everybody(
    tmp_path: Path,
) -> None:
    with running(tmp_path) as programs:
        first = _portal(tmp_path, programs)
        _say(first, 3)
        first[1].close()  # with nothing delivered: there is no broker yet

        programs.broker()
        programs.ingest()
        second = _portal(tmp_path, programs)
        _say(second, 2)
        _until(lambda: not second[0].waiting())
        programs.kill("ingest")
        _say(second, 2)
        time.sleep(0.3)
        second[1].close()

        programs.ingest()
        third = _portal(tmp_path, programs)
        _until(lambda: not third[0].waiting())
        third[1].close()

        said = [_decoded(one) for one in programs.journalled()]
        numbers = [one.pack.seq for one in said]
        assert sorted({*numbers}) == [1, 2, 3, 4, 5, 6, 7]
        assert len({(one.pack.boot, one.pack.device) for one in said}) == 1
        notes = {one.pack.seq: one.pack.obs for one in said}
        assert all(one.pack.obs == notes[one.pack.seq] for one in said)


def test_what_the_journal_has_is_forgotten_after_our_own_disk_has_refused(tmp_path: Path) -> None:
    with running(tmp_path) as programs:
        programs.broker()
        programs.ingest()
        portal = _portal(tmp_path, programs)
        with closing(sqlite3.connect(tmp_path / "portal.sqlite", isolation_level=None)) as disk:
            disk.execute(
                "CREATE TRIGGER full BEFORE DELETE ON outbox"
                " BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END"
            )
            _say(portal, 2)
            _until(lambda: len(programs.journalled()) >= 2 * 2)  # what is not forgotten goes again
            disk.execute("DROP TRIGGER full")
        _until(lambda: not portal[0].waiting())
        portal[1].close()

        assert {_decoded(one).pack.seq for one in programs.journalled()} == {1, 2}


class Connected(Post):
    """A post with a broker to speak to."""

    connected = True


class Watched(str):
    """The name of a grid: whenever it is looked at, paho's thread has just connected anew."""

    __slots__ = ()
    seen: Callable[[], object] = staticmethod(lambda: None)

    def __hash__(self) -> int:
        Watched.seen()
        return super().__hash__()


def test_a_connection_made_anew_at_any_instant_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = Book(tmp_path / "portal.sqlite", MIGRATIONS)
    outbox = Outbox(book, COMMUNITY, "portal", now_ms)
    grid = Watched(GRID)
    said = [Waiting(grid, "portal", "b", seq, "a/b", b"x", 0) for seq in (1, 2, 3)]
    monkeypatch.setattr(outbox, "waiting", lambda: said)
    post = Connected(outbox, PostSettings(), COMMUNITY, now=now_ms, log=logging.logger())
    sent: list[bytes] = []
    monkeypatch.setattr(post._client, "publish", lambda *told, **_: sent.append(told[1]))

    post._carry()
    looks = count()
    monkeypatch.setattr(Watched, "seen", lambda: next(looks) < len(said) or post._connected())
    post._carry()
    post._carry()

    assert len(sent) == 2 * len(said), "what was sent by another connection is sent by this one"
    book.close()


def _portal(
    folder: Path, programs: Running, now: Callable[[], int] = now_ms
) -> tuple[Outbox, Post]:
    outbox = Outbox(Book(folder / "portal.sqlite", MIGRATIONS), COMMUNITY, "portal", now)
    broker = PostSettings(port=programs.port, resend_s=0.5)
    post = Post(outbox, broker, COMMUNITY, now=now, log=logging.logger())
    post.open()
    return outbox, post


def _say(portal: tuple[Outbox, Post], count: int) -> None:
    outbox, post = portal
    for n in range(count):
        said = Feedback(
            at=now_ms(), incident="i-1", actor="head-1", action=Action.COMMENT, note=str(n)
        )
        outbox.answer(GRID, said)
    post.hurry()


def _decoded(record: Record) -> Arrival:
    found = codec.decode(record.topic, record.payload, received_at=record.received_at)
    assert isinstance(found, Arrival)
    return found


def _until(so: Callable[[], object]) -> None:
    deadline = time.monotonic() + 120
    while not so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_was_lost_is_said_again_also_where_the_clock_was_set_back(tmp_path: Path) -> None:
    with running(tmp_path) as programs:
        programs.broker()
        set_back = [0]
        outbox, post = _portal(tmp_path, programs, lambda: now_ms() - set_back[0])
        _until(lambda: post.connected)
        _say((outbox, post), 1)  # nobody listens yet: the broker lets it go
        time.sleep(1)
        set_back[0] = 3_600_000
        programs.ingest()
        _until(lambda: not outbox.waiting())
        post.close()

        assert {_decoded(one).pack.seq for one in programs.journalled()} == {1}
