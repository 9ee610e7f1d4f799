"""The physics that tells a fall from all else: it begins at rest, gravity pulls it, it gets fast.

A bird brakes or bends away, a leaf or a bag never gets fast, rain is fast from the first, a
gondola keeps its speed, laundry comes back. What the limits here let through is weighed by
`models/highrise.py`.
"""

from msgspec import Struct

from edge.perception.highrise.relink import Track
from models.highrise import G_MS2


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a fall must show, where the scale is known.

    Attributes:
        drop_m_min: Two floors.
        drop_share_min: The share of an outline's height that stands for it where there is no scale.
        drop_m_min_wet: In rain and snow, when many things move: half a floor more.
        wet_blobs: Things that move at once, in the median, from which on it is wet.
        points_min: Sightings.
        hits_min: Share of frames with a sighting.
        hits_min_wet: The same in rain and snow, where chance fills the gaps.
        pull_ms2: Acceleration over the whole: gravity less drag; thrown towards the camera, it
            looks like more. The upper limit holds at the last sighting, too, as far as the fit
            knows it there: two errors less.
        first_ms_min: Speed at the first sighting; nobody throws anything up faster past a camera.
        first_ms_max: The same, at most: 4 m below its release; more has fallen from out
            of view, or is rain.
        last_ms_min: Speed at the last; leaves, bags and paper stay below 3.5 m/s.
        rms_m_max: Distance from the parabola, in metres; as a share of the drop; in pixels, below
            which no camera sees it. The largest holds.
        sideways_share: Way across for each metre down, and a metre more.
        swerve_ms2_max: Acceleration sideways, two errors less, of what gravity hardly draws at its
            last sighting, by `swerve_pull_ms2` or less: air that stops it does not push it aside
            as well, wings do. Of 505 rendered falls none had more than 1.2.
        swerve_pull_ms2: See there.
        evidence_min: Nats that say it is not chance.
        evidence_min_wet: The same in rain and snow, where chance has many more tries.
        score_min: Of the forest.
        score_min_wet: The same in rain and snow, where a steady flake passes any second look.
        score_sure: Below it a second look must confirm the first.
        score_sure_wet: The same in rain and snow.

    References:
        shared/research/vision.md, section 4: limits measured on a prototype. The wet drop, the
        evidence and the score: models/cards/highrise_v1.md.
    """

    drop_m_min: float = 6.0
    drop_m_min_wet: float = 7.5
    drop_share_min: float = 0.3
    wet_blobs: float = 30.0
    points_min: int = 10
    hits_min: float = 0.5
    hits_min_wet: float = 0.65
    pull_ms2: tuple[float, float] = (4.0, 14.0)
    first_ms_min: float = -5.0
    first_ms_max: float = 9.0
    last_ms_min: float = 7.0
    rms_m_max: float = 0.25
    rms_share_max: float = 0.025
    rms_px_max: float = 1.5
    sideways_share: float = 0.6
    swerve_ms2_max: float = 1.5
    swerve_pull_ms2: float = 5.0
    evidence_min: float = 12.0
    evidence_min_wet: float = 40.0
    score_min: float = 0.85
    score_min_wet: float = 0.92
    score_sure: float = 0.92
    score_sure_wet: float = 0.95


SHIPPED = Limits()
ERRORS = 2.0
"""Standard errors by which an acceleration must exceed its limit: one measured fall in forty would,
if it were at the limit. Drag only ever lessens gravity; what seems to gain pace ever faster is the
chance of two flakes at two paces, or something with wings."""


def refused(track: Track, limits: Limits, *, metric: bool, wet: bool, height_m: float) -> str:
    """Return the first limit that a track breaks, by name; empty when it breaks none.

    Args:
        track: What was seen.
        limits: What a fall must show.
        metric: Whether metres are metres.
        wet: Whether it rains or snows.
        height_m: Of the facade, in its own metres.
    """
    begin_s, end_s = float(track.t_s[0]), float(track.t_s[-1])
    first, last = track.parabola.speed_at(begin_s), track.parabola.speed_at(end_s)
    pull = (last - first) / max(end_s - begin_s, 1e-3)
    across = abs(float(track.m[-1, 0] - track.m[0, 0]))
    least_m = limits.drop_m_min_wet if wet else limits.drop_m_min
    if not metric:
        least_m = limits.drop_share_min * height_m
    hits = limits.hits_min_wet if wet else limits.hits_min
    px_m = track.rms_m / max(track.rms_px, 1e-6)
    rms_m_max = max(limits.rms_m_max, limits.rms_share_max * track.drop_m, limits.rms_px_max * px_m)
    broken = {
        "points": len(track.t_s) < limits.points_min or track.hits < hits,
        "drop": track.drop_m < least_m,
        "parabola": track.rms_m > rms_m_max,
        "sideways": across > limits.sideways_share * track.drop_m + 1,
        "evidence": track.evidence() < (limits.evidence_min_wet if wet else limits.evidence_min),
    }
    for name, breaks in broken.items():
        if breaks:
            return name
    end, error = track.pull_end()
    least_end = end - ERRORS * error
    if metric:
        swerves = end <= limits.swerve_pull_ms2 and _swerves(track, limits)
        return "swerve" if swerves else _refused_speed(first, last, pull, least_end, limits)
    return _refused_pull(first, last, pull, least_end, height_m)


def _swerves(track: Track, limits: Limits) -> bool:
    swerve, error = track.swerve()
    return swerve - ERRORS * error > limits.swerve_ms2_max


def _refused_speed(first: float, last: float, pull: float, least_end: float, limits: Limits) -> str:
    if least_end > limits.pull_ms2[1]:
        return "end"
    if not limits.pull_ms2[0] <= pull <= limits.pull_ms2[1]:
        return "pull"
    if not limits.first_ms_min <= first <= limits.first_ms_max:
        return "first"
    return "last" if last < limits.last_ms_min else ""


_GROWS = 2.0
_HEIGHT_M = (9.0, 150.0)
_NEARER = 2.0
"""Times a metre may look larger at the end of a fall than in its mean, to a camera at its foot: 1.5
in the shared recordings. Ours."""


def _refused_pull(first: float, last: float, pull: float, least_end: float, height_m: float) -> str:
    """Judge without a scale: gravity itself must give a height that a building can have."""
    if least_end > _NEARER * height_m * G_MS2 / _HEIGHT_M[0]:
        return "end"
    if pull <= 0 or last < _GROWS * max(first, 0):
        return "pull"
    real_m = height_m * G_MS2 / pull
    return "" if _HEIGHT_M[0] <= real_m <= _HEIGHT_M[1] else "scale"
