"""Write networks as ncnn reads them, with pnnx, the converter of ncnn's makers.

    X.onnx -> pnnx -> outputs named as in X.onnx -> held against X.onnx -> X.ncnn.param, X.ncnn.bin

ncnn reads no ONNX. What it reads instead lies beside the file it was made of, on the boards it is
copied to. pnnx is a program in a wheel of PyPI; the wheel is not installed, for it asks for torch.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from models.vision.base import Floats, VisionError
from models.vision.catalogue import Package
from models.vision.network import Backend, beside, open_network
from models.vision.pull import archive_of, members

PNNX = Package("pip", "pnnx", "20261020")
_PROGRAM = "pnnx/pnnx"
_CONVERT_S_MAX = 300
APART_MAX = 1e-3
"""How far an output may be from that of the file it was made of, as a share of the largest."""

_SEED = 20_261_126


class ConvertError(VisionError):
    """A network could not be written for ncnn; what stood beside it still stands."""


def pnnx_in(folder: Path, packages: Path | None = None) -> Path:
    """Fetch the converter into a folder, and return the program.

    Args:
        folder: Where it shall be.
        packages: A folder of packages fetched elsewhere, for a machine without network.

    Raises:
        PullError: It cannot be fetched.
        ConvertError: There is none for this kind of machine.
    """
    found = dict(members(archive_of(PNNX, folder, packages), (_PROGRAM,)))
    if _PROGRAM not in found:
        raise ConvertError(f"{PNNX.name} {PNNX.version}: has no program for this machine")
    program = folder / "pnnx"
    program.write_bytes(found[_PROGRAM])
    program.chmod(0o700)
    return program


def write_for_ncnn(path: Path, shape: Sequence[int], pnnx: Path) -> None:
    """Write a network beside its ONNX file, in the two files that ncnn reads.

    Args:
        path: Of the ONNX file.
        shape: Of its only input, as the file has it.
        pnnx: The converter.

    Raises:
        ConvertError: The converter fails, or what it wrote does not say what the file says.
    """
    with tempfile.TemporaryDirectory(prefix="weinao-ncnn-") as scratch:
        draft = Path(scratch) / path.name
        shutil.copy(path, draft)
        expected = _answers(draft, shape, None)
        _converted(draft, shape, pnnx)
        _name_outputs(beside(draft)[0], tuple(expected))
        _hold(_answers(draft, shape, "ncnn"), expected, path.name)
        # The one that is looked for comes last.
        for made, place in reversed([*zip(beside(draft), beside(path), strict=True)]):
            whole = place.with_name(f".{place.name}.{os.getpid()}")
            shutil.copyfile(made, whole)
            whole.replace(place)


def _hold(found: Mapping[str, Floats], expected: Mapping[str, Floats], name: str) -> None:
    """Refuse what does not say the same as the file that it was made of."""
    for output, wanted in expected.items():
        got = found[output]
        apart = float(np.abs(got - wanted).max()) if got.shape == wanted.shape else np.inf
        if not apart <= APART_MAX * max(1.0, float(np.abs(wanted).max())):
            raise ConvertError(f"{name}: what ncnn says in {output} is off by {apart:g}")


def _converted(draft: Path, shape: Sequence[int], pnnx: Path) -> None:
    try:
        done = subprocess.run(  # noqa: S603  # the program that was fetched, for a file of ours
            [pnnx, draft.name, f"inputshape=[{','.join(map(str, shape))}]", "fp16=0"],
            cwd=draft.parent, capture_output=True, text=True, timeout=_CONVERT_S_MAX, check=False,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        raise ConvertError(f"{draft.name}: {pnnx.name}: {error}") from error
    if done.returncode or not all(one.is_file() for one in beside(draft)):
        said = (done.stderr or done.stdout).strip().splitlines()
        raise ConvertError(f"{draft.name}: {pnnx.name}: {said[-1] if said else done.returncode}")


def _answers(path: Path, shape: Sequence[int], backend: Backend | None) -> Mapping[str, Floats]:
    """Return what a network says to noise."""
    one = (1, *shape[1:])
    noise = np.random.default_rng(_SEED).normal(0, 1, one).astype(np.float32)
    return open_network(path, one, backend=backend).run(noise)


def _name_outputs(param: Path, names: Sequence[str]) -> None:
    """Give outputs the names that the ONNX file has for them; pnnx counts them."""
    lines = [line.split(" ") for line in param.read_text().splitlines()]
    new = {f"out{at}": name for at, name in enumerate(names)}
    if taken := {word for line in lines for word in line} & set(names):
        raise ConvertError(f"{param.name}: something else is named {', '.join(sorted(taken))}")
    text = "\n".join(" ".join(new.get(word, word) for word in line) for line in lines)
    param.write_text(text + "\n")
