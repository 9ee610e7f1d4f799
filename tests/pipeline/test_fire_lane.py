"""What is promised about fire lanes, today and over weeks."""

import pickle

from hypothesis import given
from hypothesis import strategies as st

from pipeline.brain.identify.base import advance
from pipeline.brain.identify.fire_lane import FireLane
from pipeline.brain.perceive.seen import Seen
from tests.pipeline.community import START
from weinao.messages import Crowd
from weinao.outcomes import Hazard, Phase

RULE = FireLane()


def lane(at_s: float, *, blocked: bool, zone: str = "fire_lane_3", room: str = "") -> Seen:
    at = START + round(at_s * 1_000)
    return Seen(
        id=f"cam-1:{at}:{blocked}",
        device="cam-1",
        at=at,
        received_at=at,
        observation=Crowd(at=at, zone=zone, blocked=blocked),
        subject="cam-1",
        household="",
        place="cam-agent",
        room=room,
    )


def run(*counts: Seen, until_s: float = 0) -> list[Hazard]:
    state, found = RULE.initial("cam-1/fire_lane_3", ""), []
    for seen in counts:
        state, hazards = advance(RULE, pickle.loads(pickle.dumps(state)), seen)
        found += hazards
    return [*found, *RULE.pass_time(state, START + round(until_s * 1_000))[1]]


def every(step_s: int, first: int, last: int, *, blocked: bool) -> list[Seen]:
    return [lane(at, blocked=blocked) for at in range(first, last, step_s)]


COUNTS = st.lists(st.tuples(st.integers(0, 3_600), st.booleans()), unique_by=lambda c: c[0])


@given(COUNTS)
def test_it_is_raised_and_cleared_in_turn_and_dated_by_the_fact(counts) -> None:
    found = run(*[lane(at, blocked=blocked) for at, blocked in sorted(counts)], until_s=9_000)

    assert [hazard.phase for hazard in found] == [Phase.RAISED, Phase.CLEARED] * (
        len(found) // 2
    ) + [Phase.RAISED] * (len(found) % 2)
    assert [hazard.at for hazard in found] == sorted(hazard.at for hazard in found)
    for hazard in found:
        assert hazard.at - hazard.facts["since"] >= RULE.stands_min * 60_000


@given(COUNTS, st.data())
def test_sent_twice_or_late_it_changes_nothing(counts, data) -> None:
    in_order = [lane(at, blocked=blocked) for at, blocked in sorted(counts)]
    late = data.draw(st.lists(st.sampled_from(in_order), max_size=5)) if in_order else []

    assert run(*[seen for seen in in_order for _ in range(2)]) == run(*in_order)
    assert run(*in_order, *late) == run(*in_order)


def test_it_does_not_matter_whether_a_camera_reports_changes_or_all_the_time() -> None:
    often = run(*every(10, 0, 600, blocked=True), until_s=600)
    once = run(lane(0, blocked=True), until_s=600)

    assert often == once
    assert often[0].at == START + 300_000


def test_who_drives_on_blocks_nothing_and_a_short_gap_frees_nothing() -> None:
    assert run(lane(0, blocked=True), lane(240, blocked=False), until_s=900) == []
    [hazard] = run(
        lane(0, blocked=True), lane(200, blocked=False), lane(230, blocked=True), until_s=400
    )
    assert hazard.at == START + 300_000


def test_it_is_over_once_the_lane_stays_free() -> None:
    found = run(lane(0, blocked=True), lane(600, blocked=False), until_s=700)

    assert [hazard.phase for hazard in found] == [Phase.RAISED, Phase.CLEARED]
    assert found[1].at == START + 600_000


def test_only_fire_lanes_count() -> None:
    assert RULE.subject_of(lane(0, blocked=True, zone="square")) is None
    assert RULE.subject_of(lane(0, blocked=True, zone="east", room="消防通道")) is not None


def test_what_was_not_watched_did_not_stand() -> None:
    state, _ = RULE.observe(RULE.initial("", ""), lane(0, blocked=True))

    state = RULE.lose_sight(state, START + 200_000)

    assert RULE.pass_time(state, START + 900_000)[1] == ()
