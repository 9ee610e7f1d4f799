"""What is promised about meters."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.brain.identify.base import advance
from pipeline.brain.identify.meter import MeterAnomaly
from pipeline.brain.perceive.seen import Seen
from tests.pipeline.community import START
from weinao.messages import Utility
from weinao.outcomes import Hazard, Phase

RULE = MeterAnomaly()
HOUR = 3_600_000


def read(at: int, value: float, *, meter: str = "water", unit: str = "L") -> Seen:
    return Seen(
        id=f"{meter}:{at}",
        device=meter,
        at=at,
        received_at=at,
        observation=Utility(at=at, meter=meter, value=value, unit=unit),
        subject="home-1",
        household="home-1",
        place="home-1",
        tz_offset_min=0,
    )


def run(readings: list[Seen]) -> list[Hazard]:
    state, found = RULE.initial("water", "home-1"), []
    for number, seen in enumerate(readings):
        if number % 97 == 0:
            state = pickle.loads(pickle.dumps(state))
        state, hazards = advance(RULE, state, seen)
        found += hazards
    return found


def counted(rates_l_h: list[float], *, step: int = HOUR // 4, begin: int = 0) -> list[Seen]:
    """Return a register's readings, for rates that each hold for one step."""
    total, readings = 1_000.0, [read(START + begin, 1_000.0)]
    for number, rate in enumerate(rates_l_h, 1):
        total += rate * step / HOUR
        readings.append(read(START + begin + number * step, total))
    return readings


def days(number: int) -> list[float]:
    """Return rates of so many ordinary days: cooking at seven and at eighteen, else nothing."""
    hours = [60.0 if hour in (7, 18) else 0.0 for hour in range(24)]
    return [rate for _ in range(number) for rate in hours for _ in range(4)]


def test_ordinary_days_raise_nothing() -> None:
    assert run(counted(days(20))) == []


def test_a_burst_is_raised_within_the_hour_and_ends_with_a_usual_one() -> None:
    burst = [*days(8), 0, 0, 0, 0, 1_200, 1_200, 1_200, 1_200, *[0] * 12]
    raised, over = run(counted(burst))

    assert (raised.phase, raised.reason) == (Phase.RAISED, "meter_anomaly.sudden")
    assert raised.at <= START + 8 * 24 * HOUR + 2 * HOUR
    assert (over.phase, over.id) == (Phase.CLEARED, raised.id)
    assert over.at == START + 8 * 24 * HOUR + 3 * HOUR


def test_without_habits_nothing_is_sudden() -> None:
    assert run(counted([*days(5), 0, 0, 0, 0, 1_200, 1_200, 1_200, 1_200, *[0] * 12])) == []


def test_what_stands_does_not_become_a_habit() -> None:
    found = run(counted([*days(8), *[600.0] * 4 * 24 * 2]))

    assert [(hazard.phase, hazard.reason) for hazard in found] == [
        (Phase.RAISED, "meter_anomaly.sudden"),
        (Phase.RAISED, "meter_anomaly.flows_on"),
    ]


def test_water_that_never_pauses_is_a_leak_and_a_pause_ends_it() -> None:
    flowing = counted([90.0] * 60, step=HOUR // 12)
    [raised] = run(flowing)
    paused = run(counted([*[90.0] * 60, 0.0], step=HOUR // 12))

    assert raised.reason == "meter_anomaly.flows_on"
    assert raised.at == START + 4 * HOUR
    assert [hazard.phase for hazard in paused] == [Phase.RAISED, Phase.CLEARED]
    assert run(counted(([90.0] * 40 + [0.0]) * 3, step=HOUR // 12)) == []


def test_hourly_readings_hide_pauses_so_they_have_to_go_on_for_longer() -> None:
    assert run(counted([90.0] * 23, step=HOUR)) == []
    assert len(run(counted([90.0] * 30, step=HOUR))) == 1


@pytest.mark.parametrize(("unit", "scale"), [("W", 1.0), ("kW", 0.001)])
def test_power_beyond_what_the_breaker_holds_is_an_overload(unit: str, scale: float) -> None:
    def power(*watts: float) -> list[Seen]:
        return [
            read(START + number * 60_000, watt * scale, meter="power", unit=unit)
            for number, watt in enumerate(watts)
        ]

    [raised, over] = run(power(*[10_500] * 12, *[500] * 3))
    assert raised.facts["power_w"] == 10_500
    assert raised.at == START + 600_000
    assert over.phase is Phase.CLEARED
    assert run(power(*[10_500] * 8, *[500] * 3, *[10_500] * 8)) == []
    assert run(power(*[9_500] * 30)) == []


def test_a_register_that_was_exchanged_is_no_use() -> None:
    old = counted(days(8))
    new = [read(old[-1].at + number * HOUR, 0.0) for number in range(1, 5)]

    assert run([*old, *new]) == []


def test_a_gap_is_spread_over_its_time() -> None:
    readings = counted(days(9))
    holes = [*readings[: 4 * 24 * 8], *readings[4 * 24 * 9 - 4 :]]

    assert run(holes) == []


@given(st.lists(st.floats(0, 2_000), max_size=120), st.data())
def test_sent_twice_or_late_it_changes_nothing(rates, data) -> None:
    readings = counted([*days(7)[: 4 * 8], *rates])
    late = data.draw(st.lists(st.sampled_from(readings), max_size=5))

    assert run([seen for seen in readings for _ in range(2)]) == run(readings)
    assert run([*readings, *late]) == run(readings)


@given(st.lists(st.floats(0, 2_000), max_size=120))
def test_of_each_cause_one_stands_at_a_time(rates) -> None:
    ids: dict[str, list[Phase]] = {}
    for hazard in run(counted(rates)):
        ids.setdefault(hazard.id, []).append(hazard.phase)

    assert all(phases in ([Phase.RAISED], [Phase.RAISED, Phase.CLEARED]) for phases in ids.values())


def test_a_unit_that_is_not_known_is_nobodys() -> None:
    assert RULE.subject_of(read(START, 1.0, unit="bar")) is None


def watts(values: list[float], *, step: int = HOUR // 6) -> list[Seen]:
    return [
        read(START + number * step, value, meter="power", unit="W")
        for number, value in enumerate(values)
    ]


@given(
    st.lists(st.floats(100, 6_000), min_size=12, max_size=40),
    st.sampled_from([9_950, 15_000, 22_000, 65_535]),
)
def test_one_reading_that_never_was_raises_nothing(usual: list[float], odd: float) -> None:
    glitched = [odd if number % 6 == 5 else value for number, value in enumerate(usual)]

    assert run(watts(glitched)) == []


def test_two_readings_beyond_the_breaker_are_believed() -> None:
    hazards = run(watts([500, 500, 12_000, 12_000, 500]))

    assert next((one.phase, one.reason) for one in hazards) == (
        Phase.RAISED,
        "meter_anomaly.overload",
    )


def test_what_no_breaker_holds_is_believed_when_it_is_read_twice() -> None:
    assert run(watts([500, 500, 40_000, 500, 500])) == []
    assert run(watts([500, 500, 40_000, 40_000, 40_000, 500])) != []
