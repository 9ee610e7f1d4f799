"""What ails a camera: each trouble is seen, said once, taken back, and not seen where it is not."""

from collections.abc import Callable, Iterable

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.drivers.camera.health import EVERY_MS, Health, HealthState, Trouble
from models.vision.base import Picture
from tests.edge.vision.made import SIZE, yard

HEALTH = Health()
SECOND = 1_000 // EVERY_MS
Change = tuple[int, Trouble, bool]


def watch(
    pictures: Iterable[Picture], state: HealthState | None = None, at: int = 0
) -> tuple[HealthState, list[Change]]:
    state, changes = state or HealthState(), []
    for number, picture in enumerate(pictures):
        now = at + number * EVERY_MS
        state, found = HEALTH.observe(state, picture, now)
        changes += [(now, trouble, began) for trouble, began in found]
    return state, changes


def scene(seconds: float, seed: int = 1) -> list[Picture]:
    rng = np.random.default_rng(seed)
    return [yard(rng, tick) for tick in range(round(seconds * SECOND))]


def black(pictures: list[Picture]) -> list[Picture]:
    return [(picture // 40).astype(np.uint8) for picture in pictures]


def frozen(pictures: list[Picture]) -> list[Picture]:
    return [pictures[0]] * len(pictures)


def blurred(pictures: list[Picture]) -> list[Picture]:
    return [np.asarray(cv2.GaussianBlur(one, (0, 0), 12), np.uint8) for one in pictures]


def obstructed(pictures: list[Picture]) -> list[Picture]:
    rng = np.random.default_rng(3)
    return [np.clip(90 + rng.normal(0, 2, one.shape), 0, 255).astype(np.uint8) for one in pictures]


def moved(pictures: list[Picture]) -> list[Picture]:
    return [np.ascontiguousarray(np.roll(one, SIZE[0] // 3, axis=1)[::-1]) for one in pictures]


TROUBLES: dict[Trouble, Callable[[list[Picture]], list[Picture]]] = {
    Trouble.BLACK: black,
    Trouble.FROZEN: frozen,
    Trouble.BLURRED: blurred,
    Trouble.OBSTRUCTED: obstructed,
    Trouble.MOVED: moved,
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_each_trouble_is_said_once_and_taken_back_once(trouble: Trouble) -> None:
    spoilt = TROUBLES[trouble](scene(30, seed=2))

    _, changes = watch([*scene(20), *spoilt, *scene(20, seed=3)])

    assert [(which, began) for _, which, began in changes] == [(trouble, True), (trouble, False)]
    began_at, over_at = changes[0][0], changes[1][0]
    assert 20_000 < began_at <= 20_000 + 11_000
    assert 50_000 <= over_at <= 50_000 + 1_000


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_moment_of_trouble_is_none(trouble: Trouble) -> None:
    spoilt = TROUBLES[trouble](scene(2, seed=2))

    assert watch([*scene(20), *spoilt, *scene(10, seed=3)])[1] == []


@settings(max_examples=15)
@given(st.integers(0, 9_999), st.floats(0.6, 1.4), st.integers(-25, 25))
def test_other_light_and_other_noise_are_no_trouble(seed: int, gain: float, offset: int) -> None:
    lit = [
        np.asarray(cv2.convertScaleAbs(one, alpha=gain, beta=offset + 30), np.uint8)
        for one in scene(15, seed=seed)
    ]

    assert watch([*scene(15), *lit])[1] == []


def test_somebody_before_the_camera_is_no_trouble() -> None:
    pictures = scene(40, seed=4)
    for tick, one in enumerate(pictures[30:70]):
        left = 15 * tick % 500
        one[60:340, left : left + 130] = (40, 50, 70)

    assert watch(pictures)[1] == []


def test_where_a_moved_camera_looks_becomes_usual() -> None:
    elsewhere = moved(scene(160, seed=5))

    _, changes = watch([*scene(20), *elsewhere, *scene(30, seed=6)])

    which = [(trouble, began) for _, trouble, began in changes]
    assert which == [(Trouble.MOVED, True), (Trouble.MOVED, False), (Trouble.MOVED, True)]


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40), st.integers(0, 255)), max_size=30),
    st.integers(0, 3_000),
)
def test_any_pictures_of_any_size_give_an_answer(
    shapes: list[tuple[int, int, int]], step_ms: int
) -> None:
    state = HealthState()
    standing: set[Trouble] = set()
    for number, (height, width, value) in enumerate(shapes):
        picture = np.full((height, width, 3), value, np.uint8)
        state, changes = HEALTH.observe(state, picture, number * step_ms)
        for trouble, began in changes:
            assert (trouble in standing) != began
            standing ^= {trouble}

    assert standing == state.standing
