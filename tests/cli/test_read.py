"""The read commands: tables for people, canonical bytes for programs, with and without an owner."""

import json
import random
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinks.duckdb_store import DuckDBStore
from sinks.store import Filter, every
from tests.sinks.made import (
    T0,
    due_visit,
    incident,
    journals,
    kept,
    loss,
    outcome,
    rejected,
    risk,
    score,
)
from tests.sinks.serving import served
from weinao.cli.main import app
from weinao.cli.read import canonical
from weinao.cli.stores import to_read
from weinao.outcomes import IncidentState, Outcome, Phase

ROOT = Path(__file__).parents[2]

Output = Callable[[], str]


@pytest.fixture
def output(capfdbinary: pytest.CaptureFixture[bytes]) -> Output:
    def read_out() -> str:
        return capfdbinary.readouterr().out.decode()

    return read_out


def show(command: str, data: Path, *options: str) -> None:
    app([command, f"--data={data}", *options], result_action="return_value")


def filled(folder: Path) -> Path:
    with closing(DuckDBStore(folder / "store.duckdb")) as store:
        store.write(
            [
                outcome(1, 0, kept(1)),
                outcome(1, 1, incident(1, IncidentState.OPEN)),
                outcome(2, 0, incident(2, IncidentState.OPEN)),
                outcome(2, 1, incident(1, IncidentState.CLOSED)),
                outcome(3, 0, rejected()),
                outcome(4, 0, loss(3, 5)),
                outcome(5, 0, risk()),
                outcome(6, 0, score()),
            ]
        )
    return folder


@pytest.mark.parametrize(
    ("command", "count"),
    {"incidents": 2, "observations": 1, "deadletters": 1, "losses": 1, "risks": 1, "scores": 1,
     "visits": 0, "adjustments": 0}.items(),
)  # fmt: skip
def test_every_table_is_shown_and_takes_the_common_options(
    command: str, count: int, tmp_path: Path, output: Output
) -> None:
    filled(tmp_path)
    common = ("--limit=1", "--since=2026-01-01", "--lang=en")

    show(command, tmp_path, "--json", *common, f"--grid={outcome(1, 0).grid}")
    mine = json.loads(output())
    show(command, tmp_path, "--json", *common, "--grid=grid-of-others")
    others = json.loads(output())
    show(command, tmp_path, *common)

    assert len(mine) == min(count, 1)
    assert others == []
    assert ("Nothing" in output()) == (count == 0)


def test_json_holds_every_field_and_its_keys_are_sorted(tmp_path: Path, output: Output) -> None:
    show("incidents", filled(tmp_path), "--json")

    text = output()
    found = json.loads(text)
    assert [one["id"] for one in found] == ["i-1", "i-2"]
    assert found[0]["steps"][0]["action"] == "open"
    assert set(found[0]) == {*incident().__struct_fields__, "type"}
    assert [*found[0]] == sorted(found[0])
    assert [*found[0]["facts"]] == sorted(found[0]["facts"])
    assert json.dumps(found, sort_keys=True, ensure_ascii=False, separators=(",", ":")) == (
        text.replace(",\n", ",").replace("\n", "")
    )


def test_nothing_is_an_empty_array(tmp_path: Path, output: Output) -> None:
    show("incidents", filled(tmp_path), "--json", "--kind=smoke")

    assert output() == "[]\n"


@pytest.mark.parametrize("command", ["observations", "deadletters", "losses", "risks", "scores"])
def test_the_others_tell_their_grid_and_their_place(
    tmp_path: Path, output: Output, command: str
) -> None:
    show(command, filled(tmp_path), "--json")

    [found] = json.loads(output())
    assert (found["grid"], found["index"]) == ("grid-1", 0)
    assert [*found] == sorted(found)


@pytest.mark.parametrize(
    "command", ["incidents", "observations", "deadletters", "losses", "risks", "scores"]
)
@pytest.mark.parametrize("options", [("--json",), ()], ids=["json", "table"])
def test_an_owner_and_the_file_itself_tell_the_same(
    tmp_path: Path, output: Output, command: str, options: tuple[str, ...]
) -> None:
    filled(tmp_path)
    show(command, tmp_path, *options)
    alone = output()

    (tmp_path / "store.duckdb").rename(tmp_path / "weinao.duckdb")  # as `served` calls it
    with served(tmp_path):
        show(command, tmp_path, *options)

    assert output() == alone
    assert len(alone) > 50


def test_tables_speak_both_languages(tmp_path: Path, output: Output) -> None:
    filled(tmp_path)

    show("incidents", tmp_path)
    zh = output()
    show("incidents", tmp_path, "--lang=en")
    en = output()

    assert "跌倒" in zh
    assert "已结案" in zh
    assert "closed" in en
    assert "unknown detected a fall" in en  # the made hazard names no device


