"""Train the fall detector, for `weinao models train fall`.

Which impact of an acted fall is the fall, nobody wrote down. So trees trained on the hardest impact
of each choose, and trees trained on their choice are kept. All impacts of daily activities are
none. The operating point comes from people whom the trees that scored them had not seen.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.fall import FallDetector, Position, play
from models.fall_features import ACC_FEATURES, ALL_FEATURES
from models.fall_trees import Forest
from models.train.fall_examples import Examples, FloatArray, Recording, Rows, gather

SEED = 20_261_123

FOLDS = 6

COPIES: dict[Position, int] = {"wrist": 3, "waist": 1}

FLOORS: dict[Position, tuple[float, float]] = {"wrist": (0.93, 0.97), "waist": (0.98, 0.99)}
"""Sensitivity and specificity that are asked for; the operating point stays clear of both."""

Watch = Callable[[int, int], None]


def train(examples: Examples) -> FallDetector:
    """Return a detector trained on examples; 0.5 is not its operating point yet."""
    return FallDetector(
        with_gyro=_train_forest(examples, ALL_FEATURES),
        without_gyro=_train_forest(examples, ACC_FEATURES),
    )


def at_operating_points(
    detector: FallDetector, position: Position, scores: dict[bool, FloatArray], fell: Rows
) -> FallDetector:
    """Return a detector whose 0.5 is where cross-validated scores, (N,) log-odds, part best.

    Args:
        detector: As trained.
        position: Decides what is asked for.
        scores: With the gyroscope (True) and without it.
        fell: (N,) 1 for a fall, 0 for a daily activity.
    """
    part = {
        gyro: operating_point(column, fell, *FLOORS[position]) for gyro, column in scores.items()
    }
    return FallDetector(
        with_gyro=replace(detector.with_gyro, offset=-part[True]),
        without_gyro=replace(detector.without_gyro, offset=-part[False]),
    )


def operating_point(
    scores: FloatArray, fell: Rows, sensitivity_min: float, specificity_min: float
) -> float:
    """Return the score that stays equally clear of both floors.

    Clear is measured in shares of what is left above a floor, so that of two points a loss on other
    people hits neither goal first.
    """
    cuts = np.unique(scores)
    middles = (cuts[1:] + cuts[:-1]) / 2
    found = 1 - np.searchsorted(np.sort(scores[fell == 1]), middles) / (fell == 1).sum()
    passed = np.searchsorted(np.sort(scores[fell == 0]), middles) / (fell == 0).sum()
    clear = np.minimum(
        (found - sensitivity_min) / (1 - sensitivity_min),
        (passed - specificity_min) / (1 - specificity_min),
    )
    best = np.flatnonzero(clear == clear.max())
    return float(middles[best[len(best) // 2]])


def cross_validate(
    recordings: Sequence[Recording], position: Position, watch: Watch | None = None
) -> dict[bool, FloatArray]:
    """Return the log-odds of every recording by trees that saw nobody of its name.

    Returns:
        (N,) with the gyroscope (True), and without it.
    """
    examples, folds = gather(recordings, COPIES[position], SEED), people_folds(recordings)
    scores = {True: np.zeros(len(recordings)), False: np.zeros(len(recordings))}
    done = 0
    for fold in range(FOLDS):
        detector = train(examples.of(folds[examples.owner] != fold))
        for i in np.flatnonzero(folds == fold).tolist():
            r = recordings[i]
            for gyro, column in scores.items():
                score = play(detector, r.t_ms, r.acc_ms2, r.gyro_rads if gyro else None)
                column[i] = log_odds_of(score)
            done += 1
            if watch:
                watch(done, len(recordings))
    return scores


def people_folds(recordings: Sequence[Recording], count: int = FOLDS) -> Rows:
    """Return the fold of every recording: a person is in one, a data set's people in all."""
    sizes: dict[tuple[str, str, str], int] = {}
    for r in recordings:
        key = (r.dataset, r.group, r.subject)
        sizes[key] = sizes.get(key, 0) + 1
    ordered = sorted(sizes, key=lambda key: (key[0], key[1], -sizes[key], key[2]))
    folds = {key: i % count for i, key in enumerate(ordered)}
    return np.array([folds[r.dataset, r.group, r.subject] for r in recordings])


def log_odds_of(score: float) -> float:
    """Return the log-odds of a score; a recording without any impact is as far off as can be."""
    bounded = min(max(score, 1e-9), 1 - 1e-9)
    return float(np.log(bounded / (1 - bounded)))


def fit(
    recordings: Sequence[Recording], position: Position, watch: Watch | None = None
) -> FallDetector:
    """Return the detector that ships: trained on all, its operating points cross-validated."""
    return finished(recordings, position, cross_validate(recordings, position, watch))


