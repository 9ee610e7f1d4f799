"""`weinao rules`, and what a file of thresholds does to the commands that take one."""

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.brain.thresholds import Thresholds, thresholds_from
from sinks.duckdb_store import DuckDBStore
from sinks.store import Filter, every
from tests.conftest import ROOT
from tests.pipeline.community import START, Journal, run
from weinao.cli.documented import documented
from weinao.cli.explain import explain
from weinao.cli.flow import _recovery_of, digest_of
from weinao.cli.minds import IN_FORCE, keep_rules, kept_rules, mind_of
from weinao.cli.replay import replay
from weinao.cli.rules import SHIPPED, check, show
from weinao.cli.sim import run as sim_run
from weinao.cli.system import Plan, programs
from weinao.messages import Home, Motion, MotionEvent, Sensor
from weinao.outcomes import Hazard, Incident

Output = Callable[[], str]


@pytest.fixture
def output(capfdbinary: pytest.CaptureFixture[bytes]) -> Output:
    def read_out() -> str:
        return capfdbinary.readouterr().out.decode()

    return read_out


@pytest.fixture
def patient(tmp_path: Path) -> Path:
    """Return a file that waits longer than anything lasts in the scenarios."""
    path = tmp_path / "patient.toml"
    path.write_text("[stove]\naway_s_max = 86400\n\n[fall]\nstill_s_min = 600\n")
    return path


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    path = tmp_path / "wrong.toml"
    path.write_text("[stove]\naway_s = 600\noff_s_min = 0\n")
    return path


def test_the_shipped_file_is_taken_and_is_the_defaults(output: Output) -> None:
    check(ROOT / "configs" / "rules.toml")

    assert output().endswith(f"all {len(Thresholds().values())} thresholds are the defaults\n")


def test_check_says_what_differs_from_the_defaults(patient: Path, output: Output) -> None:
    check(patient, json=True)
    rows = json.loads(output())
    check(patient)

    assert rows == [
        {"threshold": "fall.still_s_min", "in_force": 600, "default": 60},
        {"threshold": "stove.away_s_max", "in_force": 86_400, "default": 1_200},
    ]
    table = output()
    assert "2 of" in table
    assert "stove.away_s_max" in table


def test_check_names_all_that_is_wrong(wrong: Path) -> None:
    with pytest.raises(SystemExit, match=r"2 problems\n  stove.away_s: unknown.*\n  stove.off_s"):
        check(wrong)
    with pytest.raises(SystemExit, match="No such file"):
        check(wrong.parent / "none.toml")


def test_show_tells_every_threshold_with_its_source(patient: Path, output: Output) -> None:
    show(json=True)
    delivered = {row["threshold"]: row for row in json.loads(output())}
    show(rules=patient, json=True)
    changed = {row["threshold"]: row for row in json.loads(output())}

    said = documented(SHIPPED.read_text(encoding="utf-8"))
    assert {place: row["source"] for place, row in delivered.items()} == {
        place: one.source for place, one in said.items()
    }
    assert "living alone" in delivered["stove.away_s_max"]["source"]
    assert changed["stove.away_s_max"]["in_force"] == 86_400
    assert changed["stove.away_s_max"]["source"].startswith("set here; default: research")
    assert changed["stove.off_s_min"] == delivered["stove.off_s_min"]


def test_a_simulated_community_goes_by_the_file(patient: Path, tmp_path: Path) -> None:
    sim_run("stove_on", out=tmp_path / "delivered")
    with pytest.raises(SystemExit):  # what the scenario expects does not come
        sim_run("stove_on", out=tmp_path / "patient", rules=patient)

    assert "stove_on" in kinds(tmp_path / "delivered")
    assert "stove_on" not in kinds(tmp_path / "patient")


