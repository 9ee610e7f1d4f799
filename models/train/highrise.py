"""Train the judge of falling things: `python -m models.train.highrise EXAMPLES --out FOLDER`.

With `--cross-validate` nothing is written: the figures of the card are printed.

`weinao highrise learn` renders the examples, from training seeds alone. Constraints keep the trees
honest where physics knows the direction: more evidence never speaks against a fall, and more
distance from the parabola never for it.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.fall_trees import Forest
from models.highrise import FEATURES, WEIGHTS
from models.train.falls import flattened

SEED = 20_261_125

SPEAKS = {
    "points": 1, "hits": 1, "evidence": 1, "straightness": 1, "downward": 1, "tone": 1,
    "bend": 1,
    "chance": -1, "rms_share": -1, "rms_px": -1, "gap_share": -1, "size_spread": -1,
    "first_share": -1, "sideways": -1,
}  # fmt: skip
"""Whether more of a feature speaks for a fall (1) or against it (-1)."""

ROUNDS = 120
FOLDS = 4
LEVELS = (0.5, 0.75, 0.85, 0.9, 0.95)
"""Scores that the card tells the shares of; around those from which on a track counts."""


def fit(rows: NDArray[np.float64], fell: NDArray[np.integer], clip: NDArray[np.integer]) -> Forest:
    """Return trees trained on tracks; every clip counts alike, however many tracks it gave.

    Args:
        rows: (N, F) features.
        fell: (N,) 1 for a falling thing.
        clip: (N,) which clip a track is of.
    """
    import lightgbm  # noqa: PLC0415  # so that what does not train works without it

    weights = np.zeros(len(rows))
    for one in np.unique(clip):
        for side in (0, 1):
            own = (clip == one) & (fell == side)
            weights[own] = 1 / np.sqrt(max(own.sum(), 1))
    for side in (0, 1):
        weights[fell == side] /= max(weights[fell == side].sum(), 1e-9)
    booster = lightgbm.train(
        {
            "objective": "binary", "learning_rate": 0.06, "num_leaves": 8, "max_depth": 4,
            "min_data_in_leaf": 25, "lambda_l2": 5.0, "feature_fraction": 0.7,
            "bagging_fraction": 0.8, "bagging_freq": 1, "verbose": -1, "num_threads": 1,
            "deterministic": True, "force_row_wise": True, "seed": SEED,
            "monotone_constraints": [SPEAKS.get(name, 0) for name in FEATURES],
        },
        lightgbm.Dataset(rows.astype(np.float32), fell, weight=weights * len(rows) / 2),
        num_boost_round=ROUNDS,
    )  # fmt: skip
    return flattened([booster.dump_model()["tree_info"]])


def cross_validate(
    rows: NDArray[np.float64], fell: NDArray[np.integer], clip: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Return (N,) scores, 0 to 1, by trees that saw no track of the same clip."""
    odds = np.zeros(len(rows))
    clips = np.unique(clip)
    for fold in range(FOLDS):
        own = np.isin(clip, clips[fold::FOLDS])
        odds[own] = fit(rows[~own], fell[~own], clip[~own]).log_odds(rows[own])
    return np.asarray(1 / (1 + np.exp(-odds)))


def save(forest: Forest, path: Path) -> None:
    """Write a judge."""
    arrays: dict[str, Any] = forest.arrays("")
    np.savez_compressed(path, **arrays)


def main() -> None:
    """Read examples, train, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("examples", type=Path)
    parser.add_argument("--out", type=Path, default=Path("models/weights"))
    parser.add_argument("--cross-validate", action="store_true")
    asked = parser.parse_args()
    with np.load(asked.examples) as kept:
        rows, fell, clip = kept["rows"], kept["fell"], kept["clip"]
    if not asked.cross_validate:
        save(fit(rows, fell, clip), asked.out / WEIGHTS)
        return
    scores = cross_validate(rows, fell, clip)
    for least in LEVELS:
        passed = [float((scores[fell == side] >= least).mean()) for side in (1, 0)]
        sys.stdout.write(f"score {least}: falls {passed[0]:.3f}, others {passed[1]:.3f}\n")


if __name__ == "__main__":
    main()
