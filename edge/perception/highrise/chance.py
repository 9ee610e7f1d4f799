"""How likely chance alone makes a track: what clutter beside it would have given as well."""

import numpy as np
from numpy.typing import NDArray

from edge.perception.highrise.facade import Array

ASIDE_CELLS = (-14, -10, -7, 7, 10, 14)
"""Where the same parabola is laid to see how often chance alone confirms one."""
_ASIDE = np.array([[[column, 0]] for column in ASIDE_CELLS])
CHANCE = (0.02, 0.98)
"""Nothing is believed to be quieter, or busier, than this: few cells were asked."""


def looked_up(
    cells: NDArray[np.intp], frames: NDArray[np.intp], taken: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return (..., F) which cells are in view, and in which of them something moved.

    Args:
        cells: (..., F, 2) column and row in each frame.
        frames: (F,) which frames of `taken`.
        taken: (frames, rows, columns) where something moved.
    """
    rows, columns = taken.shape[1:]
    column, row = cells[..., 0], cells[..., 1]
    inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
    moved = taken[
        np.broadcast_to(frames, inside.shape),
        np.clip(row, 0, rows - 1),
        np.clip(column, 0, columns - 1),
    ]
    return inside, moved & inside


def chance_of(cells: NDArray[np.intp], frames: NDArray[np.intp], taken: NDArray[np.bool_]) -> Array:
    """Return (...,) the share of frames in which parabolas beside these would be confirmed.

    Args: as of `looked_up`.
    """
    aside = cells[..., None, :, :] + _ASIDE
    inside, moved = looked_up(aside, frames, taken)
    asked = inside.sum(axis=(-2, -1))
    return np.asarray(moved.sum(axis=(-2, -1)) / np.maximum(asked, 1))


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
