"""Many values as few numbers: spreads, and habits of people over days."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sim.world.fitted import SHARES, Habit, Spread

Values = NDArray[np.float64]


class TooFewError(Exception):
    """There is too little of something to fit it; the message says what."""


def spread(what: str, values: Sequence[float], least: int = 3) -> Spread:
    """Return how values are spread.

    Raises:
        TooFewError: There are fewer than `least`.
    """
    if len(values) < least:
        raise TooFewError(f"{what}: expected {least} values at least, got {len(values)}")
    found = np.quantile(np.asarray(values, dtype=np.float64), SHARES)
    one, two, three, four, five, six, seven, eight, nine = (rounded(value) for value in found)
    return Spread(len(values), (one, two, three, four, five, six, seven, eight, nine))


def habit(what: str, people: Sequence[Sequence[float]]) -> Habit:
    """Return the habit behind the values of some people.

    What differs between people is what is left of the spread of their means when the days that each
    mean is made of have been taken off. One person tells nothing of it.

    Raises:
        TooFewError: Nobody has three values.
    """
    known = [np.asarray(one, dtype=np.float64) for one in people if len(one) >= _DAYS_MIN]
    if not known:
        raise TooFewError(f"{what}: expected {_DAYS_MIN} values of somebody at least")
    means = np.array([one.mean() for one in known])
    variances = np.array([one.var(ddof=1) for one in known])
    of_means = float(np.mean(variances / [len(one) for one in known]))
    between = float(np.var(means, ddof=1)) - of_means if len(known) > 1 else 0.0
    return Habit(
        people=len(known),
        mean=rounded(float(means.mean())),
        between=rounded(max(0.0, between) ** 0.5),
        within=rounded(float(np.sqrt(np.median(variances)))),  # who has no habit is not averaged in
    )


def distance(one: Sequence[float], other: Sequence[float]) -> tuple[float, float]:
    """Return how far two samples are apart: Kolmogorov-Smirnov, from 0 to 1; and Wasserstein.

    References:
        Kolmogorov-Smirnov: the largest difference of the two empirical distributions.
        Wasserstein: the area between them, in the unit of the values.
    """
    a, b = np.sort(np.asarray(one, dtype=np.float64)), np.sort(np.asarray(other, dtype=np.float64))
    both = np.sort(np.concatenate([a, b]))
    share_a = np.searchsorted(a, both, side="right") / len(a)
    share_b = np.searchsorted(b, both, side="right") / len(b)
    apart = np.abs(share_a - share_b)
    return float(apart.max()), float(np.sum(apart[:-1] * np.diff(both)))


def rounded(value: float) -> float:
    """Return four figures of a number: a refit of the same recordings gives the same file."""
    return float(f"{value:.4g}")


_DAYS_MIN = 3
