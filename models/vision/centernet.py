"""CenterNet on MobileNetV3: persons, vehicles and the other kinds of COCO, at 512 x 512.

The network gives a map at a quarter of that: how likely a thing of each kind is centred there, and
how far it reaches from there to the left, up, to the right and down.

References:
    models/cards/centernet.md: source, licence, what was tried.
"""

from collections.abc import Collection
from pathlib import Path

import cv2
import numpy as np

from models.vision.base import Detections, Picture
from models.vision.network import Backend, open_network
from models.vision.store import path_of

SCORE_MIN = 0.3
"""Something from here on; at 0.3 every real person of the frames looked at had a box."""
PERSON, BICYCLE, CAR, MOTORCYCLE, BUS, TRUCK = 0, 1, 2, 3, 5, 7
"""Kinds by COCO's numbers; an e-bike is a bicycle or a motorcycle to it."""
SIDE = 512
_STRIDE = 4
_KINDS, _REACH = "tower_0/Sigmoid", "tower_0/mul"


class CenterNet:
    """A `Detector` of some kinds of COCO; the picture is stretched to a square for it.

    Args:
        path: Of the weights.
        kinds: Which are wanted.
        threads: How many it may keep busy.
        backend: Which shall run it; if not said, the best that is installed and reads it.
    """

    def __init__(
        self,
        path: Path,
        *,
        kinds: Collection[int] = (PERSON,),
        threads: int = 1,
        backend: Backend | None = None,
    ) -> None:
        self._network = open_network(path, (1, SIDE, SIDE, 3), threads=threads, backend=backend)
        self._kinds = np.array(sorted(kinds), np.int64)

    @classmethod
    def in_folder(
        cls, folder: Path, *, kinds: Collection[int] = (PERSON,), threads: int = 1
    ) -> "CenterNet":
        """Return the detector with the weights of a folder of models.

        Raises:
            WeightsMissingError: They are not there.
        """
        return cls(path_of(folder, "centernet"), kinds=kinds, threads=threads)

    def detect(self, picture: Picture) -> Detections:
        height, width = picture.shape[:2]
        shown = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        tensor = np.ascontiguousarray(shown[None, :, :, ::-1], np.float32)  # red first, 0 to 255
        maps = self._network.run(tensor)
        likely = np.ascontiguousarray(maps[_KINDS][0][:, :, self._kinds])
        # A peak is what no neighbour exceeds; a kind's own map knows nothing of the others.
        peaks = likely >= cv2.dilate(likely, np.ones((3, 3))).reshape(likely.shape)
        ys, xs, which = np.nonzero(peaks & (likely >= SCORE_MIN))
        order = np.argsort(-likely[ys, xs, which], kind="stable")
        ys, xs, which = ys[order], xs[order], which[order]
        middles = np.stack([xs, ys, xs, ys], axis=1) * _STRIDE
        boxes = middles + maps[_REACH][0][ys, xs] * np.array([-1, -1, 1, 1])
        scale = np.array([width, height, width, height]) / SIDE
        return Detections(
            boxes=(boxes * scale).astype(np.float32),
            scores=likely[ys, xs, which].astype(np.float32),
            points=np.zeros((len(ys), 0, 2), np.float32),
            kinds=self._kinds[which],
        )
