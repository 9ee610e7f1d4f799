"""The lake: what is acknowledged is in it once, whatever happens; nothing of it is rounded."""

import math
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinks import arrow, asking
from sinks.duckdb_store import DuckDBStore
from sinks.lake import files, narrow, query, shape
from sinks.lake.catalogue import Catalogue
from sinks.lake.errors import LakeRefusedError, LakeUnavailableError
from sinks.lake.filling import fill
from sinks.lake.writer import Lake
from sinks.rows import EXPORTED, KEYED
from sinks.store import TooMuchError
from tests.sinks.made import (
    OF_EVERY_KIND,
    ONE_OF_EACH,
    T0,
    as_before_schema_4,
    journals,
    kept,
    outcome,
)
from weinao.messages import Vitals
from weinao.outcomes import Kept, Outcome
from weinao.stays import lifted

ROOT = Path(__file__).parents[2]
DAY_MS = 86_400_000
KILLS = int(os.environ.get("WEINAO_TEST_KILLS", "6"))
"""More of them take longer; each is another instant."""

STANDING = tuple(table for table in EXPORTED if table in KEYED)
"""What the store has only as it stands now: of these, the lake may hold what was before, too."""

WRITER = """
import sys
from pathlib import Path
from sinks.duckdb_store import DuckDBStore
from sinks.lake import filling
from sinks.lake.writer import Lake

filling.STRETCH, filling.ROWS_WANTED = 4, 80
store = DuckDBStore(Path(sys.argv[1]), read_only=True)
with Lake(Path(sys.argv[2])) as lake:
    print("begun", flush=True)
    filling.fill(lake, store)
    for small in lake.to_merge():
        lake.merge(small, now=0)
    lake.clean(now=1, reading_ms_max=0)
    print("done", flush=True)
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DuckDBStore]:
    with closing(DuckDBStore(tmp_path / "store.duckdb")) as made:
        yield made


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    with Lake(tmp_path / "lake") as made:
        yield made


def _rows(folder: Path, kind: str, columns: str = "*") -> list[Any]:
    found = query.ask(folder, f"SELECT {columns} FROM {kind} ORDER BY ALL")
    assert found is not None
    return found.fetchall()


def _stored(store: DuckDBStore, until: int = 2**60) -> dict[str, list[dict[str, Any]]]:
    """Return what the lake has to hold, kind by kind, in the words of the store."""
    found: dict[str, list[dict[str, Any]]] = {}
    for grid in store.progress():
        for table in EXPORTED:
            exported = arrow.from_bytes(store.exported(table, grid, (-1, -1), (until, 0)))
            for kind, part in shape.by_kind(table, exported).items():
                found.setdefault(kind, []).extend({**row, "grid": grid} for row in part.to_pylist())
    return {kind: sorted(those, key=_key) for kind, those in found.items()}


def _in_lake(folder: Path) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    with closing(Catalogue(folder)) as catalogue:
        for kind in {one.where.kind for one in catalogue.files()}:
            answer = query.ask(folder, f"SELECT * EXCLUDE (date) FROM {kind}")
            assert answer is not None
            found[kind] = sorted(answer.to_arrow_table().to_pylist(), key=_key)
    return found


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["grid"], row["journal_offset"], row["journal_index"], row["id"]


@given(journals())
@settings(deadline=None, max_examples=6)
def test_whatever_was_kept_is_in_the_lake_once_and_as_it_was(journal: list[Outcome]) -> None:
    with TemporaryDirectory() as name, closing(DuckDBStore(Path(name) / "s.duckdb")) as store:
        folder = Path(name) / "lake"
        half = len(journal) // 2
        store.write(journal[:half])
        with Lake(folder) as lake:
            fill(lake, store)
            store.write(journal)
            fill(lake, store)
            fill(lake, store)
            reached = lake.reached()

        held = _in_lake(folder)
        histories = {kind: held.get(kind) for kind in held if kind not in STANDING}
        expected = {k: v for k, v in _stored(store).items() if k not in STANDING}
        assert histories == expected
        assert reached == store.progress()
        for kind in STANDING:
            assert all(row in held[kind] for row in _stored(store).get(kind, ()))


@pytest.mark.parametrize("said", OF_EVERY_KIND, ids=lambda said: type(said).__name__)
def test_an_observation_of_every_kind_is_told_column_by_column(
    said: Any, store: DuckDBStore, lake: Lake, tmp_path: Path
) -> None:
    value = Kept(
        id="d-1:00000001-c0ffee:7.0", device="d-1", at=said.at, received_at=said.at + 40,
        subject="resident-1", household="home-1", observation=said,
    )  # fmt: skip
    store.write([outcome(1, 0, value)])

    fill(lake, store)

    kind = str(said.__struct_config__.tag)
    [row] = _in_lake(tmp_path / "lake")[kind]
    assert row["id"] == value.id
    assert (row["event_at"], row["arrived_at"]) == (said.at, said.at + 40)
    told = {name for name in shape.schemas()[kind].names if name not in shape.ABOUT}
    assert told == {name for name in said.__struct_fields__ if name != "at"}
    for name in told:
        value = getattr(said, name)
        if value is None or isinstance(value, str | int | float):
            assert row[name] == value, name


def test_rows_that_an_older_store_kept_come_into_the_lake_as_others_do() -> None:
    seen = [outcome(1, index, kept(index)) for index in range(1, 4)]
    old = pa.Table.from_pylist(
        [as_before_schema_4(made, whole=True) for made in seen],
        schema=pa.schema(
            [(name, arrow.type_of(name)) for name in arrow.columns_exported("observations")]
        ),
    )

    found = shape.by_kind("observations", old)

    assert {kind: part.num_rows for kind, part in found.items()} == {
        "home": 1, "motion": 1, "vitals": 1,
    }  # fmt: skip
    assert found["vitals"]["hr_bpm"].to_pylist() == [63.5]
    assert found["motion"]["arrived_at"].to_pylist() == [seen[1].value.received_at]


numbers = st.one_of(
    st.none(),
    st.integers(-2000, 2000).map(lambda n: n / 10),
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.integers(-(2**40), 2**40).map(float),
)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 4_102_444_800_000), st.integers(-(2**40), 2**40), st.integers(0, 2**40),
            st.sampled_from(["d:b:1.0", "d:b:01.0", "e:b:1.0", "d:b:9007199254740993.000", "x", "",
                             "d:b:12.34", "d::1.0"]),
            numbers, numbers, st.none() | st.booleans(),
        ),
        min_size=1,
    )
)  # fmt: skip
def test_what_is_made_narrow_is_made_wide_again_as_it_was(those: list[Any]) -> None:
    names = ("event_at", "late", "offset", "id", "hr_bpm", "spo2_pct", "worn")
    rows = [dict(zip(names, one, strict=True)) for one in those]
    schema = shape.schemas()["vitals"]
    table = pa.Table.from_pylist(
        [
            {
                **row,
                "arrived_at": row["event_at"] + row["late"],
                "received_at": row["event_at"] + row["offset"],
                "journal_offset": row["offset"],
                "journal_index": 0,
                "device": "d",
                "subject": "r",
                "household": "h",
            }
            for row in rows
        ],
        schema=schema,
    )

    assert narrow.wide(narrow.narrow(table), schema).to_pylist() == table.to_pylist()


def test_no_field_is_named_like_a_column_that_only_files_have() -> None:
    assert not {name for schema in shape.schemas().values() for name in schema.names} & narrow.MADE


def test_numbers_of_one_digit_are_narrow_and_others_are_not_rounded() -> None:
    table = pa.table({"tenths": [36.7, None, 37.0], "thirds": [1 / 3, 2.0, 0.1], "halves": [0.5,
                      2.0**40, 3.25], "count": pa.array([1, 2, 300], pa.int64())})  # fmt: skip

    made = narrow.narrow(table)

    assert [str(field.type) for field in made.schema] == [
        "decimal32(9, 1)", "double", "float", "int16",
    ]  # fmt: skip


def test_a_killed_writer_leaves_nothing_lost_and_nothing_twice(tmp_path: Path) -> None:
    rng = random.Random(20)
    path, folder = tmp_path / "store.duckdb", tmp_path / "lake"
    begun = False
    for turn in range(KILLS):
        with closing(DuckDBStore(path)) as store:
            first = turn * 20
            store.write([
                outcome(first + n, index, value)
                for n in range(20)
                for index, value in enumerate((*ONE_OF_EACH, kept(n, at=T0 + n * DAY_MS // 4)))
            ])  # fmt: skip
        begun |= _killed(path, folder, rng.uniform(0.0, 0.6))
        with closing(DuckDBStore(path, read_only=True)) as store:
            if (folder / "catalogue.sqlite").exists():
                _holds_what_it_says(folder, store)

    with closing(DuckDBStore(path)) as store, Lake(folder) as lake:
        fill(lake, store)
        _holds_what_it_says(folder, store)
        assert lake.reached() == store.progress()
        lake.clean(now=1, reading_ms_max=0)  # a writer killed after it merged had no time for it
        known = {str(folder / one.path) for one in Catalogue(folder).files()}
        assert {str(one) for one in folder.rglob("*.parquet")} == known
    assert begun, "no writer came as far as to be killed at work"


def _killed(store: Path, folder: Path, after_s: float) -> bool:
    """Run a writer, and kill it after a while; say whether it was at work then."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(store), str(folder)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        time.sleep(after_s)
        os.kill(process.pid, signal.SIGKILL)
        return process.stdout.read() == ""