@pytest.mark.parametrize(
    ("command", "option", "why"),
    [
        ("incidents", "--kind=fal", "expected one of .*smoke"),
        ("incidents", "--state=opened", "expected one of .*on_site"),
        ("observations", "--kind=vital", "expected one of vitals"),
        ("deadletters", "--kind=old", "expected one of topic, too_large"),
        ("losses", "--state=lost", "expected one of missing, filled, thinned"),
        ("risks", "--state=missed", "expected one of raised, cleared"),
        ("visits", "--limit=0", "expected at least 1"),
        ("visits", "--limit=99999999", "weinao visits: --limit: expected at most"),
        ("visits", "--since=soon", "weinao visits: --since: expected a time"),
    ],
)
def test_what_cannot_be_is_refused_in_the_place_of_nothing_found(
    command: str, option: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        show(command, filled(tmp_path), option)

    said = f"{capsys.readouterr().err} {ended.value}"
    assert re.search(why, re.sub(r"[\s│]+", " ", said)), said


def test_risks_and_scores_are_shown_in_words(tmp_path: Path, output: Output) -> None:
    filled(tmp_path)

    show("risks", tmp_path)
    risks = output()
    show("scores", tmp_path, "--lang=en")
    scores = output()

    assert "静息心率变化" in risks
    assert "发现" in risks
    assert "72–82" in scores  # the band that want of data leaves open
    assert "60%" in scores


def test_visits_are_shown_by_when_they_are_due_and_why(tmp_path: Path, output: Output) -> None:
    with closing(DuckDBStore(tmp_path / "store.duckdb")) as store:
        dues = (due_visit(1, T0 + 86_400_000), due_visit(2, T0), due_visit(3, None))
        store.write([outcome(n, 0, one) for n, one in enumerate(dues, 1)])

    show("visits", tmp_path)
    zh = output()
    show("visits", tmp_path, "--lang=en", "--household=home-2", "--json")

    assert zh.index("home-2") < zh.index("home-1") < zh.index("home-3")
    assert "独居" in zh
    assert "睡眠" in zh
    assert [one["household"] for one in json.loads(output())] == ["home-2"]


def test_a_risk_is_shown_as_it_stands_and_chosen_by_its_kind(
    tmp_path: Path, output: Output
) -> None:
    with closing(DuckDBStore(filled(tmp_path) / "store.duckdb")) as store:
        store.write([outcome(7, 0, risk(phase=Phase.CLEARED))])

    show("risks", tmp_path, "--json", "--kind=heart_rate")
    standing = json.loads(output())
    show("risks", tmp_path, "--json", "--state=raised")

    assert [(one["id"], one["phase"]) for one in standing] == [("r-1", "cleared")]
    assert output() == "[]\n"


def test_a_table_shows_nothing_that_a_terminal_would_obey(tmp_path: Path, output: Output) -> None:
    show("deadletters", filled(tmp_path))

    text = output()
    assert "\x07" not in text
    assert "\x00" not in text
    assert "乱码" in text


def test_a_limit_means_the_newest(tmp_path: Path, output: Output) -> None:
    show("incidents", filled(tmp_path), "--json", "--limit=1")

    assert [one["id"] for one in json.loads(output())] == ["i-2"]


def test_since_takes_a_time_or_a_while_ago(tmp_path: Path, output: Output) -> None:
    filled(tmp_path)

    show("incidents", tmp_path, "--json", "--since=2026-01-01T00:00:00.002+00:00")
    by_time = output()
    show("incidents", tmp_path, "--json", "--since=1s")

    assert [one["id"] for one in json.loads(by_time)] == ["i-2"]
    assert output() == "[]\n"


def test_a_mistake_ends_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no such store yet"):
        show("incidents", tmp_path)
    with pytest.raises(SystemExit, match="expected a time such as"):
        show("incidents", filled(tmp_path), "--since=yesterday")


@given(journals(), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=15)
def test_equal_journals_give_equal_bytes_whoever_kept_them(
    journal: list[Outcome], rng: random.Random
) -> None:
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        grid_by_grid = sorted(journal, key=lambda made: (made.grid, made.position))
        first = _bytes(Path(one), [journal])
        cuts = sorted(rng.randint(0, len(journal)) for _ in range(3))
        parts = [grid_by_grid[a:b] for a, b in zip([0, *cuts], [*cuts, None], strict=True)]
        second = _bytes(Path(other), parts)

    assert second == first


def _bytes(folder: Path, batches: list[list[Outcome]]) -> bytes:
    with closing(DuckDBStore(folder / "store.duckdb")) as store:
        for batch in batches:
            store.write(batch)
    with closing(to_read(folder)) as store:
        return b"".join(canonical(every(store, "incidents", Filter(limit=2))))


@pytest.mark.service
def test_the_command_itself_prints_and_ends_well(tmp_path: Path) -> None:
    filled(tmp_path)
    command = [sys.executable, "-m", "weinao.cli.main", "incidents", "--data", str(tmp_path)]

    found = subprocess.run([*command, "--json"], cwd=ROOT, capture_output=True, check=True)
    cut = subprocess.run(
        f"{' '.join(command)} --json | head -c 1", shell=True, cwd=ROOT, capture_output=True,
        check=True,
    )  # fmt: skip

    assert [one["at"] for one in json.loads(found.stdout)] == [T0 + 1, T0 + 2]
    assert (cut.stdout, cut.stderr) == (b"[", b"")


@pytest.mark.service
def test_help_of_a_command_says_more_than_the_list_of_commands() -> None:
    def said(*arguments: str) -> str:
        command = [sys.executable, "-m", "weinao.cli.main", *arguments, "--help"]
        return subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout

    assert "deadletters" in said()
    assert "base64" not in said()
    assert "payloads are in base64" in said("deadletters")
    assert "compact" in said("lake")
