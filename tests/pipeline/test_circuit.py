"""What is promised about circuits."""

from pipeline.brain.identify.base import advance
from pipeline.brain.identify.circuit import Circuit
from pipeline.brain.perceive.seen import Seen
from tests.pipeline.test_meter import START, read
from weinao.outcomes import Phase, Risk

RULE = Circuit()
MINUTE = 60_000
DAY = 1_440 * MINUTE


def evening(day: int, watts: float, minutes: int = 30) -> list[Seen]:
    begin = START + day * DAY + 19 * 60 * MINUTE
    return [
        read(begin + minute * MINUTE, watts if minute < minutes else 300.0, meter="p", unit="W")
        for minute in range(minutes + 5)
    ]


def run(*evenings: list[Seen]) -> list[Risk]:
    state, found = RULE.initial("p", "home-1"), []
    for seen in (seen for said in evenings for seen in said):
        state, risks = advance(RULE, state, seen)
        found += risks
    return found


def test_the_third_evening_near_the_limit_is_a_risk() -> None:
    [risk] = run(evening(0, 7_500), evening(1, 500), evening(2, 8_000), evening(5, 7_300))

    assert (risk.facts["days_high"], risk.facts["peak_w"], risk.role) == (3, 8_000, "property")
    assert len(risk.evidence) == 3


def test_short_peaks_lower_loads_and_old_days_do_not_count() -> None:
    assert run(*[evening(day, 7_500, minutes=10) for day in range(6)]) == []
    assert run(*[evening(day, 6_900) for day in range(6)]) == []
    assert run(evening(0, 7_500), evening(1, 7_500), evening(15, 7_500)) == []


def test_sent_twice_or_late_it_changes_nothing() -> None:
    evenings = [evening(day, 7_500) for day in range(3)]
    twice = [[seen for seen in said for _ in range(2)] for said in evenings]

    assert run(*twice) == run(*evenings)
    assert run(*evenings, *evenings) == run(*evenings)


def test_a_fortnight_of_lighter_loads_ends_it() -> None:
    risks = run(*[evening(day, 7_500) for day in range(3)], evening(15, 500), evening(16, 500))

    assert [risk.phase for risk in risks] == [Phase.RAISED, Phase.CLEARED]
    assert risks[0].id == risks[1].id
