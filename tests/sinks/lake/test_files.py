"""Files are small, sorted, tell what they hold, and are for nobody else."""

import math
import random
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sinks.duckdb_store import DuckDBStore
from sinks.lake import files, query
from sinks.lake.catalogue import Catalogue
from sinks.lake.filling import fill
from sinks.lake.writer import Lake
from tests.sinks.lake.lakes import rows
from tests.sinks.made import (
    T0,
    kept,
    outcome,
)
from weinao.messages import Vitals
from weinao.outcomes import Kept

DAY_MS = 86_400_000


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
    before = rows(folder, "vitals", "journal_offset, hr_bpm, glucose_mmol_l, worn")

    [small] = lake.to_merge()
    lake.merge(small, now=0)

    assert [row[2:] for row in before] == [(None, None)] * 2
    assert rows(folder, "vitals", "journal_offset, hr_bpm, glucose_mmol_l, worn") == before


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
        sum(row[0] for row in rows(tmp_path / "lake", "vitals", "hr_bpm")),
        sum(made.value.observation.hr_bpm for made in batch),
    )
    assert files.ROW_GROUP_MAX > 20_000  # one group: more would take a little more
