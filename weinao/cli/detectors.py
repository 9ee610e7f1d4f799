"""The detectors of people and vehicles by name, for those who compare them."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from models.vision.base import Detector

Name = Literal["centernet", "yards"]


def detector_named(
    name: Name, folder: Path, weights: Path | None = None
) -> "tuple[Detector, dict[int, str]]":
    """Return a detector, and what its kinds are called.

    Args:
        name: Which.
        folder: Of models, for weights of others.
        weights: Of our own, if not those that ship.

    Raises:
        VisionError: It cannot be used.
    """
    if name == "centernet":
        from models.vision.centernet import BICYCLE, BUS, CAR, MOTORCYCLE, PERSON, TRUCK, CenterNet

        names = {
            PERSON: "person", CAR: "vehicle", BUS: "vehicle", TRUCK: "vehicle",
            BICYCLE: "two_wheeler", MOTORCYCLE: "two_wheeler",
        }  # fmt: skip
        return CenterNet.in_folder(folder, kinds=tuple(names)), names
    from models.vision.yards import KINDS, YardsNet

    own = YardsNet(weights) if weights else YardsNet.shipped()
    return own, {number: kind.replace("-", "_") for number, kind in enumerate(KINDS)}
