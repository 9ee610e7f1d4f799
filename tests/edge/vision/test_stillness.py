"""Where nothing changes, nobody is looked for; who comes is looked at at once."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.perception.gate.stillness import LOOK_MS, Stillness
from models.vision.base import Picture
from tests.edge.vision.made import SIZE, yard

STEP_MS = 125


def scene(frames: int, seed: int = 1) -> list[Picture]:
    rng = np.random.default_rng(seed)
    return [yard(rng, tick) for tick in range(frames)]


def test_an_empty_gate_is_looked_at_once_a_second() -> None:
    stillness = Stillness()

    looks = [
        stillness.is_over(picture, number * STEP_MS, following=False)
        for number, picture in enumerate(scene(80))
    ]

    assert sum(looks) == 80 * STEP_MS // LOOK_MS


@settings(max_examples=30)
@given(
    st.integers(0, SIZE[0] - 40),
    st.integers(0, SIZE[1] - 40),
    st.integers(0, 7),
    st.sampled_from([(20, 20, 20), (225, 225, 225)]),
)
def test_whoever_comes_is_looked_at_at_once(
    x: int, y: int, after: int, colour: tuple[int, int, int]
) -> None:
    stillness, pictures = Stillness(), scene(9)
    for number in range(after + 1):
        stillness.is_over(pictures[number], number * STEP_MS, following=False)
    pictures[after + 1][y : y + 40, x : x + 40] = colour

    assert stillness.is_over(pictures[after + 1], (after + 1) * STEP_MS, following=False)


def test_while_somebody_is_there_every_frame_is_looked_at() -> None:
    stillness = Stillness()

    assert all(
        stillness.is_over(picture, number * STEP_MS, following=True)
        for number, picture in enumerate(scene(20))
    )


def test_a_clock_that_steps_back_makes_nobody_blind() -> None:
    stillness, pictures = Stillness(), scene(2)
    stillness.is_over(pictures[0], 10_000, following=False)

    assert stillness.is_over(pictures[1], 5_000, following=False)