def _holds_what_it_says(folder: Path, store: DuckDBStore) -> None:
    """Each row up to where the catalogue says that the lake is, once; and no other."""
    with closing(Catalogue(folder)) as catalogue:
        reached = catalogue.reached().get("grid-1", (-1, -1))
    for table in EXPORTED:
        if table in STANDING:
            continue
        exported = arrow.from_bytes(store.exported(table, "grid-1", (-1, -1), reached))
        for kind, part in shape.by_kind(table, exported).items():
            expected = sorted(part.select(["journal_offset", "journal_index", "id"]).to_pylist(),
                              key=str)  # fmt: skip
            answer = query.ask(folder, f"SELECT journal_offset, journal_index, id FROM {kind}")
            assert answer is not None
            assert sorted(answer.to_arrow_table().to_pylist(), key=str) == expected, kind


def test_late_data_comes_into_its_own_day_and_one_file_is_made_of_many(
    store: DuckDBStore, lake: Lake, tmp_path: Path
) -> None:
    folder = tmp_path / "lake"
    for turn in range(4):
        store.write([
            outcome(turn * 10 + n, 0, kept(3 * n, at=T0 + (n % 2) * DAY_MS + turn))
            for n in range(10)
        ])  # fmt: skip
        fill(lake, store)
    before = _rows(folder, "vitals")

    merged = [lake.merge(small, now=1_000) for small in lake.to_merge()]

    assert [len(those) for those in merged] == [1, 1]
    assert _rows(folder, "vitals") == before
    assert len([*folder.glob("vitals/date=2026-01-0[12]/grid=grid-1/*.parquet")]) == 10
    assert lake.to_merge() == []
    assert lake.clean(now=1_000) == 0  # somebody may still be reading them
    assert lake.clean(now=1_001 + 3_600_000) == 8
    assert len([*folder.rglob("*.parquet")]) == 2
    assert _rows(folder, "vitals") == before


