"""A database that is killed like everybody else, and what people were to hear of meanwhile."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.sinks import postgres

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.timeout(900)]


def test_killing_the_database_too_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    if not (postgres.UNPACKED / "ready").exists():
        pytest.skip("no TimescaleDB: `.ci/timescaledb` unpacks one")
    # A seed whose few rounds kill the database, its owner and the flow.
    told = ("chaos", "--rounds", "8", "--seed", "5", "--postgres", str(postgres.UNPACKED_BIN))

    done = subprocess.run(
        [sys.executable, "-m", "weinao.cli.main", *told, "--folder", str(tmp_path), "--json"],
        cwd=ROOT, capture_output=True, text=True, timeout=880, check=False,
    )  # fmt: skip

    # What an agent said while it was ended may wait in its outbox for ever; that is no loss.
    assert done.returncode in (0, 1), done.stderr
    figures = json.loads(done.stdout)
    assert figures["sent"] == figures["stored"] > 0
    assert figures["lost"] == figures["duplicated"] == figures["incidents_duplicated"] == 0
    assert figures["incidents_found"] == figures["incidents_expected"] > 0
    assert {"database", "store", "flow"} <= {*figures["killed"]}
