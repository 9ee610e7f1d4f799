"""What is shown for terminals, for pipes, and for programs."""

import io
import json

import numpy as np
import pytest
from rich.table import Table

from weinao.cli import showing


def test_a_table_in_a_pipe_is_not_cut(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("one", "two")
    table.add_row("a" * 90, "b" * 90)

    showing.console().print(table)

    assert "a" * 90 in capsys.readouterr().out


def test_progress_leaves_nothing_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    with showing.progress() as progress:
        progress.update(progress.add_task("long work", total=1), completed=1)

    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_what_programs_get_is_one_document_in_utf_8_whatever_the_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding="ascii"))

    showing.write_json({"name": "李", "share": float("nan"), "mean": np.float64(1.5)})

    expected = {"name": "李", "share": None, "mean": 1.5}
    assert json.loads(written.getvalue().decode()) == expected
