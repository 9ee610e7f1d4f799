"""What is promised of visits: every home in which somebody lives is due, and by the rule."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.brain.perceive.registered import Registered as Registry
from pipeline.brain.respond.policy import VISITS
from pipeline.brain.respond.visits import Visits, VisitsState
from tests.pipeline.community import AGREED, START
from tests.pipeline.stories import H, S, concluded, journal, of
from weinao.messages import Visit
from weinao.outcomes import DueVisit, Phase, Risk, RiskKind
from weinao.registry import Household, Record, Resident, TagGrant

DAY = 24 * H
RECORDS: tuple[Record, ...] = (
    Household(id="h-1", agent="a-1"),
    Household(id="h-2", agent="a-2"),
    Household(id="h-3", agent="a-3"),
    Resident(id="r-1", household="h-1", tags=(TagGrant(tag="lives_alone"),)),
    Resident(id="r-2", household="h-2"),
)
EVERY = {"lives_alone": 8, "default": 100}


def known(*records: Record) -> Registry:
    found = Registry({})
    for record in (*RECORDS, *records):
        found = found.with_record(record)
    return found


def visit(home: str, at: int, found: str = "well") -> Visit:
    return Visit(at=at, entry=f"e-{at}", household=home, staff="head-1", found=found)


def risk(phase: Phase = Phase.RAISED, subject: str = "r-1") -> Risk:
    return Risk(
        id=f"risk-{subject}", kind=RiskKind.SLEEP, phase=phase, subject=subject, household="",
        at=START,
    )  # fmt: skip


def by_home(dues: list[DueVisit]) -> dict[str, DueVisit]:
    return {one.household: one for one in dues}


@given(
    last=st.dictionaries(st.sampled_from(["h-1", "h-2"]), st.integers(START - 300 * DAY, START)),
    stands=st.booleans(),
)
def test_who_lives_alone_is_visited_more_often_and_a_risk_halves_the_time(last, stands):
    visits, said = Visits(EVERY, VisitsState()), list[DueVisit]()
    said += visits.pass_time(known(), START)
    for home, at in last.items():
        said += visits.made(visit(home, at), known(), START)
    if stands:
        said += visits.stands(risk(), known(), START)

    dues = by_home(said)

    assert set(dues) == {"h-1", "h-2"}  # nobody lives in the third
    for home, days in (("h-1", 4 if stands else 8), ("h-2", 100)):
        assert dues[home].due_at == (START if home not in last else last[home] + days * DAY)
        assert dues[home].last_at == last.get(home)
    assert ("risk:sleep" in dues["h-1"].why) == stands


@given(st.lists(st.sampled_from(["tick", "visit", "raise", "clear", "tag", "move"]), max_size=12))
def test_what_is_due_is_said_once_and_goes_on_after_a_restart(acts):
    one, registry, now = Visits(EVERY, VisitsState()), known(), START
    said: dict[str, DueVisit] = {}
    for number, act in enumerate(acts):
        now += DAY
        other = Visits(EVERY, one.snapshot())
        if act in ("tag", "move"):
            home = "h-3" if act == "move" else "h-1"
            tag = TagGrant(tag="chronic:copd", valid_to=now + number * DAY)
            registry = registry.with_record(Resident(id="r-1", household=home, tags=(tag,)))
            one.entered()
            other.entered()
        follows = [_follow(visits, act, registry, now) for visits in (one, other)]
        assert follows[0] == follows[1]
        for due in follows[0]:
            assert said.get(due.household) != due
            said[due.household] = due


def _follow(visits: Visits, act: str, registry: Registry, now: int) -> list[DueVisit]:
    if act == "visit":
        return [*visits.made(visit("h-1", now), registry, now), *visits.pass_time(registry, now)]
    if act in ("raise", "clear"):
        phase = Phase.RAISED if act == "raise" else Phase.CLEARED
        stands = visits.stands(risk(phase), registry, now)
        return [*stands, *visits.pass_time(registry, now)]
    return [*visits.pass_time(registry, now)]


def test_nobody_at_home_is_no_visit():
    visits = Visits(EVERY, VisitsState())
    [*visits.pass_time(known(), START)]

    assert [*visits.made(visit("h-1", START, "not_home"), known(), START)] == []


def test_a_tag_that_has_run_out_asks_for_no_more_visits():
    until = START + DAY
    tag = TagGrant(tag="lives_alone", valid_to=until)
    registry = known(Resident(id="r-1", household="h-1", tags=(tag,)))
    visits = Visits(EVERY, VisitsState())
    [*visits.pass_time(registry, START)]
    [before] = visits.made(visit("h-1", START), registry, START)
    assert [*visits.pass_time(registry, until - S)] == []

    [after] = visits.pass_time(registry, until)

    assert (before.due_at, after.due_at) == (START + 8 * DAY, START + 100 * DAY)
    assert (before.why, after.why) == (("lives_alone",), ())


def test_who_moves_leaves_nobody_to_visit_behind():
    visits = Visits(EVERY, VisitsState())
    [*visits.pass_time(known(), START)]
    visits.entered()

    moved = known(Resident(id="r-1", household="h-3", tags=(TagGrant(tag="lives_alone"),)))
    dues = by_home([*visits.pass_time(moved, START + S)])

    assert dues["h-1"].due_at is None
    assert dues["h-3"].why == ("lives_alone",)


def test_the_brain_says_who_is_due_and_a_visit_moves_it():
    alone = Resident(
        id="resident-1", household="home-1", consents=AGREED, tags=(TagGrant(tag="lives_alone"),)
    )
    made = journal(alone)
    made.tick(START + S)
    made.say("portal", visit("home-1", START + 2 * S))

    before, after = [one for one in of(concluded(made), DueVisit) if one.household == "home-1"]

    assert (before.last_at, before.due_at) == (None, START + S)
    assert after.due_at == START + 2 * S + VISITS["lives_alone"] * DAY
