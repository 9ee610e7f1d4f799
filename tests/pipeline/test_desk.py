"""What the desk promises: nothing that goes wrong twice is handled once."""

from tests.pipeline.community import START, Journal, run
from weinao.messages import Action, Feedback, Home, Motion, MotionEvent, Sensor, Status
from weinao.outcomes import (
    HazardKind,
    Incident,
    IncidentState,
    Notice,
    Outcome,
    Reason,
    Rejected,
    Severity,
)

S = 1_000


def incidents(outcomes: list[Outcome], kind: HazardKind) -> list[Incident]:
    found = {o.value.id: o.value for o in outcomes if isinstance(o.value, Incident)}
    return [incident for incident in found.values() if incident.kind is kind]


def notices(outcomes: list[Outcome]) -> list[str]:
    return [o.value.recipient for o in outcomes if isinstance(o.value, Notice)]


def refused(outcomes: list[Outcome]) -> list[Reason]:
    return [o.value.reason for o in outcomes if isinstance(o.value, Rejected)]


def press(journal: Journal, second: int) -> Incident:
    journal.say("button-1", Home(at=START + second * S, sensor=Sensor.SOS, value=1))
    return incidents(run(journal.entries), HazardKind.SOS)[-1]


def answer(journal: Journal, incident: Incident, second: int, actor: str, *actions: Action) -> None:
    for action in actions:
        said = Feedback(at=START + second * S, incident=incident.id, actor=actor, action=action)
        journal.say("phone-1", said)


def test_a_second_call_for_help_after_it_was_resolved_is_not_swallowed() -> None:
    journal = Journal()
    first = press(journal, 1)
    answer(journal, first, 2, "daughter-1", Action.ACCEPT, Action.RESOLVE)
    before = len(notices(run(journal.entries)))

    again = press(journal, 1_800)

    assert again.id == first.id
    assert again.state is IncidentState.DISPATCHED
    assert len(notices(run(journal.entries))) > before


def test_who_lies_still_after_somebody_said_false_alarm_is_looked_after() -> None:
    journal = Journal()
    journal.say("band-1", Motion(at=START, event=MotionEvent.FALL, confidence=0.9))
    [fall] = incidents(run(journal.entries), HazardKind.FALL)
    answer(journal, fall, 20, "daughter-1", Action.DISMISS)
    journal.say("band-1", Motion(at=START + 60 * S, event=MotionEvent.IMMOBILE, still_s=45))

    [fall] = incidents(run(journal.entries), HazardKind.FALL)

    assert (fall.state, fall.severity) == (IncidentState.DISPATCHED, Severity.CRITICAL)


def test_an_incident_is_a_false_alarm_only_if_every_hazard_of_it_was() -> None:
    journal = Journal()
    for second in (0, 4):
        at = START + second * S
        journal.say("band-1", Motion(at=at, event=MotionEvent.FALL, confidence=0.9))
    journal.say("band-1", Motion(at=START + 35 * S, event=MotionEvent.IMMOBILE, still_s=30))
    for second, pir in [(50, "pir-1"), (60, "pir-2")]:
        journal.say(pir, Home(at=START + second * S, sensor=Sensor.PIR, value=1))

    [fall] = incidents(run(journal.entries), HazardKind.FALL)

    assert fall.state is IncidentState.DISPATCHED


def test_only_who_was_asked_may_decline() -> None:
    journal = Journal()
    sos = press(journal, 1)
    answer(journal, sos, 2, "daughter-1", Action.ACCEPT)
    answer(journal, sos, 3, "son-1", Action.DECLINE)

    outcomes = run(journal.entries)

    assert refused(outcomes) == [Reason.NOT_ALLOWED]
    [sos] = incidents(outcomes, HazardKind.SOS)
    assert (sos.state, sos.assignee) == (IncidentState.ACCEPTED, "daughter-1")


def test_acknowledging_again_and_again_does_not_hold_up_the_next_person() -> None:
    journal = Journal()
    sos = press(journal, 1)
    for second in range(10, 400, 10):
        answer(journal, sos, second, "daughter-1", Action.ACK)
        journal.tick(START + second * S)

    [sos] = incidents(run(journal.entries), HazardKind.SOS)

    assert sos.round > 1


def test_what_still_goes_on_cannot_be_verified_away() -> None:
    journal = Journal()
    journal.tick(START + 60 * S)
    journal.tick(START + 61 * S)
    [silent] = [
        found
        for found in incidents(run(journal.entries), HazardKind.AGENT_SILENT)
        if found.subject == "agent-1"
    ]
    answer(journal, silent, 70, "property-1", Action.RESOLVE)
    answer(journal, silent, 71, "head-1", Action.VERIFY)
    assert refused(run(journal.entries)) == [Reason.NOT_ALLOWED]

    back = START + 100 * S
    journal.say("agent-1", Status(at=back, complete_to=back))

    healed = {found.id: found for found in incidents(run(journal.entries), HazardKind.AGENT_SILENT)}
    assert healed[silent.id].state is IncidentState.CLOSED


def test_a_gateway_that_comes_back_does_not_bring_a_crowd_of_silent_devices() -> None:
    journal = Journal()
    journal.say("agent-1", Status(at=START, complete_to=START, sensors={"smoke-1": START}))
    journal.tick(START + S)
    journal.tick(START + 8 * S)
    back = START + 7_200 * S
    journal.say("agent-1", Status(at=back, complete_to=back), boot="00000002-b")

    assert incidents(run(journal.entries), HazardKind.DEVICE_SILENT) == []


def test_an_unanswered_call_stays_within_bounds() -> None:
    journal = Journal()
    press(journal, 1)
    for minute in range(0, 3 * 1_440, 2):
        journal.tick(START + minute * 60 * S)

    [sos] = incidents(run(journal.entries), HazardKind.SOS)

    assert sos.state is IncidentState.DISPATCHED
    assert len(sos.steps) <= 201
    assert sos.due_at is not None


def test_nobody_is_called_silent_for_the_time_in_which_nobody_listened() -> None:
    journal = Journal()
    for second in range(0, 60, 5):
        at = START + second * S
        journal.tick(at)
        for agent in ("agent-1", "agent-2"):
            journal.say(agent, Status(at=at, complete_to=at, sensors={"smoke-1": at}))
    journal.tick(START + 600 * S)  # ingest was away for nine minutes

    assert incidents(run(journal.entries), HazardKind.AGENT_SILENT) == []

    for second in range(605, 700, 5):
        journal.tick(START + second * S)

    assert len(incidents(run(journal.entries), HazardKind.AGENT_SILENT)) == 2


def test_a_clock_that_ticks_slowly_from_now_on_excuses_nobody_for_ever() -> None:
    journal = Journal()
    for second in range(10):
        journal.tick(START + second * S)
    for second in range(10, 600, 20):  # the machine is overloaded: every tick comes late
        journal.tick(START + second * S)

    silent = incidents(run(journal.entries), HazardKind.AGENT_SILENT)

    assert {found.subject for found in silent} == {"agent-1", "agent-2"}
