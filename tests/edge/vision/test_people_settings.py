"""The shipped drawing of a camera over people is its documentation."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge.perception.people.settings import (
    FULL_PER_M2,
    DrawingError,
    GroundPoint,
    LineDrawing,
    PeopleSettings,
    ZoneDrawing,
    drawn,
)
from weinao.settings import load

SHIPPED = Path(__file__).parents[3] / "configs" / "people.toml"
SQUARE = ((0.0, 0.0), (100.0, 0.0), (100.0, 100.0), (0.0, 100.0))


def zone(name: str = "yard", **more: Any) -> ZoneDrawing:  # any field
    return ZoneDrawing(name=name, outline=SQUARE, **more)


def settings(**more: Any) -> PeopleSettings:  # any field
    return PeopleSettings(**{"width_px": 200, "height_px": 200, "zones": (zone(),), **more})


def test_the_shipped_drawing_has_zones_of_a_likely_size() -> None:
    yard, lane, parcels = drawn(load(SHIPPED, PeopleSettings), (1920, 1080)).zones

    assert 200 < yard.area_m2 < 320
    assert yard.full == pytest.approx(yard.area_m2 * FULL_PER_M2)
    assert lane.keep_clear
    assert parcels.queue


def test_what_is_commented_out_stands_at_its_default(tmp_path: Path) -> None:
    plain = re.sub(r"^# (\w+ = )", r"\1", SHIPPED.read_text(encoding="utf-8"), flags=re.MULTILINE)
    path = tmp_path / "people.toml"
    path.write_text(plain, encoding="utf-8")

    told, shipped = load(path, PeopleSettings), load(SHIPPED, PeopleSettings)

    assert told == shipped
    for shape in (PeopleSettings, type(told.pace), type(told.fall), type(told.standing)):
        for key in shape.__struct_fields__:
            assert re.search(rf"^\[*{key}\b", plain, re.MULTILINE), key
    for key in (*ZoneDrawing.__struct_fields__, *LineDrawing.__struct_fields__):
        assert re.search(rf"^{key} = ", plain, re.MULTILINE), key


def test_a_smaller_stream_of_the_camera_has_the_same_zones_smaller() -> None:
    [small] = drawn(settings(ground=_ground()), (100, 50)).zones

    assert small.outline[2] == (50.0, 25.0)
    assert small.area_m2 == pytest.approx(100)


def test_without_a_drawing_the_whole_picture_is_one_zone() -> None:
    [view] = drawn(PeopleSettings(), (640, 480)).zones

    assert (view.name, view.area_m2, view.full, view.keep_clear) == ("view", 0, 0, False)


def test_what_people_measured_goes_before_what_is_reckoned() -> None:
    [own] = drawn(settings(zones=(zone(area_m2=50, full=20),), ground=_ground()), (200, 200)).zones

    assert (own.area_m2, own.full) == (50, 20)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"width_px": 0}, "width_px"),
        ({"zones": (zone(), zone())}, "twice"),
        ({"lines": (LineDrawing(zone="x", left=(0, 0), right=(1, 1)),)}, "zone x: drawn are yard"),
        ({"ground": (GroundPoint(px=(0, 0), m=(0, 0)),)}, "four points"),
        (
            {"ground": tuple(GroundPoint(px=(n, n), m=(n, n)) for n in range(4))},
            "line",
        ),
        (
            {"ground": tuple(GroundPoint(px=at, m=(at[0] / 1e4, at[1] / 1e4)) for at in SQUARE)},
            "is the ground right",
        ),
    ],
)
def test_a_drawing_of_no_place_is_refused(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(DrawingError, match=why):
        drawn(settings(**wrong), (200, 200))


def test_unknown_keys_are_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        msgspec.convert({"zone": []}, PeopleSettings)


def _ground() -> tuple[GroundPoint, ...]:
    return tuple(GroundPoint(px=at, m=(at[0] / 10, at[1] / 10)) for at in SQUARE)
