"""What `IrregularPulse` promises, whatever it is shown."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from pipeline.brain.identify.irregular_pulse import COUNTED_MAX, IrregularPulse
from pipeline.brain.perceive.seen import Seen
from tests.pipeline.home_rules import (
    DAY,
    HOUR,
    MIDNIGHT,
    MINUTE,
    check_promises,
    phases,
    run,
    shown,
)
from weinao.messages import Rhythm
from weinao.outcomes import Phase, Severity

RULE = IrregularPulse()


def window(at: int, irregular: bool, confidence: float = 0.9) -> Seen:
    said = Rhythm(at=at, irregular=irregular, confidence=confidence)
    return shown(at, said, "band-1", subject="elder-1")


def windows(irregular: Sequence[bool], every: int = MINUTE, start: int = MIDNIGHT) -> list[Seen]:
    return [window(start + number * every, each) for number, each in enumerate(irregular)]


@given(
    st.lists(st.tuples(st.integers(1, 90), st.booleans()), min_size=1, max_size=60),
    st.data(),
)
def test_it_keeps_the_promises_of_all_rules(drawn, data) -> None:
    at, log = MIDNIGHT, []
    for gap_min, irregular in drawn:
        at += gap_min * MINUTE
        log.append(window(at, irregular))

    check_promises(RULE, log, data)


@given(st.integers(1, 200))
def test_one_irregular_window_of_three_is_never_told(count: int) -> None:
    assert phases(RULE, windows([number % 3 == 0 for number in range(count)])) == []


@given(st.lists(st.booleans(), max_size=60))
def test_less_than_five_minutes_are_never_told(irregular: list[bool]) -> None:
    few = [each and sum(irregular[:number]) < 4 for number, each in enumerate(irregular)]

    assert phases(RULE, windows(few)) == []


def test_five_minutes_are_told_as_something_to_have_looked_at() -> None:
    _, found = run(RULE, windows([True] * 5))

    assert [(one.phase, one.at, one.severity) for one in found] == [
        (Phase.RAISED, MIDNIGHT + 4 * MINUTE, Severity.MINOR)
    ]
    assert found[0].facts["burden_min"] == 5


def test_a_days_short_episodes_add_up_and_those_of_two_days_do_not() -> None:
    def episodes(apart: int) -> list[Seen]:
        return [
            seen
            for number in range(3)
            for seen in windows([True, True, False], start=MIDNIGHT + number * apart)
        ]

    assert phases(RULE, episodes(6 * HOUR)) == [Phase.RAISED]
    assert phases(RULE, episodes(DAY)) == []


def test_what_windows_share_counts_once() -> None:
    assert phases(RULE, windows([True] * 8, every=MINUTE // 2)) == []
    assert phases(RULE, windows([True] * 9, every=MINUTE // 2)) == [Phase.RAISED]


def test_intervals_say_how_long_a_window_was() -> None:
    short = [
        shown(at, Rhythm(at=at, rr_ms=(800.0,) * 25, irregular=True), "band-1", subject="elder-1")
        for at in range(MIDNIGHT, MIDNIGHT + 14 * MINUTE, MINUTE)
    ]

    assert phases(RULE, short) == []  # 14 times 20 s
    assert phases(RULE, [*short, window(MIDNIGHT + 14 * MINUTE, irregular=True)]) == [Phase.RAISED]


def test_what_the_detector_doubts_is_no_window() -> None:
    doubted = [window(MIDNIGHT + n * MINUTE, irregular=True, confidence=0.3) for n in range(30)]

    assert phases(RULE, doubted) == []


def test_it_is_over_a_day_after_the_last() -> None:
    ill = windows([True] * 5)
    soon, later = window(MIDNIGHT + 20 * HOUR, False), window(MIDNIGHT + 25 * HOUR, False)

    assert phases(RULE, [*ill, soon]) == [Phase.RAISED]
    assert phases(RULE, [*ill, soon, later]) == [Phase.RAISED, Phase.CLEARED]


def test_what_it_remembers_is_bounded() -> None:
    state, _ = run(RULE, windows([True] * 500))

    assert len(state.counted) == COUNTED_MAX
    assert len(state.recent) == 3
