"""Many of a kind at once are one incident, and danger to life is never lost in it."""

from tests.pipeline.community import GRID, START
from tests.pipeline.stories import (
    H,
    S,
    about,
    concluded,
    journal,
    of,
    standing,
    warm_homes,
    warms,
)
from weinao.messages import (
    Status,
)
from weinao.outcomes import (
    HazardKind,
    IncidentState,
    Notice,
    Severity,
)
from weinao.registry import Device, Household


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


def test_a_storm_goes_on_until_the_last_of_its_gateways_is_back():
    agents = [f"agent-{n}" for n in range(1_000, 1_300)]
    made = journal(*(Device(id=one, agent=one, heartbeat_s=10) for one in agents))
    for second in range(0, 60, 5):
        made.tick(START + second * S)
    [storm] = [one for one in standing(concluded(made)) if one.subject == GRID]
    last = agents.pop(150)
    for one in ("agent-1", "agent-2", *agents):
        made.say(one, Status(at=START + 70 * S, complete_to=START + 70 * S))

    [going_on] = [one for one in standing(concluded(made)) if one.id == storm.id]
    made.say(last, Status(at=START + 80 * S, complete_to=START + 80 * S))
    [over] = [one for one in standing(concluded(made)) if one.id == storm.id]

    assert storm.facts["count"] == 302
    assert (going_on.state, len(going_on.standing)) == (IncidentState.DISPATCHED, 1)
    assert over.state is IncidentState.CLOSED
