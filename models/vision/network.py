"""Run a file of weights with whatever is installed. The one place that knows the back ends.

OpenVINO comes first: it reads ONNX, TensorFlow Lite and frozen TensorFlow graphs as they are, and
was the fastest here. ONNX Runtime follows, then ncnn, where somebody wrote what it reads beside the
ONNX file, then OpenCV's own. Where one refuses, the next is asked.
"""

import importlib.util
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from models.vision.base import BackendMissingError, Floats, Network, VisionError

Backend = Literal["openvino", "onnxruntime", "ncnn", "opencv"]

_READS: dict[Backend, tuple[str, ...]] = {
    "openvino": (".onnx", ".tflite", ".pb"),
    "onnxruntime": (".onnx",),
    "ncnn": (".onnx",),
    "opencv": (".onnx",),
}
_MODULE: dict[Backend, str] = {
    "openvino": "openvino",
    "onnxruntime": "onnxruntime",
    "ncnn": "ncnn",
    "opencv": "cv2",
}


_OPENING = Lock()
"""Held until a network has run once. OpenVINO's binding sets itself up at its first use, and two
threads that come to it at the same time wait for each other for ever, the interpreter with them."""


def installed() -> list[Backend]:
    """Return the back ends that are installed, best first."""
    return [one for one, module in _MODULE.items() if importlib.util.find_spec(module)]


def open_network(
    path: Path, shape: Sequence[int], *, threads: int = 1, backend: Backend | None = None
) -> Network:
    """Return a network that is ready for one shape of input.

    Args:
        path: Of the file of weights.
        shape: Of the only input.
        threads: How many it may keep busy.
        backend: Which shall run it; if not said, the best that is installed and reads it.

    Raises:
        BackendMissingError: Nothing that is installed reads it.
        VisionError: Every back end that was asked refuses it.
    """
    usable = [one for one in installed() if _reads(one, path)]
    asked = [one for one in usable if backend in (None, one)]
    if not asked:
        reads = ", ".join(one for one, suffixes in _READS.items() if path.suffix in suffixes)
        raise BackendMissingError(
            f"{path.name}: needs {backend or reads}; usable: {', '.join(usable) or 'none of them'};"
            " `pip install 'weinao[vision]'`, for ncnn also `weinao models convert`"
        )
    refused = []
    for one in asked:
        try:
            with _OPENING:
                return _KINDS[one](path, tuple(shape), threads)
        except (RuntimeError, VisionError) as error:  # what OpenVINO and ONNX Runtime raise; ours
            refused.append(f"{one}: {error}")
    raise VisionError(f"{path.name}: {'; '.join(refused)}")


def beside(path: Path) -> tuple[Path, Path]:
    """Return where ncnn's two files of a network are: what it is made of, and its numbers."""
    return path.with_suffix(".ncnn.param"), path.with_suffix(".ncnn.bin")


def _reads(backend: Backend, path: Path) -> bool:
    if path.suffix not in _READS[backend]:
        return False
    return backend != "ncnn" or all(one.is_file() for one in beside(path))


class _OpenVino:
    def __init__(self, path: Path, shape: tuple[int, ...], threads: int) -> None:
        # Its tools report use to their maker; without the module they cannot.
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
        import openvino  # noqa: PLC0415  # only if it is what runs the network

        model = openvino.Core().read_model(path)
        model.reshape(list(shape))
        self._compiled = openvino.compile_model(
            model,
            "CPU",
            {
                "INFERENCE_NUM_THREADS": threads,
                "NUM_STREAMS": 1,
                "PERFORMANCE_HINT": "LATENCY",
                "INFERENCE_PRECISION_HINT": "f32",
                # Pinned, two agents on one board would share a core and leave the others idle.
                "ENABLE_CPU_PINNING": False,
            },
        )
        # Of a TensorFlow graph's node, the first output is meant.
        self._names = [output.any_name.removesuffix(":0") for output in model.outputs]
        self.run(np.zeros(shape, self._compiled.input(0).element_type.to_dtype()))

    def run(self, tensor: NDArray[Any]) -> dict[str, Floats]:
        found = self._compiled(tensor)
        return {name: found[at] for at, name in enumerate(self._names)}


class _OnnxRuntime:
    def __init__(self, path: Path, shape: tuple[int, ...], threads: int) -> None:
        import onnxruntime  # noqa: PLC0415  # only if it is what runs the network

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = threads
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )
        [self._input] = self._session.get_inputs()
        fixed = [
            (want, has)
            for want, has in zip(shape, self._input.shape, strict=True)
            if isinstance(has, int) and has != want
        ]
        if fixed:
            raise VisionError(f"it keeps the file's shape {self._input.shape}, not {shape}")
        self._names = [output.name for output in self._session.get_outputs()]

    def run(self, tensor: NDArray[Any]) -> dict[str, Floats]:
        return dict(
            zip(self._names, self._session.run(None, {self._input.name: tensor}), strict=True)
        )


class _Ncnn:
    def __init__(self, path: Path, shape: tuple[int, ...], threads: int) -> None:
        import ncnn  # noqa: PLC0415  # only if it is what runs the network

        self._mat, self._net = ncnn.Mat, ncnn.Net()
        options = self._net.opt
        options.num_threads = threads
        # Half precision is faster on a board, and other numbers than those that cards tell of.
        options.use_fp16_packed = options.use_fp16_storage = options.use_fp16_arithmetic = False
        param, numbers = (str(one) for one in beside(path))
        if self._net.load_param(param) or self._net.load_model(numbers):
            raise VisionError("it cannot read what was converted: `weinao models convert` again")
        [self._input] = self._net.input_names()
        self._names = list(self._net.output_names())
        self.run(np.zeros(shape, np.float32))

    def run(self, tensor: NDArray[Any]) -> dict[str, Floats]:
        shown = np.ascontiguousarray(tensor[0], np.float32)  # it knows no batch
        extractor = self._net.create_extractor()
        extractor.input(self._input, self._mat(shown))
        found = {}
        for name in self._names:
            failed, output = extractor.extract(name)
            if failed:
                raise VisionError(f"ncnn says nothing in {name}")
            found[name] = np.array(output, np.float32)[None]
        return found


class _OpenCv:
    def __init__(self, path: Path, shape: tuple[int, ...], threads: int) -> None:
        import cv2  # noqa: PLC0415  # only if it is what runs the network

        cv2.setNumThreads(threads)
        self._net = cv2.dnn.readNetFromONNX(str(path))
        self._names = list(self._net.getUnconnectedOutLayersNames())
        self.run(np.zeros(shape, np.float32))

    def run(self, tensor: NDArray[Any]) -> dict[str, Floats]:
        self._net.setInput(tensor)
        found = self._net.forward(self._names)
        return {
            name: np.asarray(one, np.float32) for name, one in zip(self._names, found, strict=True)
        }


_KINDS: dict[Backend, Callable[[Path, tuple[int, ...], int], Network]] = {
    "openvino": _OpenVino,
    "onnxruntime": _OnnxRuntime,
    "ncnn": _Ncnn,
    "opencv": _OpenCv,
}
