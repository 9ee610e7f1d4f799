"""Every scenario that is shipped holds, and two runs of a seed are the same to the byte."""

from pathlib import Path

import pytest

from pipeline.flow.frozen import freeze, thaw
from pipeline.flow.plain import PlainRunner
from pipeline.flow.seat import Seat, SeatState
from pipeline.journal import JournalReader
from sim.scenarios import parse
from sinks.duckdb_store import DuckDBStore
from sinks.store import Filter, every
from weinao.cli.minds import mind_of
from weinao.cli.sim import rehearse
from weinao.outcomes import HazardKind, Incident, Kept, OrderState, Reason, RiskKind

MORE = ("health_score", "vitals_child", "vitals_cuff", "parent_down", "twice", "outage_72h")
"""Rules that have no kind of their own."""

SCENARIOS = sorted(
    path
    for path in (Path(__file__).parents[2] / "configs" / "scenarios").glob("*.toml")
    if not path.stem.startswith("community")
)


class Forgetful(PlainRunner):
    """Goes on with what its seats look like as bytes, now and then, as after a crash."""

    taken = 0

    def take(self, records):
        Forgetful.taken += 1
        if Forgetful.taken % 997 == 0:
            for grid, seat in self._seats.items():
                kept = seat.snapshot()
                thawed = thaw(freeze(kept), SeatState, self._mind.rules)
                assert repr(thawed) == repr(kept)  # 60 and 60.0 are equal, and read differently
                self._seats[grid] = Seat(grid, self._mind, self._fetch, thawed)
        return super().take(records)


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_what_a_scenario_expects_holds(path, tmp_path, monkeypatch):
    monkeypatch.setattr("weinao.cli.rehearse.PlainRunner", Forgetful)
    story = parse(path.read_text(encoding="utf-8"))

    verdicts, sent = rehearse(story, tmp_path, None)

    broken = [one.told for one in verdicts if not one.held]
    assert verdicts
    assert not broken, f"repeat: weinao sim run {path.stem} --seed {story.seed} --out run/sim"
    store = DuckDBStore(tmp_path / "store.duckdb")
    counts = store.counts()
    store.close()
    named = sum(n for why, n in counts.get("deadletters", {}).items() if why != Reason.DUPLICATE)
    kept = counts["distinct"]["observations"]
    assert kept + named == sent.observations  # nothing is lost
    assert sum(counts["observations"].values()) == kept  # and nothing stands twice


@pytest.mark.parametrize(
    "rule", [*(kind for kind in HazardKind if kind is not HazardKind.REPORT), *RiskKind, *MORE]
)
def test_every_rule_has_a_scenario_that_fires_and_one_that_must_not(rule):
    fires, near_miss = parse(_named(rule)), parse(_named(f"{rule}_not"))

    raised = [one.kind for one in fires.expect] + [rule for one in fires.expect if one.score]
    spared = [one for one in near_miss.never if one.kind == rule]
    other = near_miss.never or [one for one in near_miss.expect if one.count is not None]
    assert rule in raised or rule in MORE
    assert spared or (rule in MORE and other)
    assert rule in MORE or rule not in [one.kind for one in near_miss.expect]
    assert (
        near_miss.happenings
        or near_miss.faults
        or near_miss.homes[0].people != ("elder",)
        or (rule in _DAYS_THEMSELVES)
    )


_DAYS_THEMSELVES = ("stove_on",)
"""What an ordinary day comes near to by itself: three meals are cooked."""


def test_after_three_days_cut_off_alarms_come_before_what_was_said_before_them(tmp_path):
    story = parse(_named("outage_72h"))
    pressed_at = story.starts_at + round(story.happenings[0].at_s * 1_000)
    cut_at = story.starts_at + round(story.faults[0].from_s * 1_000)
    rehearse(story, tmp_path, None)

    store = DuckDBStore(tmp_path / "store.duckdb")
    kept = [
        (outcome.position, value)
        for outcome in every(store, "observations", Filter())
        if isinstance(value := outcome.value, Kept) and cut_at <= value.at < pressed_at
    ]
    [sos] = [
        outcome
        for outcome in every(store, "observations", Filter())
        if isinstance(value := outcome.value, Kept) and value.device == "sos-1"
    ]
    store.close()
    history = [at for at, value in kept if value.device.startswith("pir-")]
    assert len(history) > 50
    assert all(sos.position < at for at in history)


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
    [path] = [path for path in SCENARIOS if path.stem == name]
    return path.read_text(encoding="utf-8")


def _bytes(folder):
    logs = sorted((folder / "journal").glob("*.log"))
    return b"".join(path.read_bytes() for path in [folder / "truth.jsonl", *logs])


def test_what_a_device_is_told_to_do_is_done_and_told_in_the_incident(tmp_path):
    rehearse(parse(_named("orders")), tmp_path, None)

    store = DuckDBStore(tmp_path / "store.duckdb")
    incidents = [outcome.value for outcome in every(store, "incidents", Filter(kind="gas"))]
    store.close()
    orders = {one.household: {it.do: it.state for it in one.orders} for one in incidents}
    assert orders == {
        "home-1": {"close_gas_valve": OrderState.DONE, "sound_siren": OrderState.DONE},
        "home-2": {},
    }
