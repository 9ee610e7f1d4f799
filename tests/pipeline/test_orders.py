"""Devices are told, too; what they did counts once they say so."""

import pytest

from tests.pipeline.community import START
from tests.pipeline.stories import MIN, S, about, concluded, journal, of, standing
from weinao.messages import (
    Home,
    Receipt,
    Registered,
    Sensor,
)
from weinao.outcomes import (
    Command,
    HazardKind,
    Notice,
    OrderState,
    Reason,
    Rejected,
)
from weinao.registry import Device


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


@pytest.mark.parametrize(
    ("sender", "state"),
    [
        ("agent-1", OrderState.DONE),
        ("valve-1", OrderState.DONE),
        ("agent-2", OrderState.ASKED),
        ("siren-1", OrderState.ASKED),
    ],
)
def test_only_who_was_told_says_that_it_is_done(sender, state):
    made = journal()
    made.say("gas-1", Home(at=START + S, sensor=Sensor.GAS, value=1))
    valve = next(one for one in of(concluded(made), Command) if one.target == "valve-1")
    made.say(sender, Receipt(at=START + 2 * S, command=valve.id, ok=True))

    outcomes = concluded(made)
    [incident] = standing(outcomes)
    refused = [one.reason for one in of(outcomes, Rejected)]

    assert {one.device: one.state for one in incident.orders}["valve-1"] is state
    assert refused == ([] if state is OrderState.DONE else [Reason.NOT_ALLOWED])


def test_who_a_device_was_behind_before_no_longer_speaks_for_it():
    made = journal()
    made.say("gas-1", Home(at=START + S, sensor=Sensor.GAS, value=1))
    moved = Device(id="valve-1", agent="agent-2", household="home-1", does=("close_gas_valve",))
    made.say("loader", Registered(at=START + 2 * S, record=moved))
    made.tick(START + 30 * S)
    [*_, again] = [one for one in of(concluded(made), Command) if one.target == "valve-1"]
    made.say("agent-1", Receipt(at=START + 31 * S, command=again.id, ok=True))

    [incident] = about(concluded(made), HazardKind.GAS)

    assert again.device == "agent-2"
    assert {one.device: one.state for one in incident.orders}["valve-1"] is OrderState.ASKED


def test_a_valve_that_is_told_for_months_remembers_no_more_than_its_newest_tries():
    made = journal()
    made.say("gas-1", Home(at=START + S, sensor=Sensor.GAS, value=1))
    first = next(one for one in of(concluded(made), Command) if one.target == "valve-1")
    for turn in range(1, 40):
        at = START + turn * MIN
        made.say("gas-1", Home(at=at, sensor=Sensor.GAS, value=0))
        made.say("gas-1", Home(at=at + 30 * S, sensor=Sensor.GAS, value=1))
        [*_, newest] = [one for one in of(concluded(made), Command) if one.target == "valve-1"]
        made.say("valve-1", Receipt(at=at + 31 * S, command=newest.id, ok=False, detail="stuck"))
    made.say("valve-1", Receipt(at=made.now, command=first.id, ok=True))

    [incident] = about(concluded(made), HazardKind.GAS)

    assert {one.device: one.state for one in incident.orders}["valve-1"] is OrderState.REFUSED
