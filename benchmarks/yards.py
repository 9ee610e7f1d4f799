"""Which share of rendered people and vehicles detectors find: `python benchmarks/yards.py`.

Seeds are for testing. CenterNet was trained on photographs, so that its share also says how much
rendered people look like people. With `--films` our own detector is also held against what
CenterNet sees in films: that is no truth, but it comes from outside.
"""

import argparse
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from models.vision.base import Picture
from models.vision.store import default_folder
from weinao.cli.detectors import detector_named
from weinao.cli.evaluate.yards import scored
from weinao.cli.yards_examples import TEST_SEEDS, shown

FILM_EVERY = 25
"""Frames of a film that are looked at: one in so many."""
SORTS = {"person": "person", "vehicle": "car", "two_wheeler": "bicycle"}


def main() -> None:
    """Render once, and score each detector."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=len(TEST_SEEDS))
    parser.add_argument("--weights", type=Path, help="of our own detector, if it shall be scored")
    parser.add_argument("--films", type=Path, nargs="*", default=[], help="for our own detector")
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    frames = list(shown(TEST_SEEDS[: asked.scenes]))
    by_hour: dict[str, list[int]] = {}
    for at, (_, truth, _) in enumerate(frames):
        by_hour.setdefault(truth["hour"], []).append(at)
    for name in ("centernet", "yards") if asked.weights else ("centernet",):
        detector, kinds = detector_named(name, default_folder(os.environ), asked.weights)
        for hour, chosen in {"all": list(range(len(frames))), **by_hour}.items():
            say(
                {"detector": name, "hour": hour},
                scored([frames[i] for i in chosen], detector, kinds),
            )
        if name == "yards":
            for film in asked.films:
                say({"detector": name, "film": film.name}, scored(filmed(film), detector, kinds))


def filmed(film: Path) -> Iterator[tuple[Picture, dict[str, Any], int]]:
    """Yield frames of a film, with what CenterNet sees in each in the place of the truth."""
    detector, kinds = detector_named("centernet", default_folder(os.environ))
    source = cv2.VideoCapture(str(film))
    index = 0
    while source.grab():
        if index % FILM_EVERY == 0:
            _, frame = source.retrieve()
            picture = np.asarray(frame, np.uint8)
            found = detector.detect(picture)
            things = [
                {"kind": SORTS[kinds[int(kind)]], "boxes": [[index, *map(float, box), 1.0]]}
                for kind, box in zip(found.kinds, found.boxes, strict=True)
            ]
            yield picture, {"things": things}, index
        index += 1


def say(about: dict[str, str], figures: dict[str, float]) -> None:
    """Print figures, one line of JSON."""
    print(json.dumps(about | {key: round(value, 3) for key, value in figures.items()}))


if __name__ == "__main__":
    main()
