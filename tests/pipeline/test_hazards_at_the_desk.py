"""What the desk promises of hazards, in whatever order rules and people speak of them."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pipeline.brain.perceive.registered import Registered
from pipeline.brain.respond.answers import FeedbackRefusedError
from pipeline.brain.respond.causes import CAUSES_MAX, bounded, ended, incident_of, joined
from pipeline.brain.respond.desk import Desk, DeskState
from pipeline.brain.respond.lifecycle import OVER
from pipeline.brain.respond.policy import Policy
from tests.pipeline.community import GRID, RECORDS, START
from tests.pipeline.stories import MORE
from weinao.messages import Action, Feedback
from weinao.outcomes import (
    AnyOutcome,
    Hazard,
    HazardKind,
    Incident,
    IncidentState,
    Notice,
    Phase,
    Severity,
    Task,
)

S, MIN, DAY = 1_000, 60_000, 86_400_000

KNOWN = Registered({})
for _record in (*RECORDS, *MORE):
    KNOWN = KNOWN.with_record(_record)

ABOUT = (("resident-1", "home-1"), ("home-1", "home-1"), ("resident-2", "home-2"))
KINDS = (HazardKind.FALL, HazardKind.FALL, HazardKind.SOS, HazardKind.SMOKE, HazardKind.HEAT)
ENDS = (Action.DISMISS, Action.DISMISS, Action.RESOLVE, Action.VERIFY, Action.REOPEN, Action.ACCEPT)

Act = tuple[int, Hazard | tuple[str, str, Action] | None]
"""When it happens, and what: a hazard, somebody's word about an incident, or time alone."""


def hazard(number: int, kind: HazardKind, *, phase: Phase = Phase.RAISED, about: int = 0) -> Hazard:
    subject, household = ABOUT[about]
    return Hazard(
        id=f"h-{number}",
        kind=kind,
        phase=phase,
        subject=subject,
        household=household,
        at=START,
        severity=Severity.CRITICAL if phase is Phase.CONFIRMED else Severity.MAJOR,
    )


class Told:
    """A desk, and what it has said."""

    def __init__(self) -> None:
        self.desk, self.said = Desk(GRID, Policy(), DeskState()), list[AnyOutcome]()
        self._now = START

    def tell(self, act: Act) -> list[AnyOutcome]:
        now, what = act
        self._now = now
        said = [*self._follows(now, what)]
        self.said += said
        return said

    def resumed(self) -> "Told":
        other = Told()
        other.desk = Desk(GRID, Policy(), self.desk.snapshot())
        return other

    @property
    def incidents(self) -> list[Incident]:
        found = {one.id: one for one in self.said if isinstance(one, Incident)}
        kept = [one for one in found.values() if self.desk.incident(one.id, self._now)]
        return [one for one in kept if one.state is not IncidentState.MERGED]

    @property
    def open(self) -> list[Incident]:
        return [one for one in self.incidents if one.state not in OVER]

    def _follows(
        self, now: int, what: Hazard | tuple[str, str, Action] | None
    ) -> Iterable[AnyOutcome]:
        if isinstance(what, Hazard):
            yield from self.desk.take_hazard(what, KNOWN, now)
        elif what is not None:
            incident, actor, action = what
            said = Feedback(at=now, incident=incident, actor=actor, action=action)
            try:
                yield from self.desk.take_feedback(said, KNOWN, now)
            except FeedbackRefusedError:
                return
        yield from self.desk.pass_time(KNOWN, now)


@st.composite
def acts(draw: st.DrawFn) -> list[Act]:
    """Draw hazards that come, are sure, pass and come back, and people who end and reopen."""
    told, now = Told(), START
    made, known = list[Act](), list[Hazard]()
    for number in range(draw(st.integers(1, 20))):
        now += draw(st.sampled_from([S, S, 2 * MIN, 45 * MIN, DAY, 31 * DAY]))
        what = draw(st.integers(0, 6))
        act: Act = (now, None)
        if what <= 1 or not known:
            one = hazard(
                number, draw(st.sampled_from(KINDS)), about=draw(st.sampled_from([0, 0, 0, 1, 2]))
            )
            known.append(one)
            act = (now, one)
        elif what <= 3:
            phase = draw(st.sampled_from([Phase.CONFIRMED, Phase.CLEARED, Phase.WITHDRAWN]))
            one = draw(st.sampled_from(known))
            grave = Severity.CRITICAL if phase is Phase.CONFIRMED else one.severity
            act = (now, replace(one, phase=phase, severity=grave))
        elif what <= 5 and told.incidents:
            one_of = draw(st.sampled_from(told.open or told.incidents)).id
            actor = draw(st.sampled_from(["head-1", "property-1", "daughter-1"]))
            act = (now, (one_of, actor, draw(st.sampled_from(ENDS))))
        told.tell(act)
        made.append(act)
    return made


