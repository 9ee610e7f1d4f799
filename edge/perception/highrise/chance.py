"""How likely chance alone makes a track: what clutter beside it would have given as well."""

import numpy as np
from numpy.typing import NDArray

from edge.perception.highrise.facade import Array

ASIDE_CELLS = (-14, -10, -7, 7, 10, 14)
"""Where the same parabola is laid to see how often chance alone confirms one."""
CHANCE = (0.02, 0.98)
"""Nothing is believed to be quieter, or busier, than this: few cells were asked."""


def chance_of(cells: NDArray[np.intp], frames: NDArray[np.intp], taken: NDArray[np.bool_]) -> Array:
    """Return (...,) the share of frames in which parabolas beside these would be confirmed.

    Args:
        cells: (..., F, 2) column and row of each in each frame.
        frames: (F,) which frames of `taken`.
        taken: (frames, rows, columns) where something moved.
    """
    rows, columns = taken.shape[1:]
    aside = cells[..., 0, None] + np.array(ASIDE_CELLS)  # (..., F, A)
    down = np.broadcast_to(cells[..., 1, None], aside.shape)
    inside = (aside >= 0) & (aside < columns) & (down >= 0) & (down < rows)
    hit = taken[
        np.broadcast_to(frames[:, None], aside.shape),
        np.clip(down, 0, rows - 1),
        np.clip(aside, 0, columns - 1),
    ]
    asked = inside.sum(axis=(-2, -1))
    return np.asarray((hit & inside).sum(axis=(-2, -1)) / np.maximum(asked, 1))


def evidence(hits: Array | float, chance: Array | float, frames: Array | float) -> Array:
    """Return the log-likelihood, in nats, that so many sightings are not chance.

    Args:
        hits: Share of the frames that confirm.
        chance: The share that chance alone would.
        frames: How many were asked.

    References:
        Chernoff's bound on a binomial tail, n KL(hits || chance); Desolneux et al. 2000,
        "Meaningful alignments": a-contrario detection.
    """
    share = np.clip(hits, 1e-6, 1 - 1e-6)
    lone = np.clip(chance, *CHANCE)
    gain = share * np.log(share / lone) + (1 - share) * np.log((1 - share) / (1 - lone))
    return np.asarray(np.where(share <= lone, 0.0, frames * gain))
