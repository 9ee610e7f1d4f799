"""What is promised of every incident: somebody answers for it, once, and it never just waits."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.brain.respond.lifecycle import OVER
from tests.pipeline.community import START
from tests.pipeline.stories import (
    MIN,
    S,
    about,
    concluded,
    histories,
    journal,
    of,
    says,
    sos,
    standing,
)
from weinao.messages import (
    Action,
    Motion,
    MotionEvent,
    Status,
)
from weinao.outcomes import (
    HazardKind,
    Incident,
    IncidentState,
    Notice,
    Task,
)


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


def test_what_is_opened_again_begins_the_ladder_anew_and_with_the_time_that_the_first_has():
    made = journal()
    sos(made, START)
    for minute in range(1, 30):
        made.tick(START + minute * MIN + S)
    [call] = about(concluded(made), HazardKind.SOS)
    says(made, START + 31 * MIN, call, "head-1", Action.RESOLVE)
    again = START + 40 * MIN
    sos(made, again)

    outcomes = concluded(made)
    [call] = about(outcomes, HazardKind.SOS)
    anew = [one for one in of(outcomes, Notice) if one.incident == call.id and one.at == again]

    assert [one.recipient for one in anew] == ["daughter-1", "son-1"]
    assert (call.assignee, call.due_at) == ("daughter-1", again + MIN)


def test_what_a_person_opens_again_is_not_closed_because_nobody_answered():
    made = journal()
    made.tick(START + 60 * S)
    made.tick(START + 61 * S)
    [silent] = [one for one in standing(concluded(made)) if one.subject == "agent-1"]
    made.say("agent-1", Status(at=START + 62 * S, complete_to=START + 62 * S))
    says(made, START + 63 * S, silent, "head-1", Action.REOPEN)
    for second in range(64, 4_000, 5):
        made.tick(START + second * S)
        made.say("agent-1", Status(at=START + second * S, complete_to=START + second * S))

    [silent] = [one for one in standing(concluded(made)) if one.id == silent.id]

    assert silent.state is IncidentState.DISPATCHED
