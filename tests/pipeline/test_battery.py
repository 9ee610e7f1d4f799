"""What is promised about batteries."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.brain.identify.base import advance
from pipeline.brain.identify.battery import Battery
from pipeline.brain.perceive.seen import Seen
from tests.pipeline.community import START
from weinao.messages import Vitals
from weinao.outcomes import Phase, Risk

RULE = Battery()


def level(hour: float, percent: float) -> Seen:
    at = START + round(hour * 3_600_000)
    return Seen(
        id=f"band-1:{at}",
        device="band-1",
        at=at,
        received_at=at,
        observation=Vitals(at=at, battery_pct=percent),
        subject="resident-1",
        household="home-1",
        place="home-1",
        tz_offset_min=0,
    )


def run(*levels: Seen) -> list[Risk]:
    state, found = RULE.initial("band-1", "home-1"), []
    for seen in levels:
        state, risks = advance(RULE, state, seen)
        found += risks
    return found


LEVELS = st.lists(st.floats(0, 100), max_size=60)


@given(LEVELS, st.data())
def test_sent_twice_or_late_it_changes_nothing(levels, data) -> None:
    in_order = [level(hour * 5, said) for hour, said in enumerate(levels)]
    late = data.draw(st.lists(st.sampled_from(in_order), max_size=5)) if in_order else []

    assert run(*[seen for seen in in_order for _ in range(2)]) == run(*in_order)
    assert run(*in_order, *late) == run(*in_order)


@given(LEVELS)
def test_it_is_raised_and_cleared_in_turn(levels) -> None:
    phases = [risk.phase for risk in run(*[level(5 * at, said) for at, said in enumerate(levels)])]

    assert phases == ([Phase.RAISED, Phase.CLEARED] * len(phases))[: len(phases)]


def test_who_charges_every_day_is_left_alone() -> None:
    days = [level(24 * day + hour, 100 - 4 * hour) for day in range(14) for hour in range(24)]

    assert run(*days) == []


def test_low_for_hours_is_a_risk_until_it_is_well_charged() -> None:
    risks = run(level(0, 14), level(2, 12), level(3, 11), level(4, 10), level(5, 30), level(6, 60))

    assert [(risk.phase, risk.at) for risk in risks] == [
        (Phase.RAISED, START + 3 * 3_600_000),
        (Phase.CLEARED, START + 6 * 3_600_000),
    ]


def test_on_the_charger_it_is_not_low() -> None:
    assert run(*[level(hour, 4 + 3.5 * hour) for hour in range(8)]) == []


def test_a_battery_that_nobody_charges_is_foretold_before_it_is_low() -> None:
    [risk] = run(*[level(6 * number, 95 - 2 * number) for number in range(38)])

    assert risk.reason == "battery.falling"
    assert risk.facts["battery_pct"] > RULE.low_pct
    assert 0 < risk.facts["days"] <= RULE.ahead_days
