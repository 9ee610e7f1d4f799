"""A high-rise camera in the agent: what its driver's frames lead to."""

import stat
from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge.drivers.base import DriverError
from edge.perception.looking import looking
from edge.samples import Frame, SignalEnded
from edge.settings import CameraDevice, FacadeSettings
from tests.edge.test_highrise_watch import LINES, SIZE, falling, shown
from weinao.messages import Highrise

START = 1_767_225_600_000
FPS = 25


def camera(folder: Path) -> CameraDevice:
    lines = "".join(
        f"[[lines]]\nfloor = {floor}\nleft = [60, {v}]\nright = [420, {v}]\n" for floor, v in LINES
    )
    drawing = folder / "facade.toml"
    drawing.write_text(
        f'building = "7"\nwidth_px = {SIZE[0]}\nheight_px = {SIZE[1]}\nwidth_m = 24.0\n'
        f"columns = 6\n{lines}"
    )
    facade = FacadeSettings(
        drawing=str(drawing), evidence=str(folder / "films"), key_file=str(folder / "own.key")
    )
    return CameraDevice(id="cam-3", source="x.mp4", role="highrise", facade=facade)


def seen(device: CameraDevice, *, troubled: bool = False) -> list[Highrise]:
    watch = looking(device)
    found = []
    for number, picture in enumerate(shown(falling(60))):
        at = START + round(number * 1_000 / FPS)
        frame = Frame(
            device=device.id, at=at, number=number, picture=np.asarray(picture), troubled=troubled
        )
        found += [one.observation for one in watch.perceive(frame)]
    ended = SignalEnded(device=device.id, at=START)
    return found + [one.observation for one in watch.perceive(ended)]


def test_what_falls_before_a_camera_is_told_with_its_building_and_floor(tmp_path):
    fall, with_film = seen(camera(tmp_path))

    assert isinstance(fall, Highrise)
    assert fall.building == "7"
    assert with_film.at == fall.at
    assert (tmp_path / "films" / fall.clip).exists()
    assert with_film.clip.startswith(f"{fall.clip}#sha256=")


def test_its_key_is_made_once_and_for_nobody_else(tmp_path):
    device = camera(tmp_path)
    looking(device)
    made = (tmp_path / "own.key").read_bytes()
    looking(device)

    assert len(made) == 32
    assert (tmp_path / "own.key").read_bytes() == made
    assert stat.S_IMODE((tmp_path / "own.key").stat().st_mode) == 0o600


def test_a_troubled_camera_shows_nothing(tmp_path):
    assert seen(camera(tmp_path), troubled=True) == []


def test_a_drawing_that_is_missing_or_wrong_is_named(tmp_path):
    device = camera(tmp_path)
    nowhere = msgspec.structs.replace(device.facade, drawing=str(tmp_path / "none.toml"))

    with pytest.raises(DriverError, match=r"cam-3.*none\.toml"):
        looking(msgspec.structs.replace(device, facade=nowhere))
