"""Run a file of weights with whatever is installed. The one place that knows the back ends.

OpenVINO comes first: it reads ONNX, TensorFlow Lite and frozen TensorFlow graphs as they are, and
was the fastest here. ONNX Runtime follows, then OpenCV's own; each is asked for what it reads.
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

Backend = Literal["openvino", "onnxruntime", "opencv"]

_READS: dict[Backend, tuple[str, ...]] = {
    "openvino": (".onnx", ".tflite", ".pb"),
    "onnxruntime": (".onnx",),
    "opencv": (".onnx",),
}
_MODULE: dict[Backend, str] = {
    "openvino": "openvino",
    "onnxruntime": "onnxruntime",
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
        VisionError: The back end refuses it.
    """
    usable = [one for one in installed() if path.suffix in _READS[one]]
    chosen = backend or next(iter(usable), None)
    if chosen not in usable:
        reads = ", ".join(one for one, suffixes in _READS.items() if path.suffix in suffixes)
        raise BackendMissingError(
            f"{path.name}: needs {reads}; installed: {', '.join(usable) or 'none of them'};"
            " `pip install 'weinao[vision]'`"
        )
    try:
        with _OPENING:
            return _KINDS[chosen](path, tuple(shape), threads)
    except RuntimeError as error:  # what OpenVINO and ONNX Runtime raise
        raise VisionError(f"{path.name}: {chosen}: {error}") from error


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
            raise VisionError(
                f"{path.name}: onnxruntime keeps the file's shape {self._input.shape}"
            )
        self._names = [output.name for output in self._session.get_outputs()]

    def run(self, tensor: NDArray[Any]) -> dict[str, Floats]:
        return dict(
            zip(self._names, self._session.run(None, {self._input.name: tensor}), strict=True)
        )


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
    "opencv": _OpenCv,
}
