"""What is written for ncnn says what the file says that it was made of, or is not written."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from models.vision import network
from models.vision.base import BackendMissingError, VisionError
from models.vision.catalogue import WEIGHTS, weights_named
from models.vision.ncnn_files import ConvertError, pnnx_in, write_for_ncnn
from models.vision.network import beside, open_network
from models.vision.pull import PullError
from tests.models.test_yards import bright_onnx
from weinao.cli.main import app

OURS = [one for one in WEIGHTS if one.shape]


@pytest.fixture(scope="module")
def pnnx(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        return pnnx_in(tmp_path_factory.mktemp("pnnx"))
    except PullError as error:
        pytest.skip(f"no converter: {error}")


@pytest.fixture(scope="module")
def converted(
    weights: Path, pnnx: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:  # fmt: skip
    """A folder with all that ncnn can run, in both forms."""
    folder = tmp_path_factory.mktemp("converted")
    for one in OURS:
        shutil.copy(weights / one.file, folder)
        write_for_ncnn(folder / one.file, one.shape, pnnx)
    return folder


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("centerface", (1, 3, 32, 32)),
        ("centerface", (1, 3, 96, 160)),
        ("facefeature", (1, 3, 112, 112)),
        ("faceliveness", (1, 3, 128, 128)),
    ],
)
def test_ncnn_says_what_opencv_says_at_any_size(
    converted: Path, name: str, shape: tuple[int, ...]
) -> None:
    path = converted / weights_named(name).file
    picture = np.random.default_rng(7).uniform(0, 255, shape).astype(np.float32)
    tensor = picture if name == "centerface" else (picture - 127) / 128

    found = open_network(path, shape, backend="ncnn").run(tensor)
    expected = open_network(path, shape, backend="opencv").run(tensor)

    assert found.keys() == expected.keys()
    for output, values in expected.items():
        assert found[output].shape == values.shape
        np.testing.assert_allclose(found[output], values, atol=1e-3 * max(1, np.abs(values).max()))


def test_what_nobody_converted_is_not_asked_of_ncnn(weights: Path, tmp_path: Path) -> None:
    shutil.copy(weights / "facefeature.onnx", tmp_path)

    with pytest.raises(BackendMissingError, match="for ncnn also `weinao models convert`"):
        open_network(tmp_path / "facefeature.onnx", (1, 3, 112, 112), backend="ncnn")


def test_where_one_back_end_refuses_the_next_is_asked(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, shape = weights / "centerface.onnx", (1, 3, 64, 64)
    monkeypatch.setattr(network, "installed", lambda: ["onnxruntime", "opencv"])

    found = open_network(file, shape).run(np.zeros(shape, np.float32))

    assert found["537"].shape == (1, 1, 16, 16)
    with pytest.raises(VisionError, match="onnxruntime: it keeps the file's shape"):
        open_network(file, shape, backend="onnxruntime")


def test_what_ncnn_cannot_run_is_refused_and_nothing_of_it_stays(
    pnnx: Path, tmp_path: Path
) -> None:
    path = bright_onnx(tmp_path / "bright.onnx")  # ncnn has no ReduceMax over channels

    with pytest.raises(VisionError, match="it cannot read what was converted"):
        write_for_ncnn(path, (1, 3, 192, 320), pnnx)

    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize(
    ("does", "why"),
    [
        ('"$0.real" "$@" && head -c 1900000 /dev/zero > faceliveness.ncnn.bin', "is off by"),
        ("echo it is too large >&2; exit 3", "it is too large"),
        ("exit 0", "faceliveness.onnx: pnnx"),
    ],
    ids=["wrong", "failing", "silent"],
)
def test_a_converter_that_errs_leaves_what_stood_there(
    converted: Path, pnnx: Path, tmp_path: Path, does: str, why: str
) -> None:
    for path in (converted / "faceliveness.onnx", *beside(converted / "faceliveness.onnx")):
        shutil.copy(path, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    erring = tmp_path / "bin" / "pnnx"
    erring.parent.mkdir()
    erring.write_text(f"#!/bin/sh\n{does}\n")
    erring.chmod(0o700)
    (erring.parent / "pnnx.real").symlink_to(pnnx)

    with pytest.raises(ConvertError, match=why):
        write_for_ncnn(tmp_path / "faceliveness.onnx", (1, 3, 128, 128), erring)

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


def test_the_command_names_what_it_cannot_convert(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, why in (
        (("mobilefacenet",), "ncnn cannot run this"),
        (("nobody",), "no such model"),
        (("facefeature",), "weinao models pull facefeature"),
    ):
        with pytest.raises(SystemExit, match=why):
            app(["models", "convert", *words, "--folder", str(tmp_path)],
                result_action="return_value")  # fmt: skip
    assert capsys.readouterr().out == ""
