"""What following faces promises, whatever a detector shows."""

from hypothesis import given
from hypothesis import strategies as st

from edge.perception.gate.tracks import (
    CONFIRMED,
    LOST_MS,
    TRACKS_MAX,
    Box,
    Tracks,
    follow,
    likeness,
    overlap,
    way_of,
)

numbers = st.floats(-2_000, 4_000)
sizes = st.floats(0, 800)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    x, y = draw(numbers), draw(numbers)
    return x, y, x + draw(sizes), y + draw(sizes)


frames = st.lists(st.lists(boxes(), max_size=6), max_size=12)


def square(x: float, y: float = 100, side: float = 60) -> Box:
    return x - side / 2, y - side / 2, x + side / 2, y + side / 2


@given(frames, st.integers(1, 3_000))
def test_every_face_has_one_track_and_every_track_one_face(
    shown: list[list[Box]], step_ms: int
) -> None:
    tracks = Tracks()
    for number, found in enumerate(shown):
        followed = follow(tracks, found, number * step_ms)
        tracks = followed.tracks

        assert len(followed.of) == len(found)
        assert len({one.id for one in followed.of if one}) == len(found)
        assert len({one.id for one in tracks.following}) == len(tracks.following)
        for track, box in zip(followed.of, found, strict=True):
            assert track
            assert track.box == box


@given(frames)
def test_an_id_is_never_given_twice(shown: list[list[Box]]) -> None:
    tracks, ended = Tracks(), set()
    for number, found in enumerate(shown):
        followed = follow(tracks, found, number * (LOST_MS + 1))
        tracks = followed.tracks
        over = {one.id for one in followed.ended}

        assert over & ended == set()
        ended |= over
        assert ended & {one.id for one in tracks.following} == set()


@given(st.integers(3, 40), st.floats(-25, 25), st.floats(0, 2))
def test_somebody_who_walks_stays_one(steps: int, speed: float, grows: float) -> None:
    tracks = Tracks()
    for tick in range(steps):
        box = square(300 + speed * tick, side=60 + grows * tick)
        tracks = follow(tracks, [box], tick * 125).tracks

    [track] = tracks.following
    assert track.hits == steps
    assert track.confirmed == (steps >= CONFIRMED)


@given(st.integers(4, 30))
def test_two_who_pass_each_other_at_a_distance_stay_two(steps: int) -> None:
    tracks = Tracks()
    first: dict[int, float] = {}
    for tick in range(steps):
        left, right = square(100 + 10 * tick, y=100), square(500 - 10 * tick, y=200)
        followed = follow(tracks, [left, right], tick * 125)
        tracks = followed.tracks
        for one, y in zip(followed.of, (100, 200), strict=True):
            assert one
            assert first.setdefault(one.id, y) == y

    assert len(first) == 2


@given(st.integers(1, LOST_MS), st.integers(LOST_MS + 1, 10 * LOST_MS))
def test_who_is_hidden_for_a_moment_is_still_there_and_who_has_gone_is_over(
    short: int, long: int
) -> None:
    tracks = follow(Tracks(), [square(100)], 0).tracks

    assert follow(tracks, [], short).ended == ()
    assert follow(tracks, [], long).ended == tracks.following
    assert follow(tracks, [square(101)], short).tracks.following[0].id == 1


def test_a_crowd_beyond_the_limit_is_left_out_and_not_mixed_up() -> None:
    crowd = [square(100 * number) for number in range(TRACKS_MAX + 5)]

    followed = follow(Tracks(), crowd, 0)

    assert len(followed.tracks.following) == TRACKS_MAX
    assert followed.of[TRACKS_MAX:] == (None,) * 5


@given(boxes(), boxes())
def test_overlap_is_a_share_and_the_same_from_both_sides(one: Box, other: Box) -> None:
    assert 0 <= overlap(one, other) <= 1
    assert overlap(one, other) == overlap(other, one)


@given(boxes())
def test_a_box_is_never_unlike_itself_unless_it_is_empty(box: Box) -> None:
    track = follow(Tracks(), [box], 0).tracks.following[0]

    assert (likeness(track, box) > 0) == (box[2] > box[0] and box[3] > box[1])


def test_ways_are_told_by_size_first_and_then_by_side() -> None:
    def way(*boxes: Box) -> str:
        tracks = Tracks()
        for tick, box in enumerate(boxes):
            tracks = follow(tracks, [box], tick).tracks
        return way_of(tracks.following[0])

    assert way(square(100, side=60), square(105, side=80)) == "towards"
    assert way(square(100, side=80), square(105, side=60)) == "away"
    assert way(square(100), square(120), square(140)) == "right"
    assert way(square(140), square(120), square(100)) == "left"
    assert way(square(100), square(105)) == "unknown"
