"""The units that ship start what there is, with options that it has, and systemd reads them."""

import shlex
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

UNITS = sorted((Path(__file__).parents[2] / "configs" / "systemd").glob("*.service"))


def _service(unit: Path) -> dict[str, str]:
    parser = ConfigParser(interpolation=None, strict=False, comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # keys have capitals
    parser.read(unit, encoding="utf-8")
    return dict(parser["Service"])


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_runs_a_command_with_options_that_it_has(unit):
    program, *words = shlex.split(_service(unit)["ExecStart"])
    command = [word for word in words[:2] if word.isalpha()]
    asked = [sys.executable, "-m", "weinao.cli.main", *command, "--help"]
    told = subprocess.run(asked, check=True, capture_output=True, text=True).stdout

    assert program == "/opt/weinao/.venv/bin/weinao"
    assert all(word in told for word in words if word.startswith("--"))


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_is_started_again_and_keeps_to_its_own_folder(unit):
    service = _service(unit)

    assert service["Restart"] == "always"
    assert service["ProtectSystem"] == "strict"
    assert service["StateDirectory"].startswith("weinao")
    assert service["User"] != "root"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze here")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_understands_a_unit(unit, tmp_path):
    # The program is not installed on the machine that tests: another stands in its place.
    text = unit.read_text(encoding="utf-8").replace("/opt/weinao/.venv/bin/weinao", "/bin/true")
    (tmp_path / unit.name).write_text(text, encoding="utf-8")

    done = subprocess.run(
        ["systemd-analyze", "verify", str(tmp_path / unit.name)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    ours = [line for line in done.stderr.splitlines() if unit.name in line]
    assert not ours
    assert len(UNITS) == 2
