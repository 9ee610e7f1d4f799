"""What comes late: old news wakes nobody, danger to life apart."""

import pytest

from tests.pipeline.community import START, Journal
from tests.pipeline.stories import MIN, NIGHT, H, S, about, concluded, journal, of, sos, standing
from weinao.messages import (
    Home,
    Motion,
    MotionEvent,
    Registered,
    Rhythm,
    Sensor,
    Status,
)
from weinao.outcomes import (
    HazardKind,
    IncidentState,
    Notice,
)
from weinao.registry import Device


def cut_off_for_three_days() -> tuple[Journal, int]:
    made = journal()
    made.say("agent-1", Status(at=START, complete_to=START))
    made.tick(START + S)
    return made, START + 72 * H


def test_old_news_that_is_over_is_told_to_nobody():
    made, back = cut_off_for_three_days()
    made.tick(back - S)
    made.say("leak-1", Home(at=START + H, sensor=Sensor.LEAK, value=1))
    leak = Device(id="leak-1", agent="agent-1", household="home-1", room="bathroom")
    made.say("loader", Registered(at=back, record=leak))
    made.say("leak-1", Home(at=START + H, sensor=Sensor.LEAK, value=1))
    made.say("leak-1", Home(at=START + 2 * H, sensor=Sensor.LEAK, value=0))
    made.tick(back + 600 * S)

    outcomes = concluded(made)
    [incident] = [one for one in standing(outcomes) if one.kind is HazardKind.LEAK]

    assert incident.old
    assert incident.state is IncidentState.CLOSED
    assert [one for one in of(outcomes, Notice) if one.incident == incident.id] == []


def test_a_pulse_that_was_irregular_while_the_home_was_cut_off_is_told_though_it_is_over():
    made, back = cut_off_for_three_days()
    made.tick(back - S)
    for minute in range(20):
        at = START + H + minute * MIN
        made.say("band-1", Rhythm(at=at, irregular=True, rmssd_ms=140, confidence=0.9))
    made.say("band-1", Rhythm(at=START + 40 * H, irregular=False, rmssd_ms=30, confidence=0.9))
    made.say("agent-1", Status(at=back, complete_to=back))
    made.tick(back + 600 * S)

    outcomes = concluded(made)
    [incident] = about(outcomes, HazardKind.IRREGULAR_PULSE)

    assert (incident.hazard_over, incident.state) == (True, IncidentState.DISPATCHED)
    told = [one.recipient for one in of(outcomes, Notice) if one.incident == incident.id]
    assert told == ["daughter-1"]


def test_old_danger_to_life_is_told_at_once_and_as_old():
    made, back = cut_off_for_three_days()
    made.tick(back)
    sos(made, START + H)

    told = [one for one in of(concluded(made), Notice) if one.kind is HazardKind.SOS]

    assert told
    assert all(one.old and one.happened_at == START + H for one in told)


def test_a_new_call_in_a_home_whose_history_is_still_on_its_way_is_no_old_news():
    made, back = cut_off_for_three_days()
    made.tick(back)
    sos(made, back)

    assert not any(one.old for one in standing(concluded(made)) if one.kind is HazardKind.SOS)


def test_what_is_over_by_the_time_it_is_known_wakes_nobody():
    made = journal(Device(id="door-1", agent="agent-1", household="home-1", room="hall"), at=NIGHT)
    made.say("agent-1", Status(at=NIGHT, complete_to=NIGHT))
    made.say("door-1", Home(at=NIGHT + MIN, sensor=Sensor.DOOR, value=0))
    made.say("door-1", Home(at=NIGHT + 2 * MIN, sensor=Sensor.DOOR, value=1))
    made.say("door-1", Home(at=NIGHT + 19 * MIN, sensor=Sensor.DOOR, value=0))
    made.say("agent-1", Status(at=NIGHT + 20 * MIN, complete_to=NIGHT + 20 * MIN))

    outcomes = concluded(made)
    [incident] = about(outcomes, HazardKind.DOOR_OPEN)

    assert incident.state is IncidentState.CLOSED
    assert not incident.old
    assert [one for one in of(outcomes, Notice) if one.incident == incident.id] == []


def in_step(made: Journal, count: int, now: int, behind: int, complete_to: int | None = None):
    """Let heartbeats come as they are made, by a clock that is behind the community's."""
    for beat in range(count):
        made.tick(now + beat * 10 * S)
        at = now + beat * 10 * S - behind
        upto = at if complete_to is None else complete_to
        made.say("agent-1", Status(at=at, complete_to=upto))
    return now + count * 10 * S


@pytest.mark.parametrize("behind", [0, H, 30 * 24 * H])
def test_a_fall_is_told_at_once_and_is_no_old_news_though_a_clock_is_hours_wrong(behind: int):
    made = journal()
    now = in_step(made, 6, START, behind)
    made.tick(now)
    made.say("band-1", Motion(at=now - behind, event=MotionEvent.FALL, confidence=0.9))

    outcomes = concluded(made)

    [told] = [one for one in of(outcomes, Notice) if one.kind is HazardKind.FALL]
    assert (told.at, told.old, told.recipient) == (now, False, "daughter-1")


@pytest.mark.parametrize("behind", [0, H])
def test_what_a_cut_off_home_tells_is_old_also_once_its_word_comes_in_step_again(behind: int):
    made = journal(Device(id="leak-1", agent="agent-1", household="home-1", room="bathroom"))
    cut = in_step(made, 6, START, behind)
    back = cut + 2 * H
    made.tick(back)
    for beat in range(720):  # its heartbeats of two hours come all at once, before what is routine
        at = cut + beat * 10 * S - behind
        made.say("agent-1", Status(at=at, complete_to=cut - behind, queue_len=beat))
    now = in_step(made, 6, back, behind, complete_to=cut - behind)
    made.say("leak-1", Home(at=cut + 20 * MIN - behind, sensor=Sensor.LEAK, value=1))
    made.tick(now)

    [incident] = [one for one in standing(concluded(made)) if one.kind is HazardKind.LEAK]

    assert incident.old


def test_the_first_alarm_of_a_home_that_was_in_step_and_cut_off_is_old():
    made = journal(Device(id="leak-1", agent="agent-1", household="home-1", room="bathroom"))
    cut = in_step(made, 6, START, 0)
    made.tick(cut + 2 * H)
    made.say("leak-1", Home(at=cut + MIN, sensor=Sensor.LEAK, value=1))

    [incident] = [one for one in standing(concluded(made)) if one.kind is HazardKind.LEAK]

    assert incident.old
