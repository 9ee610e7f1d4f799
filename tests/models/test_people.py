"""What is promised about persons and bodies, and about writing a graph that only browsers read."""

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.vision.base import Picture
from models.vision.centernet import BUS, PERSON, CenterNet
from models.vision.movenet import MoveNet
from models.vision.network import open_network
from models.vision.tfjs import TfjsError, frozen_graph

PERSONS = np.array([(50, 398, 242, 905), (223, 405, 344, 860), (668, 395, 809, 880)])
"""The three whole persons of bus.jpg, by hand."""
NOSE, HIP, ANKLE = 0, 11, 15


def near(boxes: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return for each wanted box by how much of it the nearest of the others misses it."""
    away = np.abs(boxes[None] - wanted[:, None]).max(axis=2)
    return away.min(axis=1) / (wanted[:, 3] - wanted[:, 1])


def test_persons_and_a_bus_are_found_where_they_are(street: Picture, weights: Path) -> None:
    found = CenterNet.in_folder(weights, kinds=(PERSON, BUS)).detect(street)

    persons = found.boxes[found.kinds == PERSON]
    assert len(persons) == 3
    assert (near(persons, PERSONS) < 0.12).all()
    assert (found.kinds == BUS).any()
    assert (np.diff(found.scores) <= 0).all()


def test_bodies_stand_upright_where_persons_are(street: Picture, weights: Path) -> None:
    found = MoveNet.in_folder(weights).poses(street)

    assert len(found.scores) == 3
    assert (near(found.boxes, PERSONS) < 0.12).all()
    heights = found.joints[:, [NOSE, HIP, ANKLE], 1]
    assert (np.diff(heights, axis=1) > 0).all()


def test_nobody_is_found_where_nobody_is(weights: Path) -> None:
    empty = np.full((360, 640, 3), 127, np.uint8)

    assert len(CenterNet.in_folder(weights).detect(empty)) == 0
    assert len(MoveNet.in_folder(weights).poses(empty).scores) == 0


def made_graph(*steps: str) -> tuple[bytes, bytes]:
    """Return a small graph as TensorFlow.js keeps it: one fused layer, and one nobody asks for."""
    b64 = [base64.b64encode(step.encode()).decode() for step in steps]
    layer: dict[str, Any] = {
        "name": "out", "op": "_FusedConv2D", "input": ["in", "w", "b"],
        "attr": {
            "T": {"type": "DT_FLOAT"}, "strides": {"list": {"i": ["1", "1", "1", "1"]}},
            "dilations": {"list": {"i": ["1", "1", "1", "1"]}}, "explicit_paddings": {"list": {}},
            "padding": {"s": base64.b64encode(b"SAME").decode()}, "epsilon": {"f": 0},
            "data_format": {"s": base64.b64encode(b"NHWC").decode()}, "num_args": {"i": "1"},
            "fused_ops": {"list": {"s": b64}},
        },
    }  # fmt: skip
    size = {"dim": [{"size": "1"}, {"size": "4"}, {"size": "4"}, {"size": "2"}]}
    taken = {"dtype": {"type": "DT_FLOAT"}, "shape": {"shape": size}}
    constant = {"dtype": {"type": "DT_FLOAT"}, "value": {"tensor": {"dtype": "DT_FLOAT"}}}
    nodes = [
        {"name": "in", "op": "Placeholder", "attr": taken},
        *({"name": name, "op": "Const", "attr": constant} for name in "wb"),
        layer,
        {"name": "beside", "op": "Relu", "input": ["in"], "attr": {"T": {"type": "DT_FLOAT"}}},
    ]
    halved = {"dtype": "float32", "quantization": {"dtype": "float16"}}
    entries = [
        {"name": "w", "shape": [1, 1, 2, 3], **halved},
        {"name": "b", "shape": [3], **halved},
    ]
    numbers = np.array([1, -2, 3, 0.5, 1, -1, 10, 0, -1], np.float16).tobytes()
    model = {"modelTopology": {"node": nodes}, "weightsManifest": [{"weights": entries}]}
    return json.dumps(model).encode(), numbers


def test_a_fused_layer_is_taken_apart_and_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / "made.pb"
    path.write_bytes(frozen_graph(*made_graph("BiasAdd", "Relu6"), outputs=("out",)))
    seen = np.random.default_rng(1).normal(0, 3, (1, 4, 4, 2)).astype(np.float32)

    found = open_network(path, seen.shape).run(seen)

    weights = np.array([[1, -2, 3], [0.5, 1, -1]], np.float32)
    expected = np.clip(seen @ weights + np.array([10, 0, -1], np.float32), 0, 6)
    assert list(found) == ["out"]
    np.testing.assert_allclose(found["out"], expected, atol=1e-4)


def test_the_same_graph_is_written_byte_by_byte_the_same() -> None:
    assert frozen_graph(*made_graph("BiasAdd")) == frozen_graph(*made_graph("BiasAdd"))


def test_what_cannot_be_written_is_refused() -> None:
    with pytest.raises(TfjsError, match="Prelu"):
        frozen_graph(*made_graph("BiasAdd", "Prelu"))
    with pytest.raises(TfjsError, match="no such node"):
        frozen_graph(*made_graph("BiasAdd"), outputs=("nobody",))


AT_ONCE = """
import sys
import threading
from pathlib import Path

import numpy as np

from models.vision.network import open_network

begin = threading.Barrier(12)


def look() -> None:
    begin.wait()
    open_network(Path(sys.argv[1]), (1, 4, 4, 2)).run(np.zeros((1, 4, 4, 2), np.float32))


threads = [threading.Thread(target=look) for _ in range(12)]
for one in threads:
    one.start()
for one in threads:
    one.join()
"""


def test_many_cameras_may_open_their_networks_at_the_same_time(tmp_path: Path) -> None:
    path = tmp_path / "made.pb"
    path.write_bytes(frozen_graph(*made_graph("BiasAdd", "Relu6"), outputs=("out",)))

    for _ in range(2):  # only a new interpreter has the binding to set up
        subprocess.run([sys.executable, "-c", AT_ONCE, path], check=True, timeout=240)
