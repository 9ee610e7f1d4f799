"""What the brain promises about any journal."""

import pickle

from hypothesis import given
from hypothesis import strategies as st

from pipeline.brain.entries import Entry
from pipeline.brain.grid import GridBrain
from pipeline.brain.respond.lifecycle import OVER
from tests.pipeline.community import GRID, RULES, START, Journal, journals, run
from weinao.messages import Action, Feedback, Home, Motion, MotionEvent, Pack, Sensor, Status
from weinao.numbers import RANGES_MAX
from weinao.outcomes import (
    Hazard,
    HazardKind,
    Incident,
    IncidentState,
    Kept,
    Loss,
    Notice,
    Outcome,
    Phase,
    Reason,
    Rejected,
)


def of(kind: type, outcomes: list[Outcome]) -> list:
    return [outcome.value for outcome in outcomes if isinstance(outcome.value, kind)]


def latest(outcomes: list[Outcome]) -> dict[str, Incident]:
    return {incident.id: incident for incident in of(Incident, outcomes)}


@given(journals(), st.data())
def test_a_crash_anywhere_changes_nothing(journal: list[Entry], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(journal)), label="cut")
    brain = GridBrain(GRID, RULES)
    before = run(journal[:cut], brain)
    snapshot = pickle.loads(pickle.dumps(brain.snapshot()))  # as Bytewax keeps it
    after = run(journal[cut:], GridBrain(GRID, RULES, resume=snapshot))

    assert before + after == run(journal)


@given(journals(), st.integers(1, 7))
def test_batching_changes_nothing(journal: list[Entry], size: int) -> None:
    brain = GridBrain(GRID, RULES)

    batched = [
        outcome
        for start in range(0, len(journal), size)
        for outcome in run(journal[start : start + size], brain)
    ]

    assert batched == run(journal)


@given(journals())
def test_a_snapshot_is_not_changed_by_what_comes_later(journal: list[Entry]) -> None:
    brain = GridBrain(GRID, RULES)
    middle = len(journal) // 2
    run(journal[:middle], brain)
    taken = brain.snapshot()
    before = pickle.dumps(taken)

    run(journal[middle:], brain)

    assert pickle.dumps(taken) == before


@given(journals())
def test_everything_sent_twice_counts_once(journal: list[Entry]) -> None:
    twice = [entry for entry in journal for _ in range(2)]

    once = [o.value for o in run(journal) if not isinstance(o.value, Rejected)]
    again = [o.value for o in run(twice) if not isinstance(o.value, Rejected)]

    assert again == once


@given(journals())
def test_no_incident_is_ever_open_without_a_next_deadline(journal: list[Entry]) -> None:
    for incident in of(Incident, run(journal)):
        assert (incident.due_at is None) == (incident.state in OVER)


@given(journals())
def test_no_incident_is_closed_unverified(journal: list[Entry]) -> None:
    for incident in latest(run(journal)).values():
        if incident.state is IncidentState.CLOSED:
            actions = [step.action for step in incident.steps]
            assert actions[-2:] == [Action.VERIFY, Action.CLOSE]


@given(journals())
def test_nobody_is_told_twice_of_one_step(journal: list[Entry]) -> None:
    notices = [notice.id for notice in of(Notice, run(journal))]

    assert len(notices) == len(set(notices))


@given(journals())
def test_every_hazard_raised_is_in_exactly_one_incident(journal: list[Entry]) -> None:
    outcomes = run(journal)
    homes = [hazard for incident in latest(outcomes).values() for hazard in incident.hazards]

    raised = {hazard.id for hazard in of(Hazard, outcomes) if hazard.phase is Phase.RAISED}

    assert sorted(homes) == sorted(raised)


def test_an_sos_is_handled_by_people_until_somebody_else_verified_it() -> None:
    journal = Journal()
    journal.say("button-1", Home(at=START + 1, sensor=Sensor.SOS, value=1))
    [incident] = latest(run(journal.entries)).values()
    assert (incident.state, incident.assignee) == (IncidentState.DISPATCHED, "daughter-1")
    assert incident.told == ("daughter-1", "son-1")

    for action, actor in [
        (Action.ACCEPT, "daughter-1"),
        (Action.ARRIVE, "daughter-1"),
        (Action.RESOLVE, "daughter-1"),
        (Action.VERIFY, "daughter-1"),  # refused: she resolved it herself
        (Action.VERIFY, "head-1"),
    ]:
        journal.say(
            "phone-1", Feedback(at=START + 2, incident=incident.id, actor=actor, action=action)
        )
    outcomes = run(journal.entries)

    [refused] = of(Rejected, outcomes)
    assert refused.reason is Reason.NOT_ALLOWED
    assert latest(outcomes)[incident.id].state is IncidentState.CLOSED


def test_who_does_not_answer_is_followed_by_the_next_of_the_ladder() -> None:
    journal = Journal()
    journal.say("button-1", Home(at=START + 1, sensor=Sensor.SOS, value=1))
    for second in range(0, 200, 10):
        journal.tick(START + second * 1_000)

    incidents = latest(run(journal.entries)).values()

    [incident] = [found for found in incidents if found.kind is HazardKind.SOS]
    asked = [step.note for step in incident.steps if step.action is Action.DISPATCH]
    assert asked == ["daughter-1", "son-1", "head-1", "property-1"]


