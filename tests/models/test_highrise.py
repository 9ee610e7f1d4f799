"""What the judge of falling things promises, whatever it was trained on."""

from importlib.resources import files

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.highrise import FEATURES, WEIGHTS, FallJudge, Sightings, measured
from models.train.highrise import SPEAKS, fit


def sightings(count: int = 30, *, later: float = 0.0, right: float = 0.0) -> Sightings:
    t_s = np.arange(count) / 25 + later
    time = t_s - t_s[-1]
    down = np.array([-20.0, 11.0, 4.6])
    m = np.column_stack([np.full(count, 5.0 + right), down[0] + down[1] * time + down[2] * time**2])
    return Sightings(
        t_s=t_s, m=m, size_px=np.full(count, 5.0), box=np.full((count, 2), 5.0),
        tone=np.full(count, 40.0), px_per_m=np.full(count, 10.0), down=down, hits=1.0, chance=0.02,
        evidence=110.0, rms_m=0.05, rms_px=0.5, metric=True, height_m=60.0,
    )  # fmt: skip


def test_a_clean_fall_is_believed() -> None:
    assert FallJudge.shipped().score_one(sightings()) > 0.9


@given(st.floats(-1e6, 1e6), st.floats(-100, 100))
def test_when_and_where_a_track_was_is_no_feature(later: float, right: float) -> None:
    moved = measured(sightings(later=round(later, 2), right=round(right, 2)))

    assert np.allclose(moved, measured(sightings()), atol=1e-3)
    assert len(moved) == len(FEATURES)


@given(st.integers(0, 10_000), st.sampled_from(sorted(SPEAKS)), st.floats(0, 100))
def test_what_physics_knows_the_direction_of_never_counts_the_other_way(
    seed: int, name: str, more: float
) -> None:
    forest = FallJudge.shipped().forest
    assert forest is not None
    row = np.random.default_rng(seed).normal(0, 30, (1, len(FEATURES)))
    changed = row.copy()
    changed[0, FEATURES.index(name)] += more

    gained = float(forest.log_odds(changed)[0] - forest.log_odds(row)[0])

    assert gained * SPEAKS[name] >= -1e-5


def test_the_shipped_file_is_small() -> None:
    assert (files("models") / "weights" / WEIGHTS).stat().st_size < 200_000  # type: ignore[attr-defined]


def test_the_same_examples_give_the_same_trees() -> None:
    rng = np.random.default_rng(1)
    rows: NDArray[np.float64] = rng.normal(size=(400, len(FEATURES)))
    fell = (rows[:, 3] > 0).astype(int)
    clip = np.repeat(np.arange(20), 20)

    one, two = fit(rows, fell, clip), fit(rows, fell, clip)

    assert np.array_equal(one.value, two.value)
    assert ((one.log_odds(rows) > 0) == (fell == 1)).mean() > 0.95
