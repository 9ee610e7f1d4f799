"""The demo's films: what plays in them is seen by the cameras' own perception."""

import tomllib
from pathlib import Path

import msgspec
import pytest

from edge.drivers.camera.source import OpenCvSource
from edge.perception.looking import looking
from edge.samples import Frame, SignalEnded
from edge.settings import CameraDevice
from weinao import kept
from weinao.cli import demo_cameras
from weinao.cli.stage import _toml
from weinao.messages import AnyObservation, Gate, Highrise
from weinao.registry import WatchEntry

NOW = 1_800_000_000_000


def seen(camera: CameraDevice, models: Path) -> list[AnyObservation]:
    watch = looking(msgspec.structs.replace(camera, models=str(models)))
    source, said, number = OpenCvSource(camera.source), [], 0
    while (picture := source.read()) is not None:
        at = NOW + number * 40
        said += watch.perceive(Frame(device=camera.id, at=at, number=number, picture=picture))
        number += 1
    said += watch.perceive(SignalEnded(device=camera.id, at=NOW + number * 40))
    return [one.observation for one in said if one.observation]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_camera_of_the_demo_sees_what_its_film_shows(tmp_path: Path, weights: Path) -> None:
    demo_cameras.prepare(tmp_path)
    home = demo_cameras.home(tmp_path, tmp_path / "kept")
    table = tomllib.loads(_toml({"device": list(home.cameras)}))
    cameras = {one["id"]: msgspec.convert(one, CameraDevice) for one in table["device"]}

    fallen = [one for one in seen(cameras[demo_cameras.TOWER], weights) if one]
    passed = seen(cameras[demo_cameras.GATE], weights)

    assert {type(one) for one in fallen} == {Highrise}
    assert {one.floor for one in fallen if isinstance(one, Highrise)} == {21}
    words = [one for one in passed if isinstance(one, Gate)]
    last = [(one.match, one.person, one.direction) for one in words if one.part == "last"]
    assert last == [
        ("resident", demo_cameras.RESIDENT, "in"),
        ("unknown", "", "in"),
        ("watchlist", demo_cameras.WATCHED, "in"),
    ]
    pictured = {one.match: one for one in words if one.picture}
    assert set(pictured) == {"unknown", "watchlist"}
    for one in (*fallen, *pictured.values()):
        key = "clip" if isinstance(one, Highrise) else "picture"
        wanted = kept.named({key: getattr(one, key)})
        assert wanted is not None
        path = kept.found(tmp_path / "kept", wanted)
        assert path is not None
        assert (kept.still(path) or b"").startswith(b"\xff\xd8\xff")


def test_whom_the_gate_reports_is_registered_with_reason_and_end() -> None:
    [entry] = [one for one in demo_cameras.records(NOW) if isinstance(one, WatchEntry)]

    assert entry.person == demo_cameras.WATCHED
    assert entry.reason
    assert entry.valid_to is not None


def test_without_the_extra_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_cameras, "_NEEDED", ("no_such_module",))

    assert demo_cameras.missing() == "pip install 'weinao[vision]'"
