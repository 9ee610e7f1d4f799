"""Schema, roll-ups, retention and indexes of the store on a server, in each edition."""

import random
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from sinks import timescale_rows, timescale_schema
from sinks.numbered import newest
from sinks.rows import FOLLOWED, numbered
from sinks.settings import KeepSettings
from sinks.store import Filter, StoreRefusedError
from sinks.timescale_reads import exported_query, followed_query, query
from sinks.timescale_store import TimescaleStore, _keep, _make_room, _note_stale
from sinks.timescale_upkeep import DAY_MS, Upkeep
from tests.sinks import postgres
from tests.sinks.made import ONE_OF_EACH, T0, as_before_schema_4, incident, kept, outcome, rejected
from tests.sinks.test_timescale_store import _dsns
from weinao.messages import Home, Sensor, Vitals
from weinao.outcomes import Kept, Outcome

pytestmark = pytest.mark.service

FOR_GOOD = KeepSettings(
    observations_days=0, hazards_days=0, deadletters_days=0, minutes_days=0, compress_after_days=0
)
MINUTE_MS, HOUR_MS = 60_000, 3_600_000
LEVELS = {"readings_1min": MINUTE_MS, "readings_1h": HOUR_MS, "readings_1d": DAY_MS}


@pytest.fixture(params=_dsns())
def dsn(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    made = postgres.fresh(_dsns()[request.param](), tmp_path)
    yield made
    postgres.drop(made)  # with the jobs that the database has for it


@pytest.fixture(params=["timescale", "postgresql"])
def own(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A schema in an edition whose roll-ups are our own."""
    return postgres.fresh(_dsns()[request.param](), tmp_path)


@pytest.fixture
def store(dsn: str) -> Iterator[TimescaleStore]:
    with closing(TimescaleStore(dsn)) as made:
        yield made


def _reading(offset: int, at: int, hr_bpm: float, grid: str = "grid-1") -> Outcome:
    value = Kept(
        id=f"strap-1:b:{offset}.0", device="strap-1", at=at, received_at=at, subject="resident-1",
        household="home-1", observation=Vitals(at=at, hr_bpm=hr_bpm),
    )  # fmt: skip
    return outcome(offset, 0, value, grid)


def _temperature(offset: int, at: int, value: float) -> Outcome:
    said = Home(at=at, sensor=Sensor.TEMPERATURE, value=value, room="kitchen")
    kept = Kept(
        id=f"t-1:b:{offset}.0", device="t-1", at=at, received_at=at, subject="home-1",
        household="home-1", observation=said,
    )  # fmt: skip
    return outcome(offset, 0, kept)


def _ask(dsn: str, text: str, *values: object) -> list[Any]:
    with psycopg.connect(dsn, autocommit=True) as db:
        timescale_schema.see_extension(db)
        return db.execute(text, values).fetchall()


def _roll_up(dsn: str, keep: KeepSettings = FOR_GOOD, now: int = T0) -> None:
    """Bring the roll-ups up to date: by our own hands, or as a job of the database would."""
    with closing(Upkeep(dsn, keep)) as upkeep:
        upkeep.step(now)
    if _ask(dsn, "SELECT made_for FROM edition") == [("timescale",)]:
        with psycopg.connect(dsn, autocommit=True) as db:
            timescale_schema.see_extension(db)
            for level in LEVELS:
                _refresh(db, level)


def _refresh(db: "psycopg.Connection[tuple[Any, ...]]", level: str) -> None:
    while True:
        try:
            db.execute(f"CALL refresh_continuous_aggregate(%s, 0, {2 * T0})", [level])
        except psycopg.errors.LockNotAvailable:
            time.sleep(0.1)  # a job of the database is at it
        else:
            return


def _rolled(dsn: str, level: str) -> list[Any]:
    return _ask(
        dsn,
        "SELECT bucket, grid, subject, kind, sensor, room, n, hr_bpm_n, hr_bpm_sum, hr_bpm_min,"
        f" hr_bpm_max, value_n, value_sum, value_max FROM {level} ORDER BY 1, 2, 3, 4, 5, 6",
    )


def _expected(dsn: str, span_ms: int) -> list[Any]:
    return _ask(
        dsn,
        "SELECT event_at - event_at % %s::bigint, grid, subject, kind, sensor, room, count(*),"
        " count(hr_bpm), sum(hr_bpm), min(hr_bpm), max(hr_bpm), count(value), sum(value),"
        " max(value) FROM observations GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6"
        .replace("% %s", "%% %s"),
        span_ms,
    )  # fmt: skip


def test_roll_ups_are_what_the_observations_say_however_late_they_came(
    dsn: str, store: TimescaleStore
) -> None:
    rng = random.Random(7)  # whole numbers, so that sums are exact in any order
    for turn in range(6):
        store.write([
            _reading(turn * 200 + n, T0 + rng.randrange(3 * DAY_MS), float(rng.randrange(50, 90)),
                     f"grid-{n % 2}") if n % 3 else
            _temperature(turn * 200 + n, T0 + rng.randrange(3 * DAY_MS), float(rng.randrange(30)))
            for n in range(120)
        ])  # fmt: skip
        _roll_up(dsn)

        for level, span_ms in LEVELS.items():
            assert _rolled(dsn, level) == _expected(dsn, span_ms), level


def test_what_is_kept_while_it_is_rolled_up_is_rolled_up_too(own: str) -> None:
    def write(grid: int) -> None:
        with closing(TimescaleStore(own)) as store:
            for offset in range(40):
                at = T0 + offset % 3 * MINUTE_MS
                store.write([_reading(offset, at, float(offset), f"grid-{grid}")])

    writers = [threading.Thread(target=write, args=(grid,)) for grid in range(2)]
    for writer in writers:
        writer.start()
    with closing(Upkeep(own, FOR_GOOD)) as upkeep, closing(Upkeep(own, FOR_GOOD)) as b:
        while any(writer.is_alive() for writer in writers):
            upkeep.step(T0)
            b.step(T0)
        upkeep.step(T0)

    for level, span_ms in LEVELS.items():
        assert _rolled(own, level) == _expected(own, span_ms)
    assert _ask(own, "SELECT count(*) FROM stale") == [(0,)]


def test_room_is_made_beside_who_writes_and_who_reads(tmp_path: Path) -> None:
    dsn = postgres.fresh(_dsns()["postgresql"](), tmp_path)
    with closing(TimescaleStore(dsn)) as store:
        store.write([_reading(1, T0, 60.0)])
    made = "SELECT make_room('observations', %s)"
    with psycopg.connect(dsn) as writer, psycopg.connect(dsn) as other, psycopg.connect(dsn) as b:
        writer.execute(made, [[T0]])
        other.execute("SELECT count(*) FROM observations")

        b.execute("SET lock_timeout = '10s'")
        b.execute(made, [[T0 + DAY_MS]])
        same = threading.Thread(target=lambda: writer.execute(made, [[T0 + DAY_MS]]))
        same.start()
        same.join(0.2)
        assert same.is_alive()  # one at a time
        b.commit()
        same.join(30)
        writer.commit()

    with closing(TimescaleStore(dsn)) as store:
        store.write([_reading(2, T0 + DAY_MS, 61.0)])
    days = _ask(dsn, "SELECT tableoid::regclass::text, count(*) FROM observations GROUP BY 1")
    assert sorted(days) == [(f"observations_{T0}", 1), (f"observations_{T0 + DAY_MS}", 1)]
    whole = "SELECT count(*) FROM pg_index WHERE indrelid = 'observations'::regclass"
    parts = (
        "SELECT count(*) FROM pg_index JOIN pg_inherits ON inhrelid = indrelid"
        " WHERE inhparent = 'observations'::regclass GROUP BY indrelid"
    )
    assert _ask(dsn, parts) == _ask(dsn, whole) * 2


def test_what_is_old_is_dropped_and_stays_in_the_roll_ups(own: str) -> None:
    keep = KeepSettings(observations_days=30, deadletters_days=10, minutes_days=60)
    now = T0 + 100 * DAY_MS
    with closing(TimescaleStore(own)) as store:
        store.write([
            *(_reading(day, T0 + day * DAY_MS, 60.0 + day) for day in range(100)),
            outcome(100, 0, rejected()), outcome(101, 0, incident()),
        ])  # fmt: skip
        _roll_up(own)

        with closing(Upkeep(own, keep)) as upkeep:
            done = upkeep.step(now)
            assert upkeep.step(now + 1).dropped == 0
        days = _ask(own, "SELECT min(event_at), count(*) FROM observations")
        # Late for a day that is gone: kept, but no reason to make that day anew.
        store.write([_reading(200, T0 + 5 * DAY_MS, 99.0)])
        _roll_up(own)

        assert done.dropped > 70
        assert days == [(T0 + 70 * DAY_MS, 30)]
        assert store.deadletters(Filter()) == []
        assert len(store.incidents(Filter())) == 1
    sums = _ask(own, "SELECT sum(n)::int, max(hr_bpm_max) FROM readings_1d")
    assert sums == [(100, 159.0)]
    [(oldest,)] = _ask(own, "SELECT min(bucket) FROM readings_1min")
    assert T0 + 33 * DAY_MS <= oldest <= T0 + 40 * DAY_MS  # minutes go a week at a time


def test_what_is_dropped_while_late_data_is_rolled_up_stays_in_the_roll_ups(own: str) -> None:
    with closing(TimescaleStore(own)) as store:
        store.write([_reading(1, T0, 60.0)])
        _roll_up(own)
        store.write([_reading(2, T0 + MINUTE_MS // 2, 61.0)])  # of the same minute, and late
    with psycopg.connect(own) as dropping, closing(Upkeep(own, FOR_GOOD)) as upkeep:
        timescale_schema.see_extension(dropping)
        dropping.execute("SELECT drop_old('observations', %s)", [T0 + 2 * DAY_MS])
        rolling = threading.Thread(target=upkeep.step, args=(T0,))
        rolling.start()
        while not _ask(own, "SELECT FROM pg_locks WHERE NOT granted"):
            assert rolling.is_alive()
        dropping.commit()
        rolling.join(60)

    assert _ask(own, "SELECT n::int, hr_bpm_max FROM readings_1d") == [(1, 60.0)]


def test_jobs_of_the_database_are_told_what_to_keep_and_how_to_compress(tmp_path: Path) -> None:
    dsn = postgres.fresh(postgres.full_dsn(), tmp_path)
    keep = KeepSettings(observations_days=3_000, minutes_days=6_000, compress_after_days=7)
    with closing(TimescaleStore(dsn)) as store:
        store.write([_reading(day, T0 + day * DAY_MS, 60.0 + day) for day in range(100)])
        _roll_up(dsn, keep)
        _roll_up(dsn, keep)  # told once
        jobs = _ask(
            dsn,
            "SELECT proc_name, config->>'drop_after', config->>'compress_after',"
            " config->>'start_offset' FROM timescaledb_information.jobs"
            " WHERE config IS NOT NULL AND job_id >= 1000 AND ("
            "  hypertable_schema = current_schema() OR hypertable_name IN ("
            "   SELECT materialization_hypertable_name FROM"
            "   timescaledb_information.continuous_aggregates"
            "   WHERE view_schema = current_schema()))"
            " ORDER BY 1, 2, 4",
        )
        assert jobs == [
            ("policy_compression", None, str(7 * DAY_MS), None),
            ("policy_refresh_continuous_aggregate", None, None, str(2_999 * DAY_MS)),
            ("policy_refresh_continuous_aggregate", None, None, str(5_993 * DAY_MS)),
            ("policy_refresh_continuous_aggregate", None, None, None),
            ("policy_retention", str(3_000 * DAY_MS), None, None),
            ("policy_retention", str(6_000 * DAY_MS), None, None),
            ("policy_retention", str(90 * DAY_MS), None, None),
        ]
        before = store.observations(Filter())
        _ask(dsn, "SELECT compress_chunk(c) FROM show_chunks('observations') AS c")

        assert store.observations(Filter()) == before
        assert store.write([_reading(200, T0 + 5 * DAY_MS, 99.0)]) == 1  # late, into what is so
        assert len(store.observations(Filter())) == 101


def test_a_schema_of_any_older_version_is_moved_on(dsn: str, tmp_path: Path) -> None:
    batch = [outcome(1, index, value) for index, value in enumerate((*ONE_OF_EACH, kept(3)))]
    last = newest(timescale_schema.MIGRATIONS)
    for version in range(1, last):
        old = postgres.fresh(_without_path(dsn), f"{tmp_path}-{version}")
        with psycopg.connect(old, autocommit=True) as db:
            timescale_schema.see_extension(db)
            timescale_schema.migrate(db, _first(version, tmp_path / str(version)))
            _fill(db, batch, version)

        with closing(TimescaleStore(old)) as store:
            assert store.observations(Filter()) == [batch[0], batch[-1]]
            assert store.write([outcome(1, len(batch), kept(6))]) == 1
            assert store.observations(Filter())[2:] == [outcome(1, len(batch), kept(6))]
        _roll_up(old)
        assert _ask(old, "SELECT sum(n)::int FROM readings_1d") == [(3,)]


def _first(version: int, folder: Path) -> Path:
    folder.mkdir()
    for path in timescale_schema.MIGRATIONS.glob("*.sql"):
        if int(path.name[:4]) <= version:
            shutil.copy(path, folder)
    return folder


def _fill(db: "psycopg.Connection[tuple[Any, ...]]", batch: list[Outcome], version: int) -> None:
    """Keep outcomes as the version of that schema did."""
    for table, rows in timescale_rows.tables(numbered(batch, 0)).items():
        if table == "due_visits" and version < 6:
            continue
        if timescale_schema.edition(db) == "plain" and table in ("observations", "hazards",
                                                                 "deadletters"):  # fmt: skip
            _make_room(db, table, rows)
        if table == "observations":
            for row in (as_before_schema_4(batch[n], whole=False) for n in (0, -1)):
                marks = ", ".join(["%s"] * len(row))
                db.execute(f"INSERT INTO observations ({', '.join(row)}) VALUES ({marks})",
                           [*row.values()])  # fmt: skip
        else:
            _keep(db, table, rows)
    if version > 1 and timescale_schema.edition(db) != "timescale":
        _note_stale(db, timescale_rows.minutes(batch))
    db.execute("UPDATE followed SET seq = 4")
    db.execute("INSERT INTO progress VALUES ('grid-1', 1, %s)", [len(batch) - 1])


def test_a_schema_of_a_newer_version_is_refused_and_says_so(dsn: str) -> None:
    with closing(TimescaleStore(dsn)) as store:
        store.open()
    with psycopg.connect(dsn, autocommit=True) as db:
        db.execute("INSERT INTO migrations VALUES (999, '0999_from_the_future')")

    for read_only in (False, True):
        with pytest.raises(StoreRefusedError, match="has schema 999"):
            TimescaleStore(dsn, read_only=read_only).progress()


def test_a_migration_that_fails_leaves_nothing_behind(dsn: str, tmp_path: Path) -> None:
    (tmp_path / "0001_torn.sql").write_text("CREATE TABLE t (n integer); INSERT INTO no VALUES (1)")

    with psycopg.connect(dsn, autocommit=True) as db:
        with pytest.raises(psycopg.errors.UndefinedTable):
            timescale_schema.migrate(db, tmp_path)

        tables = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"
        assert db.execute(tables).fetchone() == (0,)


def test_several_who_are_the_first_make_one_schema(dsn: str) -> None:
    failed: list[BaseException] = []

    def first() -> None:
        try:
            with closing(TimescaleStore(dsn)) as store:
                store.open()
        except BaseException as error:  # noqa: BLE001  # shown below
            failed.append(error)

    threads = [threading.Thread(target=first) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert failed == []
    [(count,)] = _ask(dsn, "SELECT count(*) FROM migrations")
    assert count == newest(timescale_schema.MIGRATIONS)


def test_each_edition_says_what_it_lacks(tmp_path: Path) -> None:
    for name, made_for in (("timescale", "apache"), ("postgresql", "plain")):
        with closing(TimescaleStore(postgres.fresh(_dsns()[name](), f"{tmp_path}{name}"))) as store:
            assert store.open() == made_for
        assert "not compressed" in timescale_schema.NOTICES[made_for]


def _without_path(dsn: str) -> str:
    return make_conninfo(**{k: v for k, v in conninfo_to_dict(dsn).items() if k != "options"})


HOUR = {"since": T0 + HOUR_MS, "until": T0 + 2 * HOUR_MS}
QUESTIONS: dict[str, tuple[Callable[[], tuple[str, list[object]]], str]] = {
    "a resident's readings of an hour": (
        lambda: query("observations", Filter(subject="resident-7", kind="vitals", **HOUR)),
        r"Index Cond: \(+hashtext\(subject\)"),
    "a resident's newest readings": (
        lambda: query("observations", Filter(subject="resident-7", newest=True, limit=50)),
        r"Index Cond: \(+hashtext\(subject\)"),
    "what a home's sensors said": (
        lambda: query("observations", Filter(household="home-7", **HOUR)),
        r"Index Cond: \(+hashtext\(household\)"),
    "the last sign of an agent": (
        lambda: query("observations", Filter(device="strap-7", newest=True, limit=1)),
        r"Index Cond: \(+hashtext\(device\)"),
    "the evidence of an incident": (
        lambda: query("observations", Filter(grid="grid-1", id="strap-7:b:7", limit=1)),
        r"Index Cond: \(+hashtext\(id\)"),
    "what was registered": (
        lambda: query("observations", Filter(grid="grid-1", kind="registered")),
        "grid_event_at|registered"),
    "all of a grid, page by page": (
        lambda: query("observations", Filter(grid="grid-1", after=(T0 + HOUR_MS, "", "", 0, 0),
                                             limit=100)), "_event_at_idx|observations_at"),
    "open incidents of a grid": (
        lambda: query("incidents", Filter(grid="grid-1", state="open", newest=True, limit=50)),
        "incidents_of_"),
    "a resident's incidents": (
        lambda: query("incidents", Filter(subject="resident-7")), "incidents_of_subject"),
    "an incident": (lambda: query("incidents", Filter(id="i-7")), "incidents_by_id"),
    "what was done about an incident": (
        lambda: query("notices", Filter(grid="grid-1", incident="i-7")), "notices_of_incident"),
    "what a follower has not seen": (
        lambda: followed_query(FOLLOWED, 49_990, 100), "pkey"),
    "a resident's scores": (
        lambda: query("scores", Filter(subject="resident-7")), "scores_of_subject"),
    "a curve for Grafana": (
        lambda: (("SELECT bucket, hr_bpm_sum / nullif(hr_bpm_n, 0) FROM readings_1h"
                 " WHERE subject = %s AND bucket BETWEEN %s AND %s ORDER BY bucket"),
                 ["resident-7", T0, T0 + DAY_MS]), "subject"),
    "a stretch of the journal for the lake": (
        lambda: exported_query("observations", "grid-1", (39_900, 0), (40_000, 0)),
        "journal_offset|by_offset"),
}  # fmt: skip
"""What the portal and Grafana ask, and the index that must serve it; partitions name theirs."""


@pytest.fixture(scope="module", params=_dsns())
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A schema with three days of a community, analysed."""
    dsn = postgres.fresh(_dsns()[request.param](), tmp_path_factory.mktemp("filled"))
    with closing(TimescaleStore(dsn)) as store:
        store.write([_reading(day, T0 + day * DAY_MS, 60.0) for day in range(3)])
    with psycopg.connect(dsn, autocommit=True) as db:
        timescale_schema.see_extension(db)
        for statement in _FILL.strip().split(";\n"):
            db.execute(statement)
    _roll_up(dsn)
    with psycopg.connect(dsn, autocommit=True) as db:
        db.execute("ANALYZE")
    yield dsn
    postgres.drop(dsn)


_FILL = f"""
INSERT INTO observations (journal_offset, journal_index, received_at, event_at, arrived_at, hr_bpm,
    grid, id, kind, device, subject, household, body)
SELECT n, 0, {T0}, {T0} + n * 6000, {T0}, 60, 'grid-1', 'strap-' || n % 300 || ':b:' || n,
    CASE WHEN n % 2000 = 0 THEN 'registered' ELSE 'vitals' END,
    'strap-' || n % 300, 'resident-' || n % 300, 'home-' || n % 150, '{{}}'
FROM generate_series(10, 40000) AS n;
INSERT INTO incident_changes
SELECT n, 'grid-1', n, 0, {T0}, {T0} + n, 'i-' || n, 'fall', 4,
    CASE WHEN n % 100 = 0 THEN 'open' ELSE 'closed' END, 'resident-' || n % 300, 'home', '{{}}'
FROM generate_series(1, 20000) AS n;
INSERT INTO incidents SELECT * FROM incident_changes;
INSERT INTO notices
SELECT n, 'grid-1', n, 0, {T0}, {T0} + n, 'n-' || n, 'x', 'i-' || n % 5000, '{{}}'
FROM generate_series(20001, 50000) AS n;
INSERT INTO scores
SELECT 'grid-1', n, 0, {T0}, {T0} + n, 's-' || n, '2026-01-01', 'resident-' || n % 300, 'home',
    50, 50, 50, 1, '{{}}'
FROM generate_series(1, 20000) AS n;
INSERT INTO stale SELECT DISTINCT grid, event_at - event_at % 60000 FROM observations
"""


@pytest.mark.parametrize("name", QUESTIONS)
def test_an_index_serves_what_the_portal_and_grafana_ask(filled: str, name: str) -> None:
    made, index = QUESTIONS[name]
    text, values = made()

    plan = "\n".join(row for (row,) in _ask(filled, f"EXPLAIN {text}", *values))

    assert re.search(index, plan), plan
    big = "observations|incidents|notices|scores|readings_1h|_hyper_"
    assert not re.search(rf"Seq Scan on ({big})", plan), plan
