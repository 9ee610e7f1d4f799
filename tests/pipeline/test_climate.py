"""What `Climate` promises, whatever it is shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.brain.identify.climate import Climate, heat_index_c
from pipeline.brain.identify.in_turn import InTurn
from pipeline.brain.perceive.seen import Seen
from tests.pipeline.home_rules import (
    CHILD,
    ELDER,
    MIDNIGHT,
    MINUTE,
    MOTHER,
    check_promises,
    entered,
    home,
    logs,
    phases,
    run,
)
from weinao.messages import Sensor
from weinao.outcomes import HazardKind, Phase, Severity

RULE = InTurn(Climate())
KINDS = ("warm", "warm", "cool", "humid")


def temperatures(*values: float, start: int = MIDNIGHT) -> list[Seen]:
    """Return readings a quarter of an hour apart."""
    return [
        home(start + number * 15 * MINUTE, Sensor.TEMPERATURE, value, "bedroom")
        for number, value in enumerate(values)
    ]


END = MIDNIGHT + 1_000 * MINUTE


@given(st.sampled_from(([], [ELDER], [CHILD, MOTHER])), logs(KINDS, gap_min_max=60), st.data())
def test_it_keeps_the_promises_of_all_rules(people, log, data) -> None:
    check_promises(RULE, [*entered(*people), *log], data)


@given(st.lists(st.floats(18, 29.9), min_size=1, max_size=40))
def test_within_the_limits_nothing_is_raised(values: list[float]) -> None:
    assert phases(RULE, [*entered(ELDER), *temperatures(*values)], END) == []


@given(st.lists(st.floats(-10, 45), min_size=1, max_size=40))
def test_others_are_not_told_of_their_own_weather(values: list[float]) -> None:
    assert phases(RULE, [*entered(MOTHER), *temperatures(*values)], END) == []


@given(st.lists(st.sampled_from([24.0, 24.0, 31.0, 15.0]), min_size=1, max_size=4))
def test_less_than_an_hour_of_it_is_an_open_window(values: list[float]) -> None:
    assert phases(RULE, [*entered(ELDER), *temperatures(*values)], END) == []


@pytest.mark.parametrize(
    ("value", "kind"),
    [(30.0, HazardKind.HEAT), (17.9, HazardKind.COLD), (29.9, None), (18.0, None)],
)
@pytest.mark.parametrize("who", [ELDER, CHILD])
def test_an_hour_beyond_a_limit_is_told(value, kind, who) -> None:
    _, found = run(RULE, [*entered(who), *temperatures(*[value] * 5)], END)

    assert [(one.kind, one.at) for one in found] == (
        [(kind, MIDNIGHT + 60 * MINUTE)] if kind else []
    )


def test_it_is_over_only_well_inside_the_limit() -> None:
    hot, between, cool = [31.0] * 5, [29.5] * 12, [28.0] * 5

    assert phases(RULE, [*entered(ELDER), *temperatures(*hot, *between)], END) == [Phase.RAISED]
    assert phases(RULE, [*entered(ELDER), *temperatures(*hot, *between, *cool)], END) == [
        Phase.RAISED,
        Phase.CLEARED,
    ]


def test_readings_far_apart_are_no_stretch() -> None:
    rare = [
        home(MIDNIGHT + number * 121 * MINUTE, Sensor.TEMPERATURE, 33.0, "bedroom")
        for number in range(5)
    ]

    assert phases(RULE, [*entered(ELDER), *rare], END) == []


def test_humid_heat_is_felt_before_it_is_measured_and_can_be_danger() -> None:
    humid = [
        home(MIDNIGHT + number * 15 * MINUTE - 1, Sensor.HUMIDITY, 85.0, "bedroom")
        for number in range(12)
    ]
    warm, danger = temperatures(*[29.0] * 12), temperatures(*[29.0] * 5, *[34.0] * 7)

    def told(log: list[Seen]) -> list[tuple[Phase, Severity]]:
        both = sorted([*humid, *log], key=lambda seen: seen.at)
        return [(one.phase, one.severity) for one in run(RULE, [*entered(ELDER), *both], END)[1]]

    assert phases(RULE, [*entered(ELDER), *warm], END) == []
    assert told(warm) == [(Phase.RAISED, Severity.MINOR)]
    assert told(danger)[-1] == (Phase.CONFIRMED, Severity.CRITICAL)


@pytest.mark.parametrize(
    ("fahrenheit", "humidity", "index"),
    [(80, 40, 80), (90, 50, 95), (90, 90, 122), (100, 40, 109), (86, 90, 105), (110, 40, 136)],
)
def test_the_heat_index_is_that_of_the_published_chart(fahrenheit, humidity, index) -> None:
    found = heat_index_c((fahrenheit - 32) / 1.8, humidity) * 1.8 + 32

    assert found == pytest.approx(index, abs=1.0)


@given(st.floats(-20, 50), st.floats(0, 100))
def test_it_never_feels_cooler_than_it_is(temp_c: float, humidity: float) -> None:
    assert heat_index_c(temp_c, humidity) >= temp_c