def test_a_fall_followed_by_a_walk_through_the_home_is_withdrawn() -> None:
    journal = Journal()
    journal.say("band-1", Motion(at=START, event=MotionEvent.FALL, confidence=0.9))
    for second, pir in [(20, "pir-1"), (40, "pir-2")]:
        journal.say(pir, Home(at=START + second * 1_000, sensor=Sensor.PIR, value=1))

    outcomes = run(journal.entries)

    assert [hazard.phase for hazard in of(Hazard, outcomes)] == [Phase.RAISED, Phase.WITHDRAWN]
    [incident] = latest(outcomes).values()
    assert incident.state is IncidentState.FALSE_ALARM


def test_a_fall_after_which_nothing_moves_is_confirmed_and_told_again() -> None:
    journal = Journal()
    journal.say("pir-1", Home(at=START - 60_000, sensor=Sensor.PIR, value=1))
    journal.say("band-1", Motion(at=START, event=MotionEvent.FALL, confidence=0.9))
    journal.say("agent-1", Status(at=START + 61_000, complete_to=START + 61_000))

    outcomes = run(journal.entries)

    assert [hazard.phase for hazard in of(Hazard, outcomes)] == [Phase.RAISED, Phase.CONFIRMED]
    assert [notice.step for notice in of(Notice, outcomes)] == ["dispatch.1", "worse.4"]


def test_where_nothing_could_move_its_stillness_says_nothing() -> None:
    journal = Journal()
    journal.say("band-1", Motion(at=START, event=MotionEvent.FALL, confidence=0.9))
    journal.say("agent-1", Status(at=START + 61_000, complete_to=START + 61_000))

    assert [hazard.phase for hazard in of(Hazard, run(journal.entries))] == [Phase.RAISED]


def test_a_dead_agent_is_one_incident_and_heals_when_it_is_back() -> None:
    journal = Journal()
    journal.say("agent-1", Status(at=START, complete_to=START, sensors={"smoke-1": START}))
    journal.say("agent-2", Status(at=START, complete_to=START))
    for second in range(0, 600, 10):
        journal.tick(START + second * 1_000)
        journal.say("agent-2", Status(at=START + second * 1_000, complete_to=START))
    [incident] = latest(run(journal.entries)).values()
    assert (incident.kind, incident.subject) == (HazardKind.AGENT_SILENT, "agent-1")

    back = START + 600_000
    journal.say("agent-1", Status(at=back, complete_to=back, sensors={"smoke-1": back}))

    [incident] = latest(run(journal.entries)).values()
    assert incident.state is IncidentState.CLOSED


def test_a_device_that_its_agent_no_longer_hears_is_silent() -> None:
    journal = Journal()
    for second in range(0, 300, 10):
        at = START + second * 1_000
        journal.say("agent-1", Status(at=at, complete_to=at, sensors={"smoke-1": START}))

    [hazard] = of(Hazard, run(journal.entries))

    assert (hazard.kind, hazard.subject) == (HazardKind.DEVICE_SILENT, "smoke-1")
    assert hazard.at == START + 180_000


def test_missing_numbers_enter_the_ledger_once_the_agent_has_nothing_more() -> None:
    journal = Journal()
    first = journal.say("pir-1", Home(at=START, sensor=Sensor.PIR, value=1))
    del journal.entries[-1]
    journal.say("pir-1", Home(at=START + 1, sensor=Sensor.PIR, value=1))
    journal.say("agent-1", Status(at=START + 2, complete_to=START, queue_len=5))
    assert of(Loss, run(journal.entries)) == []

    journal.say("agent-1", Status(at=START + 3, complete_to=START))
    journal.send(first)

    losses = of(Loss, run(journal.entries))
    assert [(loss.state, loss.first, loss.last) for loss in losses] == [
        ("missing", 1, 1),
        ("filled", 1, 1),
    ]


def test_what_comes_from_an_unknown_device_is_set_aside() -> None:
    journal = Journal(registered=False)
    journal.say("pir-9", Home(at=START, sensor=Sensor.PIR, value=1))

    [outcome] = run(journal.entries)

    assert outcome.value.reason is Reason.UNKNOWN_DEVICE


def test_a_gap_of_which_a_part_comes_is_entered_anew() -> None:
    journal = Journal()
    packs = [journal.say("pir-1", Home(at=START + n, sensor=Sensor.PIR, value=1)) for n in range(4)]
    del journal.entries[-4:-1]  # the first three never came
    journal.say("agent-1", Status(at=START + 5, complete_to=START))
    journal.send(packs[0])
    journal.say("agent-1", Status(at=START + 6, complete_to=START))

    losses = of(Loss, run(journal.entries))

    assert [(loss.state, loss.first, loss.last) for loss in losses] == [
        ("missing", 1, 3),
        ("filled", 1, 3),
        ("missing", 2, 3),
    ]


def test_after_days_of_alarms_in_turn_with_the_rest_the_newest_alarm_counts_all_the_same() -> None:
    journal = Journal()
    at = START
    for toggle in range(RANGES_MAX + 100):  # the outbox sends alarms before what lies between them
        at += 120_000
        said = Home(at=at, sensor=Sensor.LEAK, value=1.0)
        journal.send(
            Pack(v=1, device="pir-2", boot="00000001-a", seq=2 * toggle + 2, sent=at, obs=(said,))
        )

    outcomes = run(journal.entries)

    kept = [one for one in of(Kept, outcomes) if one.device == "pir-2"]
    assert len(kept) == RANGES_MAX + 100
    assert kept[-1].at == at
    assert of(Rejected, outcomes) == []
