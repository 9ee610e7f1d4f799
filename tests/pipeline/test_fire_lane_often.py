"""What is promised about lanes that are blocked often."""

from pipeline.brain.identify.base import advance
from pipeline.brain.identify.fire_lane_often import FireLaneOften
from tests.pipeline.community import START
from tests.pipeline.test_fire_lane import lane
from weinao.outcomes import Phase, Risk

RULE = FireLaneOften()
DAY_S = 86_400


def run(*days: float, stands_s: int = 900, until_day: float = 0, twice: bool = False) -> list[Risk]:
    state, found = RULE.initial("cam-1/fire_lane_3", ""), []
    for day in days:
        begin = day * DAY_S
        for at, blocked in [(begin, True), (begin + stands_s, False), (begin + 2_000, False)]:
            for _ in range(2 if twice else 1):
                state, risks = advance(RULE, state, lane(at, blocked=blocked))
                found += risks
    state, risks = RULE.pass_time(state, START + round(until_day * DAY_S * 1_000))
    return [*found, *risks]


def test_the_third_time_within_a_fortnight_is_a_risk() -> None:
    [risk] = run(0, 3, 7)

    assert risk.at == START + (7 * DAY_S + 300) * 1_000
    assert (risk.facts["times"], len(risk.evidence)) == (3, 3)
    assert (risk.propose, risk.role) == ("fire_lane_often.mark_and_patrol", "property")


def test_sent_twice_counts_once() -> None:
    assert run(0, 3, 7, 8, twice=True) == run(0, 3, 7, 8)


def test_short_stops_and_old_ones_do_not_count() -> None:
    assert run(0, 3, 7, stands_s=120) == []
    assert run(0, 8, 15) == []


def test_a_fortnight_without_ends_it() -> None:
    risks = run(0, 3, 7, until_day=22)

    assert [risk.phase for risk in risks] == [Phase.RAISED, Phase.CLEARED]
    assert risks[0].id == risks[1].id
