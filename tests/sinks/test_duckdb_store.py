"""What only the embedded store promises: one file, one owner, a shape with a number."""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from sinks import duckdb_rows, schema
from sinks.duckdb_store import DuckDBStore
from sinks.numbered import newest
from sinks.rows import numbered
from sinks.store import Filter, StoreRefusedError, StoreUnavailableError, every
from tests.sinks.made import ONE_OF_EACH, as_before_schema_4, incident, kept, outcome, risk
from weinao.outcomes import Outcome

ROOT = Path(__file__).parents[2]

WRITER = """
import sys
from pathlib import Path
from sinks.duckdb_store import DuckDBStore
from tests.sinks.made import incident, outcome

store = DuckDBStore(Path(sys.argv[1]))
offset = store.progress().get("grid-1", (-1, -1))[0] + 1
while True:
    batch = [outcome(offset, n) for n in range(20)] + [outcome(offset, 20, incident(offset))]
    store.write(batch)
    print(offset, flush=True)
    offset += 1
"""


def test_kill_at_any_instant_loses_nothing_acknowledged_and_tears_nothing(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    acknowledged = -1

    for round_number in range(6):
        acknowledged = max(acknowledged, _killed_after(5 + 7 * round_number, path))

        with closing(DuckDBStore(path)) as store:
            reached, index = store.progress()["grid-1"]
            counts = store.counts()
            assert reached >= acknowledged
            assert index == 20
            assert counts["incidents"] == {"fall": reached + 1}
            assert sum(counts["observations"].values()) == 20 * (reached + 1)
            assert counts["distinct"]["observations"] == 20 * (reached + 1)
            assert store.last_seq == reached + 1


def _killed_after(batches: int, path: Path) -> int:
    """Run a writer, kill it in the middle of its work, and return the last batch it spoke of."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    ) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(batches)]
        os.kill(process.pid, signal.SIGKILL)
        said += process.stdout.readlines()
    return int([line for line in said if line.endswith("\n")][-1])


def test_a_file_of_a_newer_version_is_refused_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    DuckDBStore(path).close()
    with closing(duckdb.connect(str(path))) as db:
        db.execute("INSERT INTO migrations VALUES (999, '0999_from_the_future')")

    for read_only in (False, True):
        with pytest.raises(StoreRefusedError, match="has schema 999"):
            DuckDBStore(path, read_only=read_only)


def test_a_file_of_the_first_version_is_read_as_it_is_and_moved_on_by_its_owner(
    tmp_path: Path,
) -> None:
    path = tmp_path / "store.duckdb"
    seen = [outcome(1, index, kept(index)) for index in range(1, 4)]
    _as_version_1_left_it(path, [outcome(1, 0, incident()), *seen])

    with closing(DuckDBStore(path, read_only=True)) as store:
        assert (store.risks(Filter()), store.scores(Filter())) == ([], [])
        assert store.incidents(Filter()) == [outcome(1, 0, incident())]
        assert store.observations(Filter()) == seen
        assert "risks" not in store.counts()
    with closing(DuckDBStore(path)) as store:
        assert store.incidents(Filter()) == [outcome(1, 0, incident())]
        assert store.write([seen[-1], outcome(2, 0, risk()), outcome(2, 1, kept(9))]) == 2
        assert store.observations(Filter()) == [*seen, outcome(2, 1, kept(9))]
        assert store.risks(Filter()) == [outcome(2, 0, risk())]
        assert store.last_seq == 1


def _as_version_1_left_it(path: Path, batch: list[Outcome]) -> None:
    """Make a file with the first migration alone, and fill it."""
    first = path.parent / "first"
    first.mkdir()
    shutil.copy(schema.MIGRATIONS / "0001_outcomes.sql", first)
    with closing(duckdb.connect(str(path))) as db:
        schema.migrate(db, first)
        reached = pa.table({"grid": ["grid-1"], "journal_offset": [1], "journal_index": [3]})
        rows_of = duckdb_rows.tables(numbered(batch, 0))
        rows_of["observations"] = pa.Table.from_pylist(
            [as_before_schema_4(made, whole=True) for made in batch[1:]]
        )
        for table, rows in {**rows_of, "progress": reached}.items():
            assert rows.num_rows > 0
            db.execute(f"INSERT INTO {table} BY NAME FROM rows")


def test_migrations_are_applied_once_and_in_order(tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0002_more.sql").write_text("INSERT INTO t VALUES (2);")
    (folder / "0001_first.sql").write_text("CREATE TABLE t (n INTEGER); INSERT INTO t VALUES (1);")

    with closing(duckdb.connect()) as db:
        schema.migrate(db, folder)
        (folder / "0010_last.sql").write_text("INSERT INTO t VALUES (10);")
        schema.migrate(db, folder)

        assert db.execute("SELECT n FROM t").fetchall() == [(1,), (2,), (10,)]
        assert schema.applied(db) == newest(folder) == 10


def test_a_migration_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "0001_torn.sql").write_text("CREATE TABLE t (n INTEGER); INSERT INTO no VALUES (1)")

    with closing(duckdb.connect()) as db:
        with pytest.raises(duckdb.CatalogException):
            schema.migrate(db, tmp_path)
        db.rollback()

        assert db.execute("SELECT table_name FROM duckdb_tables()").fetchall() == [("migrations",)]


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    with closing(duckdb.connect(str(path))) as db:
        db.execute("CREATE TABLE else_s (n INTEGER)")

    with pytest.raises(StoreRefusedError, match="migrations"):
        DuckDBStore(path, read_only=True)


def test_a_file_has_one_owner(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"

    with closing(DuckDBStore(path)):
        with pytest.raises(StoreUnavailableError, match="open in this process already"):
            DuckDBStore(path)
        other = subprocess.run(
            [sys.executable, "-c", WRITER, str(path)],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip

    assert "StoreUnavailableError" in other.stderr
    DuckDBStore(path).close()


def test_a_store_that_is_not_there_is_not_made_by_reading(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match="no such store yet"):
        DuckDBStore(tmp_path / "store.duckdb", read_only=True)

    assert [*tmp_path.iterdir()] == []


def test_what_a_killed_owner_left_can_be_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    acknowledged = _killed_after(5, path)

    with closing(DuckDBStore(path, read_only=True)) as store:
        found = [*every(store, "incidents", Filter(limit=2))]

    assert len(found) > acknowledged


def test_it_tells_what_was_new_after_each_commit(tmp_path: Path) -> None:
    told: list[list[Outcome]] = []
    batch = [outcome(1, index, value) for index, value in enumerate(ONE_OF_EACH)]

    with closing(DuckDBStore(tmp_path / "s.duckdb", kept=lambda new: told.append([*new]))) as store:
        store.write(batch[:3])
        store.write(batch)
        store.write(batch)

    assert told == [batch[:3], batch[3:]]


def test_nothing_is_kept_of_a_batch_when_the_store_is_broken(tmp_path: Path) -> None:
    store = DuckDBStore(tmp_path / "s.duckdb")
    store.write([outcome(1)])
    store._db.close()

    with pytest.raises(StoreUnavailableError, match="2 outcomes kept back"):
        store.write([outcome(2), outcome(3, 0, incident())])

    assert store.progress() == {"grid-1": (1, 0)}
    store.close()
