"""What is acknowledged is in the lake once and as it was, each in its own day."""

from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings

from sinks import asking
from sinks.duckdb_store import DuckDBStore
from sinks.lake.catalogue import Catalogue
from sinks.lake.errors import LakeRefusedError, LakeUnavailableError
from sinks.lake.filling import fill
from sinks.lake.writer import Lake
from sinks.store import TooMuchError
from tests.sinks.lake.lakes import STANDING, in_lake, rows, stored
from tests.sinks.made import (
    T0,
    journals,
    kept,
    outcome,
)
from weinao.outcomes import Outcome
from weinao.stays import lifted

DAY_MS = 86_400_000


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

        held = in_lake(folder)
        histories = {kind: held.get(kind) for kind in held if kind not in STANDING}
        expected = {k: v for k, v in stored(store).items() if k not in STANDING}
        assert histories == expected
        assert reached == store.progress()
        for kind in STANDING:
            assert all(row in held[kind] for row in stored(store).get(kind, ()))


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
    before = rows(folder, "vitals")

    merged = [lake.merge(small, now=1_000) for small in lake.to_merge()]

    assert [len(those) for those in merged] == [1, 1]
    assert rows(folder, "vitals") == before
    assert len([*folder.glob("vitals/date=2026-01-0[12]/grid=grid-1/*.parquet")]) == 10
    assert lake.to_merge() == []
    assert lake.clean(now=1_000) == 0  # somebody may still be reading them
    assert lake.clean(now=1_001 + 3_600_000) == 8
    assert len([*folder.rglob("*.parquet")]) == 2
    assert rows(folder, "vitals") == before


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
    offsets = rows(tmp_path / "lake", "vitals", "DISTINCT journal_offset")
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
    assert len(rows(tmp_path / "lake", "vitals", "DISTINCT journal_offset, journal_index")) == 350


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
