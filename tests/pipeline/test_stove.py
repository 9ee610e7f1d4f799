"""What `Stove` promises, whatever it is shown."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.brain.identify.stove import Stove
from pipeline.brain.perceive.seen import Seen
from tests.pipeline.home_rules import (
    DAY,
    HOUR,
    MIDNIGHT,
    MINUTE,
    SECOND,
    check_promises,
    home,
    logs,
    phases,
    pir,
    run,
    shown,
)
from weinao.messages import Sensor, Utility
from weinao.outcomes import Phase

RULE = Stove()
ON = MIDNIGHT + 11 * HOUR


def power(at: int, watts: float, room: str = "kitchen") -> Seen:
    return home(at, Sensor.POWER, watts, room)


def gas(at: int, cubic_metres: float) -> Seen:
    return shown(at, Utility(at=at, meter="gas", value=cubic_metres, unit="m3"), "gas-1")


@given(logs(("stove", "stove", "kitchen", "bathroom"), gap_min_max=40), st.data())
def test_it_keeps_the_promises_of_all_rules(log: list[Seen], data: st.DataObject) -> None:
    check_promises(RULE, log, data)


@given(logs(("stove", "kitchen", "bathroom"), gap_min_max=9))
def test_an_attended_stove_raises_nothing(log: list[Seen]) -> None:
    attended = [more for seen in log for more in (seen, pir(seen.at + 1))]

    assert phases(RULE, attended) == []


@given(logs(("stove", "bathroom"), gap_min_max=60))
def test_a_kitchen_without_a_motion_sensor_is_not_judged(log: list[Seen]) -> None:
    assert phases(RULE, log, log[-1].at + DAY) == []


def test_an_unattended_stove_is_told_after_twenty_minutes_until_somebody_comes() -> None:
    log = [pir(ON - MINUTE), power(ON, 1_800), pir(ON + 5 * MINUTE), pir(ON + HOUR)]

    _, found = run(RULE, log)

    assert [(one.phase, one.at) for one in found] == [
        (Phase.RAISED, ON + 25 * MINUTE),
        (Phase.CLEARED, ON + HOUR),
    ]


def test_a_hob_that_pauses_stays_on_and_one_switched_off_is_over() -> None:
    pulses = [power(ON + n * 100 * SECOND, 1_800 * (n % 2)) for n in range(1, 20)]
    off = [power(ON + HOUR, 0)]

    _, found = run(RULE, [pir(ON), *pulses, *off], ON + 2 * HOUR)

    assert [(one.phase, one.at) for one in found] == [
        (Phase.RAISED, ON + 100 * SECOND + 20 * MINUTE),
        (Phase.CLEARED, ON + HOUR),
    ]


def test_a_refrigerator_and_another_rooms_heater_are_no_stove() -> None:
    log = [pir(ON), power(ON + 1, 180), power(ON + 2, 2_000, "bedroom")]

    assert phases(RULE, log, ON + DAY) == []


def test_a_ring_is_known_by_its_gas_and_a_boiler_is_none() -> None:
    def burning(per_hour: float) -> list[Seen]:
        return [gas(ON + n * 5 * MINUTE, 100 + per_hour * n / 12) for n in range(12)]

    assert phases(RULE, [pir(ON), *burning(0.15)], ON + HOUR) == [Phase.RAISED]
    assert phases(RULE, [pir(ON), *burning(2.4)], ON + HOUR) == []
    assert phases(RULE, [pir(ON), *burning(0.0)], ON + HOUR) == []


def test_time_that_nobody_watched_does_not_count() -> None:
    state, _ = run(RULE, [pir(ON), power(ON + 1, 1_800)])
    state = RULE.lose_sight(state, ON + HOUR)

    assert RULE.pass_time(state, ON + 79 * MINUTE)[1] == ()
    assert RULE.pass_time(state, ON + 80 * MINUTE)[1] != ()
