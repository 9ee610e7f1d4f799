"""What `ChildAlone` promises, whatever it is shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.brain.identify.child_alone import ChildAlone
from pipeline.brain.identify.in_turn import InTurn
from pipeline.brain.perceive.seen import Seen
from tests.pipeline.home_rules import (
    CHILD,
    HOUR,
    MIDNIGHT,
    MINUTE,
    MOTHER,
    SECOND,
    band,
    check_promises,
    door,
    entered,
    logs,
    person,
    phases,
    run,
)
from weinao.outcomes import Phase, Severity
from weinao.registry import Resident

RULE = InTurn(ChildAlone())
FATHER = person("father-1", 1988)
OUT = MIDNIGHT + 16 * HOUR
END = OUT + HOUR


def heard(who: Resident, begin: int, end: int, every: int = 30 * SECOND) -> list[Seen]:
    """Return what a band says from an instant to another, as the home's agent hears it."""
    return [band(at, who) for at in range(begin, end, every)]


def at_door(at: int = OUT) -> list[Seen]:
    return [door(at, 1.0), door(at + 6 * SECOND, 0.0)]


def home_log(*parts: list[Seen], people: tuple[Resident, ...] = (CHILD, MOTHER)) -> list[Seen]:
    said = [seen for part in parts for seen in part]
    return [*entered(*people), *sorted(said, key=lambda seen: (seen.at, seen.id))]


CHILD_LEAVES = heard(CHILD, OUT - HOUR, OUT + 10 * SECOND)
MOTHER_STAYS = heard(MOTHER, OUT - HOUR, END)
MOTHER_LEAVES = heard(MOTHER, OUT - HOUR, OUT + 15 * SECOND)
MOTHER_WAS_OUT = heard(MOTHER, OUT - 5 * HOUR, OUT - 2 * HOUR)


@given(logs(("door", "door", "child", "child", "mother", "mother"), gap_min_max=3), st.data())
def test_it_keeps_the_promises_of_all_rules(log: list[Seen], data: st.DataObject) -> None:
    check_promises(RULE, [*entered(CHILD, MOTHER), *log], data)


@given(logs(("door", "child", "mother"), gap_min_max=3))
def test_a_child_that_is_always_heard_is_not_out(log: list[Seen]) -> None:
    first, last = log[0].at - HOUR, log[-1].at + HOUR
    doors = [seen for seen in log if "door" in seen.device]

    assert phases(RULE, home_log(doors, heard(CHILD, first, last)), last) == []


@given(logs(("door", "child", "mother"), gap_min_max=3))
def test_without_the_door_nobody_goes_out(log: list[Seen]) -> None:
    bands = [seen for seen in log if "door" not in seen.device]

    assert phases(RULE, home_log(bands), log[-1].at + HOUR) == []


@pytest.mark.parametrize("mother", [MOTHER_STAYS, MOTHER_WAS_OUT], ids=["stays", "was out"])
def test_a_child_that_goes_out_without_an_adult_is_told(mother: list[Seen]) -> None:
    _, found = run(RULE, home_log(CHILD_LEAVES, mother, at_door()), END)

    assert [(one.phase, one.subject, one.severity) for one in found] == [
        (Phase.RAISED, CHILD.id, Severity.CRITICAL)
    ]
    assert OUT + 2 * MINUTE <= found[0].at <= OUT + 3 * MINUTE


def test_a_child_taken_out_by_an_adult_is_not() -> None:
    assert phases(RULE, home_log(CHILD_LEAVES, MOTHER_LEAVES, at_door()), END) == []


def test_one_adult_who_stays_does_not_make_up_for_one_who_may_have_gone_along() -> None:
    with_father = heard(FATHER, OUT - HOUR, OUT + 15 * SECOND)
    family = (CHILD, MOTHER, FATHER)

    taken = home_log(CHILD_LEAVES, MOTHER_STAYS, with_father, at_door(), people=family)
    no_band = home_log(CHILD_LEAVES, MOTHER_STAYS, at_door(), people=family)

    assert phases(RULE, taken, END) == []
    assert phases(RULE, no_band, END) == []


def test_an_adult_who_goes_out_leaves_the_child_at_home() -> None:
    stays = heard(CHILD, OUT - HOUR, END)

    assert phases(RULE, home_log(stays, MOTHER_LEAVES, at_door()), END) == []


def test_it_is_over_when_the_child_is_heard_again() -> None:
    back = heard(CHILD, OUT + 20 * MINUTE, END)

    log = home_log(CHILD_LEAVES, back, MOTHER_STAYS, at_door(), at_door(OUT + 19 * MINUTE))

    assert phases(RULE, log, END) == [Phase.RAISED, Phase.CLEARED]


def test_a_school_child_may_go_out_alone() -> None:
    pupil = person(CHILD.id, 2018)

    log = home_log(CHILD_LEAVES, MOTHER_STAYS, at_door(), people=(pupil, MOTHER))

    assert phases(RULE, log, END) == []


def test_a_year_of_birth_is_enough() -> None:
    untagged = person(CHILD.id, 2021)

    log = home_log(CHILD_LEAVES, MOTHER_STAYS, at_door(), people=(untagged, MOTHER))

    assert phases(RULE, log, END) == [Phase.RAISED]


def test_bands_that_nobody_listened_to_are_not_gone() -> None:
    before = [
        seen for seen in home_log(CHILD_LEAVES, MOTHER_STAYS, at_door()) if seen.at < OUT + MINUTE
    ]
    state, _ = run(RULE, before)
    state = RULE.lose_sight(state, OUT + 90 * SECOND)

    assert RULE.pass_time(state, END)[1] == ()
