"""Write a TensorFlow.js graph model as a frozen TensorFlow graph, which OpenVINO reads.

    graph.json: nodes as JSON, and which bytes of the numbers belong to which constant
    numbers.bin: the constants, most of them as float16

No TensorFlow is needed: the graph's protobuf has seven message types, and they are written here.
Layers that TensorFlow.js fused are taken apart again, since only it knows them fused.

References:
    tensorflow/core/framework/{graph,node_def,attr_value,tensor,tensor_shape}.proto: field numbers.
    tfjs-core, io/types.ts: WeightsManifestEntry and its quantization.
"""

import base64
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_TYPES = {"DT_FLOAT": 1, "DT_INT32": 3, "DT_STRING": 7, "DT_INT64": 9, "DT_BOOL": 10}
_WIRE_VARINT, _WIRE_BYTES, _WIRE_FLOAT = 0, 2, 5
_FUSED = {"_FusedConv2D": "Conv2D", "FusedDepthwiseConv2dNative": "DepthwiseConv2dNative"}
_OF_THE_FUSION = ("fused_ops", "num_args", "epsilon", "leakyrelu_alpha", "TArgs")
_NUMPY = {"float32": np.float32, "int32": np.int32, "bool": np.bool_}

Node = Mapping[str, Any]


class TfjsError(Exception):
    """A graph holds something that is not written here."""


def frozen_graph(graph: bytes, numbers: bytes, outputs: Sequence[str] = ()) -> bytes:
    """Return a frozen graph: the same file for the same input, byte by byte.

    Args:
        graph: The model's JSON.
        numbers: Its constants, one file.
        outputs: Nodes that are wanted; what only others need is left out. All, if none is named.

    Raises:
        TfjsError: It holds something unknown, or lacks an output.
    """
    model = json.loads(graph)
    constants = dict(_constants(model["weightsManifest"], numbers))
    nodes = [plain for fused in model["modelTopology"]["node"] for plain in _taken_apart(fused)]
    needed = _needed(nodes, outputs)
    return b"".join(_message(1, _node(node, constants)) for node in nodes if node["name"] in needed)


def _needed(nodes: Sequence[Node], outputs: Sequence[str]) -> set[str]:
    by_name = {node["name"]: node for node in nodes}
    waiting, needed = list(outputs or by_name), set[str]()
    while waiting:
        name = waiting.pop()
        if name not in by_name:
            raise TfjsError(f"{name}: no such node")
        if name not in needed:
            needed.add(name)
            waiting += [one.lstrip("^").split(":")[0] for one in by_name[name].get("input", ())]
    return needed


def _constants(
    manifest: Sequence[Mapping[str, Any]], numbers: bytes
) -> Iterator[tuple[str, NDArray[Any]]]:
    at = 0
    for group in manifest:
        for entry in group["weights"]:
            stored, dtype = entry.get("quantization", {}).get("dtype"), entry["dtype"]
            if dtype not in _NUMPY or stored not in (None, "float16"):
                raise TfjsError(f"{entry['name']}: {dtype} stored as {stored}")
            kind = np.dtype(np.float16 if stored else _NUMPY[dtype])
            count = int(np.prod(entry["shape"], dtype=np.int64))
            found: NDArray[Any] = np.frombuffer(numbers, kind, count, at).astype(_NUMPY[dtype])
            at += count * kind.itemsize
            yield entry["name"], found.reshape(entry["shape"])


def _taken_apart(node: Node) -> Iterator[Node]:
    """Yield a node, or the layers that were fused into it; the last keeps its name."""
    if node["op"] not in _FUSED:
        yield node
        return
    attr = node["attr"]
    steps = [base64.b64decode(one).decode() for one in attr["fused_ops"]["list"]["s"]]
    names = [f"{node['name']}/apart_{at}" for at in range(len(steps))] + [node["name"]]
    kept = {name: value for name, value in attr.items() if name not in _OF_THE_FUSION}
    yield {
        "name": names[0], "op": _FUSED[node["op"]], "input": node["input"][:2], "attr": kept,
    }  # fmt: skip
    for step, before, name in zip(steps, names, names[1:], strict=False):
        if step == "BiasAdd":
            own = {"T": attr["T"], "data_format": attr["data_format"]}
            yield {"name": name, "op": step, "input": [before, node["input"][2]], "attr": own}
        elif step in ("Relu", "Relu6"):
            yield {"name": name, "op": step, "input": [before], "attr": {"T": attr["T"]}}
        else:
            raise TfjsError(f"{node['name']}: fused with {step}")


def _node(node: Node, constants: Mapping[str, NDArray[Any]]) -> bytes:
    written = _text(1, node["name"]) + _text(2, node["op"])
    written += b"".join(_text(3, one) for one in node.get("input", ()))
    for name, value in sorted(node.get("attr", {}).items()):
        constant = constants.get(node["name"]) if name == "value" else None
        content = _message(8, _tensor(constant)) if constant is not None else _attr(value)
        written += _message(5, _text(1, name) + _message(2, content))
    return written


def _attr(value: Mapping[str, Any]) -> bytes:
    kind, held = next(iter(value.items()), ("list", {}))
    if kind not in _ATTRS:
        raise TfjsError(f"an attribute of kind {kind}")
    return _ATTRS[kind](held)


def _list(held: Mapping[str, Any]) -> bytes:
    written = b"".join(_message(2, base64.b64decode(one)) for one in held.get("s", ()))
    return written + b"".join(_number(3, int(one)) for one in held.get("i", ()))


def _tensor(constant: NDArray[Any]) -> bytes:
    kinds = {np.dtype(np.float32): 1, np.dtype(np.int32): 3, np.dtype(np.bool_): 10}
    shape = _message(2, _shape(constant.shape))
    return _number(1, kinds[constant.dtype]) + shape + _message(4, constant.tobytes())


def _shape(sides: Sequence[int]) -> bytes:
    return b"".join(_message(2, _number(1, side)) for side in sides)


def _key(field: int, wire: int) -> bytes:
    return _varint(field << 3 | wire)


def _number(field: int, value: int) -> bytes:
    return _key(field, _WIRE_VARINT) + _varint(value & (1 << 64) - 1)


def _message(field: int, content: bytes) -> bytes:
    return _key(field, _WIRE_BYTES) + _varint(len(content)) + content


def _text(field: int, text: str) -> bytes:
    return _message(field, text.encode())


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:  # noqa: PLR2004  # seven bits a byte
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


_ATTRS: Mapping[str, Callable[[Any], bytes]] = {
    "s": lambda held: _message(2, base64.b64decode(held)),
    "i": lambda held: _number(3, int(held)),
    "f": lambda held: _key(4, _WIRE_FLOAT) + np.float32(held).tobytes(),
    "b": lambda held: _number(5, int(held)),
    "type": lambda held: _number(6, _TYPES[held]),
    "shape": lambda held: _message(7, _shape([int(one["size"]) for one in held.get("dim", ())])),
    "list": lambda held: _message(1, _list(held)),
}
"""How each kind of attribute is written."""
