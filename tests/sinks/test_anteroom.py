"""Alarms do not wait for the database; what does wait loses nothing and doubles nothing."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from sinks.anteroom import LOOK_S, WAITING, Anteroom
from sinks.duckdb_store import DuckDBStore
from sinks.store import Followed, StoreUnavailableError
from sinks.timescale_store import TimescaleStore
from tests.disk import fill, small_disk
from tests.sinks import postgres
from tests.sinks.made import incident, kept, notice, outcome
from tests.sinks.serving import until_ready
from weinao import logging
from weinao.clock import now_ms
from weinao.outage import Outage
from weinao.outcomes import Outcome

PATIENCE_S = 8.0
"""Longer than a database at work needs, or a thread is kept waiting, on a busy machine."""


def anteroom(
    store: object, folder: Path, patience_s: float = PATIENCE_S, **settings: object
) -> Anteroom:
    outage = Outage(logging.logger(), "database", now_ms)
    made = Anteroom(store, folder / "anteroom.sqlite", outage, patience_s=patience_s, **settings)
    return until_ready(made)


def _until(condition: Callable[[], object], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _batch(number: int) -> list[Outcome]:
    """Return what one record causes: readings, and an alarm among them."""
    said = [outcome(number, index, kept(number, index)) for index in range(9)]
    return [*said, outcome(number, 9, notice(number))]


def _told(made: Anteroom) -> list[str]:
    found: list[Followed] = []
    while more := made.outgoing(found[-1].seq if found else 0):
        found += more
    assert [one.seq for one in found] == [*range(1, len(found) + 1)]
    return [one.outcome.value.id for one in found]


def _holds(dsn: str, batches: int) -> None:
    with closing(TimescaleStore(dsn)) as store:
        counts = store.counts()
        assert sum(counts["observations"].values()) == 9 * batches
        assert counts["distinct"]["observations"] == 9 * batches
        assert [one.outcome.value.id for one in store.outgoing()] == [
            f"n-{number}" for number in range(batches)
        ]


def _database_lines(logs: Sequence[dict[str, object]]) -> list[object]:
    return [line["event"] for line in logs if line.get("peer") == "database"]


@contextmanager
def _stopped(server: postgres.Server, _: str) -> Iterator[None]:
    server.stop()
    yield
    server.start()


@contextmanager
def _killed(server: postgres.Server, _: str) -> Iterator[None]:
    server.kill()
    yield
    server.start()


@contextmanager
def _read_only(server: postgres.Server, _: str) -> Iterator[None]:
    with psycopg.connect(server.dsn, autocommit=True) as db:
        db.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        db.execute("SELECT pg_reload_conf()")
    _until(lambda: _only_reads(server.dsn))  # who is connected by then has been told, too
    yield
    with psycopg.connect(server.dsn, autocommit=True) as db:
        db.execute("SET default_transaction_read_only = off")
        db.execute("ALTER SYSTEM RESET default_transaction_read_only")
        db.execute("SELECT pg_reload_conf()")


def _only_reads(dsn: str) -> bool:
    with psycopg.connect(dsn) as db:
        return db.execute("SHOW default_transaction_read_only").fetchone() == ("on",)


@contextmanager
def _slow(_: postgres.Server, dsn: str) -> Iterator[None]:
    """Hold what every batch needs, as a table that is being made anew would."""
    with psycopg.connect(dsn) as db:
        db.execute("LOCK TABLE progress IN ACCESS EXCLUSIVE MODE")
        yield


@pytest.fixture
def server() -> Iterator[postgres.Server]:
    # What the anteroom knows of a database is only whether it is away: one edition is enough.
    unpacked = (postgres.UNPACKED / "ready").exists()
    _ = postgres.apache() if unpacked else postgres.plain()  # skips where there is none
    made = postgres.own("timescale" if unpacked else "postgresql")
    yield made
    made.remove()


@pytest.mark.slow
@pytest.mark.parametrize("trouble", [_stopped, _killed, _read_only, _slow])
def test_alarms_go_on_whatever_the_database_does(
    server: postgres.Server, tmp_path: Path, trouble: Callable[..., object]
) -> None:
    dsn = postgres.fresh(server.dsn, tmp_path)
    with capture_logs() as logs:
        made = anteroom(TimescaleStore(dsn), tmp_path)
        made.write(_batch(0))
        with trouble(server, dsn):
            waited = []
            for number in range(1, 40):
                begun = time.monotonic()
                made.write([*_batch(number - 1), *_batch(number)])  # as after a crash of the flow
                waited.append(time.monotonic() - begun)
            told = _told(made)
        _until(lambda: len(_alarms(dsn)) == 40)
        made.write(_batch(40))
        _until(lambda: made.progress() == made.accepted())
        made.close()

    assert told == [f"n-{number}" for number in range(40)]
    assert max(waited[1:]) < PATIENCE_S  # the first may have to find out
    _holds(dsn, 41)
    assert _database_lines(logs) == ["peer.lost", "peer.restored"]


def _alarms(dsn: str) -> list[Followed]:
    with closing(TimescaleStore(dsn)) as store:
        return store.outgoing()


@pytest.mark.slow
def test_a_full_disk_of_the_database_is_waited_for(tmp_path: Path) -> None:
    postgres.plain()
    server = postgres.own("postgresql")
    with postgres.small_disk(server, 40) as space:
        with psycopg.connect(server.dsn, autocommit=True) as db:
            db.execute(f"CREATE TABLESPACE small LOCATION '{space}'")
            db.execute("CREATE DATABASE small TABLESPACE small")
        dsn = postgres.fresh(server.dsn.replace("dbname=postgres", "dbname=small"), tmp_path)
        made = anteroom(TimescaleStore(dsn), tmp_path)
        filling = space / "filling"
        made.write(_batch(0))
        with capture_logs() as logs:
            with filling.open("wb", buffering=0) as file:
                while _grow(file):
                    pass
            number = 0
            while "peer.lost" not in _database_lines(logs):
                number += 1
                made.write(_batch(number))
                assert number < 20_000
            told = _told(made)
            filling.unlink()
            _until(lambda: "peer.restored" in _database_lines(logs))
        made.close()

        assert len(told) == number + 1
        assert _database_lines(logs) == ["peer.lost", "peer.restored"]
        with closing(TimescaleStore(dsn)) as store:
            assert store.counts()["distinct"]["observations"] == 9 * (number + 1)


def _grow(file: object) -> bool:
    try:
        file.write(b"\0" * 65_536)
    except OSError:
        return False
    return True


def test_what_waits_survives_a_restart_in_the_middle_of_an_outage(
    server: postgres.Server, tmp_path: Path
) -> None:
    dsn = postgres.fresh(server.dsn, tmp_path)
    made = anteroom(TimescaleStore(dsn), tmp_path)
    made.write(_batch(0))
    made.set_cursor("notify", 1)
    server.stop()
    made.write(_batch(1))
    made.close()

    again = anteroom(TimescaleStore(dsn), tmp_path)
    again.write([*_batch(1), *_batch(2)])
    told, cursor = _told(again), again.cursor("notify")
    server.start()
    _until(lambda: len(_alarms(dsn)) == 3)
    again.close()

    assert told == ["n-0", "n-1", "n-2"]
    assert cursor == 1
    _holds(dsn, 3)


def test_when_no_more_may_wait_the_writer_does(tmp_path: Path) -> None:
    inner = Moody(tmp_path / "s.duckdb")
    made = anteroom(inner, tmp_path, waiting_bytes_max=1_500)
    inner.away = True
    accepted = _accepted(made)
    with pytest.raises(StoreUnavailableError, match="wait for the database, at most 1500"):
        made.write(_batch(accepted))

    inner.away = False
    rest = [one for number in range(accepted, 100) for one in _batch(number)]
    _until(lambda: _taken(made, rest))
    _until(lambda: made.progress() == made.accepted())
    told = _told(made)
    counts = inner.counts()
    made.close()

    assert 1 <= accepted < 100
    assert told == [f"n-{number}" for number in range(100)]
    assert counts["distinct"]["observations"] == sum(counts["observations"].values()) == 900


def _taken(made: Anteroom, batch: Sequence[Outcome]) -> bool:
    """Write as the flow does, which asks again where nothing more may wait."""
    try:
        return made.write(batch) >= 0
    except StoreUnavailableError:
        return False


def _accepted(made: Anteroom) -> int:
    for number in range(100):
        try:
            made.write(_batch(number))
        except StoreUnavailableError:
            return number
    return 100


def test_what_waits_is_brought_on_after_our_own_disk_has_refused(tmp_path: Path) -> None:
    inner = Moody(tmp_path / "s.duckdb")
    made = anteroom(inner, tmp_path)
    inner.away = True
    made.write(_batch(0))
    with closing(sqlite3.connect(tmp_path / "anteroom.sqlite", isolation_level=None)) as disk:
        disk.execute(
            "CREATE TRIGGER full BEFORE DELETE ON waiting"
            " BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END"
        )
        inner.away = False
        _until(lambda: made.progress() == made.accepted())
        disk.execute("DROP TRIGGER full")
    _until(lambda: not made.waits_from())
    counts = inner.counts()
    made.close()

    assert counts["distinct"]["observations"] == sum(counts["observations"].values()) == 9


class Dawdling(Anteroom):
    """Others have time to look at the database before a batch waits for it."""

    def _let_wait(self, batch: Sequence[Outcome]) -> None:
        self._stop.wait(3 * LOOK_S)
        super()._let_wait(batch)


def test_a_database_that_can_be_read_is_not_back_while_a_batch_is_about_to_wait(
    tmp_path: Path,
) -> None:
    inner, outage = Moody(tmp_path / "s.duckdb"), Outage(logging.logger(), "database", now_ms)
    with capture_logs() as logs:
        made = until_ready(Dawdling(inner, tmp_path / "anteroom.sqlite", outage))
        inner.away = True
        made.write(_batch(0))
        while_it_was_away = _database_lines(logs)
        inner.away = False
        _until(lambda: "peer.restored" in _database_lines(logs))
        made.close()

    assert while_it_was_away == ["peer.lost"]


def test_what_was_there_before_and_what_others_write_is_followed_under_the_same_numbers(
    tmp_path: Path,
) -> None:
    inner = Moody(tmp_path / "s.duckdb")
    inner.write([outcome(number, 0, incident(number)) for number in range(5)])
    inner.set_cursor("notify", 3)
    made = anteroom(inner, tmp_path)
    before = made.outgoing(made.cursor("notify"))

    inner.write([outcome(7, 0, incident(7), grid="grid-2")])
    _until(lambda: made.last_seq == 6)
    after = made.outgoing(5)
    changes = made.incident_changes()
    made.close()

    assert [(one.seq, one.outcome.offset) for one in before] == [(4, 3), (5, 4)]
    assert [(one.seq, one.outcome.grid) for one in after] == [(6, "grid-2")]
    assert [one.seq for one in changes] == [1, 2, 3, 4, 5, 6]


def test_what_the_database_had_without_an_alarm_makes_none_now(tmp_path: Path) -> None:
    inner = Moody(tmp_path / "s.duckdb")
    inner.write([outcome(9, 0)])
    made = anteroom(inner, tmp_path)

    made.write([outcome(5, 0, notice(5)), outcome(10, 0, notice(10))])
    told = _told(made)
    made.close()

    assert told == ["n-10"]


@pytest.mark.slow
def test_what_waits_reaches_the_database_also_when_our_own_disk_was_full_meanwhile(
    tmp_path: Path,
) -> None:
    inner = Moody(tmp_path / "s.duckdb")
    with small_disk(tmp_path / "disk", 2) as disk:
        made = anteroom(inner, disk)
        inner.away = True
        for number in range(3):
            made.write(_batch(number))
        filler = fill(disk)
        inner.away = False
        _until(inner.progress)  # it is back, and nobody can note that
        with pytest.raises(StoreUnavailableError, match="full"):
            made.write(_batch(3))
        with pytest.raises(StoreUnavailableError, match="full"):
            made.set_cursor("notify", 1)

        filler.unlink()
        for number in range(3, 6):
            made.write(_batch(number))
        _until(lambda: inner.progress() == made.accepted())
        waiting = made._db.execute("SELECT count(*) FROM waiting").fetchone()
        told, counts = _told(made), inner.counts()
        made.close()

    assert told == [f"n-{number}" for number in range(6)]
    assert waiting == (0,)
    assert counts["distinct"]["observations"] == sum(counts["observations"].values()) == 54


class Moody(DuckDBStore):
    """A store that can be away."""

    away = False

    def write(self, batch: Sequence[Outcome]) -> int:
        if self.away:
            raise StoreUnavailableError("away")
        return super().write(batch)

    def close(self) -> None:
        if not self.away:
            super().close()


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 3), st.booleans()), min_size=1, max_size=12)
)
@settings(max_examples=15)
def test_every_alarm_is_told_once_in_order_wherever_things_break(
    story: list[tuple[bool, int, bool]],
) -> None:
    threads = threading.active_count()  # of others, who had this process before
    with TemporaryDirectory() as name:
        folder = Path(name)
        inner = Moody(folder / "s.duckdb")
        made = anteroom(inner, folder)
        for number, (away, again, restart) in enumerate(story):
            inner.away = away
            if restart:
                made._stop.set()
                made._keeping.shutdown(wait=True)
                made._adopting.join()
                made._db.close()
                made = anteroom(inner, folder)
            resent = [one for n in range(max(0, number - again), number) for one in _batch(n)]
            made.write([*resent, *_batch(number)])
        inner.away = False
        _until(lambda: len(inner.outgoing()) == len(story))
        told = _told(made)
        counts = inner.counts()
        made.close()

    assert told == [f"n-{number}" for number in range(len(story))]
    assert sum(counts["observations"].values()) == 9 * len(story)
    assert counts["distinct"]["observations"] == 9 * len(story)
    assert threading.active_count() <= threads


def test_what_waits_is_accepted_and_not_told_to_be_in_the_database(tmp_path: Path) -> None:
    inner = Moody(tmp_path / "s.duckdb")
    made = anteroom(inner, tmp_path)
    made.write(_batch(0))
    inner.away = True
    made.write(_batch(1))
    accepted, kept_yet = made.accepted(), made.progress()

    inner.away = False
    _until(lambda: made.progress() == accepted)
    made.close()

    assert {grid: it < accepted[grid] for grid, it in kept_yet.items()} == dict.fromkeys(
        accepted, True
    )


def test_the_journal_is_needed_from_the_first_of_what_waits_over_a_restart(tmp_path: Path) -> None:
    inner = Moody(tmp_path / "s.duckdb")
    made = anteroom(inner, tmp_path)
    made.write(_batch(5))
    while_nothing_waits = made.waits_from()
    inner.away = True
    for number in (6, 7):
        made.write(_batch(number))
    made.close()  # the store itself stays open while it is away

    WAITING.set(0)  # as a new process begins
    made = anteroom(inner, tmp_path)
    after_a_restart = made.waits_from()
    counted = REGISTRY.get_sample_value("weinao_sinks_waiting_bytes") or 0
    inner.away = False
    _until(lambda: not made.waits_from())
    kept_then = made.progress()
    _until(lambda: REGISTRY.get_sample_value("weinao_sinks_waiting_bytes") == 0)
    made.close()

    [(grid, reached)] = kept_then.items()
    assert while_nothing_waits == {}
    assert after_a_restart == {grid: 6}
    assert counted > 0, "what waits is counted before more comes"
    assert reached[0] == 7
