"""How many people will be in a place in five minutes, from how many there were.

    counts -> mean of each minute -> level: the newest; slope: the median of all over some minutes
           -> the slope counts as far as it is sure, and fades minute by minute

What one look counts carries the detector's noise; a minute's mean carries little of it. A trend
that most pairs of minutes agree on goes on for a while; the fading keeps it from running away.

References:
    Gardner and McKenzie 1985, "Forecasting trends in time series": damped trends.
    Theil 1950 and Sen 1968: the median of all slopes between two points.
"""

from collections.abc import Sequence
from itertools import combinations
from statistics import median

from msgspec import Struct

AHEAD_MIN = 5
"""What is foretold."""
MINUTE_MS = 60_000
MINUTES = 8
"""How far back is looked. Ours, tried on rushes that `benchmarks/forecast.py` does not use."""
MINUTES_MIN = 3
"""From so many on there may be a trend; before, it is what it is. Ours."""
FADES = 0.75
"""What is left of a trend after each minute. Ours, likewise."""


class Minute(Struct, frozen=True):
    """One minute of a place.

    Attributes:
        start: Milliseconds UTC.
        counts: Each look's.
    """

    start: int
    counts: tuple[int, ...]


def counted(minutes: Sequence[Minute], people: int, at: int) -> tuple[Minute, ...]:
    """Return the last minutes with one more count; a pause longer than a minute begins anew."""
    start = at - at % MINUTE_MS
    if minutes and minutes[-1].start == start:
        last = minutes[-1]
        counts = (*last.counts, people)[-_COUNTS_MAX:]
        return (*minutes[:-1], Minute(start, counts))
    known = minutes if minutes and start - minutes[-1].start == MINUTE_MS else ()
    return (*known, Minute(start, (people,)))[-MINUTES:]


def foretell(minutes: Sequence[Minute]) -> float | None:
    """Return how many people there will be `AHEAD_MIN` minutes on; None while nothing is known."""
    if not minutes:
        return None
    points = [(one.start / MINUTE_MS, sum(one.counts) / len(one.counts)) for one in minutes]
    if len(points) < MINUTES_MIN:
        return points[-1][1]
    slopes = sorted((b - a) / (v - u) for (u, a), (v, b) in combinations(points, 2))
    slope = median(slopes)
    sure = abs(sum((one > 0) - (one < 0) for one in slopes)) / len(slopes)
    faded = sum(FADES**step for step in range(1, AHEAD_MIN + 1))
    return max(points[-1][1] + sure * slope * faded, 0.0)


_COUNTS_MAX = 240
