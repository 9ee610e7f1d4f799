"""What residents report: one incident with what sensors see of it, and somebody's to rate."""

from tests.pipeline.community import START
from tests.pipeline.stories import S, concluded, handled, journal, of, says, sos, standing
from weinao.messages import (
    Action,
    Home,
    Report,
    Sensor,
)
from weinao.outcomes import (
    HazardKind,
    IncidentState,
    Notice,
)


def test_a_report_joins_what_the_sensors_see_and_the_reporter_is_known():
    made = journal()
    made.say("smoke-1", Home(at=START + S, sensor=Sensor.SMOKE, value=1))
    made.say("phone-2", Report(at=START + 60 * S, category="fire", place="home-1"))

    [incident] = standing(concluded(made))

    assert (incident.kind, incident.reporter) == (HazardKind.SMOKE, "resident-2")
    assert len(incident.standing) == 1  # what a person says is no sensor that ends it


def test_what_the_sensors_see_joins_what_was_reported_before():
    made = journal()
    made.say("phone-2", Report(at=START + S, category="fire", place="b-1"))
    made.say("smoke-1", Home(at=START + 60 * S, sensor=Sensor.SMOKE, value=1))

    [incident] = standing(concluded(made))

    assert (incident.kind, incident.household) == (HazardKind.SMOKE, "home-1")


def test_a_report_of_something_else_is_an_incident_of_its_own():
    made = journal()
    made.say("smoke-1", Home(at=START + S, sensor=Sensor.SMOKE, value=1))
    made.say("phone-2", Report(at=START + 60 * S, category="leak", place="home-1"))

    assert {one.kind for one in standing(concluded(made))} == {HazardKind.SMOKE, HazardKind.REPORT}


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
