"""What is promised about a fall, from boxes and trunks alone."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from edge.perception.people.fall import FallLimits, down, fell
from edge.perception.people.shapes import Box
from edge.perception.people.tracks import Glimpse

LIMITS = FallLimits()
START = 1_767_225_600_000
STANDING, LYING = (0.35, 1.0, 2.0), (1.1, 0.35, 88.0)
"""Width and height in heights of somebody who stands, and the tilt of the trunk in degrees."""
SITTING, BENT, CROUCHING = (0.45, 0.75, 12.0), (0.65, 0.7, 75.0), (0.5, 0.55, 25.0)

Posture = tuple[float, float, float]
Story = list[tuple[float, Posture]]
"""From which second on somebody has a posture; in between she changes evenly."""


def seen(story: Story, *, fps: float = 8, high: float = 180, left: float = 100) -> list[Glimpse]:
    """Return what looks would show of a story, somebody's feet at one place on the floor."""
    glimpses = []
    for look in range(int(story[-1][0] * fps) + 1):
        at_s = look / fps
        wide, tall, tilt = _posture(story, at_s)
        middle, floor = left + high, 20 + high * 1.2
        box: Box = (
            middle - wide * high / 2, floor - tall * high, middle + wide * high / 2, floor,
        )  # fmt: skip
        glimpses.append(Glimpse(START + round(at_s * 1_000), box, tilt))
    return glimpses


def _posture(story: Story, at_s: float) -> Posture:
    for (began, one), (ends, other) in pairwise(story):
        if at_s <= ends:
            share = (at_s - began) / max(ends - began, 1e-9)
            wide, tall, tilt = (a + (b - a) * share for a, b in zip(one, other, strict=True))
            return wide, tall, tilt
    return story[-1][1]


def falls(glimpses: list[Glimpse]) -> bool:
    """Return whether any moment of a story is taken for a fall, with five seconds' memory."""
    for end in range(1, len(glimpses) + 1):
        kept = [one for one in glimpses[:end] if one.at >= glimpses[end - 1].at - 5_000]
        if fell(down(kept, LIMITS), LIMITS):
            return True
    return False


def then(first: Posture, second: Posture, *, takes_s: float, stays_s: float = 3.0) -> Story:
    return [(0, first), (2, first), (2 + takes_s, second), (2 + takes_s + stays_s, second)]


@given(
    st.sampled_from([STANDING, SITTING]),
    st.floats(0.4, 1.2),
    st.floats(6, 15),
    st.floats(40, 900),
    st.floats(-500, 2_000),
)
def test_somebody_who_goes_down_within_a_second_and_lies_there_fell(
    before, takes_s, fps, high, left
) -> None:
    assert falls(seen(then(before, LYING, takes_s=takes_s), fps=fps, high=high, left=left))


@given(st.sampled_from([SITTING, BENT, CROUCHING]), st.floats(0.2, 3), st.floats(3, 15))
def test_who_sits_down_bends_or_crouches_did_not_fall(after, takes_s, fps) -> None:
    there = then(STANDING, after, takes_s=takes_s)
    back = [*there, (there[-1][0] + 0.6, STANDING), (there[-1][0] + 2, STANDING)]

    assert not falls(seen(back, fps=fps))


@given(st.floats(4.5, 9), st.floats(3, 15))
def test_who_lies_down_to_rest_did_not_fall(takes_s, fps) -> None:
    assert not falls(seen(then(STANDING, LYING, takes_s=takes_s), fps=fps))


@given(st.floats(0.5, 3), st.floats(3, 15))
def test_who_lies_on_a_bed_is_not_on_the_floor(takes_s, fps) -> None:
    on_the_floor = seen(then(STANDING, LYING, takes_s=takes_s), fps=fps)
    bed = [
        Glimpse(one.at, (one.box[0], one.box[1] - lift, one.box[2], one.box[3] - lift), one.tilt)
        for one in on_the_floor
        for lift in (60.0 * ((one.tilt or 0) - STANDING[2]) / (LYING[2] - STANDING[2]),)
    ]

    assert not falls(bed)


def test_who_was_seen_lying_only_once_has_not_fallen_yet() -> None:
    story = seen(then(STANDING, LYING, takes_s=0.5, stays_s=0))

    assert down(story, LIMITS) is not None
    assert not fell(down(story, LIMITS), LIMITS)


def test_a_box_alone_is_enough_where_joints_are_not_seen() -> None:
    without = [Glimpse(one.at, one.box) for one in seen(then(STANDING, LYING, takes_s=0.6))]

    assert falls(without)


def test_who_walks_away_only_becomes_smaller() -> None:
    away = [
        Glimpse(START + look * 125, (100 + look, 50.0, 160 - look, 250 - look * 5.0), 3.0)
        for look in range(30)
    ]

    assert not falls(away)
