"""What `BedExit` promises, whatever it is shown."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.brain.identify.bed_exit import BedExit
from pipeline.brain.perceive.seen import Seen
from tests.pipeline.home_rules import (
    DAY,
    HOUR,
    MIDNIGHT,
    MINUTE,
    check_promises,
    door,
    home,
    logs,
    phases,
    pir,
    run,
)
from weinao.messages import Sensor
from weinao.outcomes import Phase

RULE = BedExit()
UP = MIDNIGHT + 3 * HOUR


def bed(at: int, value: float) -> Seen:
    return home(at, Sensor.BED, value, "bedroom")


NIGHT = [bed(UP - 5 * HOUR, 1.0), bed(UP, 0.0)]


@given(logs(("bed", "bed", "bathroom", "door"), gap_min_max=60), st.data())
def test_it_keeps_the_promises_of_all_rules(log: list[Seen], data: st.DataObject) -> None:
    check_promises(RULE, log, data)


@given(logs(("bed", "bathroom"), gap_min_max=29))
def test_nothing_is_raised_while_something_moves_every_half_hour(log: list[Seen]) -> None:
    moving = [more for seen in log for more in (seen, pir(seen.at + MINUTE, "bathroom"))]

    assert phases(RULE, moving) == []


@given(logs(("bed", "bed", "bathroom"), gap_min_max=60))
def test_what_is_raised_is_raised_at_night(log: list[Seen]) -> None:
    _, found = run(RULE, log, log[-1].at + DAY)
    raised = [one for one in found if one.phase is Phase.RAISED]

    assert all((one.at - MIDNIGHT) % DAY // HOUR in (23, 0, 1, 2, 3, 4, 5) for one in raised)


def test_whoever_does_not_come_back_from_the_bathroom_is_missed() -> None:
    bathroom = pir(UP + 2 * MINUTE, "bathroom")

    _, found = run(RULE, [*NIGHT, bathroom, bed(UP + HOUR, 1.0)], UP + 2 * HOUR)

    assert [(one.phase, one.at) for one in found] == [
        (Phase.RAISED, UP + 32 * MINUTE),
        (Phase.CLEARED, UP + HOUR),
    ]
    assert found[0].facts["room"] == "bathroom"


def test_whoever_comes_back_within_half_an_hour_is_not() -> None:
    assert phases(RULE, [*NIGHT, bed(UP + 29 * MINUTE, 1.0)], UP + DAY) == []


def test_whoever_sits_down_may_sit_for_two_hours() -> None:
    early = [bed(UP - 5 * HOUR, 1.0), bed(UP - HOUR, 0.0), pir(UP - 50 * MINUTE, "living")]

    _, found = run(RULE, early, UP + 2 * HOUR)

    assert run(RULE, early, UP + HOUR)[1] == []
    assert [(one.phase, one.at) for one in found] == [(Phase.RAISED, UP + 70 * MINUTE)]


def test_a_bed_that_was_only_sat_on_is_no_bed_exit() -> None:
    assert phases(RULE, [bed(UP - 10 * MINUTE, 1.0), bed(UP, 0.0)], UP + DAY) == []


def test_whoever_stays_up_is_up() -> None:
    awake = [pir(UP + minutes * MINUTE) for minutes in (2, 10, 25, 35)]

    assert phases(RULE, [*NIGHT, *awake], UP + DAY) == []


def test_whoever_went_out_is_for_another_rule() -> None:
    known = door(UP - DAY, 0.0)

    assert phases(RULE, [known, *NIGHT, door(UP + 5 * MINUTE, 1.0)], UP + DAY) == []


def test_getting_up_in_the_morning_raises_nothing() -> None:
    early = MIDNIGHT + 5 * HOUR + 31 * MINUTE

    assert phases(RULE, [bed(UP, 1.0), bed(early, 0.0)], early + DAY) == []


def test_an_exit_that_nobody_watched_raises_nothing() -> None:
    state, _ = run(RULE, NIGHT)

    assert RULE.pass_time(RULE.lose_sight(state, UP + 10 * MINUTE), UP + HOUR)[1] == ()


def test_a_mat_that_slips_under_its_sleeper_is_no_bed_exit() -> None:
    assert phases(RULE, [*NIGHT, bed(UP + 110 * MINUTE, 1.0)], UP + DAY) == []


def test_a_bed_left_by_somebody_whom_no_sensor_sees_is_told_after_two_hours() -> None:
    [raised] = run(RULE, NIGHT, UP + 4 * HOUR)[1]

    assert (raised.phase, raised.at) == (Phase.RAISED, UP + 2 * HOUR)


def test_who_just_came_by_the_living_room_may_sit_there_unseen() -> None:
    by = [pir(UP + MINUTE, "living"), pir(UP + 2 * MINUTE, "bathroom")]
    not_by = [pir(UP + 2 * MINUTE, "bathroom")]

    [sits] = run(RULE, [*NIGHT, *by], UP + 4 * HOUR)[1]
    [lies] = run(RULE, [*NIGHT, *not_by], UP + 4 * HOUR)[1]

    assert sits.at == UP + 2 * MINUTE + 2 * HOUR
    assert lies.at == UP + 32 * MINUTE
