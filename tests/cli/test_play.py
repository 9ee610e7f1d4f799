"""Before a story is played: who plays, what their tracks say, and what a machine can carry."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from edge.drivers.track import read_track
from edge.perception.devices import DevicePerception
from edge.samples import Observed, Sample
from sim.scenarios import Scenario, parse
from sim.world.world import World
from weinao.cli.play import AGENT_BYTES, SYSTEM_BYTES, TooManyHomesError, check, chosen
from weinao.cli.played import Played
from weinao.registry import Device, Household, Resident

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
    assert len({(type(one), one.id) for one in records}) == len(records)


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
