"""Where no channel reaches who is asked, the ladder goes on at once, and never runs in circles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pipeline.stories import MIN, S, about, brain, journal, of, says, sos, standing
from weinao.messages import Action, Delivery, Home, Sensor, Visit
from weinao.outcomes import UNREACHED, HazardKind, Incident, IncidentState, Kept, Notice, Outcome
from weinao.registry import Device

COURIER = Device(id="courier", agent="courier")
START = journal().now


def leak(made, at: int) -> None:
    made.say("smoke-1", Home(at=at, sensor=Sensor.LEAK, value=1))


def undelivered(notice: Notice, at: int, **more) -> Delivery:
    return Delivery(
        at=at, notice=notice.id, incident=notice.incident, recipient=notice.recipient,
        **{"ok": False, "channel": "sms", "tries": 1, "detail": "timeout", **more},
    )  # fmt: skip


def newest(outcomes: list[Outcome]) -> tuple[Incident, Notice]:
    [incident] = about(outcomes, HazardKind.LEAK) or about(outcomes, HazardKind.SOS)
    return incident, [one for one in of(outcomes, Notice) if one.incident == incident.id][-1]


def test_the_next_person_is_asked_at_once_and_the_incident_says_why() -> None:
    made = journal(COURIER)
    leak(made, START)
    _, first = newest(brain().observe(made.entries))
    made.say("courier", undelivered(first, START + 3 * S))

    incident, second = newest(brain().observe(made.entries))

    assert (first.recipient, second.recipient) == ("daughter-1", "son-1")
    assert incident.assignee == "son-1"
    [declined] = [step for step in incident.steps if step.action is Action.DECLINE]
    assert (declined.at, declined.note) == (START + 3 * S, f"{UNREACHED} daughter-1")


@pytest.mark.parametrize(
    "other", [{"ok": True}, {"notice": "n-of-nobody"}, {"incident": "i-other"}, {"incident": ""}]
)
def test_what_was_taken_over_or_is_about_something_else_moves_nobody(other: dict) -> None:
    made = journal(COURIER)
    leak(made, START)
    _, first = newest(brain().observe(made.entries))
    said = undelivered(first, START + 3 * S)
    made.say(
        "courier", Delivery(**{**{n: getattr(said, n) for n in said.__struct_fields__}, **other})
    )

    incident, _ = newest(brain().observe(made.entries))

    assert incident.assignee == "daughter-1"
    assert incident.state is IncidentState.DISPATCHED


def test_nobody_is_passed_over_who_has_taken_it_on() -> None:
    made = journal(COURIER)
    sos(made, START)
    incident, _ = newest(brain().observe(made.entries))
    first = of(brain().observe(made.entries), Notice)[0]
    says(made, START + S, incident, "daughter-1", Action.ACCEPT)
    made.say("courier", undelivered(first, START + 3 * S))

    after, _ = newest(brain().observe(made.entries))

    assert (after.assignee, after.state) == ("daughter-1", IncidentState.ACCEPTED)


@given(st.integers(1, 40), st.integers(0, 30))
def test_where_nothing_reaches_anybody_the_ladder_does_not_turn_as_fast_as_providers_refuse(
    refusals: int, ticks: int
) -> None:
    made, seen, shown = journal(COURIER), brain(), 0
    outcomes: list[Outcome] = []
    leak(made, START)
    at = START
    for n in range(refusals):
        outcomes += seen.observe(made.entries[shown:])
        shown = len(made.entries)
        at += 100
        made.say("courier", undelivered(newest(outcomes)[1], at))
        if n < ticks:
            made.tick(at)
    outcomes += seen.observe(made.entries[shown:])

    incident, _ = newest(outcomes)
    people = {"daughter-1", "son-1", "head-1", "property-1"}
    assert incident.round <= len(people)
    assert incident.due_at is not None
    made.tick(incident.due_at)
    after, _ = newest([*outcomes, *seen.observe(made.entries[shown:])])
    assert after.round == incident.round + 1  # the deadline stands, whatever was reported


def test_a_visit_is_kept_with_its_home_and_moves_no_rule() -> None:
    made = journal()
    made.say(
        "portal",
        Visit(at=START + MIN, entry="e-1", household="home-1", staff="head-1", found="well"),
    )

    outcomes = brain().observe(made.entries)

    [kept] = [o for o in of(outcomes, Kept) if isinstance(o.observation, Visit)]
    assert (kept.household, kept.subject) == ("home-1", "home-1")
    assert standing(outcomes) == []
