"""What is promised about faces: points where they belong, one word from all, honest figures."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.vision.base import Picture
from models.vision.centerface import SIDE_MAX, CenterFace, _fitted
from models.vision.faces import REFERENCE, FaceFeature, _turn, aligned, embedder_in_folder
from models.vision.liveness import Liveness, surroundings
from models.vision.network import Backend
from weinao.cli.evaluate.faces import Face, evaluate_faces, figures, share_above

numbers = st.floats(-500, 500)


@given(angle=st.floats(-3.1, 3.1), scale=st.floats(0.05, 20), shift=st.tuples(numbers, numbers))
def test_any_turned_scaled_and_shifted_face_is_brought_upright(
    angle: float, scale: float, shift: tuple[float, float]
) -> None:
    cosine, sine = np.cos(angle), np.sin(angle)
    seen = scale * REFERENCE @ np.array([[cosine, sine], [-sine, cosine]]) + shift

    turn = _turn(seen, REFERENCE)

    np.testing.assert_allclose(seen @ turn[:, :2].T + turn[:, 2], REFERENCE, atol=1e-6)


@pytest.mark.parametrize("angle", [0.0, 0.4, -2.0])
@pytest.mark.parametrize("large", [2.2, 4.0, 9.7])
def test_a_large_grainy_face_gives_the_crop_of_a_small_clean_one(
    large: float, angle: float
) -> None:
    dice = np.random.default_rng(1)
    spots = dice.integers(40, 216, (12, 12, 3)).astype(np.uint8)
    face = np.asarray(cv2.resize(spots, (160, 160), interpolation=cv2.INTER_CUBIC), np.uint8)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = (REFERENCE - 56) @ turn.T + 80
    side = round(160 * large)
    grown = cv2.resize(face, (side, side), interpolation=cv2.INTER_CUBIC).astype(np.float64)
    grainy = np.rint(np.clip(grown + dice.normal(0, 20, grown.shape), 0, 255)).astype(np.uint8)

    crop = aligned(grainy, ((points + 0.5) * side / 160 - 0.5).astype(np.float32))

    off = crop.astype(np.float64) - aligned(face, points.astype(np.float32))
    assert np.abs(off.mean()) < 0.5
    assert off.std() < 1.3 * 20 / large + 1


@given(points=st.lists(st.tuples(numbers, numbers), min_size=5, max_size=5))
def test_points_that_make_no_face_still_give_a_crop(points: list[tuple[float, float]]) -> None:
    crop = aligned(np.zeros((64, 64, 3), np.uint8), np.array(points, np.float32))

    assert crop.shape == (112, 112, 3)
    assert not crop.any()


@given(width=st.integers(1, 3_000), height=st.integers(1, 3_000))
def test_what_is_shown_fits_the_network_and_leads_back(width: int, height: int) -> None:
    shown, scale = _fitted(np.zeros((height, width, 3), np.uint8), SIDE_MAX)

    assert max(shown.shape[:2]) <= SIDE_MAX
    assert all(side % 32 == 0 for side in shown.shape[:2])
    assert shown.shape[0] + 1 >= height * scale
    assert shown.shape[1] + 1 >= width * scale


@given(
    box=st.tuples(numbers, numbers, st.floats(0, 400), st.floats(0, 400)),
    width=st.integers(1, 500),
    height=st.integers(1, 500),
)
def test_surroundings_lie_within_the_picture(
    box: tuple[float, float, float, float], width: int, height: int
) -> None:
    corners = np.array([box[0], box[1], box[0] + box[2], box[1] + box[3]], np.float32)

    left, top, right, bottom = surroundings(corners, width, height)

    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height


def people(count: int, pictures: int) -> list[Face]:
    return [
        Face(f"{who}-{which}", f"person-{who}", "east_asian" if who % 2 else "other", mated=True)
        for who in range(count)
        for which in range(pictures)
    ]


def test_directions_that_tell_everybody_apart_score_full_marks() -> None:
    faces = people(20, 3)
    vectors = np.repeat(np.eye(20), 3, axis=0)

    found = figures(faces, vectors @ vectors.T, 0.5)

    for name in ("tar_at_far_1e-3", "east_asian_tar_at_own_1e-3", "rank1", "tar_at_shipped"):
        assert found[name] == 1, name
    assert found["east_asian_fmr_at_shipped"] == found["fmr_at_shipped"] == 0


@given(st.integers(0, 2**32 - 1))
def test_directions_by_chance_tell_nobody_apart(seed: int) -> None:
    faces, rng = people(20, 3), np.random.default_rng(seed)
    vectors = rng.normal(size=(60, 64))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)

    found = figures(faces, vectors @ vectors.T, 0.5)

    assert found["tar_at_far_1e-3"] < 0.2
    assert found["rank1"] < 0.4


@given(
    others=st.lists(st.floats(-1, 1), min_size=1, max_size=300), far=st.sampled_from([0.1, 0.01])
)
def test_no_more_than_the_given_share_of_others_passes(others: list[float], far: float) -> None:
    score = np.array([*others, 0.5])
    same = np.array([False] * len(others) + [True])

    _, threshold = share_above(score, same, far)

    assert (np.array(others) > threshold).mean() <= far


def test_the_order_of_the_folder_changes_nothing_about_pairs() -> None:
    faces, rng = people(12, 2), np.random.default_rng(3)
    vectors = rng.normal(size=(24, 8))
    order = rng.permutation(24)
    there = figures(faces, vectors @ vectors.T, 0.5)

    back = figures([faces[at] for at in order], vectors[order] @ vectors[order].T, 0.5)

    for name in ("tar_at_far_1e-2", "east_asian_fmr_at_shipped", "tar_at_shipped"):
        assert back[name] == there[name]


@pytest.mark.parametrize(
    ("file", "count"), [("sample1", 3), ("sample2", 3), ("sample3", 3), ("zidane", 2)]
)
def test_every_face_of_a_group_is_found_with_its_points(
    recordings: Path, weights: Path, file: str, count: int
) -> None:
    found = CenterFace.in_folder(weights).detect(picture(recordings, f"multi/{file}.jpg"))

    assert (found.scores >= 0.5).sum() == count
    for box, points in zip(found.boxes[:count], found.points, strict=False):
        assert (points >= box[:2]).all()
        assert (points <= box[2:]).all()


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime", "opencv"])
def test_every_back_end_says_the_same(recordings: Path, weights: Path, backend: Backend) -> None:
    # ONNX Runtime keeps the shape of the detector's file; of ncnn, see test_ncnn.py.
    finder = None if backend == "onnxruntime" else backend
    seen = picture(recordings, "multi/sample1.jpg")
    usual = CenterFace.in_folder(weights).detect(seen)
    crops = np.stack([aligned(seen, points) for points in usual.points])

    found = CenterFace(weights / "centerface.onnx", backend=finder).detect(seen)
    directions = FaceFeature(weights / "facefeature.onnx", backend=backend).embed(crops)

    np.testing.assert_allclose(found.points, usual.points, atol=0.5)
    alike = (directions * embedder_in_folder(weights).embed(crops)).sum(axis=1)
    np.testing.assert_allclose(alike, 1, atol=1e-3)


def test_nobody_is_found_where_nobody_is(weights: Path) -> None:
    empty = np.full((360, 640, 3), 127, np.uint8)

    assert len(CenterFace.in_folder(weights).detect(empty)) == 0


@pytest.mark.slow
def test_faces_reach_what_the_card_says(recordings: Path, weights: Path) -> None:
    found = evaluate_faces(recordings / "faces", models=weights)

    assert found["tar_at_far_1e-3"] >= 0.975
    assert found["east_asian_tar_at_own_1e-3"] >= 0.97
    assert found["east_asian_fmr_at_shipped"] <= 1e-3
    assert found["rank1"] >= 0.98
    assert found["tpir_at_fpir_1pct"] >= 0.93
    assert found["detected_share"] >= 0.995


def test_a_photograph_of_a_photograph_is_told_from_a_face(recordings: Path, weights: Path) -> None:
    seen = picture(recordings, "images/Liu_Mingkang/Liu_Mingkang_0001.jpg")
    held_up = np.full((300, 300, 3), 150, np.uint8)
    held_up[75:225, 75:225] = seen
    liveness, detector = Liveness.in_folder(weights), CenterFace.in_folder(weights)

    def of(scene: Picture) -> float:
        return liveness.live(scene, detector.detect(scene).boxes[0])

    assert of(seen) > 0.5 > of(held_up)


def picture(recordings: Path, name: str) -> Picture:
    read = cv2.imread(str(recordings / "faces" / name))
    if read is None:
        pytest.skip(f"no recordings of faces: {name}")
    return np.asarray(read, np.uint8)