def test_files_are_sorted_and_tell_what_they_hold_so_that_readers_leave_them_out(
    store: DuckDBStore, lake: Lake, tmp_path: Path
) -> None:
    rng = random.Random(3)
    store.write([
        outcome(n, 0, kept(3 * n, device=f"band-{rng.randrange(9)}", at=T0 + rng.randrange(DAY_MS)))
        for n in range(500)
    ])  # fmt: skip

    fill(lake, store)

    [path] = (tmp_path / "lake" / "vitals").rglob("*.parquet")
    found = pq.read_table(path, partitioning=None)
    keys = [*zip(found["device"].to_pylist(), found["event_at"].to_pylist(), strict=True)]
    assert keys == sorted(keys)
    group = pq.ParquetFile(path).metadata.row_group(0)
    by_name = {
        group.column(n).path_in_schema: group.column(n) for n in range(group.num_columns)
    }  # fmt: skip
    assert by_name["event_at"].statistics.min == min(at for _, at in keys)
    assert by_name["device"].statistics.max == "band-8"
    assert "DELTA_BINARY_PACKED" in by_name["id_seq"].encodings
    assert "BYTE_STREAM_SPLIT" in by_name["hr_bpm"].encodings
    assert {one.compression for one in by_name.values()} == {"ZSTD"}


