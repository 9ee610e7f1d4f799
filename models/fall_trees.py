"""Boosted trees as flat arrays, walked all at once with numpy and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.fall_resampling import Array


@dataclass(frozen=True)
class Forest:
    """Many trees whose answers add up.

    A node sends a row to `child`, or to the one behind it when the row's feature is above the
    threshold. A leaf is its own child and has an infinite threshold: who arrives, stays.

    Attributes:
        feature: (N,) the column a node looks at.
        threshold: (N,) float32.
        child: (N,) the node for rows not above the threshold.
        value: (N,) float32, what a leaf adds to the log-odds.
        root: (R,) where the trees begin.
        depth: Steps after which every row has reached its leaf.
        offset: Added to the sum, so that 0 is the operating point.
    """

    feature: NDArray[np.intp]
    threshold: NDArray[np.float32]
    child: NDArray[np.intp]
    value: NDArray[np.float32]
    root: NDArray[np.intp]
    depth: int
    offset: float = 0.0

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], prefix: str) -> "Forest":
        """Return the forest kept under a prefix; the opposite of `arrays`."""
        return cls(
            feature=arrays[prefix + "feature"].astype(np.intp),
            threshold=arrays[prefix + "threshold"],
            child=arrays[prefix + "child"].astype(np.intp),
            value=arrays[prefix + "value"],
            root=arrays[prefix + "root"].astype(np.intp),
            depth=int(arrays[prefix + "depth"]),
            offset=float(arrays[prefix + "offset"]),
        )

    def arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Return all there is as named arrays, the narrowest that hold it, to be kept in a file."""
        kept = {name: np.asarray(value) for name, value in vars(self).items()}
        kept |= {"feature": kept["feature"].astype(np.int16)}
        kept |= {name: kept[name].astype(np.int32) for name in ("child", "root")}
        return {prefix + name: value for name, value in kept.items()}

    def log_odds(self, rows: Array) -> Array:
        """Return the answer to each of (B, F) rows: above 0 speaks for, below against."""
        width = rows.shape[1]
        features = rows.astype(np.float32).ravel()
        start = np.repeat(np.arange(len(rows)) * width, len(self.root))
        node = np.tile(self.root, len(rows))
        for _ in range(self.depth):
            seen = features.take(self.feature.take(node) + start)
            node = self.child.take(node) + (seen > self.threshold.take(node))
        sums = self.value.take(node).reshape(len(rows), -1).sum(axis=1, dtype=np.float64)
        return np.asarray(sums + self.offset)
