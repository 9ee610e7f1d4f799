"""What the command line says when the system refuses something, and what it takes as an option."""

import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import IO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT
from tests.sinks.made import T0, incident, outcome
from weinao.cli.options import host_and_port
from weinao.cli.stores import FILE
from weinao.mishaps import in_words, told

WEINAO = (sys.executable, "-m", "weinao.cli.main")


def asked(
    *arguments: object,
    out: int | IO[str] | None = subprocess.PIPE,
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
    first: Callable[[], object] | None = None,
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # `first` makes one system call
        [*WEINAO, *map(str, arguments)], stdout=out, stderr=subprocess.PIPE, text=True, timeout=60,
        check=False, cwd=cwd, env=env, preexec_fn=first,
    )  # fmt: skip


@pytest.fixture
def data(tmp_path: Path) -> Path:
    from sinks.duckdb_store import DuckDBStore  # noqa: PLC0415  # only where there is a store

    with closing(DuckDBStore(tmp_path / FILE)) as store:
        store.write([outcome(turn, 0, incident(turn, at=T0), "grid-1") for turn in range(3)])
    return tmp_path


def test_what_is_away_is_said_in_one_line(tmp_path: Path) -> None:
    ended = asked("score", "--truth", tmp_path / "away")

    assert ended.returncode == 1
    assert ended.stderr == f"weinao score: {tmp_path}/away/truth.jsonl: No such file or directory\n"


def test_a_command_within_another_is_named_with_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    ended = asked("portal", "link", "i-1", "somebody", "--data", tmp_path / "file")

    assert ended.returncode == 1
    assert ended.stderr.startswith("weinao portal link: ")
    assert "Traceback" not in ended.stderr


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = asked("ingest", "--data", tmp_path, "--metrics-port", port)

    assert ended.returncode == 1
    assert f"metrics cannot be served on 127.0.0.1:{port}: " in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("form", [(), ("--json",)], ids=["table", "json"])
def test_output_that_cannot_be_written_is_said_and_no_success(
    data: Path, form: tuple[str, ...]
) -> None:
    with Path("/dev/full").open("w") as full:
        ended = asked("stats", "--data", data, *form, out=full)

    assert ended.returncode == 1
    assert ended.stderr == "weinao stats: No space left on device\n"


def test_who_reads_may_leave() -> None:
    reads, writes = os.pipe()
    os.close(reads)

    try:
        ended = asked("rules", "check", ROOT / "configs" / "rules.toml", out=writes)
    finally:
        os.close(writes)

    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_closed_output_is_no_file_of_ours(data: Path) -> None:
    before = (data / FILE).read_bytes()

    ended = asked("incidents", "--data", data, out=None, first=lambda: os.close(1))

    assert ended.returncode == 0
    assert (data / FILE).read_bytes() == before


def test_a_terminal_that_has_no_chinese_gets_what_it_can_show(data: Path) -> None:
    ended = asked("incidents", "--data", data, env={**os.environ, "PYTHONIOENCODING": "ascii"})

    assert ended.returncode == 0
    assert "grid-1" in ended.stdout


def test_a_pipe_that_broke_elsewhere_is_no_success() -> None:
    with pytest.raises(SystemExit, match="weinao x: Broken pipe"), in_words("x"):
        raise BrokenPipeError(32, "Broken pipe")


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    file = tmp_path / "x.sqlite"
    file.write_bytes(b"all but a database" * 100)

    with (
        closing(sqlite3.connect(file)) as db,
        pytest.raises(SystemExit, match="weinao x: file is not a database"),
        in_words("x"),
    ):
        db.execute("SELECT * FROM t")


def test_what_a_database_was_asked_wrongly_is_a_broken_program() -> None:
    with (
        closing(sqlite3.connect(":memory:")) as db,
        pytest.raises(sqlite3.OperationalError, match="no such table"),
        in_words("x"),
    ):
        db.execute("SELECT * FROM t")


def test_an_agent_says_in_a_line_what_the_system_refuses(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    ended = asked("edge", "run", "--config", ROOT / "configs" / "edge.toml",
                  "--folder", tmp_path / "file", "--metrics-port", "0")  # fmt: skip

    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith("weinao edge run: ")
    assert "Traceback" not in ended.stderr


def test_a_broken_program_ends_with_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError), in_words("x"):
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FileNotFoundError(2, "No such file or directory", "a"), "a: No such file or directory"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (FileNotFoundError("a has no b"), "a has no b"),
    ],
)
def test_a_refusal_is_told_without_its_number(error: OSError, words: str) -> None:
    assert told(error) == words


@given(st.from_regex(r"[a-z][a-z.-]{0,20}", fullmatch=True), st.integers(1, 65_535))
def test_a_host_and_its_port_are_read(host: str, port: int) -> None:
    assert host_and_port(f"{host}:{port}") == (host, port)


@pytest.mark.parametrize("text", ["", "host", "host:", ":1884", "host:0", "host:65536", "host:x"])
def test_what_is_no_host_and_port_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected HOST:PORT"):
        host_and_port(text)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("ingest", "--data", "x", "--broker", "nonsense"), "expected HOST:PORT"),
        (("ingest", "--data", "x", "--metrics-port", "99999"), "from 0 to 65535"),
        (("up", "--grids", "a/#"), "expected at most 64 letters"),
        (("up", "--runner", "nonsense"), "Choose from"),
        (("flow", "run", "--data", "x", "--workers", "0"), "expected at least 1"),
        (("sim", "play", "fall", "--speed", "nan"), "expected a number above 0"),
        (("lake", "compact", "--reading-s", "-1"), "expected 0 or more"),
    ],
    ids=lambda given: given if isinstance(given, str) else given[0],
)
def test_what_cannot_be_meant_ends_a_command_before_it_does_anything(
    arguments: tuple[str, ...], complaint: str, tmp_path: Path
) -> None:
    ended = asked(*arguments, cwd=tmp_path)

    assert ended.returncode == 2
    assert complaint in " ".join(ended.stderr.replace("│", "").split())
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("command", [("announce",), ("notify", "run"), ("portal", "run")])
def test_what_settings_may_say_need_not_be_said_on_the_command_line(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    ended = asked(*command, "--data", "x", cwd=tmp_path)

    assert "community: missing" in ended.stderr
