"""What is sought first: what stands out from the clutter of its own place."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.perception.highrise.chance import CHANCE, chance_of, evidence
from edge.perception.highrise.motion import CELL_PX, Motion, Moved
from edge.perception.highrise.tracklets import seeds
from edge.perception.highrise.window import Window
from tests.edge.highrise_made import facade_made

FACADE = facade_made()
SIZE = (1_920, 1_080)
FPS = 25.0
LEAVES = 300


@pytest.mark.parametrize("seed", range(5))
def test_what_falls_in_a_quiet_place_is_sought_before_leaves_in_the_wind(seed: int) -> None:
    """A crown of leaves confirms any parabola, and more of them by luck than a fall by its own."""
    random = np.random.default_rng(seed)
    motion = Motion(FACADE, SIZE)
    window = Window(FACADE, motion)
    for index in range(40):
        at_s = index / FPS
        thing = FACADE.pixels(np.array([[10.0, -28.0 + 4.9 * at_s**2]]))
        crown = FACADE.pixels(random.uniform((18.0, -25.0), (24.0, -5.0), (LEAVES, 2)))
        seen = np.concatenate([crown, thing]) if random.random() < 0.75 else crown
        window.push(_moved(at_s, seen if index < 39 else np.concatenate([crown, thing]), motion))

    first = seeds(window, window.gathered(), window.taken())[0]

    assert np.abs(first.parabola.at(np.array([39 / FPS]))[0] - FACADE.metres(thing)[0]).max() < 0.1


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 30))
def test_chances_of_many_parabolas_are_those_of_each(seed: int, many: int, frames: int) -> None:
    random = np.random.default_rng(seed)
    taken = random.random((frames, 20, 40)) < 0.3
    cells = random.integers(-5, 45, (many, frames, 2))

    together = chance_of(cells, np.arange(frames), taken)

    assert together.shape == (many,)
    assert np.array_equal(together, [chance_of(one, np.arange(frames), taken) for one in cells])
    assert 0 <= together.min() <= together.max() <= 1


@given(st.floats(0, 1), st.integers(1, 60))
def test_what_chance_gives_as_often_is_no_evidence(share: float, frames: int) -> None:
    least = -np.log(CHANCE[1]) * frames + 1e-9
    assert 0 <= evidence(share, share, frames) <= least
    assert 0 <= evidence(share, 1.0, frames) <= least


def _moved(at_s: float, pixels: np.ndarray, motion: Motion) -> Moved:
    taken = np.zeros(motion.grid, np.bool_)
    for column, row in motion.cells(pixels):
        taken[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2] = True
    return Moved(
        at_s=at_s,
        px=pixels,
        m=FACADE.metres(pixels),
        size_px=np.full(len(pixels), float(CELL_PX)),
        box=np.full((len(pixels), 2), float(CELL_PX)),
        tone=np.full(len(pixels), 20.0),
        taken=taken,
        share=0.01,
    )
