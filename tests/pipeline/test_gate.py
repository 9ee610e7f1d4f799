"""What the gate promises, whatever passes it."""

import itertools
import pickle

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pipeline.brain.identify.base import advance
from pipeline.brain.identify.gate import Tailgating, Watchlist
from pipeline.brain.perceive.seen import Seen
from tests.pipeline.community import START
from weinao.messages import AnyObservation, Gate, Match, Registered
from weinao.outcomes import Hazard, Phase
from weinao.registry import WatchEntry

MINUTE = 60_000
DAY = 24 * 60 * MINUTE
ENTRY = WatchEntry(
    id="watch-1", person="p-1", reason="injunction 12", approver="police-1", valid_to=START + DAY
)


def shown(said: AnyObservation) -> Seen:
    number = f"{said.at}:{getattr(said, 'match', '')}:{getattr(said, 'direction', '')}"
    return Seen(
        id=f"gate-1:{number}",
        device="gate-1",
        at=said.at,
        received_at=said.at,
        observation=said,
        subject="gate-1",
        household="",
        place="gate-agent",
    )


def wanted(at_min: float, direction: str = "in", **more) -> Gate:
    said = {"match": Match.WATCHLIST, "person": "p-1", "score": 0.8, "live": 0.9} | more
    return Gate(at=START + round(at_min * MINUTE), direction=direction, **said)


def watch(*said: AnyObservation) -> list[Hazard]:
    rule = Watchlist()
    state, found = rule.initial("watchlist", ""), []
    for observation in said:
        if rule.subject_of(shown(observation)) is not None:
            state, hazards = rule.observe(pickle.loads(pickle.dumps(state)), shown(observation))
            found += hazards
    return found


def tailgate(*said: Gate) -> list[Hazard]:
    rule = Tailgating()
    state, found = rule.initial("gate-1", ""), []
    for observation in said:
        state, hazards = advance(rule, pickle.loads(pickle.dumps(state)), shown(observation))
        found += hazards
    return found


def passing(at_s: float, match: Match, direction: str = "in", quality: float = 0.8) -> Gate:
    at = START + round(at_s * 1_000)
    return Gate(at=at, match=match, direction=direction, quality=quality)


ENTERED = Registered(at=START - 1, record=ENTRY)
SIGHTINGS = st.lists(st.integers(0, 300).map(wanted), max_size=12)


@given(SIGHTINGS, st.randoms())
def test_every_visit_is_reported_and_no_two_reports_are_near(sightings, random) -> None:
    random.shuffle(sightings)
    near = Watchlist().visit_min * MINUTE

    reported = sorted(hazard.at for hazard in watch(ENTERED, *sightings))

    assert all(b - a >= near for a, b in itertools.pairwise(reported))
    assert all(any(abs(said.at - at) < near for at in reported) for said in sightings)


@given(SIGHTINGS)
def test_a_sighting_sent_twice_counts_once(sightings) -> None:
    twice = [said for said in sightings for _ in range(2)]

    assert watch(ENTERED, *twice) == watch(ENTERED, *sightings)
    assert watch(ENTERED, *sightings, *sightings) == watch(ENTERED, *sightings)


def test_nobody_is_reported_without_a_valid_entry() -> None:
    for record in [
        replace(ENTRY, reason=" "),
        replace(ENTRY, valid_to=None),
        replace(ENTRY, valid_to=START),
        replace(ENTRY, valid_from=START + 2 * MINUTE),
        replace(ENTRY, person="p-2"),
    ]:
        assert watch(Registered(at=START - 1, record=record), wanted(1)) == []
        assert watch(ENTERED, Registered(at=START, record=record), wanted(1)) == []
    assert watch(wanted(1)) == []
    assert [hazard.facts["entry"] for hazard in watch(ENTERED, wanted(1))] == ["watch-1"]


def test_a_poor_match_or_a_picture_of_somebody_is_not_reported() -> None:
    assert watch(ENTERED, wanted(1, score=0.5), wanted(2, live=0.1)) == []
    assert len(watch(ENTERED, wanted(1, live=None))) == 1


def test_leaving_belongs_to_the_visit() -> None:
    assert len(watch(ENTERED, wanted(1), wanted(180, "out"))) == 1
    assert len(watch(ENTERED, wanted(1), wanted(180, "out"), wanted(300))) == 2


