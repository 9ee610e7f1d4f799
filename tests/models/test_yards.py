"""What is promised about our own detector of yards, whoever runs it."""

import importlib.util
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.train.yards import Example, TrainerMissingError, fit, keep
from models.vision.network import Backend
from models.vision.yards import KINDS, PERSON, SIDES, VEHICLE, YardsNet, read

HAS_TRAINER = all(importlib.util.find_spec(one) for one in ("ultralytics", "torch"))


def numbers(*rows: tuple[float, ...]) -> np.ndarray:
    """Return what a network says: middle x and y, width, height, and a score of each kind."""
    return np.array(rows, np.float32).T


def test_boxes_are_in_pixels_of_the_picture_best_first() -> None:
    found = read(numbers((160, 96, 32, 48, 0.4, 0, 0), (80, 48, 16, 24, 0, 0.9, 0)), (640, 384))

    assert found.kinds.tolist() == [VEHICLE, PERSON]
    np.testing.assert_allclose(found.boxes, [[144, 72, 176, 120], [288, 144, 352, 240]])
    np.testing.assert_allclose(found.scores, [0.9, 0.4])


def test_a_box_that_repeats_a_surer_one_of_its_kind_is_left_out_and_of_another_kind_kept() -> None:
    same, other = (100, 100, 40, 80, 0.8, 0, 0), (101, 101, 40, 80, 0, 0.5, 0)

    found = read(numbers(same, (102, 100, 40, 80, 0.6, 0, 0), other), SIDES)

    assert found.kinds.tolist() == [PERSON, VEHICLE]


@given(
    st.lists(
        st.tuples(
            st.floats(0, 320), st.floats(0, 192), st.floats(2, 80), st.floats(2, 80),
            st.floats(0, 1, width=32), st.floats(0, 1, width=32), st.floats(0, 1, width=32),
        ),
        min_size=1, max_size=20,
    )
)  # fmt: skip
def test_nothing_unsure_is_told_and_scores_never_rise(rows: list[tuple[float, ...]]) -> None:
    found = read(numbers(*rows), (1280, 720), 0.5)

    assert (found.scores >= 0.5).all()
    assert (np.diff(found.scores) <= 0).all()
    assert len(found.boxes) == len(found.kinds) == len(found) <= len(rows)


def _field(number: int, wire: int, content: bytes) -> bytes:
    size = _varint(len(content)) if wire == 2 else b""
    return _varint(number << 3 | wire) + size + content


def _varint(value: int) -> bytes:
    return bytes([value & 0x7F | 0x80, value >> 7]) if value > 127 else bytes([value])


def _number(number: int, value: int) -> bytes:
    return _field(number, 0, _varint(value))


def _value(name: str, *sizes: int) -> bytes:
    sides = b"".join(_field(1, 2, _number(1, size)) for size in sizes)
    kind = _field(1, 2, _number(1, 1) + _field(2, 2, sides))
    return _field(1, 2, name.encode()) + _field(2, 2, kind)


def _node(kind: str, ins: list[str], out: str, axes: tuple[int, ...] = ()) -> bytes:
    parts = [_field(1, 2, one.encode()) for one in ins]
    parts += [_field(2, 2, out.encode()), _field(4, 2, kind.encode())]
    if axes:
        attribute = _field(1, 2, b"axes") + b"".join(_number(8, at) for at in axes)
        parts.append(_field(5, 2, attribute + _number(20, 7)))
        parts.append(_field(5, 2, _field(1, 2, b"keepdims") + _number(3, 0) + _number(20, 2)))
    return b"".join(parts)


def bright_onnx(path: Path) -> Path:
    """Write a network that calls one box a person, as surely as its picture is bright and red.

    It is written by hand, field by field, so that reading one needs nothing that makes them.
    """
    base = np.array([160, 96, 64, 96, 0, 0, 0], np.float32).reshape(1, 7, 1)
    gain = np.array([0, 0, 0, 0, 1, 0, 0], np.float32).reshape(1, 7, 1)

    def constant(name: str, values: np.ndarray) -> bytes:
        sides = b"".join(_number(1, size) for size in values.shape)
        raw = struct.pack(f"<{values.size}f", *values.ravel())
        return sides + _number(2, 1) + _field(8, 2, name.encode()) + _field(9, 2, raw)

    weigh = np.array([1, 0, 0], np.float32).reshape(1, 3, 1, 1)
    graph = b"".join(
        [
            _field(1, 2, _node("Mul", ["images", "red"], "weighed")),
            _field(1, 2, _node("ReduceMax", ["weighed"], "most", (1, 2, 3))),
            _field(1, 2, _node("Mul", ["gain", "most"], "scaled")),
            _field(1, 2, _node("Add", ["base", "scaled"], "output0")),
            _field(2, 2, b"bright"),
            *(
                _field(5, 2, constant(name, values))
                for name, values in (("red", weigh), ("gain", gain), ("base", base))
            ),
            _field(11, 2, _value("images", 1, 3, SIDES[1], SIDES[0])),
            _field(12, 2, _value("output0", 1, 7, 1)),
        ]
    )
    opset = _field(1, 2, b"") + _number(2, 13)
    path.write_bytes(_number(1, 8) + _field(7, 2, graph) + _field(8, 2, opset))
    return path


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime", "opencv"])
def test_a_network_in_onnx_is_read_by_every_back_end(tmp_path: Path, backend: Backend) -> None:
    detector = YardsNet(bright_onnx(tmp_path / "bright.onnx"), backend=backend)
    red, blue = (np.zeros((384, 640, 3), np.uint8) for _ in range(2))
    red[..., 2], blue[..., 0] = 255, 255

    found = detector.detect(red)

    assert found.kinds.tolist() == [PERSON]
    np.testing.assert_allclose(found.boxes, [[256, 96, 384, 288]], atol=0.01)
    np.testing.assert_allclose(found.scores, [1.0], atol=1e-4)
    assert len(detector.detect(blue)) == 0


def test_examples_are_written_as_the_trainer_reads_them(tmp_path: Path) -> None:
    picture = np.full((384, 640, 3), 90, np.uint8)
    boxes = np.array([[64.0, 96, 128, 288]])

    count = keep([Example(picture, boxes, np.array([2]))], tmp_path)

    assert count == 1
    label = (tmp_path / "labels" / "00001.txt").read_text()
    assert label == "2 0.15000 0.50000 0.10000 0.50000"
    kept = cv2.imread(str(tmp_path / "images" / "00001.png"))
    assert kept is not None
    assert kept.shape[1::-1] == SIDES
    assert all(kind in (tmp_path / "data.yaml").read_text() for kind in KINDS)


@pytest.mark.skipif(HAS_TRAINER, reason="the extra `vision-train` is installed")
def test_without_the_trainer_its_extra_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainerMissingError, match="vision-train"):
        fit(tmp_path, tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(
    not HAS_TRAINER, reason="ultralytics: the extra `vision-train` is not installed"
)
def test_a_network_that_was_trained_is_read(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    pictures = [rng.integers(0, 255, (192, 320, 3), np.uint8) for _ in range(4)]
    boxes, kinds = np.array([[10.0, 10, 60, 150]]), np.array([0])
    keep([Example(one, boxes, kinds) for one in pictures], tmp_path / "learn")

    path = fit(tmp_path / "learn", tmp_path / "out", epochs=1)

    found = YardsNet(path, score_min=0.0).detect(pictures[0])
    assert len(found) > 0
    assert found.boxes.shape[1] == 4
