"""What only a store on a server promises: it may go away at any instant, and others share it."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from sinks.store import Filter, StoreRefusedError, StoreUnavailableError, every
from sinks.timescale_store import TimescaleStore
from tests.sinks import postgres
from tests.sinks.made import ONE_OF_EACH, incident, kept, notice, outcome, task
from weinao import logging
from weinao.cli.flow import persistent
from weinao.clock import now_ms
from weinao.outage import Outage
from weinao.outcomes import Outcome

pytestmark = pytest.mark.service

ROOT = Path(__file__).parents[2]
BATCH = 21

WRITER = """
import sys
from sinks.timescale_store import TimescaleStore
from tests.sinks.made import incident, outcome

store = TimescaleStore(sys.argv[1])
offset = store.progress().get("grid-1", (-1, -1))[0] + 1
while True:
    batch = [outcome(offset, n) for n in range(20)] + [outcome(offset, 20, incident(offset))]
    store.write(batch)
    print(offset, flush=True)
    offset += 1
"""


def _dsns() -> dict[str, Callable[[], str]]:
    return {
        "timescale": lambda: postgres.apache().dsn,
        "full licence": postgres.full_dsn,
        "postgresql": lambda: postgres.plain().dsn,
    }


@pytest.fixture(params=_dsns())
def dsn(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return postgres.fresh(_dsns()[request.param](), tmp_path)


@pytest.fixture
def apache(tmp_path: Path) -> str:
    return postgres.fresh(postgres.apache().dsn, tmp_path)


def _batch(offset: int) -> list[Outcome]:
    return [
        *(outcome(offset, n) for n in range(BATCH - 1)),
        outcome(offset, BATCH - 1, incident(offset)),
    ]


def _holds(store: TimescaleStore, batches: int) -> None:
    """Check that these batches are there, each row once, and nothing else."""
    counts = store.counts()
    rows = (BATCH - 1) * batches
    assert store.progress() == {"grid-1": (batches - 1, BATCH - 1)}
    assert sum(counts["observations"].values()) == rows
    assert counts["distinct"]["observations"] == rows
    assert counts["incidents"] == {"fall": batches}
    seqs = [item.seq for item in store.incident_changes()]
    assert seqs == [*range(1, batches + 1)]


class Writer:
    """Writes as the flow does, in a thread: so many batches, or until it is told to stop."""

    def __init__(self, store: TimescaleStore, batches: int | None) -> None:
        self.kept, self.stop = 0, threading.Event()
        self._batches = batches
        self._write = persistent(store, Outage(logging.logger(), "store", now_ms))
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self.stop.is_set() and self.kept != self._batches:
            self._write(_batch(self.kept))
            self.kept += 1


@contextmanager
def _writing(
    dsn: str, batches: int | None = None, answer_s_max: float = 20.0
) -> Iterator[Writer]:  # fmt: skip
    """Let somebody write; on leaving, wait until all is kept, or let him stop."""
    store = TimescaleStore(dsn, answer_s_max=answer_s_max)
    writer = Writer(store, batches)
    writer.thread.start()
    try:
        yield writer
    finally:
        if batches is None:
            writer.stop.set()
        writer.thread.join(240)
        store.close()
    assert not writer.thread.is_alive()


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _reached(dsn: str) -> int:
    with closing(TimescaleStore(dsn)) as store:
        return store.progress().get("grid-1", (-1, -1))[0]


def _events(logs: list[dict[str, object]]) -> list[object]:
    return [line["event"] for line in logs if line.get("peer") == "store"]


def test_a_database_that_is_back_answers_the_first_question(apache: str) -> None:
    with closing(TimescaleStore(apache)) as store:
        store.write(_batch(0))
        store.counts()
        with psycopg.connect(apache, autocommit=True) as db:
            db.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        _holds(store, 1)


@pytest.mark.slow
@pytest.mark.parametrize("edition", ["timescale", "postgresql"])
def test_a_server_killed_in_the_middle_of_it_loses_nothing_and_doubles_nothing(
    edition: str, tmp_path: Path
) -> None:
    _dsns()[edition]()  # skips where there is none
    server = postgres.own(edition)
    dsn = postgres.fresh(server.dsn, tmp_path)
    kills = 3
    with capture_logs() as logs, _writing(dsn) as writer:
        for number in range(kills):
            _until(lambda least=45 * (number + 1): _reached(dsn) >= least)
            server.kill()
            time.sleep(0.3)
            server.start()
        _until(lambda: _reached(dsn) >= 45 * (kills + 1))

    with closing(TimescaleStore(dsn)) as store:
        _holds(store, writer.kept)
    assert _events(logs) == ["peer.lost", "peer.restored"] * kills
    server.remove()


def test_a_writer_killed_in_the_middle_of_it_loses_nothing_acknowledged(dsn: str) -> None:
    acknowledged = -1
    for round_number in range(3):
        acknowledged = max(acknowledged, _killed_after(5 + 7 * round_number, dsn))
        _until(lambda: _nobody_writes(dsn))

        with closing(TimescaleStore(dsn)) as store:
            assert store.progress()["grid-1"][0] >= acknowledged
            _holds(store, store.progress()["grid-1"][0] + 1)


def _killed_after(batches: int, dsn: str) -> int:
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, dsn], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(batches)]
        os.kill(process.pid, signal.SIGKILL)
        said += process.stdout.readlines()
    return int([line for line in said if line.endswith("\n")][-1])


def _nobody_writes(dsn: str) -> bool:
    """Whether the server has met the death of whoever wrote: it may be at a last commit of his."""
    with psycopg.connect(dsn) as db:
        found = db.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE application_name = 'weinao' AND datname = current_database()"
        ).fetchone()
    return found == (0,)


def test_a_server_that_is_away_is_waited_for(tmp_path: Path) -> None:
    server = postgres.own("postgresql")
    dsn = postgres.fresh(server.dsn, tmp_path)
    server.stop()
    with capture_logs() as logs, _writing(dsn, 3):
        _until(lambda: bool(_events(logs)))
        server.start()

    with closing(TimescaleStore(dsn)) as store:
        _holds(store, 3)
    assert _events(logs) == ["peer.lost", "peer.restored"]
    server.remove()


def test_a_database_that_only_reads_is_waited_for(apache: str) -> None:
    with closing(TimescaleStore(apache)) as store:
        store.write(_batch(0))
    with psycopg.connect(apache, autocommit=True) as db:
        db.execute("CREATE ROLE reader_only LOGIN")
        db.execute("GRANT weinao TO reader_only")
        db.execute("ALTER ROLE reader_only SET role = weinao")
        db.execute("ALTER ROLE reader_only SET default_transaction_read_only = on")
        with capture_logs() as logs, _writing(f"{apache} user=reader_only", 5):
            _until(lambda: bool(_events(logs)))
            db.execute("ALTER ROLE reader_only SET default_transaction_read_only = off")
        db.execute("DROP ROLE reader_only")

    with closing(TimescaleStore(apache)) as store:
        _holds(store, 5)
    assert _events(logs) == ["peer.lost", "peer.restored"]
    assert "read-only" in str(next(line for line in logs if line["event"] == "peer.lost"))


def test_a_disk_that_is_full_is_waited_for(tmp_path: Path) -> None:
    server = postgres.own("postgresql")
    with postgres.small_disk(server, 40) as disk:
        with psycopg.connect(server.dsn, autocommit=True) as db:
            db.execute(f"CREATE TABLESPACE small LOCATION '{disk}'")
            db.execute("CREATE DATABASE small TABLESPACE small")
        dsn = postgres.fresh(server.dsn.replace("dbname=postgres", "dbname=small"), tmp_path)
        with capture_logs() as logs, _writing(dsn) as writer:
            filler = disk / "filler"
            _until(lambda: _reached(dsn) > 5)
            with pytest.raises(OSError, match="No space"):
                filler.write_bytes(bytes(64 * 1024**2))
            _until(lambda: bool(_events(logs)))
            filler.unlink()
            _until(lambda: "peer.restored" in _events(logs))

        with closing(TimescaleStore(dsn)) as store:
            _holds(store, writer.kept)
        assert set(_events(logs)) == {"peer.lost", "peer.restored"}
        assert "No space left" in str(next(line for line in logs if line["event"] == "peer.lost"))
        server.remove()


def test_a_database_that_does_not_answer_in_time_is_waited_for(dsn: str) -> None:
    with closing(TimescaleStore(dsn)) as store:
        store.write(_batch(0))
    with psycopg.connect(dsn) as other, capture_logs() as logs, _writing(dsn, 5, answer_s_max=5):
        other.execute("LOCK TABLE progress")
        _until(lambda: bool(_events(logs)))
        other.rollback()

    with closing(TimescaleStore(dsn)) as store:
        _holds(store, 5)
    assert _events(logs) == ["peer.lost", "peer.restored"]


def test_two_who_write_the_same_grid_keep_each_outcome_once(dsn: str) -> None:
    # As a flow that counts as dead, and the one that was started in its place.
    with _writing(dsn, 60), _writing(dsn, 60):
        pass

    with closing(TimescaleStore(dsn)) as store:
        _holds(store, 60)


def test_many_who_write_grids_of_their_own_share_one_order_of_commits(dsn: str) -> None:
    def run(grid: str) -> None:
        with closing(TimescaleStore(dsn)) as store:
            for offset in range(30):
                store.write([outcome(offset, 0, notice(offset), grid=grid)])

    threads = [threading.Thread(target=run, args=(f"grid-{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    with closing(TimescaleStore(dsn)) as store:
        found = store.outgoing()
    assert [item.seq for item in found] == [*range(1, 121)]
    for n in range(4):
        mine = [one.outcome for one in found if one.outcome.grid == f"grid-{n}"]
        assert [one.offset for one in mine] == [*range(30)]


def test_a_follower_elsewhere_is_told_at_once(dsn: str) -> None:
    with closing(TimescaleStore(dsn)) as store, closing(TimescaleStore(dsn)) as follower:
        store.open()
        writer = threading.Timer(0.3, store.write, ([outcome(1, 0, task())],))
        writer.start()

        asked_at = time.monotonic()
        found = follower.outgoing(wait_s=20)
        waited_s = time.monotonic() - asked_at
        writer.join()

        assert [item.outcome for item in found] == [outcome(1, 0, task())]
        assert waited_s < 10
        assert follower.outgoing(after=found[-1].seq, wait_s=0.05) == []


def test_who_only_reads_makes_nothing_and_sees_all(dsn: str) -> None:
    with closing(TimescaleStore(dsn, read_only=True)) as reader:
        with pytest.raises(StoreUnavailableError, match="no such store yet"):
            reader.incidents(Filter())
        with closing(TimescaleStore(dsn)) as store:
            store.write([outcome(1, n, value) for n, value in enumerate(ONE_OF_EACH)])

        assert [*every(reader, "observations", Filter())] == [outcome(1, 0, kept(1))]
        with pytest.raises(StoreUnavailableError, match="read-only"):
            reader.set_cursor("notify", 1)


def test_it_tells_what_was_new_after_each_commit(dsn: str) -> None:
    told: list[list[Outcome]] = []
    batch = [outcome(1, index, value) for index, value in enumerate(ONE_OF_EACH)]

    with closing(TimescaleStore(dsn, kept=lambda new: told.append([*new]))) as store:
        store.write(batch[:3])
        store.write(batch)
        store.write(batch)

    assert told == [batch[:3], batch[3:]]


def test_a_text_too_long_for_an_index_is_set_aside_and_blocks_nothing(dsn: str) -> None:
    # Not a text that could be compressed.
    long = "".join(f"{n * 7919 % 100_003:x}" for n in range(9_000))
    with closing(TimescaleStore(dsn)) as store:
        batch = [outcome(1), outcome(2, 0, replace(incident(2), id=long)), outcome(3)]

        assert store.write(batch) == 3
        assert store.observations(Filter()) == [batch[0], batch[2]]
        [letter] = store.deadletters(Filter())
    assert letter.value.reason == "unstorable"


def test_a_password_is_in_no_message() -> None:
    with pytest.raises(StoreUnavailableError) as caught:
        TimescaleStore("postgresql://u:sesame@127.0.0.1:1/db").open()
    with pytest.raises(StoreRefusedError) as refused:
        TimescaleStore("password=x sesame")

    assert "postgresql://127.0.0.1:1/db" in str(caught.value)
    assert "sesame" not in str(caught.value) + str(refused.value)
