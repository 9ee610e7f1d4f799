"""`weinao lake`: what it says, and that a running one follows its store."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sinks.client import StoreClient
from sinks.duckdb_store import DuckDBStore
from sinks.lake.errors import LakeUnavailableError
from sinks.lake.query import ask
from tests.cli.test_read import filled
from tests.sinks.made import kept, outcome
from tests.sinks.serving import served
from weinao.cli import lake, system

ROOT = Path(__file__).parents[2]
WAIT_S_MAX = 60


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return filled(tmp_path)


def _said(capsys: pytest.CaptureFixture[str]) -> object:
    return json.loads(capsys.readouterr().out)


def test_what_the_store_holds_is_written_once_and_can_be_asked_for(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake.write(data=data, json=True)
    first = _said(capsys)
    lake.write(data=data, json=True)
    again = _said(capsys)
    lake.query("SELECT state, count(*) AS n FROM incident_changes GROUP BY state ORDER BY state",
               data=data, json=True)  # fmt: skip
    states = _said(capsys)

    assert first == {"rows": 8, "bytes": first["bytes"], "files": 6}
    assert again == {"rows": 0, "bytes": 0, "files": 0}
    assert states == [{"state": "closed", "n": 1}, {"state": "open", "n": 2}]


def test_status_says_how_far_the_lake_is_behind_its_store(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake.write(data=data)
    with closing(DuckDBStore(data / "store.duckdb")) as store:
        store.write([outcome(100, 0, kept(9))])
    capsys.readouterr()

    lake.status(data=data, json=True)
    found = _said(capsys)
    lake.status(data=data, lang="zh")
    told = capsys.readouterr().out

    assert found["reached"] == {"grid-1": {"offset": 6, "index": 0, "behind_bytes": 94}}
    assert found["kinds"]["home"]["rows"] == 1
    assert "数据湖" in told
    assert "比存储落后 94 字节日志" in told


def test_a_question_may_be_about_a_time_and_a_grid(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake.write(data=data)
    capsys.readouterr()

    lake.query("SELECT id FROM home", data=data, json=True, since="2026-01-01T00:00:02+00:00")
    later = _said(capsys)
    lake.query("SELECT id FROM home", data=data, json=True, grid="grid-2")
    elsewhere = _said(capsys)
    lake.query("SELECT id, grid, date FROM home", data=data)
    for_people = capsys.readouterr().out

    assert later == elsewhere == []
    assert "strap-1:00000001-c0ffee:1.0" in for_people
    assert "2026-01-01" in for_people


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("SELECT * FROM vital", "There are: adjustments, commands"),
        ("SELECT nothing FROM home", "cannot answer that"),
        ("SELECT error('no') FROM home", "cannot answer that"),
        ("SELECT", "cannot answer that"),
        ("", "begin with SELECT"),
    ],
)
def test_a_question_that_cannot_be_answered_is_told_why(
    data: Path, question: str, told: str
) -> None:
    lake.write(data=data)

    with pytest.raises(SystemExit, match=told):
        lake.query(question, data=data, json=True)


def test_where_there_is_no_store_or_no_lake_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no such store yet"):
        lake.write(data=tmp_path)
    with pytest.raises(SystemExit, match="weinao lake write"):
        lake.query("SELECT 1 FROM home", data=tmp_path / "else")


def test_many_files_become_one(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for turn in range(3):
        with closing(DuckDBStore(data / "store.duckdb")) as store:
            store.write([outcome(10 + turn, 0, kept(1))])
        lake.write(data=data)
    capsys.readouterr()

    lake.compact(data=data, json=True)
    found = _said(capsys)
    lake.compact(data=data, json=True, reading_s=-1)
    cleaned = _said(capsys)
    lake.query("SELECT count(*) AS n FROM home", data=data, json=True)

    assert (found["merged"], found["into"]) == (3, 1)
    assert found["bytes_after"] < found["bytes_before"]
    assert (cleaned["merged"], cleaned["removed"]) == (0, 3)
    assert _said(capsys) == [{"n": 4}]


@pytest.fixture
def running(tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "weinao.cli.main", "lake", "run", "--data", str(tmp_path),
               "--every-s", "0.1"]  # fmt: skip
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        yield process
        process.kill()


@pytest.mark.service
def test_a_running_lake_follows_its_store_and_waits_while_it_is_away(
    running: "subprocess.Popen[bytes]", tmp_path: Path
) -> None:
    for turn in range(2):
        with served(tmp_path) as socket, closing(StoreClient(socket)) as store:
            store.write([outcome(turn * 10 + n, 0, kept(n * 3)) for n in range(5)])
            _wait_for(tmp_path, (turn + 1) * 5)
    running.send_signal(signal.SIGTERM)

    assert running.wait(WAIT_S_MAX) == 0
    assert not [*(tmp_path / "lake").rglob("*.draft")]


def _wait_for(data: Path, rows: int) -> None:
    deadline = time.monotonic() + WAIT_S_MAX
    found: object = None
    while time.monotonic() < deadline:
        try:
            answer = ask(data / "lake", "SELECT count(*) FROM vitals")
        except LakeUnavailableError:
            answer = None
        found = answer.fetchall() if answer is not None else None
        if found == [(rows,)]:
            return
        time.sleep(0.05)
    raise AssertionError(f"expected {rows} rows, found {found}")


def test_a_system_may_have_a_lake(tmp_path: Path) -> None:
    plan = system.Plan(data=tmp_path, community="c", grids=("g",), lake_every_s=30)

    [program] = [one for one in system.programs(plan) if one.name == "lake"]

    assert program.arguments[:4] == ("lake", "run", "--data", os.fspath(tmp_path))
    assert program.arguments[program.arguments.index("--every-s") + 1] == "30"


def test_where_there_is_no_lake_none_is_made_by_merging(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"weinao lake: .*no lake there"):
        lake.compact(data=tmp_path)

    assert not [*tmp_path.iterdir()]
