"""A fall, from how one body's box and trunk change: upright, then low and flat, within a second.

    upright ... -> down within `drop_s_max` -> low and flat near the floor for `lies_s_min` -> fell

Who sits down stays tall; who bends keeps the feet where they were and a box that is higher than
wide; who lies down to rest takes longer. Pure: glimpses in, a verdict out.
"""

from collections.abc import Sequence
from statistics import median
from typing import Annotated

from msgspec import Meta, Struct

from edge.perception.people.shapes import size, wide
from edge.perception.people.tracks import Glimpse

Share = Annotated[float, Meta(gt=0, le=2)]


class FallLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a fall must show. All ours, chosen with room on both sides; see decision 0018.

    Attributes:
        upright_wide_max: An upright body's box is at most so many times as wide as high,
        upright_tilt_max: and its trunk at most so many degrees from upright.
        low_share_max: A lying body's box is at most this share as high as the upright one was.
        drop_share_min: Its top came down by this share of that height.
        rise_share_max: Its lower edge is at most this share above where the feet were: not a bed.
        flat_wide_min: It is at least so many times as wide as high,
        flat_tilt_min: or its trunk is at least so many degrees from upright.
        begins_share: Until it was this share as high as before, it had not begun to go down.
        drop_s_max: From there to lying in so many seconds; lying down to rest takes longer.
        lies_s_min: It was seen so for so many seconds,
        lies_looks_min: in so many looks.
    """

    upright_wide_max: Share = 0.85
    upright_tilt_max: Annotated[float, Meta(gt=0, lt=90)] = 40.0
    low_share_max: Share = 0.65
    drop_share_min: Share = 0.3
    rise_share_max: Share = 0.25
    flat_wide_min: Share = 1.1
    flat_tilt_min: Annotated[float, Meta(gt=0, lt=180)] = 55.0
    begins_share: Share = 0.88
    drop_s_max: Annotated[float, Meta(gt=0, le=10)] = 1.4
    lies_s_min: Annotated[float, Meta(ge=0, le=60)] = 0.3
    lies_looks_min: Annotated[int, Meta(ge=1, le=100)] = 3


class Down(Struct, frozen=True):
    """A body that went down.

    Attributes:
        at: When it was first low, milliseconds UTC.
        drop_s: How long it took.
        lies_s: How long it has been seen lying since.
        looks: In how many looks.
        high: How high the body was when it stood, pixels.
    """

    at: int
    drop_s: float
    lies_s: float
    looks: int
    high: float


def down(glimpses: Sequence[Glimpse], limits: FallLimits) -> Down | None:
    """Return how a body went down, if it did and is down in the newest glimpse.

    Args:
        glimpses: Of one body, oldest first; a few seconds of them.
        limits: What a fall must show.
    """
    standing = [one for one in glimpses if upright(one, limits)]
    if len(standing) < _STANDING_MIN:
        return None
    recent = [one for one in standing if one.at >= standing[-1].at - _REFERENCE_MS]
    heights = sorted(size(one.box)[1] for one in recent)
    high = heights[len(heights) * 3 // 4]  # the highest may be a box that holds two
    stood = [one for one in recent if size(one.box)[1] >= limits.begins_share * high]
    top = median(one.box[1] for one in stood[-_LAST:])
    bottom = median(one.box[3] for one in stood[-_LAST:])

    def lies(one: Glimpse) -> bool:
        return (
            flat(one, limits)
            and size(one.box)[1] <= limits.low_share_max * high
            and one.box[1] - top >= limits.drop_share_min * high
            and one.box[3] >= bottom - limits.rise_share_max * high
        )

    low = [one for one in glimpses if one.at > stood[-1].at and lies(one)]
    if not low or low[-1] is not glimpses[-1]:
        return None
    drop_s, lies_s = (low[0].at - stood[-1].at) / 1_000, (low[-1].at - low[0].at) / 1_000
    return Down(low[0].at, drop_s, lies_s, len(low), high) if drop_s <= limits.drop_s_max else None


def fell(found: Down | None, limits: FallLimits) -> bool:
    """Return whether a body that went down has been seen lying for long enough."""
    return (
        found is not None
        and found.lies_s >= limits.lies_s_min
        and found.looks >= limits.lies_looks_min
    )


def upright(one: Glimpse, limits: FallLimits) -> bool:
    """Return whether a body stands, walks or sits."""
    tilted = one.tilt is not None and one.tilt > limits.upright_tilt_max
    return wide(one.box) <= limits.upright_wide_max and not tilted


def flat(one: Glimpse, limits: FallLimits) -> bool:
    """Return whether a body lies, by its box or by its trunk."""
    tilted = one.tilt is not None and one.tilt >= limits.flat_tilt_min
    return tilted or wide(one.box) >= limits.flat_wide_min


_STANDING_MIN = 2
_LAST = 5
_REFERENCE_MS = 2_500
