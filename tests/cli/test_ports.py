"""Ports for systems that are yet to start: nobody is given what somebody else was."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT
from weinao.cli import system

FEW = range(16_000, 16_064)
ASKS = (
    "import sys; from weinao.cli import system; system.FREE_PORTS = range(16_000, 16_064);"
    " print([system.free_port() for _ in range(20)], flush=True); sys.stdin.read()"
)


def test_nobody_is_given_what_somebody_who_lives_was_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(system, "FREE_PORTS", FEW)
    in_a_row = system.free_port(8)

    mine = [*range(in_a_row, in_a_row + 8), *(system.free_port() for _ in range(12))]
    with subprocess.Popen(
        [sys.executable, "-c", ASKS], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True,
    ) as other:  # fmt: skip
        assert other.stdout is not None
        its = [int(one) for one in other.stdout.readline().strip("[]\n").split(",")]
        mine += [system.free_port() for _ in range(4)]
        other.communicate("")

    assert len({*mine, *its}) == len(mine) + len(its) == 44
    assert {*mine, *its} <= {*FEW}
