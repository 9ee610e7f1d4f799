"""What is promised about crowds, and about those that are foretold."""

import pickle

from hypothesis import given
from hypothesis import strategies as st

from pipeline.brain.identify.base import advance
from pipeline.brain.identify.congestion import Congestion
from pipeline.brain.perceive.seen import Seen
from tests.pipeline.community import START
from weinao.messages import Crowd
from weinao.outcomes import Hazard, Phase, Severity

RULE = Congestion()
STEP_S = 15


def count(at_s: float, density: float, zone: str = "gate", **more) -> Seen:
    at = START + round(at_s * 1_000)
    return Seen(
        id=f"cam-1:{at}",
        device="cam-1",
        at=at,
        received_at=at,
        observation=Crowd(at=at, zone=zone, density=density, people=round(density * 40), **more),
        subject="cam-1",
        household="",
        place="cam-agent",
    )


def run(*counts: Seen, until_s: float = 0) -> list[Hazard]:
    state, found = RULE.initial("cam-1/gate", ""), []
    for seen in counts:
        state, hazards = advance(RULE, pickle.loads(pickle.dumps(state)), seen)
        found += hazards
    return [*found, *RULE.pass_time(state, START + round(until_s * 1_000))[1]]


def course(*densities: float, begin_s: float = 0) -> list[Seen]:
    return [count(begin_s + number * STEP_S, said) for number, said in enumerate(densities)]


LEVELS = st.lists(st.floats(0, 6), max_size=80)


@given(LEVELS)
def test_one_hazard_stands_at_a_time_and_is_dated_in_order(levels) -> None:
    found = run(*course(*levels))
    standing = ""
    for hazard in found:
        if hazard.phase is Phase.RAISED:
            assert standing == ""
            standing = hazard.id
        else:
            assert hazard.id == standing
            standing = "" if hazard.phase in (Phase.CLEARED, Phase.WITHDRAWN) else standing
    assert [hazard.at for hazard in found] == sorted(hazard.at for hazard in found)


@given(LEVELS, st.data())
def test_sent_twice_or_late_it_changes_nothing(levels, data) -> None:
    counts = course(*levels)
    late = data.draw(st.lists(st.sampled_from(counts), max_size=5)) if counts else []

    assert run(*[seen for seen in counts for _ in range(2)]) == run(*counts)
    assert run(*counts, *late) == run(*counts)


@given(st.lists(st.floats(0, RULE.near_share * RULE.full_density - 0.01), max_size=80))
def test_a_zone_with_room_is_never_reported(levels) -> None:
    assert run(*course(*levels)) == []


def test_a_group_that_passes_is_no_crowd() -> None:
    assert run(*course(*[0.3] * 10, *[3.0] * 6, *[0.3] * 10)) == []


def test_a_zone_that_is_full_at_once_is_raised_after_two_minutes_and_cleared_when_calm() -> None:
    found = run(*course(*[0.3] * 4, *[3.0] * 20, *[1.5] * 40, *[0.3] * 30))

    assert [hazard.phase for hazard in found] == [Phase.RAISED, Phase.CLEARED]
    assert found[0].at == START + (4 * STEP_S + 120) * 1_000
    assert found[0].severity is Severity.MAJOR


def test_what_rises_surely_is_foretold_with_the_minutes_left_and_then_confirmed() -> None:
    rising = [0.2 + 0.2 * number * STEP_S / 60 for number in range(56)]  # full after 9.85 minutes
    found = run(*course(*rising))
    foretold, confirmed = found

    said_at_min = (foretold.at - START) / 60_000
    assert foretold.severity is Severity.MINOR
    assert abs(said_at_min + foretold.facts["forecast_min"] - 9.85) < 1
    assert foretold.facts["forecast_min"] >= 4
    assert (confirmed.phase, confirmed.id) == (Phase.CONFIRMED, foretold.id)


def test_a_forecast_that_did_not_come_is_withdrawn() -> None:
    rising = [0.2 + 0.2 * number * STEP_S / 60 for number in range(30)]
    found = run(*course(*rising, *[0.4] * 20), until_s=4_000)

    assert [hazard.phase for hazard in found] == [Phase.RAISED, Phase.WITHDRAWN]


def test_noise_around_a_level_is_no_trend() -> None:
    assert run(*course(*[1.2 + 0.3 * (-1) ** (number // 2) for number in range(80)])) == []


def test_at_capacity_it_is_full_once_nobody_gets_through() -> None:
    moving = [count(at, 1.5, out_per_min=30) for at in range(0, 300, STEP_S)]
    stuck = [count(at, 1.5, out_per_min=1) for at in range(300, 600, STEP_S)]

    assert run(*moving) == []
    assert [hazard.reason for hazard in run(*moving, *stuck)] == ["congestion.full"]


def test_a_blocked_way_counts_unless_it_is_a_fire_lane() -> None:
    def blocked(zone: str) -> list[Seen]:
        return [count(at, 0.1, zone, blocked=True) for at in range(0, 600, 30)]

    assert [hazard.reason for hazard in run(*blocked("gate"))] == ["congestion.blocked"]
    assert run(*blocked("fire_lane_1")) == []


def test_nothing_persists_over_a_gap() -> None:
    assert run(count(0, 3.0), count(60, 3.0), count(900, 3.0), count(960, 3.0)) == []


def test_a_rise_that_noise_could_explain_is_not_foretold() -> None:
    noisy = [1.0 + 0.02 * number + 0.4 * (-1) ** (number // 2) for number in range(30)]

    assert run(*course(*noisy)) == []
