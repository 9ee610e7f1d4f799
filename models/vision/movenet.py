"""MoveNet Multipose: the joints of up to six people, at 256 x 256.

References:
    models/cards/movenet-multipose.md: source, licence, what was tried.
"""

from pathlib import Path

import cv2
import numpy as np

from models.vision.base import Picture, Poses
from models.vision.network import Backend, open_network
from models.vision.store import path_of

SCORE_MIN = 0.11
"""A body from here on, as the network's makers draw them; shadows get such bodies, too."""
SIDE = 256
_JOINTS = 17


class MoveNet:
    """A `Pose` of up to six people; the picture is fitted into a square, filled up with black.

    Args:
        path: Of the weights.
        threads: How many it may keep busy.
        backend: Which shall run it; if not said, the best that is installed and reads it.
    """

    def __init__(self, path: Path, *, threads: int = 1, backend: Backend | None = None) -> None:
        self._network = open_network(path, (1, SIDE, SIDE, 3), threads=threads, backend=backend)

    @classmethod
    def in_folder(cls, folder: Path, *, threads: int = 1) -> "MoveNet":
        """Return it with the weights of a folder of models.

        Raises:
            WeightsMissingError: They are not there.
        """
        return cls(path_of(folder, "movenet-multipose"), threads=threads)

    def poses(self, picture: Picture) -> Poses:
        height, width = picture.shape[:2]
        scale = SIDE / max(height, width)
        size = max(round(width * scale), 1), max(round(height * scale), 1)
        shown = np.zeros((SIDE, SIDE, 3), np.uint8)
        shown[: size[1], : size[0]] = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        tensor = np.ascontiguousarray(shown[None, :, :, ::-1], np.int32)
        [found] = self._network.run(tensor).values()
        bodies = found[0][found[0][:, 55] >= SCORE_MIN]
        bodies = bodies[np.argsort(-bodies[:, 55], kind="stable")]
        joints = bodies[:, :51].reshape(len(bodies), _JOINTS, 3)[:, :, [1, 0, 2]]
        joints[:, :, :2] *= SIDE / scale
        return Poses(
            scores=bodies[:, 55],
            boxes=bodies[:, [52, 51, 54, 53]] * SIDE / scale,
            joints=joints,
        )
