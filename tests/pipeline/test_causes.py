"""One cause, one incident; and a hazard stands in one of them."""

from hypothesis import given

from tests.pipeline.community import AGREED, START
from tests.pipeline.stories import (
    MIN,
    H,
    S,
    about,
    concluded,
    histories,
    journal,
    low_pulse,
    of,
    says,
    sos,
    standing,
)
from weinao.messages import (
    Action,
    Home,
    Motion,
    MotionEvent,
    Registered,
    Sensor,
)
from weinao.outcomes import (
    HazardKind,
    IncidentState,
    Notice,
    Severity,
)
from weinao.registry import Contact, Device, Resident


@given(histories())
def test_a_hazard_stands_in_one_incident(made):
    found = [one for one in standing(concluded(made)) if one.state is not IncidentState.MERGED]
    hazards = [hazard for one in found for hazard in one.hazards]

    assert len(hazards) == len(set(hazards))


def test_two_triggers_five_milliseconds_apart_are_one_incident():
    made = journal()
    sos(made, START + S)
    sos(made, START + S + 5)

    assert len(standing(concluded(made))) == 1


def test_a_fall_and_the_button_pressed_after_it_are_one_incident_and_the_graver_names_it():
    made = journal()
    made.say("band-1", Motion(at=START + S, event=MotionEvent.FALL, confidence=0.9))
    sos(made, START + 90 * S)

    [incident] = standing(concluded(made))

    assert incident.kind is HazardKind.SOS
    assert incident.severity is Severity.CRITICAL
    assert len(incident.hazards) == 2


def test_what_comes_from_another_home_is_another_incident():
    made = journal(Device(id="button-2", agent="agent-2", household="home-2"))
    made.say("band-1", Motion(at=START + S, event=MotionEvent.FALL, confidence=0.9))
    sos(made, START + 90 * S, "button-2")

    assert len(standing(concluded(made))) == 2


def test_the_same_cause_long_after_is_another_incident():
    made = journal()
    made.say("smoke-1", Home(at=START + S, sensor=Sensor.SMOKE, value=1))
    made.say("gas-1", Home(at=START + 2 * H, sensor=Sensor.GAS, value=1))

    assert len(standing(concluded(made))) == 2


def test_two_who_need_help_in_one_home_are_not_one_of_them():
    other = Resident(
        id="resident-4", household="home-1", consents=AGREED, contacts=(Contact(id="niece-4"),)
    )
    clip = Device(id="clip-1", agent="agent-1", wearer="resident-1")
    band = Device(id="band-4", agent="agent-1", wearer="resident-4")
    made = journal(other, clip, band)
    low_pulse(made, 0, 49)
    low_pulse(made, 1, 49)
    at = made.now + MIN
    made.say("band-4", Motion(at=at, event=MotionEvent.FALL, confidence=0.9))
    made.say("band-4", Motion(at=at + 60 * S, event=MotionEvent.IMMOBILE, still_s=45))
    made.tick(at + 121 * S)
    made.tick(at + 182 * S)

    outcomes = concluded(made)
    [incident] = about(outcomes, HazardKind.FALL)

    assert (incident.kind, incident.subject) == (HazardKind.FALL, "home-1")
    assert "niece-4" in {one.recipient for one in of(outcomes, Notice)}


def test_what_becomes_certain_is_told_to_who_was_told():
    made = journal()
    made.say("smoke-1", Home(at=START + S, sensor=Sensor.SMOKE, value=1))
    second = Device(id="smoke-2", agent="agent-1", household="home-1", room="bedroom")
    made.say("loader", Registered(at=START + 2 * S, record=second))
    made.say("smoke-2", Home(at=START + 30 * S, sensor=Sensor.SMOKE, value=1))

    told = [one for one in of(concluded(made), Notice) if one.step.startswith("sure.")]

    assert [one.recipient for one in told] == ["daughter-1", "son-1"]


def test_what_is_sure_after_it_was_dismissed_goes_to_the_incident_that_is_open():
    made = journal()
    made.say("band-1", Motion(at=START, event=MotionEvent.FALL, confidence=0.9))
    [first] = standing(concluded(made))
    says(made, START + 20 * S, first, "daughter-1", Action.DISMISS)
    made.say("band-1", Motion(at=START + 40 * S, event=MotionEvent.FALL, confidence=0.9))
    made.say("band-1", Motion(at=START + 90 * S, event=MotionEvent.IMMOBILE, still_s=45))

    [dismissed, second] = standing(concluded(made))

    assert (dismissed.state, dismissed.hazards) == (IncidentState.FALSE_ALARM, ())
    assert (second.state, second.severity) == (IncidentState.DISPATCHED, Severity.CRITICAL)
    assert first.hazards[0] in second.hazards
