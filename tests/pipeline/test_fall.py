"""What `Fall` promises: sure falls at once, doubtful ones once stillness says so, too."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.brain.identify.fall import Fall, FallState
from pipeline.brain.perceive.seen import Seen
from tests.pipeline.home_rules import HOUR, MIDNIGHT, MINUTE, SECOND, door, pir, shown
from weinao.messages import Motion, MotionEvent
from weinao.outcomes import Hazard, Phase, Severity

RULE = Fall()
AT = MIDNIGHT + 10 * HOUR
END = AT + 2 * HOUR


def fell(confidence: float, at: int = AT, *, alone: bool = True) -> Seen:
    said = Motion(at=at, event=MotionEvent.FALL, confidence=confidence, impact_g=2.5)
    return shown(at, said, "band-1", subject="resident-1", alone=alone)


def lies(at: int = AT + 30 * SECOND, who: str = "resident-1", *, alone: bool = True) -> Seen:
    said = Motion(at=at, event=MotionEvent.IMMOBILE, still_s=15)
    return shown(at, said, f"band-{who}", subject=who, alone=alone)


def run(*log: Seen, until: int = END) -> list[Hazard]:
    """Show the rule a log in the order of its arrival; then let time pass, in two steps."""
    state, found = FallState(), list[Hazard]()
    for seen in log:
        state, hazards = RULE.observe(state, seen)
        found += hazards
    for at in (AT + 5 * MINUTE, until):
        state, hazards = RULE.pass_time(state, at)
        found += hazards
    return found


def phases(*log: Seen) -> list[Phase]:
    return [one.phase for one in run(*log)]


BEFORE = pir(AT - MINUTE)
MOVES = st.lists(
    st.tuples(st.integers(11, 1_700), st.sampled_from(("kitchen", "living", "bathroom"))),
    min_size=1,
    max_size=10,
).map(lambda moves: [pir(AT + at * SECOND, room, alone=False) for at, room in sorted(moves)])


@given(st.floats(0.8, 1.0), MOVES)
def test_a_sure_fall_is_told_at_once_whatever_moves_after_it(
    confidence: float, moves: list[Seen]
) -> None:
    state, [hazard] = RULE.observe(FallState(), fell(confidence, alone=False))

    assert (hazard.phase, hazard.at) == (Phase.RAISED, AT)
    assert next(one.id for one in run(fell(confidence, alone=False), *moves)) == hazard.id
    assert state.pending == (hazard,)


@given(st.floats(0.5, 0.79), MOVES)
def test_a_doubtful_fall_after_which_something_moves_is_told_to_nobody(
    confidence: float, moves: list[Seen]
) -> None:
    assert run(BEFORE, fell(confidence, alone=False), *moves) == []


@given(st.permutations([fell(0.7), lies(), BEFORE]))
def test_a_doubtful_fall_after_which_somebody_lies_still_is_told_in_whatever_order_it_is_known(
    log: list[Seen],
) -> None:
    raised = next(one for one in run(*log))

    assert (raised.phase, raised.reason, raised.at) == (Phase.RAISED, "fall.lies_still", AT)
    assert raised.evidence == (fell(0.7).id, lies().id)
    assert raised.severity is Severity.MAJOR


def test_who_lies_still_is_the_one_who_may_have_fallen() -> None:
    walking = pir(AT + 5 * MINUTE, "kitchen")

    assert run(BEFORE, fell(0.7), lies(who="resident-2"), walking) == []


def test_a_doubtful_fall_after_which_nothing_moves_is_told_after_half_an_hour() -> None:
    assert run(BEFORE, fell(0.7), until=AT + 29 * MINUTE) == []
    [raised] = [one for one in run(BEFORE, fell(0.7)) if one.phase is Phase.RAISED]
    assert (raised.reason, raised.at) == ("fall.nothing_moved", AT)


def test_where_nothing_could_be_seen_to_move_a_doubt_stays_a_doubt() -> None:
    assert run(fell(0.7)) == []


def test_a_doubtful_fall_that_nobody_watched_after_is_not_decided_by_the_silence() -> None:
    state, _ = RULE.observe(RULE.observe(FallState(), BEFORE)[0], fell(0.7))

    assert RULE.pass_time(RULE.lose_sight(state, AT + 10 * MINUTE), END)[1] == ()


def test_who_lay_still_and_then_walks_about_is_up_again() -> None:
    up = [pir(AT + 60 * SECOND, "bedroom"), pir(AT + 100 * SECOND, "kitchen")]

    assert phases(BEFORE, fell(0.7), lies(), *up) == [Phase.RAISED, Phase.WITHDRAWN]


@pytest.mark.parametrize("confidence", [0.7, 0.9])
def test_a_helper_who_comes_in_is_not_the_wearer_on_her_feet(confidence: float) -> None:
    helped = [door(AT + 60 * SECOND, 1.0), pir(AT + 90 * SECOND, "hall"), pir(AT + 2 * MINUTE)]

    assert Phase.WITHDRAWN not in phases(BEFORE, fell(confidence), lies(), *helped)
