"""Of some programs there must be one in a folder: a second ends with a sentence."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.edge.broker import free_port

ROOT = Path(__file__).parents[2]
Start = Callable[[], subprocess.Popen[str]]

PROGRAMS = {
    "notify": (("notify", "run", "--community", "demo"), "notify/lock"),
    "flow": (("flow", "run", "--grids", "grid-1", "--runner", "plain"), "flow.lock"),
    "store": (("store", "run", "--dsn", "host=127.0.0.1 dbname=x port=1"), "anteroom.sqlite.lock"),
}


@pytest.fixture(params=PROGRAMS)
def program(request: pytest.FixtureRequest) -> tuple[tuple[str, ...], str]:
    return PROGRAMS[request.param]


@pytest.fixture
def start(tmp_path: Path, program: tuple[tuple[str, ...], str]) -> Iterator[Start]:
    """Start it in a folder; in the end all are killed."""
    words, _ = program
    broker = ("--broker", f"127.0.0.1:{free_port()}") if words[0] == "notify" else ()
    with ExitStack() as running:

        def begin() -> subprocess.Popen[str]:
            process = running.enter_context(
                subprocess.Popen(
                    [
                        sys.executable,
                        "-m",
                        "weinao.cli.main",
                        *words,
                        *broker,
                        "--data",
                        tmp_path,
                        "--metrics-port",
                        "0",
                    ],
                    cwd=ROOT,
                    text=True,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                )
            )
            running.callback(process.kill)
            return process

        yield begin


def _holds(process: subprocess.Popen[str], path: Path) -> bool:
    """Ask the kernel, without taking the lock oneself."""
    if process.poll() is not None or not path.exists():
        return process.poll() is not None
    locks = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    inode = str(path.stat().st_ino)
    return any(it[4] == str(process.pid) and it[5].endswith(f":{inode}") for it in locks)


@pytest.mark.slow
def test_a_second_one_ends_with_a_sentence_and_takes_over_once_the_first_is_killed(
    tmp_path: Path, start: Start, program: tuple[tuple[str, ...], str]
) -> None:
    lock = tmp_path / program[1]
    first = start()
    _until(lambda: _holds(first, lock))

    second = start()
    _, said = second.communicate(timeout=120)
    first.kill()
    first.wait(60)
    third = start()
    _until(lambda: _holds(third, lock))

    assert second.returncode == 1
    assert f"another one works in {lock.parent}" in said
    assert third.poll() is None, third.communicate()


def _until(so: Callable[[], object]) -> None:
    deadline = time.monotonic() + 120
    while not so():
        assert time.monotonic() < deadline
        time.sleep(0.1)
