"""CenterFace: faces with five points, in one pass and at any size of picture.

The network gives a map at a quarter of the input's size: how likely a face is centred there, how
large it is, where exactly, and where its eyes, nose and corners of the mouth are.

References:
    models/cards/centerface.md: source, licence, what was measured.
"""

from collections import OrderedDict
from pathlib import Path

import cv2
import numpy as np

from models.vision.base import Detections, Floats, Network, Picture
from models.vision.network import Backend, open_network
from models.vision.store import path_of

SCORE_MIN = 0.35
"""A face from here on: the default of the network's makers."""
OVERLAP_MAX = 0.3
"""Two boxes that share more than so much are one face; likewise."""
SIDE_MIN, SIDE_MAX = 224, 640
"""The longer side of what is shown to the network. Small pictures are enlarged: at 224 the points
of 150-pixel pictures were steadier than at 160. Beyond 640 it costs more than a Pi has."""
NETWORKS_MAX = 4
"""Shapes of input that are kept ready; the one used longest ago is forgotten."""
_STRIDE = 4
_MULTIPLE = 32
_HEAT, _SCALE, _OFFSET, _POINTS = "537", "538", "539", "540"


class CenterFace:
    """A `Detector` of faces; its points are left eye, right eye, nose, left and right mouth corner.

    Left and right are as in the picture.

    Args:
        path: Of the weights.
        side_max: The longer side of what is shown to the network.
        threads: How many it may keep busy.
        backend: Which shall run it; if not said, the best that is installed.
    """

    def __init__(
        self,
        path: Path,
        *,
        side_max: int = SIDE_MAX,
        threads: int = 1,
        backend: Backend | None = None,
    ) -> None:
        self._path, self._side_max = path, side_max
        self._threads, self._backend = threads, backend
        self._networks: OrderedDict[tuple[int, int], Network] = OrderedDict()

    @classmethod
    def in_folder(cls, folder: Path, *, side_max: int = SIDE_MAX, threads: int = 1) -> "CenterFace":
        """Return the detector with the weights of a folder of models.

        Raises:
            WeightsMissingError: They are not there.
        """
        return cls(path_of(folder, "centerface"), side_max=side_max, threads=threads)

    def detect(self, picture: Picture) -> Detections:
        shown, scale = _fitted(picture, self._side_max)
        tensor = np.ascontiguousarray(shown[:, :, ::-1].transpose(2, 0, 1)[None], np.float32)
        maps = self._network(shown.shape[0], shown.shape[1]).run(tensor)
        found = _decoded(maps[_HEAT], maps[_SCALE], maps[_OFFSET], maps[_POINTS])
        return Detections(
            boxes=found.boxes / scale,
            scores=found.scores,
            points=found.points / scale,
            kinds=found.kinds,
        )

    def _network(self, height: int, width: int) -> Network:
        shape = (height, width)
        if shape not in self._networks:
            self._networks[shape] = open_network(
                self._path, (1, 3, *shape), threads=self._threads, backend=self._backend
            )
            if len(self._networks) > NETWORKS_MAX:
                self._networks.popitem(last=False)
        self._networks.move_to_end(shape)
        return self._networks[shape]


def _fitted(picture: Picture, side_max: int) -> tuple[Picture, float]:
    """Return a picture at the size that is shown, filled up with black, and its scale."""
    height, width = picture.shape[:2]
    longer = max(height, width)
    scale = min(max(longer, SIDE_MIN), side_max) / longer
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    resized = picture if scale == 1 else cv2.resize(picture, size, interpolation=how)
    below, beside = -size[1] % _MULTIPLE, -size[0] % _MULTIPLE
    filled = cv2.copyMakeBorder(resized, 0, below, 0, beside, cv2.BORDER_CONSTANT)
    return np.asarray(filled, np.uint8), scale


def _decoded(heat: Floats, scale: Floats, offset: Floats, points: Floats) -> Detections:
    """Return the faces in the network's maps, in pixels of its input."""
    ys, xs = np.nonzero(heat[0, 0] > SCORE_MIN)
    scores = heat[0, 0, ys, xs]
    height, width = np.exp(scale[0, :, ys, xs]).T * _STRIDE
    down, across = offset[0, :, ys, xs].T
    left = (xs + across + 0.5) * _STRIDE - width / 2
    top = (ys + down + 0.5) * _STRIDE - height / 2
    boxes = np.stack([left, top, left + width, top + height], axis=1).astype(np.float32)
    along = points[0, :, ys, xs].reshape(len(xs), 5, 2)  # each y, x in shares of the box
    found = np.stack(
        [
            along[:, :, 1] * width[:, None] + left[:, None],
            along[:, :, 0] * height[:, None] + top[:, None],
        ],
        axis=2,
    ).astype(np.float32)
    kept = _one_each(boxes, scores)
    return Detections(
        boxes=boxes[kept],
        scores=scores[kept],
        points=found[kept],
        kinds=np.zeros(len(kept), np.int64),
    )


def _one_each(boxes: Floats, scores: Floats) -> list[int]:
    """Return which boxes remain when each face keeps its best, best first."""
    as_sizes = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])
    kept = cv2.dnn.NMSBoxes(as_sizes.tolist(), scores.tolist(), SCORE_MIN, OVERLAP_MAX)
    return [int(one) for one in np.asarray(kept).reshape(-1)]
