"""What an emergency sensor says reaches somebody, in whatever order it comes."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.brain.identify.emergency import Emergency, EmergencyState
from pipeline.brain.perceive.seen import Seen
from tests.pipeline.community import START
from weinao.messages import Home, Sensor
from weinao.outcomes import Hazard, Phase

RULE = Emergency()


def run(reports: list[tuple[int, int]], sensor: Sensor = Sensor.SMOKE) -> list[Hazard]:
    """Show reports (second, value) in the order of the list."""
    state, found = EmergencyState("smoke-1", "home-1"), []
    for number, (second, value) in enumerate(reports):
        at = START + second * 1_000
        seen = Seen(
            id=f"smoke-1:{number}",
            device="smoke-1",
            at=at,
            received_at=START + 10**7,
            observation=Home(at=at, sensor=sensor, value=value),
            subject="home-1",
            household="home-1",
        )
        state, hazards = RULE.observe(state, seen)
        found += hazards
    return found


def raised(hazards: list[Hazard]) -> list[int]:
    return sorted(
        (hazard.at - START) // 1_000 for hazard in hazards if hazard.phase is Phase.RAISED
    )


@given(st.lists(st.integers(0, 9), unique=True), st.randoms(use_true_random=False))
def test_alarms_a_minute_apart_are_all_raised_in_any_order(minutes: list[int], rng) -> None:
    reports = [(60 * minute, 1) for minute in minutes] + [(60 * m + 5, 0) for m in minutes]
    rng.shuffle(reports)

    assert raised(run(reports)) == sorted(60 * minute for minute in minutes)


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 1))))
def test_once_all_is_clear_the_last_word_is_that_it_is_over(
    reports: list[tuple[int, int]],
) -> None:
    hazards = run([*reports, (400, 0)])

    assert [hazard.phase for hazard in hazards[-1:]] in ([], [Phase.CLEARED])


def test_a_detector_that_repeats_itself_is_one_alarm_until_it_goes_on_for_long() -> None:
    assert raised(run([(second, 1) for second in range(0, 19, 3)])) == [0]
    assert raised(run([(second, 1) for second in range(0, 61, 5)])) == [0, 20, 40, 60]


def test_an_alarm_told_after_its_own_clear_is_raised_and_over_at_once() -> None:
    hazards = run([(9, 0), (5, 1)])

    assert [hazard.phase for hazard in hazards] == [Phase.RAISED, Phase.CLEARED]


def test_every_press_of_a_button_counts() -> None:
    assert raised(run([(3, 1), (1, 1), (2, 1)], Sensor.SOS)) == [1, 2, 3]


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 1))))
def test_nothing_stands_of_a_detector_that_says_clear(reports: list[tuple[int, int]]) -> None:
    hazards = run([*reports, (400, 0)])

    started = {one.id for one in hazards if one.phase is Phase.RAISED}
    assert started == {one.id for one in hazards if one.phase is Phase.CLEARED}
