"""The shipped settings are the documentation: they load, and say the defaults the code has."""

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from edge.reading import read_settings
from edge.settings import (
    BrokerSettings,
    CameraDevice,
    EdgeSettings,
    GateSettings,
    Happening,
    ProgramActuator,
    ReplayDevice,
    SimulatedDevice,
    TlsSettings,
)
from weinao.settings import SettingsError

SHIPPED = Path(__file__).parents[2] / "configs" / "edge.toml"
_COMMENTED = re.compile(r"^# (\[{1,2}[a-z.]+\]{1,2}|[a-z_]+ = .*)$", re.MULTILINE)


def test_the_shipped_file_loads() -> None:
    assert read_settings(SHIPPED, {}).agent == "agent-1"


def test_what_it_comments_out_is_the_default() -> None:
    table = tomllib.loads(_COMMENTED.sub(r"\1", SHIPPED.read_text(encoding="utf-8")))

    whole = msgspec.convert(table, EdgeSettings)
    small = msgspec.convert(
        {key: table[key] for key in ("agent", "community", "grid", "folder")}, EdgeSettings
    )

    for name in EdgeSettings.__struct_fields__:
        if name not in ("device", "actuator", "happening", "broker"):
            assert getattr(whole, name) == getattr(small, name), name
    assert msgspec.structs.replace(whole.broker, tls=None) == BrokerSettings()


def test_it_names_every_key_there_is() -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    shapes = [EdgeSettings, TlsSettings, Happening, ProgramActuator, ReplayDevice, SimulatedDevice]
    shapes.append(CameraDevice)
    shapes += [type(one) for one in msgspec.structs.astuple(read_settings(SHIPPED, {}))]
    keys = {
        key
        for shape in shapes
        if isinstance(shape, type) and issubclass(shape, msgspec.Struct)
        for key in shape.__struct_fields__
    }

    named = set(re.findall(r"^#? ?\[*(?:\w+\.)?(\w+)", text, re.MULTILINE))
    assert keys - named == set()


def test_it_shows_a_camera_as_it_is_by_default() -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    table = tomllib.loads(_COMMENTED.sub(r"\1", text))

    [camera] = [one for one in table["device"] if one["driver"] == "camera"]
    shown = msgspec.convert(camera, CameraDevice)

    assert shown == CameraDevice(id=shown.id, source=shown.source, role=shown.role)
    assert set(camera["gate"]) == set(GateSettings.__struct_fields__)


def test_the_command_line_wins_over_the_file() -> None:
    settings = read_settings(SHIPPED, {"broker.port": 5, "folder": "x", "heartbeat.every_s": 1})

    assert (settings.broker.port, settings.folder, settings.heartbeat.every_s) == (5, "x", 1)


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    path = tmp_path / "edge.toml"
    path.write_text(
        'agent = "a/b"\ncommunity = "c"\ngrid = "g"\nbroker = {port = 70000, keepalive = 3}\n'
        '[[device]]\nid = "d"\ndriver = "telepathy"\n'
    )

    with pytest.raises(SettingsError) as raised:
        read_settings(path, {})

    said = str(raised.value)
    assert "5 problems" in said
    for key in ("agent: ", "folder: missing", "broker.port: ", "broker.keepalive: ", "telepathy"):
        assert key in said


@pytest.mark.parametrize(
    ("devices", "why"),
    [
        ('[[device]]\nid = "a"\ndriver = "simulated"\nkind = "pir"\n' * 2, "twice: a"),
        ('[[device]]\nid = "a"\ndriver = "replay"\ntrack = "t"\nspeed = 0\n', "above 0"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, devices: str, why: str) -> None:
    path = tmp_path / "edge.toml"
    path.write_text('agent = "x"\ncommunity = "c"\ngrid = "g"\nfolder = "f"\n' + devices)

    with pytest.raises(SettingsError, match=why):
        read_settings(path, {})