def test_words_about_one_passing_are_one_report_and_a_corrected_one_is_taken_back() -> None:
    first = wanted(1, "unknown", passing="7", part="first")
    same = wanted(1.1, "in", passing="7", part="last")
    other = replace(same, match=Match.RESIDENT, person="p-9", part="changed", at=same.at + 1)
    elsewhere = replace(other, passing="8")

    [raised] = watch(ENTERED, first, same)
    taken_back = watch(ENTERED, first, elsewhere, other, other)

    assert (raised.phase, raised.at) == (Phase.RAISED, first.at)
    assert [one.phase for one in taken_back] == [Phase.RAISED, Phase.WITHDRAWN]
    assert {one.id for one in taken_back} == {raised.id}
    again = replace(first, at=first.at + 2 * MINUTE, passing="9")
    assert [one.phase for one in watch(ENTERED, first, other, again)][-1] is Phase.RAISED


def test_a_picture_that_the_gate_keeps_is_named_and_nothing_else_changes() -> None:
    kept = "gate-1.jpg#sha256=ab"
    [with_one] = watch(ENTERED, wanted(1, picture=kept))
    [without] = watch(ENTERED, wanted(1))
    [behind] = tailgate(
        passing(0, Match.RESIDENT), replace(passing(3, Match.UNKNOWN), picture=kept)
    )

    assert with_one.facts == without.facts | {"picture": kept}
    assert behind.facts["picture"] == kept


def test_who_follows_whom_is_told_by_the_last_words_alone() -> None:
    resident, stranger = passing(0, Match.RESIDENT), passing(3, Match.UNKNOWN)
    early = replace(passing(1, Match.UNKNOWN), part="first", passing="5")

    assert tailgate(resident, early) == []
    assert tailgate(replace(resident, part="first", passing="4"), stranger) == []
    assert len(tailgate(resident, early, replace(stranger, part="last", passing="5"))) == 1


def test_a_stranger_right_behind_a_resident_is_reported_once_for_one_open_door() -> None:
    [hazard] = tailgate(
        passing(0, Match.RESIDENT), passing(3, Match.UNKNOWN), passing(5, Match.UNKNOWN)
    )

    assert hazard.facts == {"behind_s": 3.0}
    assert hazard.at == START + 3_000


def test_strangers_who_came_by_themselves_or_unclearly_are_not() -> None:
    resident = passing(0, Match.RESIDENT)

    assert tailgate(resident, passing(20, Match.UNKNOWN)) == []
    assert tailgate(resident, passing(3, Match.VISITOR)) == []
    assert tailgate(resident, passing(3, Match.UNKNOWN, "out")) == []
    assert tailgate(resident, passing(3, Match.UNKNOWN, quality=0.1)) == []
    assert tailgate(passing(0, Match.RESIDENT, "out"), passing(3, Match.UNKNOWN)) == []


def test_it_is_over_when_a_stranger_leaves() -> None:
    hazards = tailgate(
        passing(0, Match.RESIDENT),
        passing(3, Match.UNKNOWN),
        passing(900, Match.UNKNOWN, "out"),
        passing(950, Match.UNKNOWN, "out"),
    )

    assert [hazard.phase for hazard in hazards] == [Phase.RAISED, Phase.CLEARED]
    assert hazards[0].id == hazards[1].id


PASSINGS = st.lists(
    st.builds(
        passing,
        st.integers(0, 60),
        st.sampled_from([Match.RESIDENT, Match.UNKNOWN, Match.VISITOR]),
        st.sampled_from(["in", "out"]),
    ),
    max_size=20,
)


@given(PASSINGS, PASSINGS)
def test_what_comes_late_never_rewrites(passings, late) -> None:
    in_order = sorted(passings, key=lambda said: said.at)
    last = [passing(61, Match.VISITOR)]

    assert tailgate(*in_order, *last, *late) == tailgate(*in_order, *last)


@given(PASSINGS)
def test_each_open_door_is_one_hazard_however_often_it_is_sent(passings) -> None:
    in_order = sorted(passings, key=lambda said: said.at)
    raised = [hazard.id for hazard in tailgate(*in_order) if hazard.phase is Phase.RAISED]

    assert len(raised) == len(set(raised))
    assert tailgate(*in_order, *in_order[:-1]) == tailgate(*in_order) or (
        in_order[-1].at == in_order[0].at
    )


def test_who_was_not_watched_did_not_hold_the_door() -> None:
    rule = Tailgating()
    state, _ = rule.observe(rule.initial("gate-1", ""), shown(passing(0, Match.RESIDENT)))

    state = rule.lose_sight(state, START + 1_000)

    assert rule.observe(state, shown(passing(3, Match.UNKNOWN)))[1] == ()
