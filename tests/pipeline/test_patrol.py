"""What is promised about patrols."""

import itertools
import pickle

from hypothesis import given
from hypothesis import strategies as st

from pipeline.brain.identify.patrol import PatrolMissed
from pipeline.brain.perceive.seen import Seen
from tests.pipeline.community import START
from weinao.messages import AnyObservation, Patrol, Registered
from weinao.outcomes import Hazard, Phase
from weinao.registry import Checkpoint

RULE = PatrolMissed()
MINUTE = 60_000
NIGHT = Checkpoint(id="cp-1", grid="grid-1", every_min=60, from_min=1_320, until_min=360)
ALWAYS = Checkpoint(id="cp-1", grid="grid-1", every_min=60)


def shown(said: AnyObservation) -> Seen:
    return Seen(
        id=f"phone:{said.at}",
        device="phone",
        at=said.at,
        received_at=said.at,
        observation=said,
        subject="cp-1",
        household="",
        tz_offset_min=0,
    )


def run(*steps: float | tuple[float, float], point: Checkpoint = ALWAYS) -> list[Hazard]:
    """Let time pass to each step, in minutes; a pair is a visit, and when it was told."""
    entered = Registered(at=START, record=point)  # type: ignore[arg-type]
    state, _ = RULE.observe(RULE.initial("cp-1", ""), shown(entered))
    found: list[Hazard] = []
    for step in steps:
        at, told = step if isinstance(step, tuple) else (None, step)
        state, hazards = RULE.pass_time(
            pickle.loads(pickle.dumps(state)), START + round(told * MINUTE)
        )
        found += hazards
        if at is not None:
            visit = Patrol(at=START + round(at * MINUTE), checkpoint="cp-1", staff="guard-1")
            state, hazards = RULE.observe(state, shown(visit))
            found += hazards
    return found


def visit(at: float) -> tuple[float, float]:
    return at, at


VISITS = st.lists(st.integers(1, 1_000).map(visit), max_size=15)


@given(VISITS)
def test_it_is_missed_exactly_where_nobody_came_in_time(visits) -> None:
    visits = sorted(set(visits))
    times = [0, *(at for at, _ in visits), 1_000]
    late = RULE.grace_min + ALWAYS.every_min

    missed = [hazard for hazard in run(*visits, 1_000) if hazard.phase is Phase.RAISED]

    gaps = [a for a, b in itertools.pairwise(times) if b - a >= late]
    assert [hazard.at for hazard in missed] == [START + (a + late) * MINUTE for a in gaps]


@given(VISITS)
def test_a_visit_sent_twice_counts_once(visits) -> None:
    visits = sorted(visits)

    assert run(*[step for step in visits for _ in range(2)]) == run(*visits)


@given(VISITS, st.integers(1, 50))
def test_how_often_time_passes_does_not_matter(visits, step) -> None:
    ticked = sorted([*visits, *((None, at) for at in range(0, 1_000, step))], key=lambda s: s[1])

    often = run(*[at if visited is None else (visited, at) for visited, at in ticked], 1_000)

    assert often == run(*sorted(visits), 1_000)


def test_a_visit_that_was_told_late_takes_it_back() -> None:
    found = run(visit(30), (80, 200))

    assert [hazard.phase for hazard in found] == [Phase.RAISED, Phase.WITHDRAWN]
    assert found[0].id == found[1].id


def test_one_stands_until_somebody_comes() -> None:
    found = run(100, 500, visit(600), 640)

    assert [(hazard.phase, hazard.at) for hazard in found] == [
        (Phase.RAISED, START + 65 * MINUTE),
        (Phase.CLEARED, START + 600 * MINUTE),
    ]


def test_only_the_duty_window_counts_also_over_midnight() -> None:
    # It is midnight: the window that began at ten still lasts six hours.
    assert run(*[visit(hour * 60) for hour in range(1, 7)], 1_300, point=NIGHT) == []
    [first] = run(*[visit(hour * 60) for hour in range(1, 7)], 1_400, point=NIGHT)
    assert first.at == START + (22 * 60 + 65) * MINUTE


def test_who_has_to_come_once_a_day_has_until_the_window_ends() -> None:
    daily = Checkpoint(id="cp-1", grid="grid-1", every_min=1_440, from_min=480, until_min=1_080)

    assert run(visit(540), 1_440 + 1_080, point=daily) == []
    [hazard] = run(visit(540), 1_440 + 1_090, point=daily)
    assert hazard.at == START + (1_440 + 1_080 + RULE.grace_min) * MINUTE


def test_entering_a_record_again_postpones_nothing() -> None:
    entered = Registered(at=START, record=ALWAYS)  # type: ignore[arg-type]
    again = Registered(at=START + 50 * MINUTE, record=ALWAYS)  # type: ignore[arg-type]
    state, _ = RULE.observe(RULE.initial("cp-1", ""), shown(entered))
    state, _ = RULE.observe(state, shown(again))

    assert len(RULE.pass_time(state, START + 66 * MINUTE)[1]) == 1


def test_a_point_that_is_given_up_is_not_missed() -> None:
    ended = Checkpoint(id="cp-1", grid="grid-1", every_min=60, valid_to=START + 30 * MINUTE)

    assert run(500, point=ended) == []


def test_an_older_visit_that_was_told_late_does_not_rewrite_a_newer() -> None:
    assert run(visit(60), (20, 61), 124) == []


def test_too_little_left_of_a_window_is_not_waited_for_in_the_next() -> None:
    visits = [visit(at) for at in (60, 120, 180, 240, 300, 330)]

    [hazard] = run(*visits, 1_400, point=NIGHT)

    assert hazard.at == START + (22 * 60 + 65) * MINUTE
