"""What is promised of every incident: somebody answers for it, once, and it never just waits."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pipeline.brain.grid import GridBrain
from pipeline.brain.respond.ladder import tags_of
from pipeline.brain.respond.lifecycle import OVER
from pipeline.brain.respond.policy import Policy
from pipeline.brain.rules import RULES
from tests.pipeline.community import AGREED, GRID, RECORDS, START, Journal
from weinao.messages import (
    Action,
    Feedback,
    Home,
    Motion,
    MotionEvent,
    Receipt,
    Registered,
    Report,
    Rhythm,
    Sensor,
    Status,
    Vitals,
)
from weinao.outcomes import (
    Adjustment,
    AnyOutcome,
    Command,
    HazardKind,
    Incident,
    IncidentState,
    Notice,
    OrderState,
    Outcome,
    Reason,
    Rejected,
    Severity,
    Task,
)
from weinao.registry import Contact, Device, Household, Record, Resident, Role, Staff, TagGrant

S, MIN, H = 1_000, 60_000, 3_600_000
NIGHT = START - 8 * H + 2 * H  # 02:00 local of the day whose 08:00 is START
MORE: tuple[Record, ...] = (
    Device(id="valve-1", agent="agent-1", household="home-1", does=("close_gas_valve",)),
    Device(id="siren-1", agent="agent-1", household="home-1", does=("sound_siren", "lights_on")),
    Device(id="gas-1", agent="agent-1", household="home-1", room="kitchen"),
    Device(id="phone-2", agent="agent-2", wearer="resident-2"),
    Device(id="portal", agent="portal"),
)


def brain(policy: Policy | None = None) -> GridBrain:
    return GridBrain(GRID, RULES, policy=policy)


def journal(*records: Record, at: int = START) -> Journal:
    made = Journal(registered=False, at=at)
    for record in (*RECORDS, *MORE, *records):
        made.say("loader", Registered(at=at, record=record))
    return made


def concluded(made: Journal, policy: Policy | None = None) -> list[Outcome]:
    return brain(policy).observe(made.entries)


def of(outcomes: list[Outcome], kind: type) -> list[AnyOutcome]:
    return [one.value for one in outcomes if isinstance(one.value, kind)]


def standing(outcomes: list[Outcome]) -> list[Incident]:
    return list({one.id: one for one in of(outcomes, Incident)}.values())


def about(outcomes: list[Outcome], kind: HazardKind) -> list[Incident]:
    return [one for one in standing(outcomes) if one.kind is kind]


def sos(made: Journal, at: int, button: str = "button-1") -> None:
    made.say(button, Home(at=at, sensor=Sensor.SOS, value=1))


def says(made: Journal, at: int, incident: Incident, actor: str, action: Action, **more) -> None:
    said = Feedback(at=at, incident=incident.id, actor=actor, action=action, **more)
    made.say("phone-1", said)


def handled(made: Journal, at: int, incident: Incident) -> None:
    says(made, at, incident, "head-1", Action.ACCEPT)
    says(made, at + S, incident, "head-1", Action.RESOLVE)
    says(made, at + 2 * S, incident, "property-1", Action.VERIFY)


# -- no incident is ever just waiting ---------------------------------------------------------


@st.composite
def histories(draw: st.DrawFn) -> Journal:
    """Draw a story with every way in which an incident can move, and long silences in between."""
    shifts = draw(st.sampled_from([(0, 1_440), (480, 1_080), (1_320, 360)]))
    team = [
        Staff(id="head-1", role=Role.GRID_HEAD, shift_from_min=shifts[0], shift_until_min=shifts[1],
              deputy=draw(st.sampled_from(["", "property-1", "nobody"]))),
        Staff(id="property-1", role=Role.PROPERTY, valid_to=draw(st.sampled_from([None, START]))),
    ]  # fmt: skip
    made = journal(*team)
    seen, shown, at = brain(), 0, START
    outcomes: list[Outcome] = []
    for _ in range(draw(st.integers(1, 30))):
        at += draw(st.sampled_from([0, S, 20 * S, 2 * MIN, 40 * MIN, 9 * H]))
        what = draw(st.integers(0, 9))
        if what == 0:
            sos(made, at)
        elif what == 1:
            sensor = draw(st.sampled_from([Sensor.SMOKE, Sensor.GAS]))
            device = "smoke-1" if sensor is Sensor.SMOKE else "gas-1"
            made.say(device, Home(at=at, sensor=sensor, value=draw(st.sampled_from([0.0, 1.0]))))
        elif what == 2:
            event = draw(st.sampled_from([MotionEvent.FALL, MotionEvent.IMMOBILE]))
            made.say("band-1", Motion(at=at, event=event, confidence=0.9, still_s=60))
        elif what == 3:
            agent = draw(st.sampled_from(["agent-1", "agent-2"]))
            made.say(agent, Status(at=at, complete_to=at, sensors={"smoke-1": at}))
        elif what == 4:
            category = draw(st.sampled_from(["fire", "leak", "noise", "help"]))
            place = draw(st.sampled_from(["", "home-1", "b-1"]))
            made.say("phone-2", Report(at=at, category=category, place=place))
        elif what == 5 and (commands := of(outcomes, Command)):
            command = draw(st.sampled_from(commands))
            made.say("agent-1", Receipt(at=at, command=command.id, ok=draw(st.booleans())))
        elif what <= 7:
            outcomes += seen.observe(made.entries[shown:])
            shown = len(made.entries)
            if incidents := standing(outcomes):
                incident = draw(st.sampled_from(incidents))
                actor = draw(
                    st.sampled_from([incident.assignee or "head-1", "daughter-1", "property-1"])
                )
                action = draw(st.sampled_from(Action))
                rating = draw(st.sampled_from([None, 4]))
                says(made, at, incident, actor, action, rating=rating)
        else:
            made.tick(at)
    return made


@given(histories())
def test_no_incident_is_open_without_a_next_deadline(made):
    for one in of(concluded(made), Incident):
        assert one.state in OVER or one.due_at is not None


@given(histories(), st.sampled_from([1, 20, 300, 7_200, 86_400]))
def test_no_deadline_passes_without_something_being_done(made, later_s):
    at = made.now + later_s * S
    made.tick(at)
    made.tick(at + S)

    for one in standing(concluded(made)):
        assert one.state in OVER or one.due_at > at


@given(histories())
def test_of_one_step_nobody_is_told_twice(made):
    told = [(one.incident, one.recipient, one.step) for one in of(concluded(made), Notice)]

    assert len(told) == len(set(told))


@given(histories())
def test_an_open_incident_is_somebodys_or_says_when_it_asks_again(made):
    tasks = {(one.incident, one.assignee) for one in of(concluded(made), Task)}
    for one in standing(concluded(made)):
        if one.state is IncidentState.DISPATCHED:
            assert (one.id, one.assignee) in tasks


@given(histories())
def test_a_hazard_stands_in_one_incident(made):
    found = [one for one in standing(concluded(made)) if one.state is not IncidentState.MERGED]
    hazards = [hazard for one in found for hazard in one.hazards]

    assert len(hazards) == len(set(hazards))


@given(histories())
def test_what_was_learned_stays_within_its_bounds(made):
    for one in of(concluded(made), Adjustment):
        low, high = sorted((one.before, one.bound))
        assert one.before != one.after
        assert low <= one.after <= high or abs(one.after - one.bound) > abs(one.before - one.bound)


def test_what_ended_while_it_was_thought_false_does_not_go_on_when_it_is_opened_again():
    made = journal()
    made.tick(START + 60 * S)
    made.tick(START + 61 * S)
    [silent] = [one for one in standing(concluded(made)) if one.subject == "agent-1"]
    says(made, START + 62 * S, silent, "head-1", Action.DISMISS)
    made.say("agent-1", Status(at=START + 63 * S, complete_to=START + 63 * S))
    says(made, START + 64 * S, silent, "head-1", Action.REOPEN)
    says(made, START + 65 * S, silent, "head-1", Action.RESOLVE)
    says(made, START + 66 * S, silent, "property-1", Action.VERIFY)

    [incident] = [one for one in standing(concluded(made)) if one.id == silent.id]

    assert incident.state is IncidentState.CLOSED


def test_danger_to_life_that_is_opened_again_is_told_to_two_at_once():
    made = journal()
    made.say("band-1", Motion(at=START, event=MotionEvent.FALL, confidence=0.9))
    [fall] = standing(concluded(made))
    says(made, START + 20 * S, fall, "daughter-1", Action.DISMISS)
    made.say("band-1", Motion(at=START + 60 * S, event=MotionEvent.IMMOBILE, still_s=45))

    told = [one for one in of(concluded(made), Notice) if one.at == START + 60 * S]

    assert [one.step for one in told] == ["dispatch.2"] * 2


def test_who_sees_what_waits_for_the_morning_may_take_it_on():
    made = journal(*ASLEEP, at=NIGHT)
    made.say("phone-2", Report(at=NIGHT + S, category="noise", place="b-1"))
    [waiting] = standing(concluded(made))
    says(made, NIGHT + MIN, waiting, "head-1", Action.ACCEPT)

    [incident] = standing(concluded(made))

    assert (incident.state, incident.assignee) == (IncidentState.ACCEPTED, "head-1")


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


def test_a_busy_hour_that_goes_on_still_tells_what_the_budget_allows():
    policy = replace(Policy(), notices_per_h_max=3, storms=(), groups=())
    made = journal(*ASLEEP[1:])
    for n in range(60):
        place = f"place-{n}"
        made.say("phone-2", Report(at=START + n * 5 * MIN, category="noise", place=place))

    told = [one for one in of(concluded(made, policy), Notice) if one.at >= START + 2 * H]

    assert sum(one.reason != "policy.many" for one in told) >= 3


# -- one cause, one incident ---------------------------------------------------------------------


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


def test_a_power_cut_is_one_incident_and_not_twenty_dead_gateways():
    homes = [
        record
        for n in range(10, 30)
        for record in (
            Household(id=f"home-{n}", building="b-1", agent=f"agent-{n}"),
            Device(id=f"agent-{n}", agent=f"agent-{n}", household=f"home-{n}", heartbeat_s=10),
        )
    ]
    made = journal(*homes)
    for second in range(120):
        made.tick(START + second * S)

    found = [one for one in standing(concluded(made)) if one.kind is HazardKind.AGENT_SILENT]
    storms = [one for one in found if one.state is not IncidentState.MERGED]

    assert [one.subject for one in storms] == [GRID]
    assert storms[0].facts["count"] >= 20
    assert len([one for one in found if one.merged_into == storms[0].id]) == 5

    for n in (1, 2, *range(10, 30)):
        back = START + 200 * S
        made.say(f"agent-{n}", Status(at=back, complete_to=back))
    [storm] = [one for one in standing(concluded(made)) if one.id == storms[0].id]
    assert storm.state is IncidentState.CLOSED


def test_a_storm_rings_no_bell_for_each_of_its_gateways():
    homes = [Device(id=f"agent-{n}", agent=f"agent-{n}", heartbeat_s=10) for n in range(10, 40)]
    made = journal(*homes)
    for second in range(60):
        made.tick(START + second * S)

    assert len(of(concluded(made), Notice)) < 10


def warm_homes(count: int, temp_c: float = 31.0) -> Journal:
    made = journal(
        *(
            record
            for n in range(10, 10 + count)
            for record in (
                Household(id=f"home-{n}", building="b-1", agent=f"agent-{n}"),
                Device(id=f"agent-{n}", agent=f"agent-{n}", household=f"home-{n}"),
                Device(id=f"warm-{n}", agent=f"agent-{n}", household=f"home-{n}", room="bedroom"),
                Resident(
                    id=f"elder-{n}",
                    household=f"home-{n}",
                    birth_year=1940,
                    consents=AGREED,
                    contacts=(Contact(id=f"child-{n}"),),
                ),
            )
        )
    )
    for n in range(10, 10 + count):
        warms(made, n, START, temp_c)
    return made


def warms(made: Journal, home: int, at: int, temp_c: float) -> None:
    for quarter in range(6):
        seen_at = at + quarter * 15 * MIN
        made.say(f"warm-{home}", Home(at=seen_at, sensor=Sensor.TEMPERATURE, value=temp_c))
        made.say(f"agent-{home}", Status(at=seen_at + S, complete_to=seen_at + S))


def test_a_storm_does_not_swallow_danger_to_life_in_one_of_its_homes():
    made = warm_homes(7)
    [storm] = [one for one in standing(concluded(made)) if one.subject == GRID]
    for n in (11, 16):
        warms(made, n, START + 2 * H, 46.0)

    outcomes = concluded(made)

    own = [one for one in standing(outcomes) if one.severity is Severity.CRITICAL]
    told = {one.recipient for one in of(outcomes, Notice) if one.severity is Severity.CRITICAL}
    [storm] = [one for one in standing(outcomes) if one.id == storm.id]
    assert sorted(one.household for one in own) == ["home-11", "home-16"]
    assert {one.state for one in own} == {IncidentState.DISPATCHED}
    assert {"child-11", "child-16"} <= told
    assert not {hazard for one in own for hazard in one.hazards} & set(storm.hazards)
    assert storm.facts["count"] == 5


def test_danger_to_life_in_many_homes_at_once_is_no_storm():
    found = about(concluded(warm_homes(7, 46.0)), HazardKind.HEAT)

    assert {one.subject for one in found} == {f"home-{n}" for n in range(10, 17)}


# -- reports of residents -----------------------------------------------------------------------


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


def test_what_becomes_certain_is_told_to_who_was_told():
    made = journal()
    made.say("smoke-1", Home(at=START + S, sensor=Sensor.SMOKE, value=1))
    second = Device(id="smoke-2", agent="agent-1", household="home-1", room="bedroom")
    made.say("loader", Registered(at=START + 2 * S, record=second))
    made.say("smoke-2", Home(at=START + 30 * S, sensor=Sensor.SMOKE, value=1))

    told = [one for one in of(concluded(made), Notice) if one.step.startswith("sure.")]

    assert [one.recipient for one in told] == ["daughter-1", "son-1"]


# -- devices are told, too ----------------------------------------------------------------------


def test_gas_closes_the_valve_and_waits_for_its_word():
    made = journal()
    made.say("gas-1", Home(at=START + S, sensor=Sensor.GAS, value=1))
    commands = of(concluded(made), Command)
    valve = next(one for one in commands if one.target == "valve-1")
    made.say("agent-1", Receipt(at=START + 2 * S, command=valve.id, ok=True))

    [incident] = standing(concluded(made))

    assert {(one.device, one.target, one.do) for one in commands} == {
        ("agent-1", "valve-1", "close_gas_valve"),
        ("agent-1", "siren-1", "sound_siren"),
    }
    assert {one.device: one.state for one in incident.orders} == {
        "valve-1": OrderState.DONE,
        "siren-1": OrderState.ASKED,
    }


def test_a_valve_that_never_answers_is_told_again_and_then_somebody_is():
    made = journal()
    made.say("gas-1", Home(at=START + S, sensor=Sensor.GAS, value=1))
    for second in range(2, 120):
        made.tick(START + second * S)

    outcomes = concluded(made)
    [incident] = about(outcomes, HazardKind.GAS)
    commands = [one for one in of(outcomes, Command) if one.target == "valve-1"]
    failed = [one for one in of(outcomes, Notice) if one.reason == "policy.order_failed"]

    assert len(commands) == 3
    assert len({one.id for one in commands}) == 3
    assert {one.state for one in incident.orders} == {OrderState.UNANSWERED}
    assert {str(one.facts["device"]) for one in failed} == {"valve-1", "siren-1"}


def test_a_late_word_of_an_earlier_try_counts():
    made = journal()
    made.say("gas-1", Home(at=START + S, sensor=Sensor.GAS, value=1))
    first = next(one for one in of(concluded(made), Command) if one.target == "valve-1")
    for second in range(2, 120):
        made.tick(START + second * S)
    made.say("agent-1", Receipt(at=START + 121 * S, command=first.id, ok=True))

    [incident] = about(concluded(made), HazardKind.GAS)

    assert {one.device: one.state for one in incident.orders}["valve-1"] is OrderState.DONE


def test_who_is_asked_hears_at_once_that_a_device_refuses():
    made = journal()
    made.say("gas-1", Home(at=START + S, sensor=Sensor.GAS, value=1))
    valve = next(one for one in of(concluded(made), Command) if one.target == "valve-1")
    made.say("agent-1", Receipt(at=START + 2 * S, command=valve.id, ok=False, detail="stuck"))

    outcomes = concluded(made)
    [incident] = standing(outcomes)

    [told] = [one for one in of(outcomes, Notice) if one.reason == "policy.order_failed"]
    assert told.recipient == incident.assignee


def test_gas_that_comes_back_closes_the_valve_again():
    made = journal()
    made.say("gas-1", Home(at=START + S, sensor=Sensor.GAS, value=1))
    first = next(one for one in of(concluded(made), Command) if one.target == "valve-1")
    made.say("agent-1", Receipt(at=START + 2 * S, command=first.id, ok=True))
    made.say("gas-1", Home(at=START + MIN, sensor=Sensor.GAS, value=0))
    made.say("gas-1", Home(at=START + 5 * MIN, sensor=Sensor.GAS, value=1))

    outcomes = concluded(made)
    [incident] = about(outcomes, HazardKind.GAS)
    commands = [one for one in of(outcomes, Command) if one.target == "valve-1"]

    assert [one.at for one in commands] == [START + S, START + 5 * MIN]
    assert len({one.id for one in commands}) == 2
    assert {one.device: one.state for one in incident.orders}["valve-1"] is OrderState.ASKED


# -- sleep, shifts and budgets ------------------------------------------------------------------


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


def test_what_is_patient_is_given_to_who_is_on_the_night_shift():
    made = journal(at=NIGHT)
    irregular(made, NIGHT + MIN)

    assert [one.recipient for one in of(concluded(made), Notice)] == ["head-1"]


ASLEEP: tuple[Record, ...] = (
    Staff(id="head-1", role=Role.GRID_HEAD, shift_from_min=480, shift_until_min=1_080),
    Staff(id="property-1", role=Role.PROPERTY, shift_from_min=480, shift_until_min=1_080),
)


def test_what_waits_for_the_morning_is_asked_at_once_when_it_becomes_danger_to_life():
    made = journal(*ASLEEP, at=NIGHT)
    made.say("phone-2", Report(at=NIGHT + S, category="noise", place="b-1"))
    [waiting] = standing(concluded(made))
    made.say("phone-2", Report(at=NIGHT + MIN, category="fire", place="b-1"))

    outcomes = concluded(made)
    [incident] = standing(outcomes)

    assert waiting.assignee == ""
    assert (incident.state, incident.severity) == (IncidentState.DISPATCHED, Severity.CRITICAL)
    assert len(of(outcomes, Notice)) == 2


def test_what_waits_for_the_morning_is_asked_at_once_when_a_sensor_bears_it_out():
    leak = Device(id="leak-1", agent="agent-2", household="home-2", room="bathroom")
    made = journal(*ASLEEP, leak, at=NIGHT)
    made.say("phone-2", Report(at=NIGHT + S, category="leak", place="home-2"))
    made.say("leak-1", Home(at=NIGHT + MIN, sensor=Sensor.LEAK, value=1))

    [incident] = standing(concluded(made))

    assert (incident.state, incident.kind) == (IncidentState.DISPATCHED, HazardKind.LEAK)


def test_what_becomes_danger_to_life_no_longer_has_the_time_of_a_lesser_thing():
    made = journal()
    made.say("phone-2", Report(at=START + S, category="noise", place="b-1"))
    made.say("phone-2", Report(at=START + MIN, category="fire", place="b-1"))

    [incident] = standing(concluded(made))

    assert incident.due_at == START + 2 * MIN


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


# -- old news -----------------------------------------------------------------------------------


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


# -- learning -----------------------------------------------------------------------------------


def low_pulse(made: Journal, day: int, hr_bpm: float) -> None:
    at = START + day * 24 * H
    made.say("clip-1", Vitals(at=at, hr_bpm=hr_bpm))
    made.say("agent-1", Status(at=at + S, complete_to=at + S))


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
