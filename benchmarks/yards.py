"""Which share of rendered people and vehicles detectors find: `python benchmarks/yards.py`.

Seeds are for testing. CenterNet was trained on photographs, so that its share also says how much
rendered people look like people.
"""

import argparse
import json
import os
from pathlib import Path

import cv2

from models.vision.store import default_folder
from weinao.cli.detectors import detector_named
from weinao.cli.evaluate.yards import scored
from weinao.cli.yards_examples import TEST_SEEDS, shown


def main() -> None:
    """Render once, and score each detector."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=len(TEST_SEEDS))
    parser.add_argument("--weights", type=Path, help="of our own detector, if it shall be scored")
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    frames = list(shown(TEST_SEEDS[: asked.scenes]))
    by_hour: dict[str, list[int]] = {}
    for at, (_, truth, _) in enumerate(frames):
        by_hour.setdefault(truth["hour"], []).append(at)
    for name in ("centernet", "yards") if asked.weights else ("centernet",):
        detector, kinds = detector_named(name, default_folder(os.environ), asked.weights)
        for hour, chosen in {"all": list(range(len(frames))), **by_hour}.items():
            figures = scored([frames[at] for at in chosen], detector, kinds)
            rounded = {key: round(value, 3) for key, value in figures.items()}
            print(json.dumps({"detector": name, "hour": hour, **rounded}))


if __name__ == "__main__":
    main()
