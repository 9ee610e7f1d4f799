"""What others are told about an outcome."""

import msgspec
import pytest
from msgspec.structs import replace

from sinks.announce import STEPS_KEPT, Alert, messages
from tests.sinks.made import T0, command, hazard, incident, kept, loss, notice, outcome, task
from weinao.messages import Action
from weinao.outcomes import AnyOutcome, Incident, IncidentState, Outcome, Step

LONG = 262_144
HERE = "weinao/v1/c/grid-1"


def raised(state: IncidentState = IncidentState.DISPATCHED) -> Outcome:
    value = incident(1, state)
    return replace(outcome(1, 0, value), received_at=value.noticed_at)


def test_the_change_that_raises_an_incident_is_an_alert_first() -> None:
    alert, change = messages(raised(), "c", T0, LONG)

    assert (alert.topic, change.topic) == (f"{HERE}/out/alert", f"{HERE}/out/incident")
    assert msgspec.json.decode(change.payload, type=Incident) == raised().value
    said = msgspec.json.decode(alert.payload, type=Alert)
    assert said.id == "i-1"
    assert said.text["en"].startswith("fall: ")
    assert said.text["zh"].startswith("跌倒: ")


@pytest.mark.parametrize("state", [IncidentState.CLOSED, IncidentState.FALSE_ALARM])
def test_what_was_over_at_once_is_no_alert(state: IncidentState) -> None:
    assert [said.topic for said in messages(raised(state), "c", T0, LONG)] == [
        f"{HERE}/out/incident"
    ]


def test_a_later_change_is_no_alert() -> None:
    later = replace(raised(), received_at=raised().received_at + 5_000)

    assert [said.topic for said in messages(later, "c", T0, LONG)] == [f"{HERE}/out/incident"]


def test_a_command_goes_to_its_device_and_expires() -> None:
    [said] = messages(outcome(1, 0, command()), "c", T0 + 500, LONG)

    assert said.topic == f"{HERE}/down/agent-1/command"
    assert said.expires_s == 60


def test_a_command_past_its_time_is_not_sent() -> None:
    assert messages(outcome(1, 0, command()), "c", command().expires_at, LONG) == []


@pytest.mark.parametrize(("value", "what"), [(task(), "task"), (notice(), "notice")])
def test_people_are_told_by_tasks_and_notices(value: AnyOutcome, what: str) -> None:
    [said] = messages(outcome(1, 0, value), "c", T0, LONG)

    assert said.topic == f"{HERE}/out/{what}"
    assert msgspec.json.decode(said.payload, type=AnyOutcome) == value


@pytest.mark.parametrize("value", [kept(1), hazard(), loss(1, 2)])
def test_of_the_rest_nothing_is_said(value: AnyOutcome) -> None:
    assert messages(outcome(1, 0, value), "c", T0, LONG) == []


def test_a_long_history_is_cut_to_its_last_steps() -> None:
    step = Step(at=T0, action=Action.COMMENT, actor="a", state=IncidentState.OPEN, note="x" * 2_000)
    long = replace(incident(), steps=(step,) * 200)

    [said] = messages(outcome(1, 0, long), "c", T0, LONG)

    assert len(said.payload) < LONG
    kept_steps = msgspec.json.decode(said.payload, type=Incident).steps
    assert [found.note for found in kept_steps] == [""] * STEPS_KEPT
