"""What `NightDoor` promises, whatever it is shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.brain.identify.in_turn import InTurn
from pipeline.brain.identify.night_door import NightDoor
from pipeline.brain.perceive.seen import Seen
from tests.pipeline.home_rules import (
    DAY,
    ELDER,
    HOUR,
    MIDNIGHT,
    MINUTE,
    MOTHER,
    band,
    check_promises,
    door,
    entered,
    logs,
    person,
    phases,
    pir,
    run,
)
from weinao.outcomes import HazardKind, Phase, Severity

RULE = InTurn(NightDoor())
WANDERER = person("elder-2", 1945, "dementia")
NIGHT = MIDNIGHT + 2 * HOUR
HOMES = ([], [ELDER], [MOTHER], [WANDERER, MOTHER])


def out(at: int) -> list[Seen]:
    return [pir(at - MINUTE), door(at, 1.0), door(at + 5_000, 0.0)]


@given(
    st.sampled_from(HOMES),
    logs(("door", "door", "kitchen", "entrance", "bed", "mother"), gap_min_max=30),
    st.data(),
)
def test_it_keeps_the_promises_of_all_rules(people, log, data) -> None:
    check_promises(RULE, [*entered(*people), *log], data)


@given(st.sampled_from(HOMES), logs(("door", "kitchen"), gap_min_max=30))
def test_nothing_is_raised_by_day(people, log) -> None:
    start = MIDNIGHT + 6 * HOUR
    by_day = [
        (door(start + number * 2 * MINUTE, seen.observation.value) if "door" in seen.device
         else pir(start + number * 2 * MINUTE))
        for number, seen in enumerate(log)
    ]  # fmt: skip

    assert phases(RULE, [*entered(*people), *by_day], MIDNIGHT + 22 * HOUR) == []


@pytest.mark.parametrize(
    ("people", "kind", "after_min"),
    [([MOTHER], HazardKind.DOOR_OPEN, 15), ([WANDERER, MOTHER], HazardKind.WANDERING, 5)],
)
def test_a_door_that_stays_open_is_told_by_who_lives_there(people, kind, after_min) -> None:
    log = [*entered(*people), pir(NIGHT - MINUTE), door(NIGHT, 1.0)]
    closed = [*log, door(NIGHT + HOUR, 0.0)]

    _, found = run(RULE, log, NIGHT + 30 * MINUTE)

    assert [(one.kind, one.at) for one in found] == [(kind, NIGHT + after_min * MINUTE)]
    assert run(RULE, log, NIGHT + after_min * MINUTE - 1)[1] == []
    assert phases(RULE, closed, NIGHT + 61 * MINUTE)[:2] == [Phase.RAISED, Phase.CLEARED]


def test_a_door_left_open_in_the_evening_counts_from_when_night_begins() -> None:
    log = [pir(MIDNIGHT + 20 * HOUR), door(MIDNIGHT + 21 * HOUR, 1.0)]

    _, found = run(RULE, log, MIDNIGHT + DAY)

    assert [one.at for one in found] == [MIDNIGHT + 23 * HOUR + 15 * MINUTE]


def test_whoever_has_dementia_and_goes_out_at_night_wanders() -> None:
    log = [*entered(WANDERER), *out(NIGHT)]

    back = [door(NIGHT + HOUR - 20_000, 1.0), door(NIGHT + HOUR - 10_000, 0.0), pir(NIGHT + HOUR)]
    _, found = run(RULE, [*log, *back], NIGHT + 2 * HOUR)

    assert [(one.kind, one.phase, one.at) for one in found] == [
        (HazardKind.WANDERING, Phase.RAISED, NIGHT + 5 * MINUTE),
        (HazardKind.WANDERING, Phase.CLEARED, NIGHT + HOUR),
    ]
    assert found[0].severity is Severity.CRITICAL


def test_a_sensor_that_sees_somebody_by_itself_brings_no_wanderer_home() -> None:
    log = [*entered(WANDERER), *out(NIGHT)]

    assert phases(RULE, [*log, pir(NIGHT + HOUR)], NIGHT + 2 * HOUR) == [Phase.RAISED]
    twice = [pir(NIGHT + HOUR), pir(NIGHT + HOUR + 10 * MINUTE)]
    assert phases(RULE, [*log, *twice], NIGHT + 2 * HOUR) == [Phase.RAISED, Phase.CLEARED]


def test_an_elder_alone_who_goes_out_is_missed_later_and_a_shift_worker_never() -> None:
    _, found = run(RULE, [*entered(ELDER), *out(NIGHT)], NIGHT + HOUR)

    assert [(one.kind, one.at) for one in found] == [(HazardKind.DOOR_OPEN, NIGHT + 15 * MINUTE)]
    assert phases(RULE, [*entered(MOTHER), *out(NIGHT)], NIGHT + HOUR) == []


def test_whoever_comes_home_at_night_does_not_go_out() -> None:
    arrival = [door(NIGHT, 1.0), door(NIGHT + 5_000, 0.0), pir(NIGHT + MINUTE)]
    log = [*entered(WANDERER), *out(NIGHT - 8 * HOUR), *arrival]

    assert phases(RULE, log, NIGHT + HOUR) == []


def test_a_tag_that_has_run_out_no_longer_counts() -> None:
    ended = person("elder-2", 1990)

    log = [*entered(WANDERER), *entered(ended), *out(NIGHT)]

    assert phases(RULE, log, NIGHT + HOUR) == []


def test_nobody_is_missed_who_may_have_come_back_unseen_but_an_open_door_is_open() -> None:
    def after_blindness(log: list[Seen]) -> list[Phase]:
        state, _ = run(RULE, [*entered(WANDERER), *log])
        state = RULE.lose_sight(state, NIGHT + 2 * MINUTE)
        return [one.phase for one in RULE.pass_time(state, NIGHT + HOUR)[1]]

    assert after_blindness(out(NIGHT)) == []
    assert after_blindness(out(NIGHT)[:2]) == [Phase.RAISED]


def test_a_wearable_heard_at_home_says_that_nobody_went_unless_it_may_be_anothers() -> None:
    log = [*out(NIGHT), band(NIGHT + 6 * MINUTE, ELDER)]

    assert phases(RULE, [*entered(ELDER), *out(NIGHT)], NIGHT + HOUR) == [Phase.RAISED]
    assert phases(RULE, [*entered(ELDER), *log], NIGHT + HOUR) == []
    assert phases(RULE, [*entered(WANDERER, ELDER), *log], NIGHT + HOUR) == [Phase.RAISED]
