"""Who is asked, and who sleeps: quiet hours, shifts, deputies, and budgets of notices."""

from msgspec.structs import replace

from pipeline.brain.grid import GridBrain
from pipeline.brain.respond.policy import Policy
from pipeline.brain.rules import RULES
from tests.pipeline.community import AGREED, GRID, START, Journal
from tests.pipeline.stories import (
    ASLEEP,
    MIN,
    NIGHT,
    H,
    S,
    about,
    concluded,
    journal,
    of,
    says,
    sos,
    standing,
    warm_homes,
)
from weinao.messages import (
    Action,
    Home,
    Motion,
    MotionEvent,
    Report,
    Rhythm,
    Sensor,
    Status,
)
from weinao.outcomes import (
    HazardKind,
    IncidentState,
    Notice,
    Reason,
    Rejected,
    Severity,
)
from weinao.registry import Device, Resident, Role, Staff


def irregular(made: Journal, at: int) -> None:
    for minute in range(20):
        said = Rhythm(at=at + minute * MIN, irregular=True, rmssd_ms=140, confidence=0.9)
        made.say("band-1", said)
    at += 21 * MIN
    made.say("agent-1", Status(at=at, complete_to=at))


def test_what_is_patient_wakes_nobody_and_is_asked_in_the_morning():
    asleep = [
        Staff(id=who, role=role, shift_from_min=480, shift_until_min=1_080)
        for who, role in (("head-1", Role.GRID_HEAD), ("property-1", Role.PROPERTY))
    ]
    made = journal(*asleep, at=NIGHT)
    irregular(made, NIGHT + MIN)
    [waiting] = standing(concluded(made))
    by_night = of(concluded(made), Notice)
    made.tick(waiting.due_at)
    told = [one for one in of(concluded(made), Notice) if one.incident == waiting.id]

    assert (waiting.state, waiting.assignee) == (IncidentState.OPEN, "")
    assert waiting.due_at == NIGHT + 5 * H  # seven in the morning
    assert by_night == []
    assert [one.recipient for one in told] == ["daughter-1"]


def test_a_pulse_that_was_irregular_at_night_and_is_regular_again_is_told_in_the_morning():
    rules = [
        replace(rule, burden_h=2) if rule.name == "irregular_pulse" else rule for rule in RULES
    ]
    made = journal(*ASLEEP, at=NIGHT)
    irregular(made, NIGHT + MIN)
    at = NIGHT + 3 * H
    made.say("band-1", Rhythm(at=at, irregular=False, rmssd_ms=30, confidence=0.9))
    made.say("agent-1", Status(at=at + S, complete_to=at + S))
    made.tick(NIGHT + 5 * H)

    outcomes = GridBrain(GRID, rules).observe(made.entries)
    [incident] = about(outcomes, HazardKind.IRREGULAR_PULSE)
    told = [one for one in of(outcomes, Notice) if one.incident == incident.id]

    assert incident.hazard_over
    assert (incident.state, incident.assignee) == (IncidentState.DISPATCHED, "daughter-1")
    assert [(one.recipient, one.at) for one in told] == [("daughter-1", NIGHT + 5 * H)]


def test_what_is_patient_is_given_to_who_is_on_the_night_shift():
    made = journal(at=NIGHT)
    irregular(made, NIGHT + MIN)

    assert [one.recipient for one in of(concluded(made), Notice)] == ["head-1"]


def test_what_waits_for_the_morning_is_asked_at_once_when_it_becomes_danger_to_life():
    made = warm_homes(1, 31.0, *ASLEEP, at=NIGHT)
    [waiting] = about(concluded(made), HazardKind.HEAT)
    made.say("warm-10", Home(at=made.now + MIN, sensor=Sensor.TEMPERATURE, value=46.0))
    made.say("agent-10", Status(at=made.now + S, complete_to=made.now + S))

    outcomes = concluded(made)
    [incident] = about(outcomes, HazardKind.HEAT)

    assert (waiting.state, waiting.assignee) == (IncidentState.OPEN, "")
    assert (incident.state, incident.severity) == (IncidentState.DISPATCHED, Severity.CRITICAL)
    assert incident.assignee == "child-10"


def test_what_waits_for_the_morning_is_asked_at_once_when_a_sensor_bears_it_out():
    leak = Device(id="leak-1", agent="agent-2", household="home-2", room="bathroom")
    made = journal(*ASLEEP, leak, at=NIGHT)
    made.say("phone-2", Report(at=NIGHT + S, category="leak", place="home-2"))
    made.say("leak-1", Home(at=NIGHT + MIN, sensor=Sensor.LEAK, value=1))

    [incident] = standing(concluded(made))

    assert (incident.state, incident.kind) == (IncidentState.DISPATCHED, HazardKind.LEAK)


def test_what_becomes_danger_to_life_no_longer_has_the_time_of_a_lesser_thing():
    made = warm_homes(1, quarters=5)
    [lesser] = about(concluded(made), HazardKind.HEAT)
    made.say("warm-10", Home(at=made.now + MIN, sensor=Sensor.TEMPERATURE, value=46.0))
    made.say("agent-10", Status(at=made.now + S, complete_to=made.now + S))

    [incident] = about(concluded(made), HazardKind.HEAT)

    assert lesser.due_at > made.now + MIN
    assert incident.due_at == made.now + MIN


