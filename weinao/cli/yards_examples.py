"""What the small detector of yards learns from, and what it is tested on: all of it rendered."""

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from models.train.yards import Example
    from models.vision.base import Picture
    from sim.scenes.yards.scene import YardScene

LEARN_SEEDS = range(20_000, 20_040)
TEST_SEEDS = range(700_000, 700_012)
SIZE = (640, 384)
FRAMES = 6
"""Of each scene, so far apart that they differ."""
EVERY_S = 4.0
SEEN_MIN = 0.3
"""Who is hidden more than this is not asked for."""
SIDE_PX_MIN = 8.0
KIND_OF = {"person": 0, "car": 1, "van": 1, "ebike": 2, "bicycle": 2}

Told = Callable[[str], object]


def learnt(out: Path, told: Told) -> Path:
    """Train on the training scenes, write the network into a folder, and return its path.

    Raises:
        TrainerMissingError: The extra `vision-train` is not installed.
    """
    from models.train.yards import fit, keep, require

    require()
    with TemporaryDirectory(prefix="weinao-yards-") as scratch:
        count = keep(gathered(LEARN_SEEDS, told), Path(scratch))
        told(f"yards: learning from {count} pictures")
        return fit(Path(scratch), out)


def tested(weights: Path, told: Told) -> dict[str, float]:
    """Return the figures of a network on the test scenes."""
    from models.vision.yards import KINDS, YardsNet
    from weinao.cli.evaluate.yards import scored

    names = {number: kind.replace("-", "_") for number, kind in enumerate(KINDS)}
    return scored(shown(TEST_SEEDS, told), YardsNet(weights), names)


def gathered(seeds: range, told: Told = lambda _: None) -> Iterator["Example"]:
    """Yield pictures of training scenes, yards and gates in turn, with what is in them.

    Raises:
        SeedError: A seed is not for training.
    """
    from sim.scenes.seeds import check

    for done, seed in enumerate(seeds, 1):
        scene = _scene(check(seed, "train"))
        truth = scene.truth()
        for index, picture in enumerate(scene.frames()):
            yield _example(picture, truth, index)
        told(f"yards: {done} of {len(seeds)} scenes to learn from")


def shown(
    seeds: range, told: Told = lambda _: None
) -> Iterator["tuple[Picture, dict[str, Any], int]"]:
    """Yield pictures of test scenes, each with the truth of its clip and its frame.

    Raises:
        SeedError: A seed is not for testing.
    """
    from sim.scenes.seeds import check

    for done, seed in enumerate(seeds, 1):
        scene = _scene(check(seed, "test"))
        truth = scene.truth()
        for index, picture in enumerate(scene.frames()):
            yield picture, truth, index
        told(f"yards: {done} of {len(seeds)} scenes to test on")


def _scene(seed: int) -> "YardScene":
    from sim.scenes.yards.scene import composed

    return composed(
        seed,
        "gate" if seed % 2 else "yard",
        lasts_s=FRAMES * EVERY_S,
        mix="fair" if seed % 3 == 0 else "dense",
        size=SIZE,
        fps=1 / EVERY_S,
    )


def _example(picture: "Picture", truth: dict[str, Any], index: int) -> "Example":
    from models.train.yards import Example

    rows = [
        (KIND_OF[thing["kind"]], *row[1:5])
        for thing in truth["things"]
        for row in thing["boxes"]
        if row[0] == index and row[5] >= SEEN_MIN and row[4] - row[2] >= SIDE_PX_MIN
    ]
    found = np.array(rows, np.float64).reshape(-1, 5)
    return Example(picture, found[:, 1:], found[:, 0].astype(np.int64))