def finished(
    recordings: Sequence[Recording], position: Position, scores: dict[bool, FloatArray]
) -> FallDetector:
    """Return the detector that ships, given what `cross_validate` returned."""
    fell = np.array([int(r.label == "fall") for r in recordings])
    detector = train(gather(recordings, COPIES[position], SEED))
    return at_operating_points(detector, position, scores, fell)


def save(detector: FallDetector, path: Path) -> None:
    """Write a detector; the same detector gives the same bytes."""
    arrays: dict[str, Any] = detector.with_gyro.arrays("gyro_")
    arrays |= detector.without_gyro.arrays("acc_")
    np.savez_compressed(path, **arrays)


_MODELS = 3

_TREES = 250

_SETTINGS: dict[str, Any] = {
    "objective": "binary",
    "learning_rate": 0.05,
    "num_leaves": 12,
    "min_data_in_leaf": 20,
    "lambda_l2": 3.0,
    "feature_fraction": 0.15,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "max_bin": 63,
    "num_threads": 1,
    "verbosity": -1,
    "deterministic": True,
    "force_row_wise": True,
}


def _train_forest(examples: Examples, width: int) -> Forest:
    rows = examples.features[:, :width]
    usable = np.isfinite(rows).all(axis=1)
    leads = _leading(examples, examples.impact_g)
    for _ in range(2):
        used = np.flatnonzero(usable & (leads | ~examples.fell))
        forest = _boosted(rows[used], examples.fell[used], _weights(examples, used))
        leads = _leading(examples, _judged(forest, rows))
    return forest


def _boosted(rows: NDArray[np.float32], fell: NDArray[np.bool_], weights: FloatArray) -> Forest:
    import lightgbm  # noqa: PLC0415  # so that what does not train works without it

    told = lightgbm.Dataset(rows, fell.astype(int), weight=weights, params=_SETTINGS)
    models = [
        lightgbm.train({**_SETTINGS, "seed": SEED + i}, told, num_boost_round=_TREES)
        for i in range(_MODELS)
    ]
    return flattened([model.dump_model()["tree_info"] for model in models])


def _judged(forest: Forest, rows: NDArray[np.float32]) -> FloatArray:
    blocks = [rows[i : i + 500].astype(np.float64) for i in range(0, len(rows), 500)]
    return np.concatenate([forest.log_odds(block) for block in blocks])


def _leading(examples: Examples, by: FloatArray) -> NDArray[np.bool_]:
    """Return which impact leads in each recorded fall, and in each of its copies."""
    order = np.lexsort((-by, examples.copy, examples.owner))
    keys = np.stack([examples.owner[order], examples.copy[order]])
    first = np.any(np.diff(keys, axis=1, prepend=-1) != 0, axis=0)
    leads = np.zeros(len(by), bool)
    leads[order[first]] = True
    return leads & examples.fell


def _weights(examples: Examples, used: Rows) -> FloatArray:
    """Return weights by which a fall counts 1, and a daily activity the root of its impacts."""
    owner, copies = examples.owner[used], examples.copy.max() + 1
    count = np.bincount(owner)[owner]
    return np.asarray(np.where(examples.fell[used], 1 / count, 1 / np.sqrt(count * copies)))


def flattened(models: Sequence[Sequence[dict[str, Any]]]) -> Forest:
    """Return the mean of LightGBM models, given as dumped trees, as one forest."""
    nodes: list[tuple[int, float, int, float]] = []

    def put(place: int, node: dict[str, Any]) -> int:
        """Put a node and all below it in place; return how deep it goes."""
        if "leaf_value" in node:
            nodes[place] = (0, np.inf, place, node["leaf_value"] / len(models))
            return 0
        child = len(nodes)
        nodes.extend([_NOTHING, _NOTHING])
        nodes[place] = (node["split_feature"], node["threshold"], child, 0.0)
        return 1 + max(put(child, node["left_child"]), put(child + 1, node["right_child"]))

    roots, depth = [], 0
    for tree in (tree for trees in models for tree in trees):
        roots.append(len(nodes))
        nodes.append(_NOTHING)
        depth = max(depth, put(roots[-1], tree["tree_structure"]))
    feature, threshold, child, value = zip(*nodes, strict=True)
    return Forest(
        feature=np.array(feature, np.intp),
        threshold=np.array(threshold, np.float32),
        child=np.array(child, np.intp),
        value=np.array(value, np.float32),
        root=np.array(roots, np.intp),
        depth=depth,
    )


_NOTHING = (0, 0.0, 0, 0.0)
