"""A face, or a picture of one held up to the camera: one network's word about one frame.

It looks at the face with its surroundings: the edge of a sheet or a telephone, the sheen of a
screen. It knows nothing of masks, and nothing of pictures fed in behind the lens.

References:
    models/cards/faceliveness.md: source, licence, and how little could be measured.
"""

from pathlib import Path

import cv2
import numpy as np

from models.vision.base import Floats, Picture
from models.vision.network import Backend, open_network
from models.vision.store import path_of

LIVE_MIN = 0.5
"""From here on a face counts as alive: the network says live rather than not."""
SURROUNDINGS = 2.7
"""How many times as large as the face what is looked at is: what the network was trained on."""
SIDE = 128
_LIVE = 0


class Liveness:
    """Says how likely a face is there itself.

    Args:
        path: Of the weights.
        threads: How many it may keep busy.
        backend: Which shall run it; if not said, the best that is installed.
    """

    def __init__(self, path: Path, *, threads: int = 1, backend: Backend | None = None) -> None:
        self._network = open_network(path, (1, 3, SIDE, SIDE), threads=threads, backend=backend)

    @classmethod
    def in_folder(cls, folder: Path, *, threads: int = 1) -> "Liveness":
        """Return it with the weights of a folder of models.

        Raises:
            WeightsMissingError: They are not there.
        """
        return cls(path_of(folder, "faceliveness"), threads=threads)

    def live(self, picture: Picture, box: Floats) -> float:
        """Return from 0 to 1 how likely the face in a box of a picture is there itself."""
        left, top, right, bottom = surroundings(box, picture.shape[1], picture.shape[0])
        shown = cv2.resize(picture[top:bottom, left:right], (SIDE, SIDE))
        tensor = np.ascontiguousarray(shown.transpose(2, 0, 1)[None], np.float32)
        [said] = self._network.run(tensor).values()
        odds = np.exp(said[0] - said[0].max())
        return float(odds[_LIVE] / odds.sum())


def surroundings(box: Floats, width: int, height: int) -> tuple[int, int, int, int]:
    """Return a face with what is around it: as large as fits, shifted into the picture."""
    wide, high = max(float(box[2] - box[0]), 1.0), max(float(box[3] - box[1]), 1.0)
    scale = min(SURROUNDINGS, width / wide, height / high)
    across, down = min(round(wide * scale), width), min(round(high * scale), height)
    left = round(float(box[0] + box[2]) / 2 - across / 2)
    top = round(float(box[1] + box[3]) / 2 - down / 2)
    left, top = min(max(left, 0), width - across), min(max(top, 0), height - down)
    return left, top, left + max(across, 1), top + max(down, 1)
