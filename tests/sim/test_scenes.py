"""What the renderer promises about itself."""

import json
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.scenes.camera import aimed
from sim.scenes.compress import around, compressed
from sim.scenes.physics import fallen
from sim.scenes.scene import composed
from sim.scenes.seeds import TEST, TRAIN, SeedError, check, purpose_of
from sim.scenes.write import write

SMALL = (640, 360)


@given(st.integers(-10, 2_000_000))
def test_no_seed_is_for_training_and_for_testing(seed: int) -> None:
    allowed = []
    for purpose in ("train", "test"):
        try:
            check(seed, purpose)  # type: ignore[arg-type]
            allowed.append(purpose)
        except SeedError:
            pass

    assert len(allowed) <= 1
    assert (seed in TRAIN or seed in TEST) == bool(allowed)
    if allowed:
        assert purpose_of(seed) == allowed[0]


@given(st.floats(5, 50), st.floats(-2, 2))
def test_nothing_falls_faster_than_drag_lets_it(terminal: float, up: float) -> None:
    path = fallen(
        begins_s=1.0,
        start=np.array([3.0, 40.0, 0.3]),
        speed=np.array([0.0, up, 0.5]),
        terminal_ms=terminal,
        wind_ms=np.zeros(3),
    )
    speed = -np.diff(path.points[:, 1]) / path.step_s

    assert speed.max() <= terminal + 0.1
    assert speed.max() <= np.sqrt(2 * 9.81 * (40 + up**2 / 19.62)) + 0.1
    assert path.points[-1, 1] <= 0


def test_without_drag_a_thing_falls_as_galileo_says() -> None:
    path = fallen(
        begins_s=0.0,
        start=np.array([0.0, 30.0, 0.3]),
        speed=np.zeros(3),
        terminal_ms=1e6,
        wind_ms=np.zeros(3),
    )

    assert 30 - path.at(np.array([1.5]))[0, 1] == pytest.approx(9.81 * 1.5**2 / 2, abs=0.05)


def test_the_facade_homography_is_the_camera() -> None:
    camera = aimed(size=SMALL, place=(8, 2, 40), span_m=(0, 50), width_m=20, yaw=0.02, roll=0.01)
    place = np.array([7.0, 33.0, 0.0])

    flat = camera.facade_to_px() @ np.array([7.0, 33.0, 1.0])

    assert camera.project(place[None])[0] == pytest.approx(flat[:2] / flat[2], abs=1e-6)


def test_a_seed_gives_the_same_frames_and_truth_again() -> None:
    one, two = (composed(7, lasts_s=1, size=SMALL, falls_every_s=0) for _ in range(2))

    assert one.truth() == two.truth()
    for first, second in zip(one.frames(), two.frames(), strict=True):
        assert np.array_equal(first, second)
        break


def test_a_part_is_rendered_as_the_whole_is() -> None:
    scene = composed(12, lasts_s=1, mix="quiet", size=SMALL, falls_every_s=0)
    part = around(scene.truth()["facade_roi"], SMALL)

    whole = next(islice(scene.frames(), 3, None))
    inside = next(islice(scene.frames(part), 3, None))

    assert np.array_equal(whole[part], inside[part])


def test_compression_changes_the_facade_and_nothing_else() -> None:
    scene = composed(12, lasts_s=1, mix="quiet", size=SMALL, falls_every_s=0)
    part = around(scene.truth()["facade_roi"], SMALL)
    frame = next(scene.frames())

    after = compressed(frame.copy(), part, 70)

    assert not np.array_equal(frame[part], after[part])
    luma = np.array([0.114, 0.587, 0.299])
    assert abs(frame[part] @ luma - after[part] @ luma).mean() < 4
    after[part] = frame[part]
    assert np.array_equal(frame, after)


@pytest.mark.slow
def test_truth_says_where_and_when_things_fall() -> None:
    scene = composed(500_123, lasts_s=20, mix="quiet", falls_every_s=5)
    falls = scene.truth()["falls"]

    assert falls
    for fall in falls:
        assert fall["first_frame"] / scene.fps == pytest.approx(
            fall["release_s"], abs=1 / scene.fps
        )
        assert fall["end_xy"][1] > fall["start_xy"][1]
        assert 0 < fall["start_m"][0] < scene.tower.width_m
        assert (fall["floor"] - 1) * scene.tower.floor_m <= fall["start_m"][1]


@pytest.mark.slow
def test_written_clips_have_their_truth_beside_them(tmp_path: Path) -> None:
    write(tmp_path, 500_000, 0.02, purpose="test", mix="quiet", told=lambda _: None)

    truth = json.loads((tmp_path / "truth.json").read_text())

    assert list(truth) == ["highrise-500000.mp4"]
    assert (tmp_path / "highrise-500000.mp4").stat().st_size > 10_000
    with pytest.raises(SeedError):
        write(tmp_path, 500_000, 0.02, purpose="train", mix="quiet", told=lambda _: None)
