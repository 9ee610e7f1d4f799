"""How likely a track along a facade is a thing that falls: boosted trees on what a track shows.

The physics stands before it (`edge/perception/highrise/gate.py`); the trees weigh what the limits
let through. Features are free of scale where there is no scale, and know nothing of where in the
picture or at what hour a track was.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files

import numpy as np
from numpy.typing import NDArray

from models.fall_trees import Forest

Array = NDArray[np.float64]

G_MS2 = 9.81

WEIGHTS = "highrise_v1.npz"

FINEST_PX = 0.3
"""No nearer to a line than this is a blob's middle known. Ours."""

FEATURES = (
    "points", "hits", "chance", "evidence", "straightness", "rms_share", "rms_px", "sideways",
    "first_share", "pull_ratio", "curve_change", "size_px", "size_spread", "size_trend",
    "box_shape", "shape_spread", "tone", "tone_spread", "tone_sides", "gap_share", "downward",
    "bend",
)  # fmt: skip
"""What is measured of a track, in the order of the columns."""


@dataclass(frozen=True)
class Sightings:
    """A track, and the parabola through it.

    Attributes:
        t_s: (N,) when, N >= 5.
        m: (N, 2) metres right and down.
        size_px: (N,) square root of the box's area.
        box: (N, 2) width and height in pixels.
        tone: (N,) grey levels lighter or darker than what is behind.
        px_per_m: (N,) scale at each sighting.
        down: (3,) or (4,) coefficients of y in powers of the time to the last sighting.
        hits: Share of frames with a sighting.
        chance: Share that parabolas beside it would have had.
        evidence: Nats that it is not chance.
        rms_m: Distance from the parabola.
        rms_px: The same in pixels.
        metric: Whether metres are metres.
        height_m: Of the facade, in the same metres.
    """

    t_s: Array
    m: Array
    size_px: Array
    box: Array
    tone: Array
    px_per_m: Array
    down: Array
    hits: float
    chance: float
    evidence: float
    rms_m: float
    rms_px: float
    metric: bool
    height_m: float


def measured(track: Sightings) -> Array:
    """Return (F,) features of a track, in the order of `FEATURES`."""
    time = track.t_s - track.t_s[-1]
    drop = float(track.m[-1, 1] - track.m[0, 1])
    span = max(-float(time[0]), 1e-3)
    first, last = _speed(track.down, float(time[0])), _speed(track.down, 0.0)
    pull = (last - first) / span
    begins, ends = _pull(track.down, float(time[0])), _pull(track.down, 0.0)
    way = np.hypot(*np.diff(track.m, axis=0).T).sum()
    chord = np.hypot(*(track.m[-1] - track.m[0]))
    half = len(time) // 2
    sizes = np.log(np.maximum(track.size_px, 1) / track.px_per_m)
    shape = np.log(np.maximum(track.box[:, 1], 1) / np.maximum(track.box[:, 0], 1))
    sides = np.sign(track.tone)
    steps = np.diff(track.m[:, 1])
    return np.array(
        [
            len(time),
            track.hits,
            track.chance,
            track.evidence,
            chord / max(way, 1e-6),
            track.rms_m / max(drop, 1e-3),
            track.rms_px,
            abs(float(track.m[-1, 0] - track.m[0, 0])) / max(drop, 1e-3),
            first / max(last, 1e-3),
            pull / G_MS2 if track.metric else 1.0,
            (ends - begins) / max(abs(pull), 1e-3) / span if track.metric else 0.0,
            float(np.median(track.size_px)),
            float(sizes.std()),
            float(sizes[half:].mean() - sizes[:half].mean()),
            float(np.median(shape)),
            float(shape.std()),
            float(np.median(np.abs(track.tone))),
            float(np.abs(track.tone).std() / max(np.abs(track.tone).mean(), 1)),
            float(abs(sides.mean())),
            float(np.diff(track.t_s).max() / span),
            float((steps > 0).mean()),
            bend(track),
        ]
    )


def bend(track: Sightings) -> float:
    """Return how much worse two steady paces explain a track than its parabola; a logarithm.

    Two flakes of snow, one behind the other, look like a fall: slow, then fast. But each of them
    keeps its pace, and two straight lines fit them better than any parabola does. Over 0.6 s a
    thing that falls leaves a straight line by 0.15 m.
    """
    steady = _two_paces(track.t_s - track.t_s[0], track.m) / len(track.t_s)
    least = FINEST_PX / float(np.median(track.px_per_m))
    return float(np.log(max(np.sqrt(steady), least) / max(track.rms_m, least)))


def _two_paces(time: Array, places: Array) -> float:
    """Return the least sum of squared distances from two lines, one after the other."""
    places = places - places[0]
    sums = np.cumsum(
        [np.ones_like(time), time, time**2, *places.T, *(time * places.T), *(places.T**2)], axis=1
    )
    split = np.arange(_PACE_POINTS - 1, len(time) - _PACE_POINTS)
    if len(split) == 0:
        return 0.0
    before, after = sums[:, split], sums[:, -1:] - sums[:, split]
    left = _off_line(before) + _off_line(after)
    return float(np.maximum(left, 0).min())


def _off_line(sums: Array) -> Array:
    """Return the squared distances from the best lines, of sums over their points."""
    n, t, tt = sums[:3]
    total: Array = np.zeros_like(n)
    spread: Array = np.maximum(n * tt - t**2, 1e-12)
    for axis in (0, 1):
        y, ty, yy = sums[3 + axis], sums[5 + axis], sums[7 + axis]
        slope = (n * ty - t * y) / spread
        total += yy - y**2 / n - slope * (ty - t * y / n)
    return total


@dataclass(frozen=True)
class FallJudge:
    """Weighs tracks.

    Attributes:
        forest: Log-odds, 0 at the operating point; None lets everything pass.
    """

    forest: Forest | None

    @classmethod
    def shipped(cls) -> "FallJudge":
        """Return the judge that ships."""
        return _shipped()

    def score_one(self, track: Sightings) -> float:
        """Return how likely a track is a falling thing, from 0 to 1."""
        if self.forest is None:
            return 1.0
        odds = float(self.forest.log_odds(measured(track)[None])[0])
        return float(1 / (1 + np.exp(-np.clip(odds, -30, 30))))


@cache
def _shipped() -> FallJudge:
    with as_file(files("models") / "weights" / WEIGHTS) as path, np.load(path) as kept:
        return FallJudge(Forest.from_arrays(kept, ""))


_PACE_POINTS = 4
"""Each of two lines needs so many points at least."""


def _speed(down: Array, time: float) -> float:
    return float(sum(k * c * time ** (k - 1) for k, c in enumerate(down) if k))


def _pull(down: Array, time: float) -> float:
    return float(sum(k * (k - 1) * c * time ** (k - 2) for k, c in enumerate(down) if k > 1))
