"""Short pieces of something that falls: two sightings, and a third between them.

Two blobs a few frames apart give a speed. With gravity assumed, they say where the thing was in
between and before; how many frames confirm that is counted on the grid of taken cells, for
thousands of pairs at once. The best become seeds for `relink`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.perception.highrise.chance import chance_of, evidence, looked_up
from edge.perception.highrise.facade import Array
from edge.perception.highrise.parabola import Parabola
from edge.perception.highrise.window import Gathered, Window

APART_S = (0.12, 0.2)
"""How far in time the two sightings are apart, two choices."""
SPEED_MS = (5.0, 19.0)
"""A thing that has fallen 2 to 18 m. Snow, leaves and bags stay below, near rain is above."""
SIDEWAYS = 0.6
SIDEWAYS_MS = 1.2
PULLS_MS2 = (4.5, 7.5, 9.8, 12.5)
"""Gravity with much drag, with some, without; and as it looks when thrown towards the camera."""
PULLS_UNKNOWN = (2.0, 4.0, 7.0, 12.0, 20.0, 32.0)
"""Where the scale is a guess: within a factor of three or four of it."""
LOOK_S = 0.8
"""How far back a seed must be confirmed: by then a fall and a steady pace are 2 m apart."""
STEADY_LESS = 0.1
"""How much rarer frames must confirm a steady pace than a fall: snow flakes are steady. Ours."""
HITS_MIN = 0.55
AHEAD_MIN = 5.0
"""Nats by which a seed must lead its steady pace. Of 268 tracks that scored enough, in 19 rendered
clips that mostly had misled us and in both recordings, none began with less than 8, and none behind
the sixth seed."""
ALIKE_PX = 8.0
"""Seeds that end this close are pieces of one thing; the best confirmed speaks for it."""
GROWS_MAX = 4.0
"""Times a tumbling thing may look larger or smaller within 0.2 s."""
PAIRS_MAX = 4_000
SEEDS_MAX = 6


@dataclass(frozen=True)
class Seed:
    """A guess at a fall.

    Attributes:
        parabola: In metres.
        ahead: Nats by which the frames say more for a fall than for a steady pace.
    """

    parabola: Parabola
    ahead: float


def seeds(window: Window, seen: Gathered, taken: NDArray[np.bool_]) -> list[Seed]:
    """Return the best guesses at what falls in the newest frames, best first."""
    newest = len(seen.times) - 1
    found: list[tuple[float, int, int, float]] = []
    for apart_s in APART_S:
        earlier = int(np.argmin(np.abs(seen.times - (seen.times[newest] - apart_s))))
        if earlier == newest:
            continue
        found += _confirmed(window, seen, taken, earlier, newest)
    found.sort(key=lambda guess: -guess[0])
    chosen: list[Seed] = []
    ends: list[Array] = []
    for ahead, one, two, pull in found:
        end = seen.px[two]
        if any(np.abs(end - other).max() < ALIKE_PX for other in ends):
            continue
        ends.append(end)
        chosen.append(Seed(_joined(seen, one, two, pull), ahead))
        if len(chosen) == SEEDS_MAX:
            break
    return chosen


def _joined(seen: Gathered, one: int, two: int, pull: float) -> Parabola:
    begins, ends = float(seen.times[seen.frame[one]]), float(seen.times[seen.frame[two]])
    span = ends - begins
    speed = (seen.m[two] - seen.m[one]) / span
    down = np.array([seen.m[two, 1], speed[1] + pull * span / 2, pull / 2])
    return Parabola(ends, np.array([seen.m[two, 0], speed[0]]), down)


def _confirmed(
    window: Window, seen: Gathered, taken: NDArray[np.bool_], earlier: int, newest: int
) -> list[tuple[float, int, int, float]]:
    """Return (nats, blob, blob, pull) of the pairs that the frames before confirm, best first."""
    one, two = _pairs(window, seen, earlier, newest)
    if len(one) == 0:
        return []
    pulls = np.array([0.0, *(PULLS_MS2 if window.facade.metric else PULLS_UNKNOWN)])
    frames = np.flatnonzero(seen.times >= seen.times[newest] - LOOK_S)
    frames = frames[frames != newest]
    cells, falling = _courses(window, seen, (one, two), pulls, frames)
    inside, moved = looked_up(cells, frames, taken)
    asked = (inside & falling).sum(axis=2)
    share = (moved & falling).sum(axis=2) / np.maximum(asked, 1)
    share[asked < min(5, len(frames))] = 0
    best = share[:, 1:].argmax(axis=1) + 1
    top = share[np.arange(len(one)), best]
    good = np.flatnonzero((top >= HITS_MIN) & (top - share[:, 0] >= STEADY_LESS))
    one, two, pull = one[good], two[good], pulls[best[good]]
    lone = chance_of(cells[good, best[good]], frames, taken)
    many = asked[good, best[good]]
    ahead = evidence(top[good], lone, many) - evidence(share[good, 0], lone, many)
    order = np.argsort(-ahead)[: 4 * SEEDS_MAX]
    order = order[ahead[order] >= AHEAD_MIN]
    return [(float(ahead[i]), int(one[i]), int(two[i]), float(pull[i])) for i in order]


def _courses(
    window: Window,
    seen: Gathered,
    pairs: tuple[NDArray[np.intp], NDArray[np.intp]],
    pulls: Array,
    frames: NDArray[np.intp],
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return where pairs were in other frames, each with each pull, and where they fell already.

    Args:
        window: Knows the cells.
        seen: The blobs.
        pairs: (P,) the earlier and (P,) the later ones; of two frames.
        pulls: (A,) metres per second squared.
        frames: (F,) which.

    Returns:
        (P, A, F, 2) cells; (P, A, F) False before it was at rest.
    """
    one, two = pairs
    begins_s, ends_s = seen.times[seen.frame[[one[0], two[0]]]]
    span, ago, ends = ends_s - begins_s, seen.times[frames] - ends_s, seen.m[two]
    speed = (ends - seen.m[one]) / span
    at_end = speed[:, 1, None] + pulls * span / 2  # (P, A)
    falling = at_end[:, :, None] + pulls[:, None] * ago > 0
    down = ends[:, 1, None, None] + at_end[:, :, None] * ago + pulls[:, None] / 2 * np.square(ago)
    across = np.broadcast_to((ends[:, :1] + speed[:, :1] * ago)[:, None, :], down.shape)
    places = np.column_stack([across.ravel(), down.ravel()])
    return window.cells(window.pixels(places)).reshape(*down.shape, 2), falling


def _pairs(
    window: Window, seen: Gathered, earlier: int, newest: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return which blobs of two frames may be one thing that falls."""
    span = float(seen.times[newest] - seen.times[earlier])
    before = np.arange(seen.first[earlier], seen.first[earlier + 1])
    now = np.arange(seen.first[newest], seen.first[newest + 1])
    step: Array = (seen.m[now][None] - seen.m[before][:, None]) / span
    low, high = SPEED_MS
    if not window.facade.metric:  # the scale may be wrong by a factor of three
        low, high = low / 2.5, high * 2.5
    fits = (
        (step[..., 1] > low)
        & (step[..., 1] < high)
        & (np.abs(step[..., 0]) < SIDEWAYS * step[..., 1] + SIDEWAYS_MS)
    )
    sizes = seen.size_px[now][None] / seen.size_px[before][:, None]
    fits &= (sizes > 1 / GROWS_MAX) & (sizes < GROWS_MAX)
    rows, columns = np.nonzero(fits)
    if len(rows) > PAIRS_MAX:
        rows, columns = rows[:PAIRS_MAX], columns[:PAIRS_MAX]
    return before[rows], now[columns]
