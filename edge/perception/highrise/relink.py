"""From a seed to the whole track: collect what lies on the parabola, fit again, look further back.

Nothing is stolen from anything: every seed may use every blob, so that a track broken by a window
of the object's own grey, or lost in snow, is found again behind the gap.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edge.perception.highrise.chance import chance_of, evidence
from edge.perception.highrise.facade import Array
from edge.perception.highrise.parabola import CUBIC_POINTS_MIN, POINTS_MIN, Parabola, through
from edge.perception.highrise.tracklets import Seed
from edge.perception.highrise.window import Gathered, Window
from models.highrise import FINEST_PX

STAGES_S = (0.45, 0.8, 1.3, 2.4)
"""How far back each round looks."""
NEAR_PX = 3.0
NEAR_M = 0.25
"""How far from the parabola a blob may be, and still be of it: the larger of the two."""
LOOSE = 2.0
"""Times that, while the parabola still rests on few points."""
SPARSE = 0.4
"""Share of frames with a sighting below which a guess is dropped early."""
PULL_MS2 = (2.5, 17.0)
"""Acceleration outside which a guess is dropped early; wider than the gate."""
PULL_UNKNOWN_MS2 = (0.5, 60.0)
UNSEEN_S_MAX = 8.0
"""How long a fall may go unseen and still be the same: from 100 m at 12 m/s. Ours."""
SLOWER = 0.5
"""Of the speed that was measured last; half of it is what noise may have added."""


@dataclass(frozen=True)
class Track:
    """Sightings of one thing that falls.

    Attributes:
        t_s: (N,) when.
        m: (N, 2) metres, y down.
        px: (N, 2) pixels.
        size_px: (N,).
        box: (N, 2) width and height in pixels.
        tone: (N,) difference to what is behind.
        parabola: Through them.
        hits: Share of the frames from the first to the last in which it was seen.
        chance: The same for parabolas beside it: what clutter alone would give.
        rms_m: Root mean square distance from the parabola.
        rms_px: The same in pixels.
    """

    t_s: Array
    m: Array
    px: Array
    size_px: Array
    box: Array
    tone: Array
    parabola: Parabola
    hits: float
    chance: float
    rms_m: float
    rms_px: float

    @property
    def drop_m(self) -> float:
        return float(self.m[-1, 1] - self.m[0, 1])

    @property
    def fall_s(self) -> float:
        return float(self.t_s[-1] - self.t_s[0])

    def pull_end(self) -> tuple[float, float]:
        """Return the acceleration at the last sighting and its standard error, in m/s²."""
        noise_m = self._noise_m(1, len(self.parabola.down))
        pull = self.parabola.pull_at(float(self.t_s[-1]))
        return pull, self.parabola.pull_error(self.t_s, noise_m)

    def swerve(self) -> tuple[float, float]:
        """Return the acceleration sideways, either way, and its standard error, in m/s²."""
        noise_m = self._noise_m(0, len(self.parabola.across))
        return abs(self.parabola.swerve), self.parabola.swerve_error(self.t_s, noise_m)

    def _noise_m(self, axis: int, terms: int) -> float:
        off = self.m[:, axis] - self.parabola.at(self.t_s)[:, axis]
        spare = max(len(off) - terms, 1)
        finest_m = FINEST_PX * self.rms_m / max(self.rms_px, 1e-6)
        return max(float(np.sqrt(np.sum(np.square(off)) / spare)), finest_m)

    def evidence(self) -> float:
        """Return the log-likelihood, in nats, that these sightings are not chance."""
        return float(evidence(self.hits, self.chance, len(self.t_s) / self.hits))


def continued(track: Track, later: Track) -> Track:
    """Return a track with the sightings of another that begin after its end."""
    new = later.t_s > track.t_s[-1]

    def both(one: Array, two: Array) -> Array:
        return np.concatenate([one, two[new]])

    return replace(
        later,
        t_s=both(track.t_s, later.t_s),
        m=both(track.m, later.m),
        px=both(track.px, later.px),
        size_px=both(track.size_px, later.size_px),
        box=both(track.box, later.box),
        tone=both(track.tone, later.tone),
    )


def goes_on(track: Track, later: Track) -> bool:
    """Return whether a later track may be the same thing, further down.

    Drag never makes a thing much slower than it was, and nothing pulls it more than before.
    """
    begins_s, ends_s = float(track.t_s[0]), float(track.t_s[-1])
    gap_s = float(later.t_s[0]) - ends_s
    if not 0 < gap_s <= UNSEEN_S_MAX:
        return False
    speed = track.parabola.speed_at(ends_s)
    pull = (speed - track.parabola.speed_at(begins_s)) / max(ends_s - begins_s, 1e-3)
    fallen = float(later.m[0, 1] - track.m[-1, 1])
    return SLOWER * speed * gap_s <= fallen <= speed * gap_s + pull * gap_s**2 / 2


def relinked(seed: Seed, window: Window, seen: Gathered, taken: NDArray[np.bool_]) -> Track | None:
    """Return the track that a seed belongs to; None if it does not hold."""
    guess = seed.parabola
    newest = float(seen.times[-1])
    kept: NDArray[np.intp] = np.empty(0, np.intp)
    for stage, back_s in enumerate(STAGES_S):
        since = max(newest - back_s, _begins_s(guess))
        for loose in (LOOSE, 1.0) if stage == 0 else (1.2,):
            kept = _on(guess, window, seen, since, loose)
            if len(kept) < POINTS_MIN:
                return None
            guess = _fit(seen, kept)
        if stage == 1 and not _plausible(guess, seen, kept, metric=window.facade.metric):
            return None
    kept = _without_strays(seen, kept)
    if len(kept) < POINTS_MIN:
        return None
    guess = _fit(seen, kept)
    return _track(guess, kept, window, seen, taken)


def _plausible(guess: Parabola, seen: Gathered, kept: NDArray[np.intp], *, metric: bool) -> bool:
    """Return whether it is worth looking further back."""
    frames = seen.frame[kept]
    if len(kept) < SPARSE * (frames[-1] - frames[0] + 1):
        return False
    low, high = PULL_MS2 if metric else PULL_UNKNOWN_MS2
    return low < guess.pull_at(float(seen.times[frames[len(frames) // 2]])) < high


def _begins_s(guess: Parabola) -> float:
    """Return the earliest instant at which a parabola can mean a fall: a little before its rest."""
    rest_s = guess.rest_s()
    return rest_s - 0.12 if np.isfinite(rest_s) and rest_s < guess.t0_s else -np.inf


def _fit(seen: Gathered, kept: NDArray[np.intp]) -> Parabola:
    times = seen.times[seen.frame[kept]]
    cubic = len(kept) >= CUBIC_POINTS_MIN and times[-1] - times[0] > 0.7  # noqa: PLR2004  # s, ours
    return through(times, seen.m[kept], cubic=cubic)


def _on(
    guess: Parabola, window: Window, seen: Gathered, since: float, loose: float
) -> NDArray[np.intp]:
    """Return the blob nearest to a parabola in each frame, where one is near enough."""
    first = int(seen.first[np.searchsorted(seen.times, since)])
    frames = seen.frame[first:]
    if len(frames) == 0:
        return np.empty(0, np.intp)
    wanted = window.pixels(guess.at(seen.times))
    away = np.hypot(*(seen.px[first:] - wanted[frames]).T)
    allowed = _allowed_px(guess, window, seen) * loose
    away = away - seen.size_px[first:] * 0.15
    near = np.flatnonzero(away < allowed[frames])
    if len(near) == 0:
        return near
    order = near[np.lexsort((away[near], frames[near]))]
    once = np.concatenate([[True], np.diff(frames[order]) > 0])
    return np.asarray(order[once] + first, np.intp)


def _allowed_px(guess: Parabola, window: Window, seen: Gathered) -> Array:
    ends = window.facade.px_per_m(guess.at(seen.times[[0, -1]]))
    scale = np.linspace(ends[0], ends[1], len(seen.times))
    return np.maximum(NEAR_PX, np.minimum(NEAR_M * scale, 8.0))


def _without_strays(seen: Gathered, kept: NDArray[np.intp]) -> NDArray[np.intp]:
    """Leave out lone first sightings behind a long gap: chance, or the hand that let go."""
    times = seen.times[seen.frame[kept]]
    while len(times) > POINTS_MIN and times[1] - times[0] > 0.3 * (times[-1] - times[0]):
        kept, times = kept[1:], times[1:]
    return kept


def _track(
    guess: Parabola,
    kept: NDArray[np.intp],
    window: Window,
    seen: Gathered,
    taken: NDArray[np.bool_],
) -> Track:
    times = seen.times[seen.frame[kept]]
    off_m = seen.m[kept] - guess.at(times)
    off_px = seen.px[kept] - window.pixels(guess.at(times))
    first, last = int(seen.frame[kept[0]]), int(seen.frame[kept[-1]])
    span = np.arange(first, last + 1)
    cells = window.cells(window.pixels(guess.at(seen.times[span])))
    return Track(
        t_s=times,
        m=seen.m[kept],
        px=seen.px[kept],
        size_px=seen.size_px[kept],
        box=seen.box[kept],
        tone=seen.tone[kept],
        parabola=guess,
        hits=len(kept) / len(span),
        chance=float(chance_of(cells, span, taken)),
        rms_m=float(np.sqrt(np.mean(np.sum(np.square(off_m), axis=1)))),
        rms_px=float(np.sqrt(np.mean(np.sum(np.square(off_px), axis=1)))),
    )
