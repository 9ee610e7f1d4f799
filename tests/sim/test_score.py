"""The score: what was found, missed, made up, and told twice."""

from msgspec.structs import replace

from sim.score import score
from sim.verdict import Noticed
from sim.world.truth import Fact
from weinao.messages import Action
from weinao.outcomes import (
    Hazard,
    HazardKind,
    Incident,
    IncidentState,
    Notice,
    Phase,
    Severity,
    Step,
)

AT = 1_767_225_600_000

FACT = Fact(
    happening="falls", kind="fall", about=("resident-1", "home-1"), at=AT, until=AT + 1_800_000,
    told_at=AT, allowed_s=60,
)  # fmt: skip
HAZARD = Hazard(
    id="h-1", kind=HazardKind.FALL, phase=Phase.RAISED, subject="resident-1", household="home-1",
    at=AT, severity=Severity.MAJOR,
)  # fmt: skip
INCIDENT = Incident(
    id="i-1", grid="grid-1", kind=HazardKind.FALL, severity=Severity.MAJOR,
    state=IncidentState.CLOSED, subject="resident-1", household="home-1", at=AT,
    noticed_at=AT + 2_000, hazards=("h-1",),
)  # fmt: skip


def _score(facts=(FACT,), hazards=(HAZARD,), incidents=(INCIDENT,), notices=(), **more):
    noticed = [Noticed(one, AT + 2_000) for one in hazards]
    counted = {"home_days": 10.0, "lost": 0, "repeated": 0, **more}
    return score(
        facts=facts, noticed=noticed, incidents=list(incidents), notices=notices, **counted
    )


def test_what_was_found_counts_with_its_delay():
    found = _score()

    assert (found.acute_recall, found.acute_precision) == (1.0, 1.0)
    assert found.by_kind["fall"].delay_s_p95 == 2.0


def test_what_nobody_noticed_is_missed():
    assert _score(hazards=(), incidents=()).acute_recall == 0.0


def test_a_hazard_that_no_incident_answers_for_is_missed():
    assert _score(incidents=()).acute_recall == 0.0


def test_what_is_dated_after_its_bound_is_missed_and_that_of_another_home_is_false():
    late = replace(HAZARD, at=AT + 4_000_000)
    other = replace(HAZARD, subject="resident-2", household="home-2")

    assert _score(hazards=(late,)).acute_recall == 0.0
    found = _score(hazards=(other,))
    assert (found.acute_recall, found.acute_precision) == (0.0, 0.0)
    assert found.false_acute_per_home_day == 0.1


def test_what_may_follow_is_neither_expected_nor_false():
    optional = replace(FACT, optional=True)

    assert _score(facts=(optional,)).acute_precision == 1.0
    assert _score(facts=(optional,), hazards=(), incidents=()).acute_recall is None


def test_a_hazard_in_two_incidents_and_a_notice_told_twice_are_counted():
    notice = Notice(
        id="n-1", incident="i-1", recipient="daughter-1", channels=(), language="zh",
        step="dispatch.1", at=AT, kind=HazardKind.FALL, severity=Severity.MAJOR,
        subject="resident-1",
    )  # fmt: skip

    found = _score(incidents=(INCIDENT, replace(INCIDENT, id="i-2")), notices=(notice, notice))

    assert found.duplicated == 1
    assert found.notices_per_person_step_max == 2


def test_an_open_incident_without_a_deadline_and_a_deadline_let_pass_are_counted():
    steps = (
        Step(at=AT, action=Action.DISPATCH, actor="brain", state=IncidentState.DISPATCHED),
        Step(at=AT, action=Action.DECLINE, actor="brain", state=IncidentState.OPEN),
        Step(at=AT, action=Action.DISPATCH, actor="brain", state=IncidentState.DISPATCHED),
    )
    waiting = replace(INCIDENT, state=IncidentState.DISPATCHED, steps=steps, due_at=None)

    found = _score(incidents=(waiting,))

    assert found.open_without_deadline == 1
    assert found.within_deadline_share == 0.5
