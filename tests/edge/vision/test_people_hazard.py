"""A film before a camera becomes a hazard in the brain: who fell, and what blocks a fire lane."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.drivers.base import DriverError
from edge.drivers.camera.source import OpenCvSource
from edge.lanes import Lane
from edge.perception.base import Finding
from edge.perception.looking import looking
from edge.samples import Frame
from edge.settings import CameraDevice, PeopleRoleSettings
from models.vision.base import Picture
from tests.edge.broker import RealBroker
from tests.edge.process import AgentProcess
from tests.edge.vision.made import write_video
from tests.edge.vision.test_gate_agent import Wiretap
from tests.pipeline.community import START, Journal, run
from weinao.cli.evaluate.people import frames
from weinao.messages import Crowd, Motion, MotionEvent, Registered, Status
from weinao.outcomes import Hazard, HazardKind, Incident, Phase
from weinao.registry import Device

pytestmark = [pytest.mark.slow]

LANE = """
width_px = 405
height_px = 540
[[zones]]
name = "fire_lane_3"
outline = [[0, 300], [404, 300], [404, 539], [0, 539]]
keep_clear = true
"""


@pytest.fixture
def fall_film(recordings: Path, tmp_path: Path) -> Path:
    """A film of somebody who falls: the colour half of one of UR-Fall."""
    shared = recordings / "video" / "urfd-fall-02-cam0.mp4"
    if not shared.exists():
        pytest.skip("no recordings: video/urfd-fall-02-cam0.mp4")
    return write_video(tmp_path / "yard.avi", (picture for _, picture in frames(shared)), fps=8)


@pytest.fixture
def lane_film(recordings: Path, tmp_path: Path) -> Path:
    """A film at one frame a second: a lane, a bus that stands in it for six minutes, the lane."""
    street = cv2.imread(str(recordings / "faces" / "multi" / "bus.jpg"))
    if street is None:
        pytest.skip("no recordings: multi/bus.jpg")
    bus = np.asarray(cv2.resize(street, (405, 540), interpolation=cv2.INTER_AREA), np.uint8)
    empty = np.asarray(cv2.GaussianBlur(bus, (0, 0), 60), np.uint8)

    def shown() -> Iterator[Picture]:
        rng = np.random.default_rng(5)
        for second in range(540):
            scene = bus if 60 <= second < 420 else empty
            noise = rng.integers(-3, 4, scene.shape, np.int16)
            yield np.asarray(np.clip(scene + noise, 0, 255), np.uint8)

    return write_video(tmp_path / "lane.avi", shown(), fps=1)


def camera(film: Path, weights: Path, drawing: str = "") -> CameraDevice:
    return CameraDevice(
        id="cam-5", source=str(film), role="people", models=str(weights),
        people=PeopleRoleSettings(drawing=drawing),
    )  # fmt: skip


def seen(device: CameraDevice) -> list[Finding]:
    """Return what a camera's role makes of its film, by the film's own clock."""
    watch, film, found, number = looking(device), OpenCvSource(device.source), [], 0
    while (picture := film.read()) is not None:
        at = START + round(number * film.period_s * 1_000)
        found += watch.perceive(Frame(device=device.id, at=at, number=number, picture=picture))
        number += 1
    film.close()
    return found


def journalled(found: list[Finding], until_s: float) -> Journal:
    """Return the journal of an agent that sent this and went on."""
    journal = Journal()
    for record in (
        Device(id="agent-5", agent="agent-5"),
        Device(id="cam-5", agent="agent-5", place="yard-5"),
    ):
        journal.say("loader", Registered(at=START, record=record))
    for one in found:
        assert one.observation is not None
        journal.say(one.device, one.observation)
        at = one.observation.at
        journal.say("agent-5", Status(at=at, complete_to=at, sensors={"cam-5": at}))
        journal.tick(at)
    end = START + round(until_s * 1_000)
    journal.say("agent-5", Status(at=end, complete_to=end, sensors={"cam-5": end}))
    journal.tick(end)
    return journal


def test_who_falls_before_a_camera_becomes_an_incident(fall_film: Path, weights: Path) -> None:
    found = seen(camera(fall_film, weights))

    [fall] = [one for one in found if isinstance(one.observation, Motion)]
    assert fall.lane is Lane.ALARM
    values = [one.value for one in run(journalled(found, 10).entries)]
    [hazard] = [one for one in values if isinstance(one, Hazard)]
    assert (hazard.kind, hazard.phase) == (HazardKind.FALL, Phase.RAISED)
    assert hazard.subject == "cam-5"
    assert any(isinstance(one, Incident) for one in values)


def test_a_bus_in_a_fire_lane_is_raised_after_its_minutes_and_cleared(
    lane_film: Path, weights: Path, tmp_path: Path
) -> None:
    drawing = tmp_path / "people.toml"
    drawing.write_text(LANE)

    found = seen(camera(lane_film, weights, str(drawing)))

    blocked = [one.observation for one in found if isinstance(one.observation, Crowd)]
    assert {one.zone for one in blocked} == {"fire_lane_3"}
    values = [one.value for one in run(journalled(found, 600).entries)]
    # The homes of the grid are silent all the while: that is not what this is about.
    hazards = [one for one in values if isinstance(one, Hazard) and one.subject == "cam-5"]
    assert [(one.kind, one.phase) for one in hazards] == [
        (HazardKind.FIRE_LANE, Phase.RAISED),
        (HazardKind.FIRE_LANE, Phase.CLEARED),
    ]
    stood_s, free_s = ((one.at - START) / 1_000 for one in hazards)
    assert 60 + 300 <= stood_s <= 60 + 300 + 40
    assert 420 <= free_s <= 420 + 60


def test_a_drawing_that_is_missing_or_no_place_is_named(
    fall_film: Path, weights: Path, tmp_path: Path
) -> None:
    with pytest.raises(DriverError, match=r"cam-5.*none\.toml"):
        looking(camera(fall_film, weights, str(tmp_path / "none.toml")))

    (tmp_path / "lines.toml").write_text(
        '[[lines]]\nzone = "yard"\nleft = [0, 0]\nright = [1, 1]\n'
    )
    with pytest.raises(DriverError, match="no zone is drawn"):
        seen(camera(fall_film, weights, str(tmp_path / "lines.toml")))


@pytest.mark.service
@pytest.mark.usefixtures("weights")
def test_the_agent_plays_a_film_and_says_who_fell_and_how_many_there_are(
    tmp_path: Path, broker: RealBroker, fall_film: Path
) -> None:
    tap = Wiretap(broker.port)
    devices = (
        f'[[device]]\nid = "cam-5"\ndriver = "camera"\nsource = "{fall_film}"\n'
        'role = "people"\nrepeat = true\n'
    )
    agent = AgentProcess(tmp_path, broker.port, devices)
    try:
        agent.start()
        tap.wait_for(
            lambda said: {"motion", "crowd"} <= {one["kind"] for one in said}, timeout_s=400
        )
        code = agent.terminate()
    finally:
        agent.terminate()
        tap.close()

    assert code == 0, agent.log()
    said = tap.observations()
    falls = [one for one in said if one["kind"] == "motion"]
    assert {(one["device"], one["event"]) for one in falls} == {("cam-5", MotionEvent.FALL)}
    assert {one["zone"] for one in said if one["kind"] == "crowd"} == {"view"}
