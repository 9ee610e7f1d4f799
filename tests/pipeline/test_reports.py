"""What residents report: one incident with what sensors see of it, and somebody's to rate."""

from tests.pipeline.community import START
from tests.pipeline.stories import (
    ASLEEP,
    MIN,
    NIGHT,
    S,
    concluded,
    handled,
    journal,
    of,
    says,
    sos,
    standing,
)
from weinao.messages import (
    Action,
    Highrise,
    Home,
    Report,
    Sensor,
)
from weinao.outcomes import (
    HazardKind,
    IncidentState,
    Notice,
    Severity,
)
from weinao.registry import Device


def test_a_report_joins_what_the_sensors_see_and_the_reporter_is_known():
    made = journal()
    made.say("smoke-1", Home(at=START + S, sensor=Sensor.SMOKE, value=1))
    made.say("phone-2", Report(at=START + 60 * S, category="fire", place="home-1"))

    [incident] = standing(concluded(made))

    assert (incident.kind, incident.reporter) == (HazardKind.SMOKE, "resident-2")
    assert len(incident.standing) == 1  # what a person says is no sensor that ends it


def test_what_the_sensors_see_joins_what_was_reported_before():
    made = journal()
    made.say("phone-2", Report(at=START + S, category="fire", place="home-1"))
    made.say("smoke-1", Home(at=START + 60 * S, sensor=Sensor.SMOKE, value=1))

    [incident] = standing(concluded(made))

    assert (incident.kind, incident.household) == (HazardKind.SMOKE, "home-1")


def test_a_report_of_something_else_is_an_incident_of_its_own():
    made = journal()
    made.say("smoke-1", Home(at=START + S, sensor=Sensor.SMOKE, value=1))
    made.say("phone-2", Report(at=START + 60 * S, category="leak", place="home-1"))

    assert {one.kind for one in standing(concluded(made))} == {HazardKind.SMOKE, HazardKind.REPORT}


def test_a_fire_reported_of_a_building_is_not_the_smoke_of_one_of_its_homes():
    made = journal()
    made.say("phone-2", Report(at=START + S, category="fire", place="b-1"))
    made.say("smoke-1", Home(at=START + 60 * S, sensor=Sensor.SMOKE, value=1))
    made.say("phone-2", Report(at=START + 90 * S, category="fire", place="b-1"))

    found = {one.kind: one for one in standing(concluded(made))}

    assert {kind: one.subject for kind, one in found.items()} == {
        HazardKind.REPORT: "b-1",
        HazardKind.SMOKE: "home-1",
    }
    assert len(found[HazardKind.REPORT].hazards) == 2
    assert {one.state for one in found.values()} == {IncidentState.DISPATCHED}


def test_what_falls_from_a_building_is_what_was_reported_of_it():
    camera = Device(id="tower-1", agent="tower-1", place="b-1")
    made = journal(camera)
    made.say("phone-2", Report(at=START + S, category="falling_object", place="b-1"))
    seen = Highrise(at=START + MIN, building="b-1", floor=7, column="2", confidence=0.95)
    made.say("tower-1", seen)

    [incident] = standing(concluded(made))

    assert (incident.kind, incident.subject) == (HazardKind.FALLING_OBJECT, "b-1")


def test_a_noise_and_a_fire_in_one_place_are_two_incidents():
    made = journal(*ASLEEP, at=NIGHT)
    made.say("phone-2", Report(at=NIGHT + S, category="noise", place="b-1"))
    made.say("phone-2", Report(at=NIGHT + MIN, category="fire", place="b-1"))

    noise, fire = standing(concluded(made))

    assert (noise.state, noise.assignee) == (IncidentState.OPEN, "")
    assert (fire.state, fire.severity) == (IncidentState.DISPATCHED, Severity.CRITICAL)


def test_who_reported_may_rate_how_it_was_handled():
    made = journal()
    made.say("phone-2", Report(at=START + S, category="noise"))
    [incident] = standing(concluded(made))
    handled(made, START + 10 * S, incident)
    asked = [one for one in of(concluded(made), Notice) if one.step == "rate"]
    says(made, START + 60 * S, incident, "resident-2", Action.RATE, rating=5)

    [incident] = standing(concluded(made))

    assert [one.recipient for one in asked] == ["resident-2"]
    assert (incident.state, incident.rating) == (IncidentState.CLOSED, 5)


def test_what_is_closed_a_second_time_is_not_rated_again():
    made = journal()
    sos(made, START + S)
    [incident] = standing(concluded(made))
    handled(made, START + 10 * S, incident)
    says(made, START + 20 * S, incident, "head-1", Action.REOPEN)
    handled(made, START + 30 * S, incident)

    asked = [one for one in of(concluded(made), Notice) if one.step == "rate"]

    assert len(asked) == 1
