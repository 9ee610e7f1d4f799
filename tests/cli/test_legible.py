"""What commands say of recordings and journals that a disk has spoilt: a line, and which."""

import gzip
import os
from pathlib import Path

import pytest

from weinao.cli.evaluate.main import home, rhythm
from weinao.cli.replay import replay
from weinao.cli.sim import run as sim_run
from weinao.cli.tables import local

EVENTS = "at,sensor,room,value\n" + "2026-01-01T00:00:00,pir,bedroom,1\n" * 2_000


@pytest.fixture
def cut_short(tmp_path: Path) -> Path:
    whole = gzip.compress(EVENTS.encode())
    (tmp_path / "a_events.csv.gz").write_bytes(whole[: len(whole) // 2])
    return tmp_path


def test_a_file_that_is_cut_short_is_said_with_its_folder(cut_short: Path) -> None:
    with pytest.raises(SystemExit, match=r"weinao evaluate home: .* damaged or cut short"):
        home(cut_short)
    with pytest.raises(SystemExit, match=r"weinao replay: .* damaged or cut short"):
        replay(cut_short, out=cut_short / "out", runner="plain")


def test_what_is_no_table_at_all_is_said_with_its_folder(tmp_path: Path) -> None:
    (tmp_path / "mitbih_beats.parquet").write_bytes(os.urandom(1_000))

    with pytest.raises(SystemExit, match=r"weinao evaluate rhythm: .* damaged or cut short"):
        rhythm(tmp_path)


def test_a_journal_that_is_damaged_ends_a_replay_in_words(tmp_path: Path) -> None:
    sim_run("stove_on", out=tmp_path / "played")
    [segment] = (tmp_path / "played" / "journal").glob("*.log")
    segment.write_bytes(bytes(1_000) + segment.read_bytes()[1_000:])

    with pytest.raises(SystemExit, match=r"weinao replay: .*offset 0 is damaged"):
        replay(tmp_path / "played", out=tmp_path / "out", runner="plain")

    assert not (tmp_path / "out" / "store.duckdb").exists()


def test_a_time_that_no_clock_shows_is_a_number() -> None:
    assert local(2**62) == str(2**62)
