"""What false alarms teach: a step, within bounds, and taken back with them."""

from hypothesis import given

from pipeline.brain.respond.ladder import tags_of
from pipeline.brain.respond.lifecycle import OVER
from tests.pipeline.community import START, Journal
from tests.pipeline.stories import (
    S,
    about,
    brain,
    concluded,
    histories,
    journal,
    low_pulse,
    of,
    says,
    standing,
)
from weinao.messages import (
    Action,
    Motion,
    MotionEvent,
)
from weinao.outcomes import (
    Adjustment,
    HazardKind,
    Incident,
)
from weinao.registry import Device, Resident, TagGrant


def learning() -> Journal:
    made = journal(Device(id="clip-1", agent="agent-1", wearer="resident-1"))
    low_pulse(made, 0, 60)
    return made


def false_alarm(made: Journal) -> Incident:
    [*_, incident] = [one for one in standing(concluded(made)) if one.state not in OVER]
    says(made, made.now + S, incident, "daughter-1", Action.DISMISS)
    return incident


def test_a_false_alarm_moves_the_personal_limit_a_step_and_says_so():
    made = learning()
    low_pulse(made, 1, 49)
    incident = false_alarm(made)
    low_pulse(made, 2, 60)
    low_pulse(made, 3, 49)

    outcomes = concluded(made)

    [change] = of(outcomes, Adjustment)
    assert (change.rule, change.threshold) == ("vitals", "pulse_low")
    assert (change.before, change.after, change.bound) == (50, 48, 44)
    assert (change.incident, change.actor) == (incident.id, "daughter-1")
    assert len(about(outcomes, HazardKind.VITALS)) == 1


def test_however_many_false_alarms_what_is_severe_still_alarms():
    made = learning()
    day = 1
    for hr_bpm in (49, 47, 45, 43, 41, 39):
        low_pulse(made, day, hr_bpm)
        if any(one.state not in OVER for one in standing(concluded(made))):
            false_alarm(made)
        low_pulse(made, day + 1, 60)
        day += 2
    low_pulse(made, day, 39)

    outcomes = concluded(made)

    assert min(one.after for one in of(outcomes, Adjustment)) == 44
    assert any(one.state not in OVER for one in standing(outcomes))


def test_taking_a_false_alarm_back_takes_the_lesson_back():
    made = learning()
    low_pulse(made, 1, 49)
    incident = false_alarm(made)
    says(made, made.now + S, incident, "head-1", Action.REOPEN)

    changes = of(concluded(made), Adjustment)

    assert [(one.before, one.after) for one in changes] == [(50, 48), (48, 50)]


def test_a_fall_learns_nothing_from_false_alarms():
    made = journal()
    made.say("band-1", Motion(at=START + S, event=MotionEvent.FALL, confidence=0.9))
    false_alarm(made)

    assert of(concluded(made), Adjustment) == []


def test_tags_that_no_longer_hold_change_nothing():
    held = TagGrant(tag="dementia", valid_to=START - S)
    resident = Resident(id="resident-1", household="home-1", tags=(held,))
    made = journal(resident)
    known = brain()
    known.observe(made.entries)

    assert tags_of(known._known, "resident-1", "home-1", START) == ()


@given(histories())
def test_what_was_learned_stays_within_its_bounds(made):
    for one in of(concluded(made), Adjustment):
        low, high = sorted((one.before, one.bound))
        assert one.before != one.after
        assert low <= one.after <= high or abs(one.after - one.bound) > abs(one.before - one.bound)
