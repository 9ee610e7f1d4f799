"""Pixels, metres, floors and columns."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.perception.highrise.facade import (
    CalibrationError,
    FloorLine,
    from_floor_lines,
    from_outline,
)
from edge.perception.highrise.picture import drawn
from edge.perception.highrise.settings import (
    HighriseSettings,
    Line,
    Zone,
    building_at,
    facade_of,
)
from tests.edge.highrise_made import facade_made


@given(st.floats(0, 24), st.floats(-60, 0))
def test_metres_to_pixels_and_back_is_the_same_place(x: float, y: float) -> None:
    facade = facade_made()
    place = np.array([[x, y]])

    assert facade.metres(facade.pixels(place)) == pytest.approx(place, abs=1e-6)


@given(st.integers(1, 20), st.floats(0.05, 2.95), st.integers(1, 6), st.floats(0.05, 3.95))
def test_a_place_has_the_floor_and_column_it_is_in(
    floor: int, above: float, column: int, right: float
) -> None:
    facade = facade_made()

    assert facade.floor_at(-((floor - 1) * 3 + above)) == floor
    assert facade.column_at((column - 1) * 4 + right) == column


def test_there_is_no_floor_zero() -> None:
    facade = facade_made()

    assert facade.floor_at(-0.5) == 1
    assert facade.floor_at(0.5) == -1


def test_lines_that_say_nothing_are_refused() -> None:
    line = FloorLine(3, (100, 500), (400, 500))

    with pytest.raises(CalibrationError, match="2 floors"):
        from_floor_lines([line], width_m=20)
    with pytest.raises(CalibrationError):
        from_floor_lines([line, FloorLine(4, (100, 500), (400, 500))], width_m=20)
    with pytest.raises(CalibrationError, match="3 corners"):
        from_outline([[0, 0], [1, 1]])


def test_settings_hold_for_another_stream_of_the_same_camera() -> None:
    settings = HighriseSettings(
        building="7",
        width_px=1920,
        height_px=1080,
        lines=(Line(1, (600, 1000), (1200, 1000)), Line(11, (650, 300), (1150, 300))),
        zones=(Zone("7A", ((600, 0), (900, 0), (900, 1080), (600, 1080))),),
    )

    large, small = facade_of(settings, (1920, 1080)), facade_of(settings, (960, 540))

    assert small.metres(np.array([[400.0, 200.0]])) == pytest.approx(
        large.metres(np.array([[800.0, 400.0]])), abs=1e-6
    )
    assert building_at(settings, (400, 200), (960, 540)) == "7A"
    assert building_at(settings, (1000, 400), (1920, 1080)) == "7"


def test_the_picture_to_check_shows_floors_and_shields() -> None:
    frame = np.zeros((1080, 1920, 3), np.uint8)

    picture = drawn(frame, facade_made())

    row = picture[int(facade_made().pixels(np.array([[12.0, -30.0]]))[0, 1]), 960]
    assert picture.any()
    assert not frame.any()
    assert row.any()
