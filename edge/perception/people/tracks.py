"""Boxes of one look to those of the next: whose is whose, without looking at who it is.

    boxes -> claimed by the likest track, best first -> the others begin tracks, if they are sure
    a track that is not seen for `LOST_MS`, nor in `MISSED_MAX` looks of the detector, has ended

Somebody who falls changes shape within half a second, so that likeness is a place, not a shape.
"""

from collections.abc import Sequence
from math import hypot

from msgspec import Struct
from msgspec.structs import replace

from edge.perception.people.bodies import Body
from edge.perception.people.shapes import Box, middle, overlap, size

BEGIN_MIN = 0.35
"""Score from which a body begins a track; a weaker one only continues one. Ours: at 0.3 CenterNet
takes a rock for a person now and then."""
OVERLAP_MIN = 0.15
REACH, STRIDE, REACH_MAX = 0.6, 0.8, 1.4
"""Where there is less overlap: middles no further apart than so many longer sides, and so many more
for each second between the looks: who walks, goes 0.8 of her height in one. Ours."""
LIKE_AREA = 0.2
"""The smaller over the larger area, at least. Ours."""
LOST_MS = 2_000
MISSED_MAX = 3
"""Looks of the detector: where nothing moves they are seconds apart."""
CONFIRMED = 2
"""Looks from which on a track is somebody,"""
SURE_MIN = 0.5
"""or one look of the detector that is so sure. Ours."""
NEW_MS = 500
"""So long a track is new; a fall shows against two looks at somebody upright. Ours."""
KEPT_MS = 5_000
TRACKS_MAX = 256
"""At one time; beyond it nobody new is followed, and the surest come first."""


class Glimpse(Struct, frozen=True):
    """A body in one look.

    Attributes:
        at: Milliseconds UTC.
        tilt: As in `Body`.
    """

    at: int
    box: Box
    tilt: float | None = None


class Track(Struct, frozen=True, kw_only=True):
    """One body over time.

    Attributes:
        id: Never given twice by one tracker.
        glimpses: Of the last `KEPT_MS`, oldest first.
        hits: In how many looks it was seen,
        detected: and in how many of them by the detector of persons.
        best: The best score so far.
        missed: Looks of the detector in a row without it.
    """

    id: int
    glimpses: tuple[Glimpse, ...]
    hits: int = 1
    detected: int = 0
    best: float = 0.0
    missed: int = 0

    @property
    def box(self) -> Box:
        """Where it was last."""
        return self.glimpses[-1].box

    @property
    def seen_at(self) -> int:
        """When it was seen last."""
        return self.glimpses[-1].at

    @property
    def confirmed(self) -> bool:
        """Whether it is somebody: seen by the detector, and more than once or very surely."""
        return self.detected > 0 and (self.hits >= CONFIRMED or self.best >= SURE_MIN)


class Tracks(Struct, frozen=True):
    """All that are followed, in the order of their ids, and the id of the next."""

    following: tuple[Track, ...] = ()
    next: int = 1


def follow(tracks: Tracks, bodies: Sequence[Body], at: int, *, detecting: bool) -> Tracks:
    """Take in the bodies of a look.

    Args:
        tracks: All that are followed.
        bodies: Surest first.
        at: When the frame was taken.
        detecting: The detector has looked, so that whom it did not find it missed.
    """
    alive = [
        one for one in tracks.following if at - one.seen_at <= LOST_MS or one.missed < MISSED_MAX
    ]
    claims = sorted(
        (-score, track.id, index)
        for track in alive
        for index, body in enumerate(bodies)
        if (score := likeness(track.box, body.box, at - track.seen_at)) > 0
    )
    known = {one.id: one for one in alive}
    claimed: dict[int, int] = {}
    taken: set[int] = set()
    for _, number, index in claims:
        if number not in claimed and index not in taken:
            claimed[number] = index
            taken.add(index)
    following = [
        _seen(one, bodies[claimed[one.id]], at)
        if one.id in claimed
        else replace(one, missed=one.missed + detecting)
        for one in known.values()
    ]
    upcoming = tracks.next
    for index, body in enumerate(bodies):
        if index not in taken and body.score >= BEGIN_MIN and len(following) < TRACKS_MAX:
            glimpse = Glimpse(at, body.box, body.tilt)
            following.append(
                Track(
                    id=upcoming,
                    glimpses=(glimpse,),
                    detected=int(body.detected),
                    best=body.score,
                )
            )
            upcoming += 1
    return Tracks(tuple(following), upcoming)


def new(track: Track, at: int) -> bool:
    """Return whether somebody has been followed for a moment only."""
    return at - track.glimpses[0].at <= NEW_MS and track.hits <= CONFIRMED


def found_again(tracks: Tracks, number: int, body: Body, at: int) -> Tracks:
    """Return tracks with one more glimpse of the one that has this id."""
    following = [_seen(one, body, at) if one.id == number else one for one in tracks.following]
    return replace(tracks, following=tuple(following))


def likeness(one: Box, other: Box, apart_ms: int) -> float:
    """Return how well a box continues another some time later; 0 for not at all."""
    (wide, high), (own_wide, own_high) = size(one), size(other)
    areas = sorted((wide * high, own_wide * own_high))
    if areas[0] < LIKE_AREA * areas[1] or areas[0] <= 0:
        return 0.0
    shared = overlap(one, other)
    if shared >= OVERLAP_MIN:
        return 1 + shared
    (x, y), (own_x, own_y) = middle(one), middle(other)
    share = min(REACH + STRIDE * apart_ms / 1_000, REACH_MAX)
    reach = share * max(wide, high, own_wide, own_high)
    return max(1 - hypot(x - own_x, y - own_y) / reach, 0.0)


def _seen(track: Track, body: Body, at: int) -> Track:
    kept = tuple(one for one in track.glimpses if one.at >= at - KEPT_MS and one.at < at)
    return replace(
        track,
        glimpses=(*kept, Glimpse(at, body.box, body.tilt)),
        hits=track.hits + 1,
        detected=track.detected + body.detected,
        best=max(track.best, body.score),
        missed=0,
    )