@pytest.mark.parametrize(
    ("every_ms", "encoding"),
    [((59_998, 60_000), "DELTA_BINARY_PACKED"), ((60_000, 600_000), "BYTE_STREAM_SPLIT")],
)
def test_instants_are_told_in_whatever_way_is_smaller(
    every_ms: tuple[int, ...], encoding: str, store: DuckDBStore, lake: Lake, tmp_path: Path
) -> None:
    rng, batch = random.Random(4), []
    for band in range(20):
        at = T0
        for _ in range(150):
            at += rng.choice(every_ms) + rng.randrange(max(1, every_ms[-1] // 1_000 - 60))
            batch.append(outcome(len(batch), 0, kept(0, device=f"band-{band}", at=at)))
    store.write(batch)

    fill(lake, store)

    path = min((tmp_path / "lake" / "vitals").rglob("*.parquet"))  # of the first day
    group = pq.ParquetFile(path).metadata.row_group(0)
    assert group.column(0).path_in_schema == "event_at"
    assert encoding in group.column(0).encodings


def test_only_files_of_a_grid_and_a_time_are_read(
    store: DuckDBStore, lake: Lake, tmp_path: Path
) -> None:
    for day in range(3):
        for grid in ("grid-1", "grid-2"):
            store.write([outcome(day, 0, kept(0, at=T0 + day * DAY_MS), grid=grid)])
            fill(lake, store)

    part = query.Narrowed("grid-2", T0 + DAY_MS, T0 + 2 * DAY_MS)
    found = query.ask(tmp_path / "lake", "SELECT date, grid FROM vitals", part)
    with closing(Catalogue(tmp_path / "lake")) as catalogue:
        read = catalogue.files("vitals", grid="grid-2", since=part.since, until=part.until)

    assert found is not None
    assert [(str(day), grid) for day, grid in found.fetchall()] == [("2026-01-02", "grid-2")]
    assert len(read) == 1


def test_a_grid_that_has_moved_is_followed_into_its_next_journal(
    store: DuckDBStore, lake: Lake, tmp_path: Path
) -> None:
    places = [(0, 5), (0, 900), (0, 2**40), (2, 0), (2, 7), (3, 1_000_000)]
    store.write([
        outcome(lifted(stay, place), index, kept(3 * (place % 7)))
        for stay, place in places
        for index in (0, 1)
    ])  # fmt: skip
    stretches: list[int] = []

    filled = fill(lake, store, told=lambda _, at, __, ___: stretches.append(at))

    assert filled.rows == 12
    assert lake.reached() == store.progress()
    assert len(stretches) < 150  # no journal is 2^48 long, and nobody reads one as if it were
    offsets = _rows(tmp_path / "lake", "vitals", "DISTINCT journal_offset")
    assert [one for (one,) in offsets] == [lifted(*place) for place in places]


def test_more_than_an_answer_holds_is_asked_for_in_parts(
    store: DuckDBStore, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "EXPORTED_MAX", 40)
    store.write([outcome(n, index, kept(3 * n)) for n in range(50) for index in range(7)])

    with pytest.raises(TooMuchError, match="ask for a shorter one"):
        store.exported("observations", "grid-1", (-1, -1), (50, 0))
    filled = fill(lake, store)

    assert filled.rows == 350
    assert len(_rows(tmp_path / "lake", "vitals", "DISTINCT journal_offset, journal_index")) == 350


def test_two_do_not_write_to_one_lake(tmp_path: Path) -> None:
    with (
        Lake(tmp_path / "lake"),
        pytest.raises(LakeUnavailableError, match="another process writes"),
    ):
        Lake(tmp_path / "lake")


def test_a_lake_of_a_newer_version_is_refused_and_says_so(tmp_path: Path) -> None:
    Lake(tmp_path / "lake").close()
    with closing(Catalogue(tmp_path / "lake")) as catalogue:
        catalogue._db.execute("PRAGMA user_version = 99")

    with pytest.raises(LakeRefusedError, match="has shape 99"):
        Lake(tmp_path / "lake")


def test_a_question_reads_nothing_but_the_lake_and_changes_nothing(
    store: DuckDBStore, lake: Lake, tmp_path: Path
) -> None:
    store.write([outcome(1, 0, kept(0))])
    fill(lake, store)
    folder = tmp_path / "lake"
    (tmp_path / "secret.csv").write_text("a\n1\n")
    (tmp_path / "lake-of-another").mkdir()
    (tmp_path / "lake-of-another" / "secret.csv").write_text("a\n1\n")

    for question in (
        f"SELECT * FROM '{tmp_path}/secret.csv'",
        f"SELECT * FROM read_text('{tmp_path}/lake-of-another/secret.csv')",
        f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
        "SET enable_external_access = true",
        "INSERT INTO vitals VALUES (1)",
        "SELECT * FROM vitalz",
        "SELECT nothing FROM vitals",
    ):
        with pytest.raises(LakeRefusedError, match="cannot answer"):
            query.ask(folder, question)
    assert not (tmp_path / "out.csv").exists()
    assert _rows(folder, "vitals", "count(*)") == [(1,)]
    assert _rows(folder, "crowd") == []


def test_there_is_no_lake_where_nobody_has_written_one(tmp_path: Path) -> None:
    with pytest.raises(LakeUnavailableError, match="no lake there"):
        query.ask(tmp_path, "SELECT 1 FROM vitals")

    assert [*tmp_path.iterdir()] == []


def test_files_from_before_a_field_came_are_read_and_merged(
    store: DuckDBStore, lake: Lake, tmp_path: Path
) -> None:
    folder = tmp_path / "lake"
    for turn in range(2):
        store.write([outcome(turn, 0, kept(3 * turn + 3))])
        fill(lake, store)
        for path in folder.glob("vitals/*/*/*.parquet"):
            found = pq.ParquetFile(path).read()
            if "worn" in found.column_names:
                pq.write_table(found.drop_columns(["glucose_mmol_l", "worn"]), path)
    before = _rows(folder, "vitals", "journal_offset, hr_bpm, glucose_mmol_l, worn")

    [small] = lake.to_merge()
    lake.merge(small, now=0)

    assert [row[2:] for row in before] == [(None, None)] * 2
    assert _rows(folder, "vitals", "journal_offset, hr_bpm, glucose_mmol_l, worn") == before


def test_files_are_for_nobody_else(store: DuckDBStore, lake: Lake, tmp_path: Path) -> None:
    store.write([outcome(1, 0, kept(0))])
    fill(lake, store)

    assert (tmp_path / "lake").stat().st_mode & 0o077 == 0


def test_a_reading_of_a_minute_takes_few_bytes(
    store: DuckDBStore, lake: Lake, tmp_path: Path
) -> None:
    rng = random.Random(8)
    batch = []
    for n in range(20_000):
        at = T0 + n // 20 * 60_000 + rng.randrange(-300, 300)
        said = Vitals(
            at=at, hr_bpm=round(rng.gauss(70, 4)), spo2_pct=round(min(100.0, rng.gauss(97, 0.7))),
            resp_per_min=round(rng.gauss(15, 1.5)), skin_temp_c=round(rng.gauss(33.5, 0.3), 1),
        )  # fmt: skip
        value = Kept(
            id=f"band-{n % 20}:00000001-c0ffee:{n // 20 + 1}.0", device=f"band-{n % 20}", at=at,
            received_at=at + round(rng.lognormvariate(4, 0.6)), subject=f"resident-{n % 20}",
            household=f"home-{n % 20}", observation=said,
        )  # fmt: skip
        batch.append(outcome(n * 230, 0, value))
    store.write(batch)

    filled = fill(lake, store)

    assert filled.rows == 20_000
    assert filled.bytes / filled.rows < 12
    assert math.isclose(
        sum(row[0] for row in _rows(tmp_path / "lake", "vitals", "hr_bpm")),
        sum(made.value.observation.hr_bpm for made in batch),
    )
    assert files.ROW_GROUP_MAX > 20_000  # one group: more would take a little more