def test_a_replay_goes_by_the_file(patient: Path, tmp_path: Path) -> None:
    sim_run("stove_on", out=tmp_path / "played")

    for name, rules in (("delivered", None), ("patient", patient)):
        replay(tmp_path / "played", out=tmp_path / name, runner="plain", rules=rules, json=True)

    assert "stove_on" in kinds(tmp_path / "delivered")
    assert "stove_on" not in kinds(tmp_path / "patient")


def test_a_wrong_file_ends_a_command_before_it_does_anything(wrong: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"weinao sim run: .*2 problems"):
        sim_run("stove_on", out=tmp_path / "out", rules=wrong)
    with pytest.raises(SystemExit, match=r"weinao replay: .*2 problems"):
        replay(tmp_path, out=tmp_path / "out", rules=wrong)

    assert not (tmp_path / "out").exists()


def test_a_whole_system_hands_the_file_to_its_flow(patient: Path, tmp_path: Path) -> None:
    plan = Plan(data=tmp_path, community="c", grids=("g",), rules=patient)

    [flow] = [one for one in programs(plan) if "--rules" in one.arguments]

    assert flow.name == "flow"
    assert flow.arguments[flow.arguments.index("--rules") + 1] == str(patient)


def test_a_changed_threshold_never_goes_on_from_the_state_of_another(tmp_path: Path) -> None:
    def folder(tables: dict[str, dict[str, int]]) -> Path:
        mind = mind_of(["grid-1"], thresholds_from(tables))
        return _recovery_of(tmp_path, digest_of(mind))

    delivered = folder({})
    delivered.mkdir()

    assert folder({}) == delivered
    assert delivered.exists()
    assert folder({"stove": {"away_s_max": 1_201}}) != delivered
    assert not delivered.exists(), "what another brain left is removed"
    assert folder({"silence": {"silent_s_min": 16}}) != delivered
    assert folder({"stove": {"away_s_max": 1_200}}) == delivered


def test_explain_tells_by_the_file_that_the_incident_was_found_by(
    patient: Path, tmp_path: Path, output: Output
) -> None:
    incident = a_fall(tmp_path)
    explain(incident, data=tmp_path, lang="en")
    delivered = output()
    explain(incident, data=tmp_path, lang="en", rules=patient)
    asked = output()
    keep_rules(patient, tmp_path)
    explain(incident, data=tmp_path, lang="en")
    kept = output()

    assert "or when nothing moves at home for 1 min." in delivered
    assert "as delivered" not in delivered
    assert "or when nothing moves at home for 10 min." in asked
    assert "Set by this community; as delivered, and as the source has it: Raised by" in asked
    assert kept == asked


def test_the_copy_of_the_file_goes_with_the_next_run_without_one(
    patient: Path, tmp_path: Path
) -> None:
    keep_rules(patient, tmp_path)
    kept = kept_rules(tmp_path)
    assert kept == tmp_path / IN_FORCE
    assert kept.read_bytes() == patient.read_bytes()

    keep_rules(kept, tmp_path)
    assert kept.read_bytes() == patient.read_bytes()

    keep_rules(None, tmp_path)
    assert kept_rules(tmp_path) is None


def kinds(folder: Path) -> set[str]:
    """Return the kinds of hazards that a store holds."""
    with closing(DuckDBStore(folder / "store.duckdb")) as store:
        found = [one.value for one in every(store, "hazards", Filter())]
    return {one.kind.value for one in found if isinstance(one, Hazard)}


def a_fall(folder: Path) -> str:
    """Keep the store of a fall, and return its incident."""
    journal = Journal()
    journal.say("pir-1", Home(at=START, sensor=Sensor.PIR, value=1.0))
    fall = Motion(at=START + 60_000, event=MotionEvent.FALL, confidence=0.9, impact_g=3.4)
    journal.say("band-1", fall)
    outcomes = run(journal.entries)
    with closing(DuckDBStore(folder / "store.duckdb")) as store:
        store.write(outcomes)
    return next(one.value.id for one in outcomes if isinstance(one.value, Incident))
