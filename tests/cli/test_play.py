"""Before a story is played: who plays, what their tracks say, and what a machine can carry."""

from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from edge.drivers.track import read_track
from edge.perception.devices import DevicePerception
from edge.samples import Observed, Sample
from sim.audit import audit
from sim.faults.plan import Fault
from sim.scenarios import Expectation, Scenario, parse
from sim.world.world import World
from sinks.duckdb_store import DuckDBStore
from weinao.cli.capacity import AGENT_BYTES, SYSTEM_BYTES, TooManyHomesError, check, chosen
from weinao.cli.play_report import Performed, Report, report
from weinao.cli.played import Played
from weinao.cli.registry import _Layout
from weinao.registry import Device, Grid, Household, Resident

STORY = """
title = "Two homes, one of whose agents dies"
seed = 5
starts_at = 2026-03-02T08:00:00+08:00
lasts_s = 14_400
[[home]]
id = "home-1"
people = ["elder"]
[[home]]
id = "home-2"
people = ["elder"]
grid = "grid-2"
[[happening]]
at_s = 1_800
kind = "presses_sos"
subject = "home-1"
[[fault]]
from_s = 3_600
until_s = 5_400
kind = "agent_dies"
target = "home-1"
[[fault]]
from_s = 0
until_s = 14_400
kind = "sensor_dies"
target = "smoke-1"
[[never]]
incident = "fall"
"""


@pytest.fixture
def story() -> Scenario:
    return parse(STORY)


def test_the_first_homes_bring_the_shared_places_of_their_grids(story: Scenario) -> None:
    world = World(story, 5)

    assert chosen(world, 1) == ["agent-1", "agent-grid-1"]
    assert chosen(world, None) == ["agent-1", "agent-2", "agent-grid-1", "agent-grid-2"]


def test_who_does_not_play_is_not_registered(story: Scenario, tmp_path: Path) -> None:
    world = World(story, 5)

    records = Played(tmp_path, world, chosen(world, 1), seed=5).records()

    assert [one.id for one in records if isinstance(one, Household)] == ["home-1"]
    assert [one.id for one in records if isinstance(one, Resident)] == ["resident-1"]
    agents = {one.agent for one in records if isinstance(one, Device)}
    assert agents == {"agent-1", "agent-grid-1"}


def test_each_grid_is_registered_by_itself_with_its_shared_places(
    story: Scenario, tmp_path: Path
) -> None:
    world = World(story, 5)

    parts = Played(tmp_path, world, chosen(world, None), seed=5).registries()

    assert [[one.id for one in part if isinstance(one, Grid)] for part in parts] == [
        ["grid-1"], ["grid-2"]
    ]  # fmt: skip
    for part in parts:
        [grid] = [one for one in part if isinstance(one, Grid)]
        assert f"gate-{grid.id}" in {one.id for one in part if isinstance(one, Device)}
        assert all(_Layout(part, ()).grids(one) == [grid.id] for one in part)


def test_an_agent_s_track_says_what_is_said_in_its_home_while_it_lives(
    story: Scenario, tmp_path: Path
) -> None:
    world = World(story, 5)
    stage = Played(tmp_path, world, ["agent-1"], seed=5)

    stage.write_tracks()

    samples = [*read_track(tmp_path / "tracks" / "agent-1.jsonl", "")]
    said = [
        (world.start + one.at, one.device, one.observation)
        for one in samples
        if isinstance(one, Observed)
    ]
    [voice] = [one for one in World(story, 5).voices() if one.agent == "agent-1"]
    [(begun, ended)] = voice.dead
    heard = [one for one in voice.said if not begun <= one.at < ended]
    assert [(at, device) for at, device, _ in said] == [(one.at, one.device) for one in heard]
    assert {device for _, device, _ in said} > {"sos-1", "band-1-1"}
    alive = {one.device for one in samples if not isinstance(one, Observed)}
    assert alive == {*voice.beating} - {"smoke-1"}


def test_what_was_observed_comes_out_as_it_was_said(story: Scenario, tmp_path: Path) -> None:
    world = World(story, 5)
    stage = Played(tmp_path, world, ["agent-1"], seed=5)
    stage.write_tracks()
    perception = DevicePerception("wrist", {})

    found = [
        (finding.device, finding.observation)
        for sample in read_track(tmp_path / "tracks" / "agent-1.jsonl", "")
        for finding in perception.perceive(_dated(sample, world.start))
    ]

    [voice] = [one for one in World(story, 5).voices() if one.agent == "agent-1"]
    [(begun, ended)] = voice.dead
    assert found == [
        (one.device, one.observation) for one in voice.said if not begun <= one.at < ended
    ]


def _dated(sample: Sample, start: int) -> Sample:
    return replace(sample, at=sample.at + start)


def test_a_machine_is_not_asked_for_more_than_it_can_carry() -> None:
    check(10, SYSTEM_BYTES + 10 * AGENT_BYTES, cores=2)

    with pytest.raises(TooManyHomesError, match="carries 1 to 10"):
        check(11, SYSTEM_BYTES + 10 * AGENT_BYTES, cores=2)
    with pytest.raises(TooManyHomesError, match="carries 1 to 0"):
        check(1, SYSTEM_BYTES // 2, cores=2)
    with pytest.raises(TooManyHomesError, match="carries 1 to 80"):
        check(300, 2**40, cores=2)


def _report(story: Scenario, agents: list[str], folder: Path, *, sent: int = 0) -> Report:
    world = World(story, 5)
    account = audit(
        issued={("band-1-1", "b"): sent} if sent else {},
        waiting=set(),
        kept=(),
        losses=(),
        noticed=(),
        incidents=(),
        expected=(),
    )
    how = Performed(seed=5, speed=60, took_s=1, late_s=0, restarts=(), complete=True)
    with closing(DuckDBStore(folder / "store.duckdb")) as store:
        return report(story, world, agents, store=store, account=account, performed=how)


def test_nothing_is_asked_of_homes_that_do_not_play_and_they_are_named(
    story: Scenario, tmp_path: Path
) -> None:
    asked = replace(
        story,
        expect=(Expectation(incident="sos", subject="home-2"),),
        never=(Expectation(incident="fall"),),
    )

    came = _report(asked, ["agent-1", "agent-grid-1"], tmp_path)

    assert came.not_played == ("home-2",)
    assert [one.told for one in came.verdicts] == ["never incident fall: 0"]
    assert came.sound


def test_a_story_is_not_sound_if_a_pack_was_lost_or_an_expectation_is_broken(
    story: Scenario, tmp_path: Path
) -> None:
    missed = replace(story, expect=(Expectation(incident="sos", subject="home-1"),))
    (tmp_path / "a").mkdir()

    assert not _report(story, ["agent-1"], tmp_path / "a", sent=1).sound
    assert not _report(missed, ["agent-1"], tmp_path).sound


def test_faults_that_no_live_system_suffers_are_named(story: Scenario, tmp_path: Path) -> None:
    share = Fault(kind="duplicate", target="all", from_s=0, until_s=60, share=0.5)

    came = _report(replace(story, faults=(*story.faults, share)), ["agent-1"], tmp_path)

    assert [why.partition(":")[0] for why in came.not_live] == ["duplicate"]