def test_a_fire_reported_by_phone_is_passed_on_within_a_minute_as_one_that_is_sensed():
    made = journal()
    made.say("phone-2", Report(at=START + S, category="fire", place="b-1"))

    [incident] = standing(concluded(made))

    assert incident.due_at == START + S + MIN


def test_danger_to_life_wakes_the_family_at_night():
    made = journal(at=NIGHT)
    sos(made, NIGHT + S)

    assert "daughter-1" in [one.recipient for one in of(concluded(made), Notice)]


def test_a_deputy_stands_in_off_shift_and_while_away():
    made = journal(
        Staff(id="head-1", role=Role.GRID_HEAD, deputy="head-2", away_from=START, away_until=None),
        Staff(id="head-2", role=Role.OPERATOR),
        Resident(id="resident-1", household="home-1", consents=()),
        Staff(id="property-1", role=Role.PROPERTY, valid_to=START),
    )
    sos(made, START + S)

    assert [one.recipient for one in of(concluded(made), Notice)] == ["head-2"]


def test_a_storm_of_minor_things_is_told_once_and_then_waits_in_the_list():
    policy = replace(Policy(), notices_per_h_max=3, storms=(), groups=())
    agents = [Device(id=f"agent-{n}", agent=f"agent-{n}", heartbeat_s=10) for n in range(10, 30)]
    made = journal(*agents)
    for second in range(60):
        made.tick(START + second * S)

    outcomes = concluded(made, policy)
    told = [one.step.partition(".")[0] for one in of(outcomes, Notice)]
    silent = [one for one in standing(outcomes) if one.kind is HazardKind.AGENT_SILENT]

    assert len(silent) >= 20
    assert told == ["dispatch"] * 3 + ["many"]
    assert all(one.due_at is not None for one in silent)


def test_danger_to_life_is_told_whatever_the_budget():
    policy = replace(Policy(), notices_per_h_max=1)
    made = journal()
    for n in range(5):
        made.say("smoke-1", Home(at=START + n * 100 * S, sensor=Sensor.SMOKE, value=1))
        made.say("smoke-1", Home(at=START + (n * 100 + 50) * S, sensor=Sensor.SMOKE, value=0))
        made.tick(START + (n * 100 + 61) * S)

    told = [one for one in of(concluded(made, policy), Notice) if one.step.startswith("dispatch")]

    assert len(told) > 5


def test_a_fall_is_told_whatever_the_budget_though_it_may_not_be_sure_yet():
    leak = Device(id="leak-1", agent="agent-1", household="home-1", room="bathroom")
    made = journal(leak)
    made.say("leak-1", Home(at=START + S, sensor=Sensor.LEAK, value=1))
    made.say("band-1", Motion(at=START + MIN, event=MotionEvent.FALL, confidence=0.9))

    outcomes = concluded(made, replace(Policy(), notices_per_h_max=1))

    [told] = [one for one in of(outcomes, Notice) if one.kind is HazardKind.FALL]
    assert told.severity is Severity.MAJOR
    assert told.reason != "policy.many"


def test_policy_says_who_verifies():
    made = journal(
        Device(id="gate-1", agent="gate-1", place="gate"), Staff(id="officer-1", role=Role.POLICE)
    )
    made.say("button-1", Home(at=START + S, sensor=Sensor.SOS, value=1))
    [incident] = standing(concluded(made))
    says(made, START + 2 * S, incident, "head-1", Action.ACCEPT)
    says(made, START + 3 * S, incident, "head-1", Action.RESOLVE)
    plans = {**Policy().plans}
    plans[HazardKind.SOS] = replace(plans[HazardKind.SOS], verify=("police",))

    [incident] = standing(concluded(made, replace(Policy(), plans=plans)))

    assert (incident.state, incident.assignee) == (IncidentState.RESOLVED, "officer-1")


def test_who_has_left_the_team_neither_answers_nor_is_asked_to_verify():
    left = Staff(id="property-1", role=Role.PROPERTY, valid_to=START)
    made = journal(left, Resident(id="resident-1", household="home-1", consents=AGREED))
    sos(made, START + S)
    [incident] = standing(concluded(made))
    says(made, START + 2 * S, incident, "property-1", Action.DISMISS)
    [refused] = [one for one in of(concluded(made), Rejected) if one.reason is Reason.NOT_ALLOWED]
    says(made, START + 3 * S, incident, "head-1", Action.RESOLVE)

    [incident] = standing(concluded(made))

    assert "property-1" in refused.detail
    assert (incident.state, incident.assignee) == (IncidentState.RESOLVED, "")


def test_who_sees_what_waits_for_the_morning_may_take_it_on():
    made = journal(*ASLEEP, at=NIGHT)
    made.say("phone-2", Report(at=NIGHT + S, category="noise", place="b-1"))
    [waiting] = standing(concluded(made))
    says(made, NIGHT + MIN, waiting, "head-1", Action.ACCEPT)

    [incident] = standing(concluded(made))

    assert (incident.state, incident.assignee) == (IncidentState.ACCEPTED, "head-1")


def test_a_busy_hour_that_goes_on_still_tells_what_the_budget_allows():
    policy = replace(Policy(), notices_per_h_max=3, storms=(), groups=())
    made = journal(*ASLEEP[1:])
    for n in range(60):
        place = f"place-{n}"
        made.say("phone-2", Report(at=START + n * 5 * MIN, category="noise", place=place))

    told = [one for one in of(concluded(made, policy), Notice) if one.at >= START + 2 * H]

    assert sum(one.reason != "policy.many" for one in told) >= 3
