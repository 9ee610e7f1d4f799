"""How a picture is held still: what moves with the mount is taken back, and nothing else."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.perception.highrise.stabilise import CALM_PX, Stabiliser
from edge.perception.highrise.watch import HighriseWatch
from tests.edge.test_highrise_watch import SIZE, facade_drawn, falling, shown, wall

Image = NDArray[np.uint8]
NEAR_PX = 0.06


def still() -> Image:
    return np.asarray(cv2.GaussianBlur(wall()[..., 0], (5, 5), 0), np.uint8)


def moved(
    picture: Image, right: float, down: float, turn: float = 0.0, growth: float = 0.0
) -> Image:
    """Return a picture as a mount sees it that was moved, turned and grown about its middle."""
    tall, wide = picture.shape[:2]
    u, v = (wide - 1) / 2, (tall - 1) / 2
    move = np.array(
        [
            [1 + growth, -turn, right + turn * v - growth * u],
            [turn, 1 + growth, down - turn * u - growth * v],
        ]
    )
    return np.asarray(
        cv2.warpAffine(
            picture, move, (wide, tall), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        ),
        np.uint8,
    )


def noisy(picture: Image, rng: np.random.Generator, gain: float = 1.0) -> Image:
    return np.clip(picture * gain + rng.normal(0, 2, picture.shape), 0, 255).astype(np.uint8)


@settings(max_examples=25)
@given(
    right=st.floats(-8, 8),
    down=st.floats(-8, 8),
    turn=st.floats(-1e-3, 1e-3),
    gain=st.floats(0.8, 1.2),
)
def test_a_movement_is_found_whatever_the_light(
    right: float, down: float, turn: float, gain: float
) -> None:
    rng = np.random.default_rng(1)
    holds = Stabiliser()
    for _ in range(5):
        holds.hold(noisy(still(), rng))

    for _ in range(5):
        holds.hold(noisy(moved(still(), right, down, turn), rng, gain))

    if np.hypot(right, down) > 2 * CALM_PX:
        assert holds.shift_px == pytest.approx([right, down], abs=NEAR_PX)


def test_a_mount_that_shakes_for_long_is_held_as_well_as_at_first() -> None:
    rng = np.random.default_rng(2)
    holds = Stabiliser()
    off = []
    for index in range(400):
        true = np.array([np.sin(index * 0.9) * 2, np.cos(index * 0.7) * 1.5])
        holds.hold(noisy(still() if index == 0 else moved(still(), *true), rng))
        off.append(np.abs(holds.shift_px - true).max())

    assert np.percentile(off[10:100], 95) < NEAR_PX
    assert np.percentile(off[-100:], 95) < NEAR_PX


@settings(max_examples=25)
@given(
    growth=st.floats(-6e-3, 6e-3),
    down=st.floats(-3, 3),
    gain=st.floats(0.8, 1.2),
)
def test_a_lens_that_breathes_is_held_as_a_mount_that_shakes(
    growth: float, down: float, gain: float
) -> None:
    rng = np.random.default_rng(7)
    holds = Stabiliser()
    for _ in range(5):
        holds.hold(noisy(still(), rng))

    for _ in range(5):
        held = holds.hold(noisy(moved(still(), 0.5, down, growth=growth), rng, gain))

    middle = np.s_[30:-30, 30:-30]
    off = held[middle] / gain - still()[middle].astype(float)
    assert np.percentile(np.abs(cv2.blur(off, (3, 3))), 99) < 8


def test_what_moves_by_itself_is_outvoted() -> None:
    rng = np.random.default_rng(3)
    holds = Stabiliser()
    leaves = rng.integers(0, 255, (640, 480), np.uint8)
    for index in range(20):
        picture = moved(still(), 1.5, -1.0) if index else still()
        picture[:, :140] = np.roll(leaves, index * 5, axis=0)[:, :140]
        holds.hold(noisy(picture, rng))

    assert holds.shift_px == pytest.approx([1.5, -1.0], abs=NEAR_PX)


def test_a_picture_at_rest_is_left_as_it_is() -> None:
    rng = np.random.default_rng(4)
    holds = Stabiliser()

    for _ in range(30):
        picture = noisy(still(), rng)
        assert holds.hold(picture) is picture


def test_a_step_of_exposure_moves_nothing() -> None:
    rng = np.random.default_rng(9)
    holds = Stabiliser()

    for gain in (1.0, 0.7, 1.3, 0.8):
        for _ in range(11):
            picture = noisy(still(), rng, gain)
            assert holds.hold(picture) is picture


def test_a_mount_that_shakes_a_little_is_held_through_steps_of_exposure() -> None:
    rng = np.random.default_rng(10)
    holds = Stabiliser()
    off = []
    for index in range(120):
        true = np.array([np.sin(index * 0.9), np.cos(index * 0.7)]) * 0.6
        gain = (1.0, 0.5, 1.6)[index // 40]
        holds.hold(noisy(still() if index == 0 else moved(still(), *true), rng, gain))
        off.append(np.abs(holds.shift_px - true).max())

    assert np.percentile(off[10:], 95) < 2 * NEAR_PX


def test_a_mount_that_came_to_rest_elsewhere_is_left_alone_again() -> None:
    rng = np.random.default_rng(5)
    holds = Stabiliser()
    holds.hold(still())
    for _ in range(270):
        picture = noisy(moved(still(), 2, 1), rng)
        held = holds.hold(picture)

    assert held is picture


def test_where_there_is_nothing_to_hold_on_to_nothing_is_moved() -> None:
    rng = np.random.default_rng(6)
    holds = Stabiliser()

    for _ in range(20):
        picture = noisy(np.full((400, 300), 60, np.uint8), rng)
        assert holds.hold(picture) is picture


@pytest.mark.slow
def test_a_fall_is_found_from_a_mount_that_shakes() -> None:
    watch = HighriseWatch(facade_drawn(), SIZE)
    falls = []
    for index, frame in enumerate(shown(falling(60, at_s=8.0, lasts_s=11.0))):
        shaken = moved(frame, 2 * np.sin(index * 0.9), 2 * np.cos(index * 0.7))
        falls += watch.observe(shaken, 1_000 + index / 25)
        assert index < 60 or not watch.wet

    assert [fall.floor for fall in falls] == [13]
