"""What the desk promises of crowds: in a storm, too, each hazard is somebody's until it is over."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pipeline.brain.respond.lifecycle import BRAIN, OVER
from tests.pipeline.community import START
from tests.pipeline.test_hazards_at_the_desk import Act, Told, hazard
from weinao.messages import Action
from weinao.outcomes import Hazard, HazardKind, IncidentState, Phase, Severity

S, MIN = 1_000, 60_000
ENDS = (Action.DISMISS, Action.RESOLVE, Action.VERIFY, Action.REOPEN)
CROWD = 12


def of_home(number: int, home: int, phase: Phase = Phase.RAISED) -> Hazard:
    one = hazard(number, HazardKind.HEAT, phase=phase)
    return replace(one, subject=f"home-{home}", household=f"home-{home}")


@st.composite
def crowds(draw: st.DrawFn) -> list[Act]:
    """Draw heat that comes and goes in many homes at once, with a person who ends some of it."""
    told, now, made = Told(), START, list[Act]()
    stand: dict[int, Hazard] = {}
    for number in range(draw(st.integers(6, 40))):
        now += draw(st.sampled_from([S, S, S, MIN, 20 * MIN]))
        home = draw(st.integers(1, CROWD))
        what = draw(st.integers(0, 9))
        act: Act = (now, None)
        if what == 9 and told.open:
            one_of = draw(st.sampled_from(told.open)).id
            act = (now, (one_of, draw(st.sampled_from(["head-1", "property-1"])),
                         draw(st.sampled_from(ENDS))))  # fmt: skip
        elif what == 8 and home in stand:
            act = (now, replace(stand[home], phase=Phase.CONFIRMED, severity=Severity.CRITICAL))
        elif what >= 5 and home in stand:
            act = (now, replace(stand.pop(home), phase=Phase.CLEARED))
        elif home not in stand:
            stand[home] = of_home(number, home)
            act = (now, stand[home])
        told.tell(act)
        made.append(act)
    return made


@given(crowds())
def test_in_a_crowd_a_hazard_is_one_incidents_at_a_time_and_no_two_are_about_the_same(made):
    told = Told()
    for act in made:
        told.tell(act)
        named = [one for incident in told.incidents for one in incident.hazards]
        about = [(one.kind, one.subject) for one in told.open]
        assert len(named) == len(set(named))
        assert len(about) == len(set(about))


@given(crowds())
def test_nothing_is_closed_by_itself_while_one_of_its_hazards_stands(made):
    told, stand = Told(), set[str]()
    for act in made:
        told.tell(act)
        if isinstance(act[1], Hazard):
            (stand.discard if act[1].phase is Phase.CLEARED else stand.add)(act[1].id)
        for one in told.incidents:
            ended_by = {step.actor for step in one.steps if step.action is Action.RESOLVE}
            if one.state is IncidentState.CLOSED and ended_by <= {BRAIN}:
                assert not stand & set(one.hazards)


@given(crowds())
def test_danger_to_life_in_a_crowd_is_an_incident_of_its_own_home(made):
    told = Told()
    for act in made:
        told.tell(act)
        if isinstance(act[1], Hazard) and act[1].phase is Phase.CONFIRMED:
            [own] = [one for one in told.incidents if act[1].id in one.hazards]
            assert (own.subject, own.severity) == (act[1].subject, Severity.CRITICAL)
            assert own.state not in OVER
