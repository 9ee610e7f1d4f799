"""Train the small detector of yards: `weinao models train yards`; needs the extra `vision-train`.

ultralytics (AGPL-3.0) trains it from the yaml beside this module, from nothing and without network,
and exports it. It is a tool of the workshop: nothing that runs in a community imports it.
"""

import importlib.util
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.vision.yards import KINDS, SIDES, WEIGHTS

SEED = 20_261_125
EPOCHS = 60
"""Never run to the end yet; an epoch is some 8 s of one core (models/cards/yards_v1.md)."""
BATCH = 8
NETWORK = Path(__file__).with_name("yards_v1.yaml")


class TrainerMissingError(ImportError):
    """ultralytics is not installed: `pip install 'weinao[vision-train]'`."""


@dataclass(frozen=True)
class Example:
    """A picture and what is in it.

    Attributes:
        picture: (h, w, 3) BGR; it is stretched to `SIDES`.
        boxes: (n, 4) left, top, right, bottom in its pixels.
        kinds: (n,) numbers of `KINDS`.
    """

    picture: NDArray[np.uint8]
    boxes: NDArray[np.float64]
    kinds: NDArray[np.int64]


def keep(examples: Iterable[Example], folder: Path) -> int:
    """Write examples as the trainer reads them, and return how many."""
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    count = 0
    for count, one in enumerate(examples, 1):
        small = cv2.resize(one.picture, SIDES, interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(folder / "images" / f"{count:05}.png"), small)
        size = np.array(one.picture.shape[1::-1], np.float64)
        low, high = one.boxes[:, :2] / size, one.boxes[:, 2:] / size
        rows = np.column_stack([one.kinds, (low + high) / 2, high - low])
        lines = (f"{int(row[0])} " + " ".join(f"{at:.5f}" for at in row[1:]) for row in rows)
        (folder / "labels" / f"{count:05}.txt").write_text("\n".join(lines), encoding="utf-8")
    named = "".join(f"  {number}: {kind}\n" for number, kind in enumerate(KINDS))
    text = f"path: {folder.resolve()}\ntrain: images\nval: images\nnames:\n{named}"
    (folder / "data.yaml").write_text(text, encoding="utf-8")
    return count


def require() -> None:
    """Return if the trainer is installed; asked before anything is rendered for it.

    Raises:
        TrainerMissingError: It is not.
    """
    for one in ("ultralytics", "torch", "onnx"):
        if importlib.util.find_spec(one) is None:
            raise TrainerMissingError(f"{one} is not installed: pip install 'weinao[vision-train]'")


def fit(folder: Path, out: Path, *, epochs: int = EPOCHS, threads: int = 1) -> Path:
    """Train on the examples of a folder and write the network into another.

    The same examples, versions and number of threads give the same network on one machine.

    Args:
        folder: As `keep` wrote it.
        out: For the network, as ONNX.
        epochs: How often each example is shown.
        threads: How many it may keep busy.

    Raises:
        TrainerMissingError: The extra is not installed.
    """
    require()
    # Read when it is imported: ask nobody, report to nobody.
    os.environ |= {
        "YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false", "YOLO_VERBOSE": "false",
        "YOLO_CONFIG_DIR": str(folder.resolve()),
    }  # fmt: skip
    import torch  # noqa: PLC0415  # gigabytes, and only for those who train
    from ultralytics import YOLO  # noqa: PLC0415

    torch.set_num_threads(threads)
    network = YOLO(NETWORK, task="detect")
    network.train(
        data=folder / "data.yaml", epochs=epochs, imgsz=SIDES[0], rect=True, batch=BATCH,
        device="cpu", workers=0, amp=False, seed=SEED, deterministic=True, optimizer="AdamW",
        lr0=0.003, warmup_epochs=1, cos_lr=True, mosaic=0.0, scale=0.3, translate=0.08, val=False,
        plots=False, exist_ok=True, project=folder.resolve() / "runs", name="yards", verbose=False,
    )  # fmt: skip
    made = YOLO(folder / "runs" / "yards" / "weights" / "last.pt").export(
        format="onnx", imgsz=(SIDES[1], SIDES[0]), simplify=True, opset=17, device="cpu"
    )
    out.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copyfile(made, out / WEIGHTS))
