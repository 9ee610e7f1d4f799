"""An outbox's file may be anything; the agent starts."""

import sqlite3
from pathlib import Path
from random import Random

import pytest
from structlog.testing import capture_logs

from edge.outbox_audit import count_waiting, read_issued
from tests.edge.made import NOW, entry, outbox


def _used(folder: Path) -> Path:
    box = outbox(folder)
    box.put([entry() for _ in range(200)], NOW)
    box.close()
    return folder / "outbox.sqlite"


def _garbage(path: Path) -> None:
    path.write_bytes(b"this is no database " * 500)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:9_000])


def _other_version(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("spoil", [_garbage, _cut, _other_version, _folder])
def test_a_file_that_cannot_be_used_is_moved_aside_and_named(tmp_path: Path, spoil) -> None:
    path = _used(tmp_path)
    spoil(path)

    with capture_logs() as logs:
        box = outbox(tmp_path, now=NOW + 5)

    assert box.put([entry()], NOW)[0].seq == 1
    assert [line["event"] for line in logs] == ["outbox.set_aside"]
    assert Path(logs[0]["moved_to"]).exists()
    assert logs[0]["log_level"] == "error"


def test_only_so_many_unusable_files_are_kept(tmp_path: Path) -> None:
    path = _used(tmp_path)

    for start in range(6):
        _garbage(path)
        with capture_logs():
            outbox(tmp_path, now=NOW + start).close()

    assert len(list(tmp_path.glob("*.unusable-*"))) == 3


@pytest.mark.parametrize("seed", range(40))
def test_a_few_wrong_bytes_never_stop_the_agent(tmp_path: Path, seed: int) -> None:
    path, dice = _used(tmp_path), Random(seed)
    content = bytearray(path.read_bytes())
    for _ in range(dice.randint(1, 200)):
        content[dice.randrange(len(content))] = dice.randrange(256)
    path.write_bytes(content)

    with capture_logs():
        box = outbox(tmp_path)

    assert box.put([entry("new")], NOW)[0].seq == 1
    assert box.next_batch(5, 5, NOW)


def test_two_agents_cannot_both_write(tmp_path: Path) -> None:
    first = outbox(tmp_path)
    first._db.execute("BEGIN IMMEDIATE")

    with pytest.raises(sqlite3.OperationalError):
        outbox(tmp_path)
    first._db.execute("ROLLBACK")


def test_what_was_issued_before_a_moment_is_told_from_what_came_later(tmp_path: Path) -> None:
    box = outbox(tmp_path)
    path = tmp_path / "outbox.sqlite"
    box.put([entry() for _ in range(3)], NOW)
    then = read_issued(path)
    box.put([entry() for _ in range(2)], NOW)

    now = read_issued(path)
    box.close()

    assert (count_waiting(path, then), count_waiting(path, now)) == (3, 5)
