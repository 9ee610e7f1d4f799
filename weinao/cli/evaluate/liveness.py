"""Try the liveness check on pictures of faces, and on the same pictures held up to a camera.

No recorded attack is at hand: the attacks are rendered from the folder's own pictures, and the
pictures themselves stand for people. So the figures say whether the check does anything, not how it
fares at a gate.

- live_share: pictures taken at their word;
- refused_sheet, refused_screen: pictures pasted into a wall as a sheet of paper; or shown on a
  telephone, with its frame, its cast and its lines.
"""

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from models.vision.base import Picture
from models.vision.centerface import CenterFace
from models.vision.liveness import LIVE_MIN, Liveness
from models.vision.pictures import PictureError, read_picture
from models.vision.store import default_folder
from weinao.cli.evaluate.faces import read_manifest
from weinao.cli.evaluate.reading import with_unread

Progress = Callable[[int, int], None]

_SEED = 4


def evaluate_liveness(
    folder: Path, *, models: Path | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """Return the figures of the shipped liveness check on a folder of faces.

    Raises:
        FileNotFoundError: The folder has no manifest.
        ManifestError: It cannot be read.
        WeightsMissingError: `weinao models pull` has not been run.
    """
    weights = models or default_folder(os.environ)
    detector, liveness = CenterFace.in_folder(weights), Liveness.in_folder(weights)
    rng = np.random.default_rng(_SEED)
    faces, unread = read_manifest(folder / "manifest.csv")
    scenes = {"live": lambda seen, _: seen, "sheet": _sheet, "screen": _screen}
    alive: dict[str, list[bool]] = {name: [] for name in scenes}
    for done, face in enumerate(faces, 1):
        try:
            seen = read_picture(folder / face.file)
        except PictureError as error:
            unread[face.file] = str(error)
            continue
        for name, render in scenes.items():
            scene = render(seen, rng)
            found = detector.detect(scene)
            if len(found):
                alive[name].append(liveness.live(scene, found.boxes[0]) >= LIVE_MIN)
        if progress:
            progress(done, len(faces))
    shares = {name: float(np.mean(said)) if said else math.nan for name, said in alive.items()}
    return with_unread(
        {
            "pictures": len(faces) - sum(face.file in unread for face in faces),
            "live_share": shares["live"],
            "refused_sheet": 1 - shares["sheet"],
            "refused_screen": 1 - shares["screen"],
        },
        unread,
        folder,
    )


def _sheet(seen: Picture, rng: np.random.Generator) -> Picture:
    """Return a picture as a sheet before a wall of any grey."""
    height, width = seen.shape[:2]
    wall = rng.uniform(60, 200) + rng.normal(0, 8, (height * 2, width * 2, 3))
    top, left = height // 2, width // 2
    wall[top : top + height, left : left + width] = seen
    return np.clip(wall, 0, 255).astype(np.uint8)


def _screen(seen: Picture, rng: np.random.Generator) -> Picture:
    """Return a picture as a telephone shows it: fewer lines, their beat, a blue cast, a frame."""
    height, width = seen.shape[:2]
    coarse = cv2.resize(cv2.resize(seen, None, fx=0.5, fy=0.5), (width, height))
    down, across = np.mgrid[:height, :width]
    beat = 10 * np.sin(2 * np.pi * (across / rng.uniform(2.2, 4) + down / rng.uniform(5, 9)))
    shown = coarse.astype(np.float64) * 0.8 + 30 + beat[..., None] + np.array([15.0, 0, 0])
    framed = cv2.copyMakeBorder(
        np.clip(shown, 0, 255).astype(np.uint8), 8, 8, 8, 8, cv2.BORDER_CONSTANT, value=(12, 12, 12)
    )
    return _sheet(np.asarray(framed, np.uint8), rng)
