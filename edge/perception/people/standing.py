"""What stands, rather than passes: a vehicle that stays where it is.

    seen -> within a quarter of its size of where it was for `stands_s` -> stands
    not seen for `gone_s`, in `gone_looks` looks or more                -> gone

Detectors lose what is parked now and then, and passers-by hide it: one look without it is little.
"""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import replace

from edge.perception.people.bodies import Thing
from edge.perception.people.shapes import Box, Polygon, foot, holds, middle, overlap, size

THINGS_MAX = 128


class StandingLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When something stands. All ours.

    Attributes:
        score_min: Of a vehicle that is followed.
        stands_s: So long in one place; how long it may is the rule's question.
        moved_share_max: Of its longer side; the box of what stands trembles by so much.
        gone_s: Not seen for so long,
        gone_looks: and in so many looks, it has gone.
    """

    score_min: Annotated[float, Meta(ge=0, le=1)] = 0.35
    stands_s: Annotated[float, Meta(ge=1, le=600)] = 15.0
    moved_share_max: Annotated[float, Meta(gt=0, le=1)] = 0.25
    gone_s: Annotated[float, Meta(ge=1, le=600)] = 15.0
    gone_looks: Annotated[int, Meta(ge=1, le=100)] = 3


class Stood(Struct, frozen=True, kw_only=True):
    """A vehicle, and since when it is where it is.

    Attributes:
        place: Where it was first; it stands while it stays near.
        missed: Looks in a row without it.
    """

    box: Box
    place: Box
    since: int
    seen_at: int
    missed: int = 0


def stand(
    known: Sequence[Stood], things: Sequence[Thing], at: int, limits: StandingLimits
) -> tuple[Stood, ...]:
    """Take in the vehicles of a look."""
    sure = [one for one in things if one.score >= limits.score_min]
    claims = sorted(
        (-shared, index, number)
        for index, one in enumerate(known)
        for number, thing in enumerate(sure)
        if (shared := overlap(one.box, thing.box)) > _SHARED_MIN
    )
    of: dict[int, int] = {}
    for _, index, number in claims:
        if index not in of and number not in of.values():
            of[index] = number
    kept = [
        _seen(one, sure[of[index]].box, at, limits)
        if index in of
        else replace(one, missed=one.missed + 1)
        for index, one in enumerate(known)
    ]
    kept = [one for one in kept if not _gone(one, at, limits)]
    fresh = [thing.box for number, thing in enumerate(sure) if number not in of.values()]
    kept += [Stood(box=box, place=box, since=at, seen_at=at) for box in fresh]
    return tuple(kept[:THINGS_MAX])


def stands(one: Stood, limits: StandingLimits) -> bool:
    """Return whether a vehicle stands by what has been seen of it."""
    return one.seen_at - one.since >= limits.stands_s * 1_000


def within(one: Stood, polygon: Polygon) -> bool:
    """Return whether a vehicle is in a place, by where it touches the ground."""
    x, y = foot(one.box)
    # The lower edge of a box is the nearest wheel; the middle of what stands is a little behind it.
    return holds(polygon, (x, y)) or holds(polygon, (x, y - _DEPTH * size(one.box)[1]))


def _seen(one: Stood, box: Box, at: int, limits: StandingLimits) -> Stood:
    (x, y), (then_x, then_y) = middle(box), middle(one.place)
    moved = max(abs(x - then_x), abs(y - then_y)) > limits.moved_share_max * max(*size(one.place))
    if moved:
        return Stood(box=box, place=box, since=at, seen_at=at)
    return replace(one, box=box, seen_at=at, missed=0)


def _gone(one: Stood, at: int, limits: StandingLimits) -> bool:
    passing = not stands(one, limits) and one.missed > _PASSING_MISSED
    return passing or (
        one.missed >= limits.gone_looks and at - one.seen_at >= limits.gone_s * 1_000
    )


_SHARED_MIN = 0.3
_DEPTH = 0.25
_PASSING_MISSED = 2
