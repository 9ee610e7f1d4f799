"""Our own small detector of yards: people, vehicles and two-wheelers, at 320 x 192.

It was made for scenes of one kind, in a fraction of the time of a detector of everything. It was
trained and exported by a tool that is not needed to run it.

References:
    models/cards/yards_v1.md: training data, figures, and whose licence it is under.
"""

from importlib.resources import as_file, files
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.vision.base import Detections, Floats, Picture
from models.vision.network import Backend, open_network

WEIGHTS = "yards_v1.onnx"
KINDS = ("person", "vehicle", "two-wheeler")
PERSON, VEHICLE, TWO_WHEELER = range(3)
SIDES = (320, 192)
"""Width and height; a picture is stretched to it, which hardly matters at 16:9."""
SCORE_MIN = 0.3
OVERLAP_MAX = 0.55
"""Of two boxes of a kind that share more of their union than this, the surer one stays: people in a
crowd overlap."""


class YardsNet:
    """A `Detector` of `KINDS`.

    Args:
        path: Of the weights.
        threads: How many it may keep busy.
        score_min: Something from here on.
        backend: Which shall run it; if not said, the best that is installed.
    """

    def __init__(
        self,
        path: Path,
        *,
        threads: int = 1,
        score_min: float = SCORE_MIN,
        backend: Backend | None = None,
    ) -> None:
        shape = (1, 3, SIDES[1], SIDES[0])
        self._network = open_network(path, shape, threads=threads, backend=backend)
        self._score_min = score_min

    @classmethod
    def shipped(cls, *, threads: int = 1) -> "YardsNet":
        """Return the detector with the weights that ship."""
        with as_file(files("models") / "weights" / WEIGHTS) as path:
            return cls(path, threads=threads)

    def detect(self, picture: Picture) -> Detections:
        shown = cv2.resize(picture, SIDES, interpolation=cv2.INTER_AREA)
        tensor = shown[None, :, :, ::-1].transpose(0, 3, 1, 2).astype(np.float32) / 255
        [found] = self._network.run(np.ascontiguousarray(tensor)).values()
        return read(found[0], (picture.shape[1], picture.shape[0]), self._score_min)


def read(found: Floats, size: tuple[int, int], score_min: float = SCORE_MIN) -> Detections:
    """Return what the network's numbers mean in a picture.

    Args:
        found: (4 + kinds, n) middle, width and height in pixels of its input, and scores.
        size: Width and height of the picture.
        score_min: Something from here on.
    """
    scores, kinds = found[4:].max(0), found[4:].argmax(0)
    sure = np.flatnonzero(scores >= score_min)
    scores, kinds = scores[sure], kinds[sure]
    middles, reach = found[:2, sure].T, found[2:4, sure].T / 2
    scale = np.array(size, np.float32) / np.array(SIDES, np.float32)
    boxes = np.concatenate([(middles - reach) * scale, (middles + reach) * scale], axis=1)
    kept = _kept(boxes, scores, kinds)
    return Detections(
        boxes=np.asarray(boxes[kept], np.float32),
        scores=np.asarray(scores[kept], np.float32),
        points=np.zeros((len(kept), 0, 2), np.float32),
        kinds=kinds[kept].astype(np.int64),
    )


def _kept(boxes: Floats, scores: Floats, kinds: NDArray[np.int64]) -> list[int]:
    """Return the indices of the surest boxes, best first, without those that repeat them."""
    left = np.argsort(-scores, kind="stable")
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    kept: list[int] = []
    while len(left):
        one, rest = left[0], left[1:]
        kept.append(int(one))
        low = np.maximum(boxes[one, :2], boxes[rest, :2])
        high = np.minimum(boxes[one, 2:], boxes[rest, 2:])
        shared = np.clip(high - low, 0, None).prod(1)
        share = shared / np.maximum(areas[one] + areas[rest] - shared, 1e-6)
        left = rest[(share <= OVERLAP_MAX) | (kinds[rest] != kinds[one])]
    return kept
