"""Every command and option says what it is; what programs may ask for comes as one document."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cyclopts import App

from weinao.cli import gate, models
from weinao.cli.main import app
from weinao.cli.sim import run as sim_run


def commands(within: App, *path: str) -> Iterator[tuple[tuple[str, ...], App]]:
    for name in within:
        found = within[name]
        if name.startswith("-"):
            continue
        if found.default_command is None:
            yield from commands(found, *path, name)
        else:
            yield (*path, name), found


COMMANDS = dict(commands(app))


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_a_command_and_its_options_say_what_they_are(path: tuple[str, ...]) -> None:
    command = COMMANDS[path]
    options = command.assemble_argument_collection(parse_docstring=True)

    assert command.help
    assert [one.name for one in options if one.show and not one.parameter.help] == []


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_whoever_names_no_option_has_named_none_wrongly(path: tuple[str, ...]) -> None:
    for one in COMMANDS[path].assemble_argument_collection():
        default = one.field_info.default
        for holds in one.parameter.validator if default is not one.field_info.empty else ():
            holds(one.hint, default)


def test_what_held_is_one_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        sim_run("stove_on", out=tmp_path / "out", json=True)

    account = json.loads(capsys.readouterr().out)
    assert ended.value.code == 0
    assert {one["held"] for one in account["verdicts"]} == {True}


def test_which_weights_there_are_is_one_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("cv2", reason="the extra `vision` is not installed")
    models.list_(folder=tmp_path, json=True)
    listed = json.loads(capsys.readouterr().out)
    with pytest.raises(SystemExit) as ended:
        models.verify(folder=tmp_path, json=True)
    verified = json.loads(capsys.readouterr().out)

    assert ended.value.code == 1
    assert verified == {one["name"]: "absent" for one in listed}


def test_whom_nobody_enrolled_nobody_forgets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("cv2", reason="the extra `vision` is not installed")
    gate.init(tmp_path)

    with pytest.raises(SystemExit, match="nobody called r-1 is in"):
        gate.forget(tmp_path, "r-1")

    gate.list_(tmp_path, json=True)
    assert json.loads(capsys.readouterr().out) == []
