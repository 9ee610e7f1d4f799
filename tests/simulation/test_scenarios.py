"""Every scenario that is shipped holds, and two runs of a seed are the same to the byte."""

from pathlib import Path

import pytest

from pipeline.flow.plain import PlainRunner
from pipeline.journal import JournalReader
from sim.scenarios import parse
from sinks.duckdb_store import DuckDBStore
from sinks.store import Filter, every
from weinao.cli.minds import mind_of
from weinao.cli.sim import rehearse
from weinao.outcomes import Incident

SCENARIOS = sorted(
    path
    for path in (Path(__file__).parents[2] / "configs" / "scenarios").glob("*.toml")
    if not path.stem.startswith("community")
)


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_what_a_scenario_expects_holds(path, tmp_path):
    story = parse(path.read_text(encoding="utf-8"))

    verdicts, _ = rehearse(story, tmp_path, None)

    broken = [one.told for one in verdicts if not one.held]
    assert verdicts
    assert not broken, f"repeat: weinao sim run {path.stem} --seed {story.seed} --out run/sim"


def test_two_runs_of_a_seed_are_the_same_to_the_byte(tmp_path):
    story = parse(_named("fall_during_outage"))

    written = []
    for run in ("first", "second"):
        (tmp_path / run).mkdir()
        rehearse(story, tmp_path / run, None)
        written.append(_bytes(tmp_path / run))

    assert written[0]
    assert written[0] == written[1]


def test_the_journal_of_a_rehearsal_replays_to_the_same_incidents(tmp_path):
    story = parse(_named("fall_during_outage"))
    rehearse(story, tmp_path, None)

    replayed = []
    runner = PlainRunner(mind_of(["grid-1"]), replayed.extend)
    reader = JournalReader(tmp_path / "journal")
    while records := reader.read(7):
        runner.take(records)

    store = DuckDBStore(tmp_path / "store.duckdb")
    incidents = [outcome.value for outcome in every(store, "incidents", Filter())]
    store.close()
    last = {one.value.id: one.value for one in replayed if isinstance(one.value, Incident)}
    assert incidents
    assert any(step.actor != "brain" for one in incidents for step in one.steps)
    assert sorted(incidents, key=lambda one: one.id) == sorted(
        last.values(), key=lambda one: one.id
    )


def test_another_seed_is_another_world(tmp_path):
    story = parse(_named("fall_during_outage"))

    written = []
    for seed in (1, 2):
        (tmp_path / str(seed)).mkdir()
        rehearse(story, tmp_path / str(seed), seed)
        written.append(_bytes(tmp_path / str(seed)))

    assert written[0] != written[1]


def _named(name):
    return next(path for path in SCENARIOS if path.stem == name).read_text(encoding="utf-8")


def _bytes(folder):
    logs = sorted((folder / "journal").glob("*.log"))
    return b"".join(path.read_bytes() for path in [folder / "truth.jsonl", *logs])