@given(acts())
def test_a_hazard_is_one_incidents_at_a_time(made):
    told = Told()
    for act in made:
        told.tell(act)
        named = [one for incident in told.incidents for one in incident.hazards]
        assert len(named) == len(set(named))


@given(acts())
def test_two_open_incidents_are_not_about_the_same(made):
    told = Told()
    for act in made:
        told.tell(act)
        about = [(one.kind, one.subject) for one in told.open]
        assert len(about) == len(set(about))


@given(acts())
def test_what_is_raised_or_sure_is_somebodys_then(made):
    told = Told()
    for act in made:
        told.tell(act)
        if isinstance(act[1], Hazard) and act[1].phase in (Phase.RAISED, Phase.CONFIRMED):
            [answering] = [one for one in told.incidents if act[1].id in one.hazards]
            sure = act[1].phase is Phase.CONFIRMED
            assert answering.state not in OVER or not sure


@given(acts())
def test_every_notice_is_another_one(made):
    told = Told()
    for act in made:
        told.tell(act)

    notices = [one.id for one in told.said if isinstance(one, Notice)]
    assert len(notices) == len(set(notices))


@given(acts())
def test_what_is_opened_again_is_asked_of_the_first_of_the_ladder_again(made):
    told = Told()
    for act in made:
        asked = [one for one in told.tell(act) if isinstance(one, Task)]
        for one in told.incidents:
            last = [step.action for step in one.steps[-2:] if step.at == act[0]]
            if last == [Action.REOPEN, Action.DISPATCH] and asked:
                family = KNOWN.contacts_of(one.subject, one.household)
                assert one.steps[-1].note == family[0].id


@given(acts(), st.data())
def test_a_desk_goes_on_where_it_stood(made, data):
    cut = data.draw(st.integers(0, len(made)), label="cut")
    told = Told()
    for act in made[:cut]:
        told.tell(act)
    resumed = told.resumed()

    for act in made[cut:]:
        assert resumed.tell(act) == told.tell(act)


@pytest.mark.parametrize("clears", [True, False])
def test_a_detector_that_repeats_for_months_is_remembered_within_bounds(clears):
    told, sizes = Told(), []
    for number in range(3 * CAUSES_MAX):
        one, now = hazard(number, HazardKind.SMOKE), START + number * 20 * S
        told.tell((now, one))
        if clears:
            told.tell((now + S, replace(one, phase=Phase.CLEARED)))
        sizes.append(len(told.desk._docket._of_hazard))
        told.said = told.said[-2:]

    [incident] = told.incidents
    assert max(sizes) <= 2 * CAUSES_MAX
    assert len(incident.hazards) == sizes[-1] == sizes[-CAUSES_MAX]
    assert incident.hazard_over == clears
    assert one.id in incident.hazards


@given(st.integers(1, 40), st.data())
def test_what_is_more_than_an_incident_names_is_not_over_by_itself(count, data):
    most = data.draw(st.integers(2, 20), label="most")
    incident = incident_of(hazard(0, HazardKind.HEAT), GRID, START)
    for number in range(1, count):
        incident = bounded(joined(incident, hazard(number, HazardKind.HEAT)), most, most)
    assert len(incident.hazards) <= 2 * most
    ends = data.draw(st.permutations(incident.hazards), label="ends")
    for name in ends:
        over = replace(hazard(0, HazardKind.HEAT), id=name, phase=Phase.CLEARED)
        assert not incident.hazard_over
        incident = ended(incident, over)

    assert incident.standing == ()
    assert incident.hazard_over == (count <= most)
