"""The embedded store opens whatever a loss of power made of the end of its log."""

import shutil
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from sinks.duckdb_store import DuckDBStore
from sinks.store import StoreUnavailableError
from tests.sinks.made import kept, notice, outcome

COMMITS = 12


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[int]]:
    """What a store leaves that dies: its files, and how long the log was after each commit."""
    folder = tmp_path_factory.mktemp("store")
    log, ends = folder / "s.duckdb.wal", []
    with closing(DuckDBStore(folder / "s.duckdb")) as store:
        for number in range(COMMITS):
            readings = [outcome(number, index, kept(number, index)) for index in range(9)]
            store.write([*readings, outcome(number, 9, notice(number))])
            ends.append(log.stat().st_size)
        dead = folder / "dead"
        dead.mkdir()
        for path in (folder / "s.duckdb", log):
            shutil.copy(path, dead / path.name)
    return dead, ends


@pytest.mark.parametrize("end", ["cut", "zeroes", "nonsense"])
@pytest.mark.parametrize("whole", [0, 5, COMMITS - 1])
def test_what_was_committed_before_the_damage_is_there_and_it_goes_on(
    tmp_path: Path, left: tuple[Path, list[int]], end: str, whole: int
) -> None:
    dead, ends = left
    folder = shutil.copytree(dead, tmp_path / "s")
    log = folder / "s.duckdb.wal"
    content = log.read_bytes()
    at = ([0, *ends][whole] + ends[whole]) // 2  # in the middle of what the next commit wrote
    rest = {"cut": 0, "zeroes": len(content) - at, "nonsense": len(content) - at}[end]
    torn = bytes(rest) if end == "zeroes" else Random(7).randbytes(rest)
    log.write_bytes(content[:at] + torn)

    with closing(DuckDBStore(folder / "s.duckdb")) as store:
        found = [one.outcome.value.id for one in store.outgoing()]
        progress, cut = store.progress(), store.cut_bytes
        store.write([outcome(900, 0, notice(900))])
    with closing(DuckDBStore(folder / "s.duckdb")) as again:
        after = [one.outcome.value.id for one in again.outgoing()]

    assert found == [f"n-{number}" for number in range(whole)]
    assert progress == ({"grid-1": (whole - 1, 9)} if whole else {})
    assert after == [*found, "n-900"]
    assert (cut > 0, (folder / "s.duckdb.wal.torn").exists()) == (end != "cut",) * 2
    assert not (folder / "s.duckdb.mending").exists()


def test_where_the_log_is_not_to_blame_nothing_is_touched(tmp_path: Path) -> None:
    path, log = tmp_path / "s.duckdb", tmp_path / "s.duckdb.wal"
    path.write_bytes(b"no database at all" * 1_000)
    log.write_bytes(b"no log")

    with pytest.raises(StoreUnavailableError):
        DuckDBStore(path)

    assert log.read_bytes() == b"no log"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["s.duckdb", "s.duckdb.wal"]
