"""What a vote promises: one frame decides nothing, order changes nothing, doubt is nobody."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from edge.perception.gate.vote import (
    AGREE_MIN,
    UNKNOWN_MIN,
    VOTES_MAX,
    VOTES_MIN,
    Vote,
    cast,
    decide,
    welcome,
)

MATCH_AT = 0.5
people = st.sampled_from(["", "r-1", "r-2", "w-1"])
shares = st.floats(0, 1)
votes = st.builds(Vote, people, st.floats(-1, 1), shares, st.none() | shares)
several = st.lists(votes, max_size=VOTES_MAX)


@given(st.lists(votes, max_size=VOTES_MIN - 1), st.booleans())
def test_fewer_than_three_frames_decide_nothing(seen: list[Vote], over: bool) -> None:
    assert decide(seen, MATCH_AT, over=over) is None


@given(several, st.randoms(use_true_random=False), st.booleans())
def test_the_order_of_frames_changes_nothing(seen: list[Vote], dice: object, over: bool) -> None:
    mixed = list(seen)
    dice.shuffle(mixed)  # type: ignore[attr-defined]

    assert decide(mixed, MATCH_AT, over=over) == decide(seen, MATCH_AT, over=over)


@given(several, st.booleans())
def test_whoever_is_named_was_near_enough_in_three_frames_and_in_most(
    seen: list[Vote], over: bool
) -> None:
    verdict = decide(seen, MATCH_AT, over=over)

    if verdict and verdict.person:
        near = [one for one in seen if one.person == verdict.person and one.score >= MATCH_AT]
        assert len(near) >= max(VOTES_MIN, AGREE_MIN * len(seen))
        assert verdict.score >= MATCH_AT


@given(st.lists(st.builds(Vote, people, st.floats(-1, 0.499), shares), max_size=VOTES_MAX))
def test_who_is_near_nobody_is_nobody(seen: list[Vote]) -> None:
    verdict = decide(seen, MATCH_AT, over=True)

    assert verdict is None or not verdict.person


@given(st.lists(votes, min_size=VOTES_MAX, max_size=VOTES_MAX))
def test_it_is_decided_in_the_end(seen: list[Vote]) -> None:
    assert decide(seen, MATCH_AT, over=False) is not None


@given(st.integers(VOTES_MIN, VOTES_MAX), st.floats(MATCH_AT, 1))
def test_frames_that_agree_name_their_person_at_once(count: int, score: float) -> None:
    verdict = decide([Vote("r-1", score, 1.0)] * count, MATCH_AT, over=False)

    assert verdict
    assert verdict.person == "r-1"


def test_one_doubtful_frame_does_not_make_somebody_a_picture() -> None:
    verdict = decide(
        [Vote("r-1", 0.8, 1.0, live) for live in (0.9, 0.1, 0.95)], MATCH_AT, over=False
    )

    assert verdict
    assert verdict.live == 0.9


@given(st.lists(votes, max_size=3 * VOTES_MAX))
def test_of_many_frames_the_best_are_kept_and_a_worse_one_is_not_welcome(
    seen: list[Vote],
) -> None:
    kept: Sequence[Vote] = ()
    for one in seen:
        if welcome(kept, one.quality):
            kept = cast(kept, one)

    assert len(kept) == min(len(seen), VOTES_MAX)
    worst = min((one.quality for one in kept), default=0.0)
    assert len(kept) < VOTES_MAX or not welcome(kept, worst)
    assert all(one in seen for one in kept)


def test_a_stranger_is_one_after_five_good_frames_and_a_doubtful_one_waits() -> None:
    strange, near = Vote("r-1", 0.2, 0.9), Vote("r-1", 0.7, 0.9)

    assert decide([strange] * (UNKNOWN_MIN - 1), MATCH_AT, over=False) is None
    assert decide([strange] * UNKNOWN_MIN, MATCH_AT, over=False) is not None
    assert decide([strange] * UNKNOWN_MIN + [near], MATCH_AT, over=False) is None
