"""What commands may remove: what an earlier run of theirs has left, and nothing of anybody else."""

from contextlib import closing
from pathlib import Path

import pytest

from pipeline.journal import JournalWriter
from weinao.cli import flows
from weinao.cli.folders import alone, claimed, drafted, emptied, whole
from weinao.cli.replay import replay
from weinao.cli.sim import run as sim_run


@pytest.fixture
def played(tmp_path: Path) -> Path:
    sim_run("stove_on", out=tmp_path / "played")
    return tmp_path / "played"


def test_what_an_earlier_run_left_is_removed(tmp_path: Path) -> None:
    left = emptied(tmp_path / "run", "demo") / "left"
    left.touch()

    again = emptied(tmp_path / "run", "demo")

    assert again == left.parent
    assert not left.exists()


def test_a_folder_of_somebody_else_is_left_as_it_is(tmp_path: Path) -> None:
    diary = tmp_path / "diary.txt"
    diary.write_text("mine")

    with pytest.raises(SystemExit, match=r"weinao sim run: .* holds diary\.txt"):
        sim_run("stove_on", out=tmp_path)

    assert diary.read_text() == "mine"


def test_an_empty_folder_may_be_used_whoever_made_it(tmp_path: Path) -> None:
    assert emptied(tmp_path, "demo").is_dir()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()

    with pytest.raises(SystemExit, match=r"file is no folder"):
        emptied(file, "demo")


def test_a_folder_in_which_a_system_runs_is_not_emptied(tmp_path: Path) -> None:
    folder = emptied(tmp_path / "run", "demo")

    with closing(JournalWriter(flows.folder_of(folder / "data", "1") / "journal")):
        with pytest.raises(SystemExit, match=r"weinao demo: a system runs in .*run"):
            emptied(folder, "demo")
        assert (folder / "data").exists()
    assert not (emptied(folder, "demo") / "data").exists()


def test_names_that_are_not_written_may_be_there_already(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()

    claimed(tmp_path, "replay", ("store.duckdb",))

    assert (tmp_path / "lake").exists()


def test_what_was_there_stays_whole_if_the_block_fails(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("before")

    with pytest.raises(OSError, match="full"):
        _cut_short(tmp_path)

    assert (tmp_path / "store").read_text() == "before"
    assert [one.name for one in tmp_path.iterdir()] == ["store"]


def test_a_replay_of_nothing_leaves_the_earlier_one_whole(played: Path, tmp_path: Path) -> None:
    replay(played, out=tmp_path / "out", runner="plain", json=True)
    before = (tmp_path / "out" / "store.duckdb").read_bytes()
    (tmp_path / "nothing").mkdir()

    with pytest.raises(SystemExit, match="found none of them"):
        replay(tmp_path / "nothing", out=tmp_path / "out", runner="plain")

    assert (tmp_path / "out" / "store.duckdb").read_bytes() == before


def test_a_replay_does_not_write_over_what_a_system_has_kept(played: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "store.duckdb").write_bytes(b"all that was ever concluded")

    with pytest.raises(SystemExit, match=r"weinao replay: .* holds store\.duckdb"):
        replay(played, out=data, runner="plain")

    assert (data / "store.duckdb").read_bytes() == b"all that was ever concluded"


def test_a_folder_is_worked_in_by_one_process_at_a_time(tmp_path: Path) -> None:
    lock = tmp_path / "notify" / "lock"
    with (
        alone(lock, "notify run"),
        pytest.raises(SystemExit, match=r"weinao notify run: another one works in .*notify;"),
        alone(lock, "notify run"),
    ):
        pass
    with alone(lock, "notify run"):
        assert lock.exists()


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    picture.write_text("before")

    with pytest.raises(OSError, match="full"):
        _half_written(picture)
    assert picture.read_text() == "before"

    with whole(picture) as draft:
        draft.write_text("after")
    assert picture.read_text() == "after"
    assert [one.name for one in tmp_path.iterdir()] == ["picture.png"]


def test_a_device_is_written_to_and_stays_one() -> None:
    with whole(Path("/dev/null")) as place:
        place.write_text("nothing")

    assert Path("/dev/null").is_char_device()


def _half_written(picture: Path) -> None:
    with whole(picture) as draft:
        draft.write_text("hal")
        raise OSError("the disk is full")


def _cut_short(folder: Path) -> None:
    with drafted(folder) as draft:
        (draft / "store").write_text("hal")
        raise OSError("the disk is full")
