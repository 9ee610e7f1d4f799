"""From a found face to a direction that compares: turn it upright, then embed it.

References:
    InsightFace's five reference points for 112 x 112 crops, which both networks were trained on.
    Umeyama 1991, IEEE PAMI 13(4):376-380: the best similarity between two sets of points.
"""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.vision.base import Embedder, Floats, Network, Picture
from models.vision.network import Backend, open_network
from models.vision.store import path_of

CROP = 112
REFERENCE = np.array(
    [
        [38.2946, 51.6963],
        [73.5318, 51.5014],
        [56.0252, 71.7366],
        [41.5493, 92.3655],
        [70.7299, 92.2041],
    ]
)
"""Where the eyes, the nose and the corners of the mouth lie in a crop."""
SKIPS = 0.5
"""A face that is shrunk further is shrunk by means first: sampling skips pixels and keeps noise."""


def aligned(picture: Picture, points: Floats) -> Picture:
    """Return a face as (112, 112, 3), upright, its points where the networks expect them.

    Args:
        picture: What the face is in.
        points: (5, 2) x, y in its pixels, as `CenterFace` gives them.
    """
    turn = _turn(points.astype(np.float64), REFERENCE)
    shrinks = float(np.hypot(*turn[:, 0]))
    if shrinks < SKIPS:
        picture, turn = _shrunk(picture, turn, shrinks)
    crop = cv2.warpAffine(
        picture, turn, (CROP, CROP), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(crop, np.uint8)


def _shrunk(
    picture: Picture, turn: NDArray[np.float64], by: float
) -> tuple[Picture, NDArray[np.float64]]:
    """Return the surroundings of a face at its crop's size, each pixel the mean of what it covers.

    And what brings them upright. A picture that does not hold the face stays as it is.
    """
    back = cv2.invertAffineTransform(turn)
    corners = np.array([[0, 0], [0, CROP], [CROP, 0], [CROP, CROP]]) @ back[:, :2].T + back[:, 2]
    size = np.array(picture.shape[1::-1])
    first = np.clip(np.floor(corners.min(axis=0)), 0, size).astype(int)
    last = np.clip(np.ceil(corners.max(axis=0)) + 1, 0, size).astype(int)
    if (last <= first).any():
        return picture, turn
    part = picture[first[1] : last[1], first[0] : last[0]]
    wanted = np.maximum(np.rint((last - first) * by), 1).astype(int)
    small = cv2.resize(part, wanted.tolist(), interpolation=cv2.INTER_AREA)
    grow = (last - first) / wanted
    shift = turn[:, :2] @ (first + (grow - 1) / 2) + turn[:, 2]
    return np.asarray(small, np.uint8), np.column_stack([turn[:, :2] * grow, shift])


def _turn(points: NDArray[np.float64], onto: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the (2, 3) similarity that brings points closest to others."""
    middle, goal = points.mean(axis=0), onto.mean(axis=0)
    spread, wanted = points - middle, onto - goal
    left, strength, right = np.linalg.svd(wanted.T @ spread / len(points))
    flip = np.array([1.0, np.sign(np.linalg.det(left) * np.linalg.det(right)) or 1.0])
    rotation = left @ np.diag(flip) @ right
    variance = max((spread**2).sum() / len(points), 1e-9)
    scale = (strength * flip).sum() / variance
    return np.hstack([scale * rotation, (goal - scale * rotation @ middle)[:, None]])


class FaceFeature:
    """The shipped `Embedder`: 512 numbers a face, over the crop and its mirror image.

    References:
        models/cards/facefeature.md: source, licence, and where its threshold comes from.
    """

    name = "facefeature"
    match_at = 0.50
    """Of 3,372 pairs of different people of East Asian names one in a thousand passes 0.43, of all
    220,780 pairs 0.34 (`weinao evaluate faces`, development people). Other people are other pairs:
    the margin above 0.43 is ours. It stays fixed, whatever folder is evaluated."""

    def __init__(self, path: Path, *, threads: int = 1, backend: Backend | None = None) -> None:
        self._network = open_network(path, (1, 3, CROP, CROP), threads=threads, backend=backend)

    def embed(self, crops: NDArray[np.uint8]) -> Floats:
        found = np.array([self._both(crop) for crop in crops], np.float32)
        return found.reshape(len(crops), -1)

    def _both(self, crop: Picture) -> Floats:
        return _unit(_unit(self._one(crop)) + _unit(self._one(crop[:, ::-1])))

    def _one(self, crop: Picture) -> Floats:
        # Blue first, though its maker's page shows red first: see the card.
        tensor = (crop.astype(np.float32) - np.float32(127)) / np.float32(128)
        shown = np.ascontiguousarray(tensor.transpose(2, 0, 1)[None])
        return np.asarray(_only(self._network, shown)[0], np.float32)


class MobileFaceNet:
    """The second `Embedder`: 192 numbers a face. The file takes two crops: we show the mirror too.

    References:
        models/cards/mobilefacenet.md: source, licence, figures.
    """

    name = "mobilefacenet"
    match_at = 0.62
    """Likewise: one in a thousand such pairs passes 0.57."""

    def __init__(self, path: Path, *, threads: int = 1, backend: Backend | None = None) -> None:
        self._network = open_network(path, (2, CROP, CROP, 3), threads=threads, backend=backend)

    def embed(self, crops: NDArray[np.uint8]) -> Floats:
        found = np.array([self._both(crop) for crop in crops], np.float32)
        return found.reshape(len(crops), -1)

    def _both(self, crop: Picture) -> Floats:
        pair = np.stack([crop, crop[:, ::-1]])[..., ::-1]  # red first
        tensor = (pair.astype(np.float32) - np.float32(127.5)) / np.float32(128)
        return _unit(_only(self._network, tensor).sum(axis=0))


def embedder_in_folder(folder: Path, name: str = "facefeature", *, threads: int = 1) -> Embedder:
    """Return an embedder with the weights of a folder of models.

    Raises:
        WeightsMissingError: They are not there.
    """
    kinds: dict[str, Any] = {"facefeature": FaceFeature, "mobilefacenet": MobileFaceNet}
    made: Embedder = kinds[name](path_of(folder, name), threads=threads)
    return made


def _only(network: Network, tensor: Floats) -> Floats:
    [output] = network.run(tensor).values()
    return output


def _unit(vector: Floats) -> Floats:
    return vector / max(float(np.linalg.norm(vector)), 1e-9)
