"""`weinao up`: what it looks at before it starts anything, and what it says of who has died."""

import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from weinao.cli.supervisor import Program, Supervisor
from weinao.cli.system import Plan, taken
from weinao.cli.up import up


@pytest.fixture
def port() -> Iterator[int]:
    """Return a port on which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_a_port_that_is_taken_ends_it_before_anything_starts(port: int, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=rf"weinao up: port {port}, for broker, is taken"):
        up(data=tmp_path / "data", broker_port=port)

    assert not (tmp_path / "data").exists()


def test_every_program_that_would_find_its_port_taken_is_named(port: int, tmp_path: Path) -> None:
    plan = Plan(
        data=tmp_path, community="c", grids=("g",), broker_port=port, portal_port=port,
        metrics_port=port - 3,
    )  # fmt: skip

    assert {name for name, _ in taken(plan)} >= {"broker", "portal", "flow"}


@pytest.mark.parametrize("option", ["store", "portal", "notify", "rules", "policy"])
def test_settings_that_cannot_be_read_end_it_before_anything_starts(
    option: str, tmp_path: Path
) -> None:
    with pytest.raises(SystemExit, match=r"weinao up: .*away\.toml: No such file or directory"):
        up(data=tmp_path / "data", **{option: tmp_path / "away.toml"})  # type: ignore[arg-type]

    assert not (tmp_path / "data").exists()


def test_a_registry_that_is_away_ends_it_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"away\.toml"):
        up(data=tmp_path / "data", registry=[tmp_path / "away.toml"])

    assert not (tmp_path / "data").exists()


def test_of_a_program_that_died_its_last_words_are_known(tmp_path: Path) -> None:
    said: list[str] = []
    supervisor = Supervisor(tmp_path, lambda name: said.append(supervisor.last_words(name)))
    dies = (sys.executable, "-c", "print('one'); print('no room')")
    supervisor.start(Program("dies", (), command=dies))

    deadline = time.monotonic() + 30
    while not said and time.monotonic() < deadline:
        supervisor.look()
        time.sleep(0.05)
    supervisor.close()

    assert said[:1] == ["no room"]
