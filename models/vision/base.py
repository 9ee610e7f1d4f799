"""The shapes that every network which looks at pictures has: pictures in, arrays out."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Picture = NDArray[np.uint8]
"""(h, w, 3), blue first, as OpenCV reads it."""


class VisionError(Exception):
    """A network cannot be used."""


class WeightsMissingError(VisionError):
    """Its file is not in the folder of models: `weinao models pull` fetches it."""


class BackendMissingError(VisionError):
    """Nothing that is installed can run it: `pip install 'weinao[vision]'`."""


@dataclass(frozen=True)
class Detections:
    """What was found in one picture, best first.

    Attributes:
        boxes: (n, 4) left, top, right, bottom in pixels of the picture; may reach beyond it.
        scores: (n,) from 0 to 1.
        points: (n, k, 2) landmarks as x, y; k is 0 where the network gives none.
        kinds: (n,) the network's own number of what each is; 0 where it knows only one.
    """

    boxes: Floats
    scores: Floats
    points: Floats
    kinds: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.scores)


@dataclass(frozen=True)
class Poses:
    """Bodies in one picture.

    Attributes:
        scores: (n,) from 0 to 1.
        boxes: (n, 4) as in `Detections`.
        joints: (n, 17, 3) x, y in pixels and a score, in the order of COCO.
    """

    scores: Floats
    boxes: Floats
    joints: Floats


class Detector(Protocol):
    """Finds things of the kinds it knows."""

    def detect(self, picture: Picture) -> Detections: ...


class Embedder(Protocol):
    """Turns aligned faces into directions: the smaller the angle, the more alike.

    Attributes:
        name: Of its weights. Directions of different weights do not compare.
        match_at: Cosine from which two pictures are called of one person.
    """

    name: str
    match_at: float

    def embed(self, crops: NDArray[np.uint8]) -> Floats:
        """Return (n, d) unit vectors of (n, 112, 112, 3) aligned faces."""


class Pose(Protocol):
    """Finds the joints of bodies."""

    def poses(self, picture: Picture) -> Poses: ...


class Network(Protocol):
    """One network, ready to run on one shape of input."""

    def run(self, tensor: NDArray[Any]) -> dict[str, Floats]:
        """Return its outputs by the names they have in the file."""
