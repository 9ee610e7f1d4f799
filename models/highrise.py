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

FEATURES = (
    "points", "hits", "chance", "evidence", "straightness", "rms_share", "rms_px", "sideways",
    "first_share", "pull_ratio", "curve_change", "size_px", "size_spread", "size_trend",
    "box_shape", "shape_spread", "tone", "tone_spread", "tone_sides", "gap_share", "downward",
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
        ]
    )


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


def _speed(down: Array, time: float) -> float:
    return float(sum(k * c * time ** (k - 1) for k, c in enumerate(down) if k))


def _pull(down: Array, time: float) -> float:
    return float(sum(k * (k - 1) * c * time ** (k - 2) for k, c in enumerate(down) if k > 1))
