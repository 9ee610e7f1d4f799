"""What the light does to all of a picture is measured, and taken out before frames are compared."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.perception.highrise.light import Light, gain, relit
from tests.edge.test_highrise_watch import falling, shown, wall, watched

Image = NDArray[np.uint8]
INSIDE = np.full((640, 480), 255, np.uint8)
gains = st.floats(0.7, 1.4)


def seen(by: float, seed: int = 0) -> Image:
    """Return the wall under some light, as a sensor with noise sees it."""
    noise = np.random.default_rng(seed).normal(0, 2, INSIDE.shape)
    return np.clip(wall()[..., 0] * by + noise, 0, 255).astype(np.uint8)


@given(gains, gains)
def test_a_change_of_light_is_measured(one: float, two: float) -> None:
    light = Light(INSIDE)
    first = light.level(seen(one))

    assert light.level(seen(two, 1)) / first == pytest.approx(two / one, rel=0.005)


@given(gains, st.integers(0, 255))
def test_what_moves_by_itself_is_outvoted(by: float, tone: int) -> None:
    light = Light(INSIDE)
    light.level(seen(1.0))
    picture = seen(by, 1)
    picture[:200] = tone

    assert light.level(picture) == pytest.approx(by, rel=0.02)


@given(st.sampled_from([0, 3, 250, 255]))
def test_black_and_burnt_out_pictures_say_nothing_of_the_light(tone: int) -> None:
    flat = np.full(500, tone, np.float32)

    assert gain(flat, flat * 0.9) == 1.0


@given(gains)
def test_a_picture_brought_to_other_light_and_back_is_the_same(by: float) -> None:
    picture = np.arange(20, 170, dtype=np.uint8).reshape(10, 15)

    back = relit(relit(picture, by), 1 / by)

    assert np.abs(back.astype(int) - picture).max() <= 1


@given(st.floats(-0.0015, 0.0015))
def test_light_that_changes_no_level_costs_no_copy(by: float) -> None:
    picture = seen(1.0)

    assert relit(picture, 1 + by) is picture


@pytest.mark.slow
@pytest.mark.parametrize(
    "hertz", [0.25, 3.1], ids=["a cloud passes", "lamps beat with the shutter"]
)
def test_a_fall_is_found_while_the_light_changes_and_is_the_only_one(hertz: float) -> None:
    waves = (1 + 0.2 * np.sin(6.283 * hertz * index / 25) for index in range(150))

    found = watched(shown(falling(60), light=waves, tone=100))

    assert [fall.floor for fall in found] == [13]
