"""What is promised about water that flows at night."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.brain.identify.base import advance
from pipeline.brain.identify.water_leak import WaterLeak
from pipeline.brain.perceive.seen import Seen
from tests.pipeline.test_meter import HOUR, counted
from weinao.outcomes import Phase, Risk

RULE = WaterLeak()
TIGHT, LEAKS = 0.0, 6.0


def nights(*flows_l_h: float, step: int = HOUR // 4, flushes: int = 0) -> list[Seen]:
    """Return readings of days on which so much always flows, besides cooking and flushes."""
    rates: list[float] = []
    for flow in flows_l_h:
        for number in range(24 * HOUR // step):
            hour = number * step / HOUR
            flush = 24.0 if 2 <= hour < 2 + flushes and hour % 1 == 0 else 0.0
            rates.append(flow + flush + (80.0 if hour in (7, 18) else 0.0))
    return counted(rates, step=step)


def run(readings: list[Seen]) -> list[Risk]:
    state, found = RULE.initial("water", "home-1"), []
    for seen in readings:
        state, risks = advance(RULE, state, seen)
        found += risks
    return found


@given(st.lists(st.sampled_from([TIGHT, LEAKS]), max_size=6))
def test_it_is_raised_by_three_wet_nights_in_a_row_and_by_nothing_else(flows) -> None:
    row = "".join("w" if flow else "d" for flow in flows)

    raised = [risk for risk in run(nights(*flows)) if risk.phase is Phase.RAISED]

    assert bool(raised) == ("www" in row)


def test_it_says_how_much_is_lost() -> None:
    [risk] = run(nights(LEAKS, LEAKS, LEAKS))

    assert (risk.facts["nights"], risk.facts["night_l_h"]) == (3, 6.0)
    assert (risk.propose, risk.role) == ("water_leak.find", "property")


def test_bathroom_visits_are_no_leak() -> None:
    assert run(nights(*[TIGHT] * 6, flushes=3)) == []


def test_hourly_readings_need_twice_the_nights() -> None:
    assert run(nights(*[LEAKS] * 5, step=HOUR)) == []
    assert len(run(nights(*[LEAKS] * 6, step=HOUR))) == 1


def test_a_dry_night_ends_it() -> None:
    risks = run(nights(LEAKS, LEAKS, LEAKS, TIGHT))

    assert [risk.phase for risk in risks] == [Phase.RAISED, Phase.CLEARED]


def test_a_night_without_readings_neither_counts_nor_ends_the_row() -> None:
    readings = nights(*[LEAKS] * 4)
    hole = [seen for seen in readings if not 24 * 4 < readings.index(seen) < 30 * 4]

    assert len(run(hole)) == 1
    assert run(hole[: 3 * 24 * 4 - 30]) == []


def test_a_night_that_was_partly_measured_does_not_count() -> None:
    readings = nights(*[LEAKS] * 3)
    hole = [seen for seen in readings if not 24 * 4 + 10 < readings.index(seen) < 24 * 4 + 18]

    assert run(hole) == []


def test_sent_twice_or_late_it_changes_nothing() -> None:
    readings = nights(LEAKS, LEAKS, LEAKS, TIGHT)

    assert run([seen for seen in readings for _ in range(2)]) == run(readings)
    assert run([*readings, *readings]) == run(readings)
