"""What is kept of the last seconds' motion, and what most of many places say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from edge.perception.highrise.motion import Motion, Moved
from edge.perception.highrise.robust import middle, weights
from edge.perception.highrise.window import KEEP_S, Window
from tests.edge.highrise_made import facade_made

FACADE = facade_made()
SIZE = (1_920, 1_080)


def _moved(at_s: float, random: np.random.Generator, grid: tuple[int, int]) -> Moved:
    count = int(random.integers(3))
    pairs, ones = np.zeros((count, 2)), np.zeros(count)
    return Moved(
        at_s=at_s, px=pairs, m=pairs, size_px=ones, box=pairs, tone=ones,
        taken=random.random(grid) < 0.01, share=0.0,
    )  # fmt: skip


@pytest.mark.parametrize("fps", [1.0, 25.0, 120.0])
def test_cells_taken_are_those_of_the_frames_kept(fps: float) -> None:
    """However many frames were seen before, and however many fit into the seconds kept."""
    motion = Motion(FACADE, SIZE)
    window, random = Window(FACADE, motion), np.random.default_rng(3)
    for index in range(700):
        window.push(_moved(index / fps, random, motion.grid))
        if index % 50 == 0:
            wanted = np.stack([frame.taken for frame in window.frames])
            assert np.array_equal(window.taken(), wanted)
    assert window.frames[-1].at_s - window.frames[0].at_s > KEEP_S - 1.1 / fps


def test_cells_taken_start_anew_when_the_clock_went_back() -> None:
    motion = Motion(FACADE, SIZE)
    window, random = Window(FACADE, motion), np.random.default_rng(4)
    for index in range(200):
        window.push(_moved(index / 25, random, motion.grid))
    window.frames.clear()
    assert window.taken().shape[0] == 0
    window.push(_moved(1.0, random, motion.grid))
    assert np.array_equal(window.taken(), window.frames[0].taken[None])


@given(
    arrays(
        st.sampled_from([np.float32, np.float64]),
        array_shapes(min_dims=1, max_dims=2, max_side=40),
        elements=st.floats(-255, 255, width=16),
    )
)
def test_the_middle_is_the_median(values: np.ndarray) -> None:
    assert np.array_equal(middle(values), np.median(values, axis=-1, keepdims=True))


def test_what_moves_by_itself_counts_little() -> None:
    off = np.concatenate([np.tile([-1.0, 1.0], 100), [60.0]])
    counts = weights(off)
    assert counts[:-1].min() > 0.5
    assert counts[-1] < 0.01
