"""Faces over frames: which box is whose, without looking at who it is.

detections -> claimed by the nearest track, best overlap first -> others begin a track
a track that is not seen for `LOST_MS` has ended

Between two looks at the whole picture, a track may be looked for where it should be (`continued`).
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

Box = tuple[float, float, float, float]
Way = Literal["towards", "away", "left", "right", "unknown"]

OVERLAP_MIN = 0.2
"""Shared area over joint area from which a box continues a track. Ours."""
REACH = 0.75
"""Where there is no overlap: middles no further apart than so many widths, at like size. Ours."""
LIKE_SIZE = 0.6
LOST_MS = 1_000
"""How long somebody may be hidden, by others or by a turned head. Ours."""
CONFIRMED = 3
"""Frames from which a track counts as somebody."""
TRACKS_MAX = 64
"""At one time; beyond it the surest faces are followed and the others left out."""
AHEAD_MS_MAX = 500
"""Nobody is foretold further than that: who walks turns. Ours."""
STEADY_MS = 150
"""A speed counts half after so long; two boxes 40 ms apart tell more of the detector than of a
walk. Ours."""
GROWN, SHIFTED = 1.15, 0.5
"""A face that has become so much larger comes closer, by an eighth of the way; or it has moved
aside by so many of its widths. Ours."""


class Track(Struct, frozen=True, kw_only=True):
    """One face over frames.

    Attributes:
        id: Never given twice by one tracker.
        box: Where it was last: left, top, right, bottom.
        first: Where it was first.
        moved: How far its middle moves in a millisecond.
        hits: In how many frames it was seen.
    """

    id: int
    box: Box
    first: Box
    moved: tuple[float, float] = (0.0, 0.0)
    first_at: int
    seen_at: int
    hits: int = 1

    @property
    def confirmed(self) -> bool:
        """Return whether it was seen often enough to be somebody."""
        return self.hits >= CONFIRMED


class Tracks(Struct, frozen=True):
    """All that are followed.

    Attributes:
        following: In the order of their ids.
        next: The id of the next.
    """

    following: tuple[Track, ...] = ()
    next: int = 1


class Followed(Struct, frozen=True):
    """What one frame did.

    Attributes:
        tracks: As they are after it.
        of: For each detection its track; None where there were too many.
        ended: Tracks that are over.
    """

    tracks: Tracks
    of: tuple[Track | None, ...]
    ended: tuple[Track, ...]


def follow(tracks: Tracks, boxes: Sequence[Box], at: int) -> Followed:
    """Take in the boxes of a frame, surest first."""
    ended = tuple(one for one in tracks.following if at - one.seen_at > LOST_MS)
    alive = [one for one in tracks.following if at - one.seen_at <= LOST_MS]
    claims = sorted(
        ((likeness(track, box, at - track.seen_at), track.id, index, track)
         for track in alive for index, box in enumerate(boxes)),
        key=lambda claim: (-claim[0], claim[1], claim[2]),
    )  # fmt: skip
    of: dict[int, Track] = {}
    claimed: set[int] = set()
    for score, number, index, track in claims:
        if score > 0 and number not in claimed and index not in of:
            claimed.add(number)
            of[index] = _seen(track, boxes[index], at)
    following = [one for one in alive if one.id not in claimed] + list(of.values())
    upcoming = tracks.next
    for index, box in enumerate(boxes):
        if index not in of and len(following) < TRACKS_MAX:
            of[index] = Track(id=upcoming, box=box, first=box, first_at=at, seen_at=at)
            following.append(of[index])
            upcoming += 1
    ordered = tuple(sorted(following, key=lambda one: one.id))
    return Followed(Tracks(ordered, upcoming), tuple(map(of.get, range(len(boxes)))), ended)


def continued(tracks: Tracks, seen: Mapping[int, Box], at: int) -> Tracks:
    """Return the tracks with those seen again that were looked for, each by its own id."""
    return replace(
        tracks,
        following=tuple(
            _seen(one, seen[one.id], at) if one.id in seen else one for one in tracks.following
        ),
    )


def foretold(track: Track, after_ms: int) -> Box:
    """Return where a track should be so long after it was seen."""
    ahead = min(max(after_ms, 0), AHEAD_MS_MAX)
    return _shifted(track.box, (track.moved[0] * ahead, track.moved[1] * ahead))


def likeness(track: Track, box: Box, after_ms: int = 0) -> float:
    """Return how well a box continues a track so long after it was seen; 0 for not at all."""
    expected = foretold(track, after_ms)
    shared = max(overlap(expected, box), overlap(track.box, box))
    if shared >= OVERLAP_MIN:
        return 1 + shared
    (wide, high), (own_wide, own_high) = _size(box), _size(track.box)
    like = min(wide, own_wide) / max(wide, own_wide, 1e-9)
    (x, y), (own_x, own_y) = _middle(box), _middle(expected)
    away = ((x - own_x) ** 2 + (y - own_y) ** 2) ** 0.5 / max(own_wide, own_high, 1e-9)
    return like * (1 - away / REACH) if like >= LIKE_SIZE and away < REACH and high else 0.0


def overlap(one: Box, other: Box) -> float:
    """Return the area that two boxes share over the area that they cover."""
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    if across <= 0 or down <= 0:
        return 0.0
    shared = across * down
    (wide, high), (other_wide, other_high) = _size(one), _size(other)
    return shared / (wide * high + other_wide * other_high - shared)


def way_of(track: Track) -> Way:
    """Return how somebody moves in the picture; unknown while she has hardly moved."""
    (wide, high), (_, first_high) = _size(track.box), _size(track.first)
    if first_high and high / first_high >= GROWN:
        return "towards"
    if high and first_high / high >= GROWN:
        return "away"
    (x, _), (first_x, _) = _middle(track.box), _middle(track.first)
    if abs(x - first_x) >= SHIFTED * wide and wide:
        return "right" if x > first_x else "left"
    return "unknown"


def _seen(track: Track, box: Box, at: int) -> Track:
    (x, y), (old_x, old_y) = _middle(box), _middle(track.box)
    passed = max(at - track.seen_at, 1)
    share = passed / (passed + STEADY_MS)
    moved = (
        track.moved[0] + share * ((x - old_x) / passed - track.moved[0]),
        track.moved[1] + share * ((y - old_y) / passed - track.moved[1]),
    )
    return replace(track, box=box, moved=moved, seen_at=at, hits=track.hits + 1)


def _shifted(box: Box, by: tuple[float, float]) -> Box:
    return box[0] + by[0], box[1] + by[1], box[2] + by[0], box[3] + by[1]


def _middle(box: Box) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def _size(box: Box) -> tuple[float, float]:
    return max(box[2] - box[0], 0.0), max(box[3] - box[1], 0.0)
