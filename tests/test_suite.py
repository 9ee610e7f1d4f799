"""`make bench` tells what programs told, and says when a bound was not held or a program failed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.suite import PROGRAMS, Program, Ratio, Result, draw, run

ROOT = Path(__file__).parents[1]


def _told(text: str) -> Program:
    ratio = Ratio(path="a.b", of="this / that", asked=1.5)
    return Program(name="made", arguments=("-c", text), ratios=(ratio,))


def test_a_program_that_tells_its_figures_is_told_of():
    result = run(_told("print('some words'); print('{\"a\": {\"b\": 1.25}}')"))

    assert result == Result(
        program="made", told={"a": {"b": 1.25}}, ratios={"this / that": 1.25}, problem=""
    )


@pytest.mark.parametrize("text", ["import sys; sys.exit('no disk')", "pass"])
def test_a_program_that_fails_or_says_nothing_is_a_problem(text):
    result = run(_told(text))

    assert result.problem
    assert not result.ratios
    assert ("no disk" in result.problem) == ("exit" in text)


@pytest.mark.parametrize(
    ("less", "value", "held"),
    [(True, 1.4, True), (True, 1.6, False), (False, 1.6, True), (False, 1.4, False)],
)
def test_a_bound_is_held_or_not(less, value, held):
    assert Ratio(path="a", of="a", asked=1.5, less=less).held(value) is held
    assert Ratio(path="a", of="a").held(value) is None


def test_every_program_is_there_and_each_figure_has_its_own_words(tmp_path):
    for program in PROGRAMS:
        [*modules] = [word for word in program.arguments if word.endswith(".py")]
        assert all(Path(module).exists() for module in modules)
    words = [ratio.of for program in PROGRAMS for ratio in program.ratios]
    assert len(words) == len({*words})

    results = [
        Result(program=one.name, ratios={ratio.of: 0.5 for ratio in one.ratios}) for one in PROGRAMS
    ]
    draw(results, tmp_path / "drawn.png")
    assert (tmp_path / "drawn.png").read_bytes().startswith(b"\x89PNG")


def test_the_journal_alone_is_measured_beside_two_others(tmp_path):
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "journal.py"), "--messages", "2000", "--json"],
        cwd=tmp_path, check=True, capture_output=True, text=True,
    )  # fmt: skip

    told = json.loads(done.stdout)
    assert {"cpu_vs_sqlite", "cpu_vs_bare_file", "read_cpu_us"} <= {*told}
    assert all(value > 0 for value in told.values())
    assert not [*tmp_path.iterdir()], "nothing is left behind"
