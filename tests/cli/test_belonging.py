"""A journal that was begun anew beside an old store, or an old lake, is noticed and refused."""

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path

import pytest

from pipeline.journal import JournalWriter
from sinks.duckdb_store import DuckDBStore
from sinks.lake.errors import LakeRefusedError
from sinks.lake.filling import fill
from sinks.lake.writer import Lake
from sinks.store import OF_JOURNAL
from tests.sinks.made import kept, outcome
from weinao.cli import flows
from weinao.cli.belonging import check, journals_of
from weinao.stays import Stays, lifted, moved


def journalled(data: Path, count: int, flow: str = "1") -> int:
    writer = JournalWriter(flows.folder_of(data, flow) / "journal")
    for number in range(count):
        writer.append("a", b"x" * 100, received_at=number)
    writer.commit()
    writer.close()
    return writer.identity


def asking(store: DuckDBStore) -> Callable[[], AbstractContextManager[DuckDBStore]]:
    return lambda: nullcontext(store)


def test_a_store_remembers_its_journal_and_goes_on_with_it(tmp_path: Path) -> None:
    identity = journalled(tmp_path, 9)
    with closing(DuckDBStore(tmp_path / "s")) as store:
        store.write([outcome(500, 0, kept(1))])

        first = check(tmp_path, "1", asking(store), "flow run")
        journalled(tmp_path, 9)
        again = check(tmp_path, "1", asking(store), "flow run")

        assert first == again == identity == store.cursor(OF_JOURNAL + "1") != 0
        assert journals_of(tmp_path, store) == {"1": identity}


def test_a_journal_begun_anew_is_refused_while_it_is_short(tmp_path: Path) -> None:
    journalled(tmp_path, 1)
    with closing(DuckDBStore(tmp_path / "s")) as store:
        store.write([outcome(500, 0, kept(1))])

        with pytest.raises(SystemExit, match=r"further with grid-1 than this journal goes"):
            check(tmp_path, "1", asking(store), "flow run")


def test_a_journal_begun_anew_is_refused_when_it_has_grown(tmp_path: Path) -> None:
    journalled(tmp_path / "old", 9)
    journalled(tmp_path / "new", 99)
    with closing(DuckDBStore(tmp_path / "s")) as store:
        store.write([outcome(500, 0, kept(1))])
        check(tmp_path / "old", "1", asking(store), "flow run")

        with pytest.raises(SystemExit, match="was filled from journal"):
            check(tmp_path / "new", "1", asking(store), "flow run")


def test_a_place_in_another_flows_journal_says_nothing_about_this_one(tmp_path: Path) -> None:
    journalled(tmp_path, 1)
    journalled(tmp_path, 99, "2")
    flows.change(tmp_path, lambda _: moved(Stays(grids={"grid-1": ("1",)}), "grid-1", "2"))
    with closing(DuckDBStore(tmp_path / "s")) as store:
        store.write([outcome(lifted(1, 5_000), 0, kept(1))])

        check(tmp_path, "1", asking(store), "flow run")
        check(tmp_path, "2", asking(store), "flow run")


def test_a_lake_refuses_a_store_that_was_begun_anew(tmp_path: Path) -> None:
    with Lake(tmp_path / "lake") as lake:
        with closing(DuckDBStore(tmp_path / "old")) as old:
            old.write([outcome(500, 0, kept(1))])
            fill(lake, old, journals={"1": 7})
            fill(lake, old, journals={"1": 7})
        with closing(DuckDBStore(tmp_path / "new")) as new:
            new.write([outcome(100, 0, kept(2))])
            with pytest.raises(LakeRefusedError, match="holds grid-1 up to offset 500"):
                fill(lake, new)
            new.write([outcome(900, 0, kept(3))])
            with pytest.raises(LakeRefusedError, match="now has journal 8: begin another lake"):
                fill(lake, new, journals={"1": 8})
        assert lake.reached() == {"grid-1": (500, 0)}


def test_a_lake_of_the_first_shape_learns_its_journal(tmp_path: Path) -> None:
    with (
        Lake(tmp_path / "lake"),
        closing(sqlite3.connect(tmp_path / "lake/catalogue.sqlite")) as db,
    ):
        db.executescript("DROP TABLE journals; PRAGMA user_version = 1;")
    with Lake(tmp_path / "lake") as lake:
        lake.belong({"1": 7}, {})
    with (
        Lake(tmp_path / "lake") as lake,
        pytest.raises(LakeRefusedError, match="filled from journal 7"),
    ):
        lake.belong({"1": 8}, {})
