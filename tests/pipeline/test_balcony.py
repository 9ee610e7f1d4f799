"""What is promised about balconies that drop things again and again."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.brain.identify.balcony import Balcony
from pipeline.brain.identify.base import advance
from pipeline.brain.perceive.seen import Seen
from tests.pipeline.community import START
from weinao.messages import Highrise
from weinao.outcomes import Phase, Risk

RULE = Balcony()
DAY = 86_400_000


def track(day: float, column: str = "2", confidence: float = 0.9) -> Seen:
    at = START + round(day * DAY)
    return Seen(
        id=f"cam-1:{at}",
        device="cam-1",
        at=at,
        received_at=at,
        observation=Highrise(
            at=at, building="b-1", floor=int(day) + 3, column=column, confidence=confidence
        ),
        subject="cam-1",
        household="",
        place="cam-agent",
    )


def run(*tracks: Seen, until_day: float = 0) -> list[Risk]:
    states, found = {}, []
    for seen in tracks:
        if (key := RULE.subject_of(seen)) is not None:
            state, risks = advance(RULE, states.get(key, RULE.initial(key, "")), seen)
            states[key] = state
            found += risks
    for state in states.values():
        found += RULE.pass_time(state, START + round(until_day * DAY))[1]
    return found


DAYS = st.lists(st.floats(0, 29), max_size=10)


@given(DAYS, st.randoms())
def test_whether_it_is_raised_does_not_depend_on_the_order(days, random) -> None:
    tracks = [track(day) for day in days]
    raised = len(run(*sorted(tracks, key=lambda seen: seen.at)))
    random.shuffle(tracks)

    assert len(run(*tracks)) == raised


@given(DAYS)
def test_tracks_sent_twice_count_once(days) -> None:
    tracks = [track(day) for day in sorted(days)]

    assert run(*tracks, *tracks) == run(*tracks)


def test_the_third_throw_within_a_month_is_a_risk() -> None:
    [risk] = run(track(0), track(9), track(20))

    assert (risk.subject, risk.facts["column"], risk.facts["times"]) == ("b-1", "2", 3)
    assert (risk.propose, risk.role) == ("balcony.visit", "property")


def test_mirrors_other_columns_and_old_throws_do_not_count() -> None:
    second = 1 / 86_400

    assert run(track(0), track(second), track(2 * second)) == []
    assert run(track(0), track(1, column="3"), track(2)) == []
    assert run(track(0), track(1), track(31)) == []


def test_a_quiet_month_ends_it() -> None:
    risks = run(track(0), track(1), track(2), until_day=32.5)

    assert [risk.phase for risk in risks] == [Phase.RAISED, Phase.CLEARED]
    assert risks[1].at == START + 32 * DAY
