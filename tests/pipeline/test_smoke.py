"""What smoke promises: told at once by one detector, and then only ever surer, or taken back."""

import pickle

from hypothesis import given
from hypothesis import strategies as st

from pipeline.brain.identify.smoke import ALARMS_MAX, DETECTORS_MAX, Smoke
from pipeline.brain.perceive.seen import Seen
from pipeline.brain.perceive.warmth import MINUTES_MAX, THERMOMETERS_MAX, Warmth
from tests.pipeline.community import Journal
from tests.pipeline.community import run as run_grid
from tests.pipeline.home_rules import HOUR, MIDNIGHT, MINUTE, SECOND, home, run
from weinao.messages import Home, Sensor
from weinao.outcomes import Hazard, Incident, IncidentState, Phase, Severity

RULE = Smoke()
NOON = MIDNIGHT + 12 * HOUR
R, C, X, W = Phase.RAISED, Phase.CONFIRMED, Phase.CLEARED, Phase.WITHDRAWN


def smoke(second: float, value: float = 1.0, room: str = "kitchen") -> Seen:
    return home(NOON + round(second * SECOND), Sensor.SMOKE, value, room)


def warm(second: float, temp_c: float, room: str = "living") -> Seen:
    return home(NOON + round(second * SECOND), Sensor.TEMPERATURE, temp_c, room)


def co(second: float) -> Seen:
    return home(NOON + round(second * SECOND), Sensor.CO, 1.0, "hall")


def hazards(*log: Seen) -> list[Hazard]:
    return [one for one in run(RULE, log)[1] if isinstance(one, Hazard)]


def phases(*log: Seen) -> list[Phase]:
    return [one.phase for one in hazards(*log)]


def last(found: list[Hazard]) -> dict[str, Phase]:
    return {one.id: one.phase for one in found}


SAYINGS = st.one_of(
    st.builds(
        smoke, st.integers(0, 1_200), st.sampled_from([0.0, 1.0]), st.sampled_from(["k", "b"])
    ),
    st.builds(warm, st.integers(-1_200, 1_200), st.sampled_from([21.0, 22.0, 26.0, 33.0, 60.0])),
    st.builds(co, st.integers(0, 1_200)),
)
LOGS = st.lists(SAYINGS, max_size=15, unique_by=lambda seen: seen.id)


@given(LOGS, st.integers(0, 15))
def test_whatever_else_is_known_smoke_is_raised_at_once_and_critical(log, place) -> None:
    alone = smoke(5_000)  # far from all others
    state, before = run(RULE, log[:place])

    _, found = run(RULE, [alone], None, state)

    assert [one.phase for one in found if isinstance(one, Hazard)][:1] == [R]
    assert isinstance(found[0], Hazard)
    assert (found[0].severity, found[0].at) == (Severity.CRITICAL, alone.at)
    assert before is not None


@given(LOGS)
def test_no_warmth_ever_makes_a_hazard_without_smoke(log) -> None:
    quiet = [
        seen
        for seen in log
        if not (isinstance(seen.observation, Home) and seen.observation.sensor is Sensor.SMOKE)
    ]

    assert hazards(*quiet) == []


@given(LOGS, st.integers(0, 15), st.randoms(use_true_random=False))
def test_sent_twice_counts_once_and_a_crash_changes_nothing(log, cut, rng) -> None:
    twice = [*log, *rng.sample(log, len(log))]
    state, found = run(RULE, twice[:cut])
    found = [*found, *run(RULE, twice[cut:], None, pickle.loads(pickle.dumps(state)))[1]]

    told = [(one.id, one.phase) for one in found if isinstance(one, Hazard)]
    assert len(told) == len(set(told))
    assert {one.id for one in found} == {one.id for one in hazards(*log)}


@given(LOGS, st.randoms(use_true_random=False))
def test_what_has_a_second_sign_never_ends_as_taken_back_whatever_comes_first(log, rng) -> None:
    fire = [smoke(3_000), smoke(3_008, 0.0), warm(3_000 - 250, 22.0), warm(3_040, 29.0)]
    story = [*log, *fire]
    rng.shuffle(story)

    ends = last([one for one in hazards(*story) if fire[0].id in one.evidence])
    assert not {*ends.values()} <= {W}


@given(LOGS)
def test_each_alarm_is_raised_first_and_confirmed_at_most_once(log) -> None:
    lives: dict[str, list[Phase]] = {}
    for one in hazards(*log):
        assert len(one.evidence) <= 16
        lives.setdefault(one.id, []).append(one.phase)

    allowed = ([R], [R, X], [R, W], [R, C], [R, C, X])
    assert all(life in allowed for life in lives.values())


def test_smoke_with_rising_temperature_is_surely_a_fire() -> None:
    raised, sure = hazards(warm(-60, 22), smoke(0), warm(120, 24), warm(180, 27.5))

    assert (raised.phase, sure.phase) == (R, C)
    assert raised.confidence < sure.confidence
    assert sure.reason == "smoke.warm"
    assert sure.evidence == ("smoke-kitchen:" + str(NOON), f"temperature-living:{NOON + 180_000}")
    assert sure.facts["temp_c"] == 27.5


def test_warmth_that_came_first_confirms_as_well() -> None:
    assert phases(warm(-240, 22), warm(-30, 28), smoke(0)) == [R, C]


def test_an_hourly_thermometer_confirms_by_much_warmer_or_by_hot() -> None:
    assert phases(warm(-3_000, 22), smoke(0), warm(600, 33)) == [R, C]
    assert phases(smoke(0), warm(600, 55)) == [R, C]
    assert phases(warm(-3_000, 22), smoke(0), warm(600, 30)) == [R]


def test_cooking_and_a_warm_afternoon_confirm_nothing() -> None:
    slowly = [warm(60 * minute, 20 + minute / 4) for minute in range(-20, 20)]

    assert phases(*slowly[:20], smoke(0), *slowly[20:]) == [R]


def test_two_detectors_confirm_each_other_and_one_that_repeats_itself_does_not() -> None:
    assert phases(smoke(0), smoke(60, room="bedroom")) == [R, R, C, C]
    assert phases(smoke(0), co(200)) == [R, C]
    assert phases(smoke(0), smoke(10), smoke(15)) == [R]
    assert phases(smoke(0), smoke(3_000, room="bedroom")) == [R, R]


def test_a_beep_that_clears_within_seconds_without_warmth_is_taken_back() -> None:
    assert phases(warm(-900, 22), smoke(0), smoke(8, 0.0)) == [R, W]
    # Unless nothing could have shown the warmth, or it was there for longer, or it comes again.
    assert phases(smoke(0), smoke(8, 0.0)) == [R, X]
    assert phases(warm(-900, 22), smoke(0), smoke(40, 0.0)) == [R, X]
    flickers = [smoke(at, value) for at in (0, 60, 120) for value in (1.0,)]
    flickers += [smoke(at + 8, 0.0) for at in (0, 60, 120)]
    flickers.sort(key=lambda seen: seen.at)
    assert phases(warm(-900, 22), *flickers) == [R, W, R, X, R, X]


def test_warmth_told_late_brings_back_what_was_taken_back() -> None:
    found = hazards(warm(-200, 22), smoke(0), smoke(8, 0.0), warm(90, 28))

    assert [one.phase for one in found] == [R, W, R, X]
    assert found[2].confidence == RULE.sure
    assert found[1].id != found[2].id == found[3].id


def test_a_test_that_reports_clear_raises_nothing() -> None:
    assert hazards(warm(-60, 22), smoke(0, 0.0), smoke(5, 0.0)) == []


def test_the_desk_takes_back_and_opens_again_with_the_rule() -> None:
    journal = Journal()
    for second, device, sensor, value in (
        (0, "pir-1", Sensor.TEMPERATURE, 22.0),
        (200, "smoke-1", Sensor.SMOKE, 1.0),
        (208, "smoke-1", Sensor.SMOKE, 0.0),
    ):
        at = NOON + second * SECOND
        journal.say(device, Home(at=at, sensor=sensor, value=value))
    first = [o.value for o in run_grid(journal.entries) if isinstance(o.value, Incident)]
    journal.say("pir-1", Home(at=NOON + 290 * SECOND, sensor=Sensor.TEMPERATURE, value=30.0))
    then = [o.value for o in run_grid(journal.entries) if isinstance(o.value, Incident)]

    assert first[-1].state is IncidentState.FALSE_ALARM
    assert then[-1].state is IncidentState.DISPATCHED
    assert then[-1].confidence == RULE.sure


@given(
    st.lists(st.tuples(st.integers(0, 3_600), st.integers(10, 60)), max_size=30),
    st.randoms(use_true_random=False),
)
def test_warmth_does_not_depend_on_the_order_of_its_readings(readings, rng) -> None:
    def known(order: list[tuple[int, int]]) -> Warmth:
        warmth = Warmth()
        for at, temp_c in order:
            warmth = warmth.after("t", at * SECOND, temp_c, f"{at}:{temp_c}")
        return warmth

    shuffled = rng.sample(readings, len(readings))

    assert known(readings) == known(shuffled)


def test_what_it_remembers_is_bounded() -> None:
    log = [warm(n * 60, 20 + n % 3, room=f"r-{n % 40}") for n in range(4_000)]
    log += [smoke(n * 30, n % 2, room=f"r-{n % 80}") for n in range(400)]

    state, _ = run(RULE, log)

    assert len(state.alarms) <= ALARMS_MAX
    assert len(state.detectors) <= DETECTORS_MAX
    assert len(state.warmth.known) <= THERMOMETERS_MAX
    assert all(len(minutes) <= MINUTES_MAX for minutes in state.warmth.known.values())
    assert MINUTE == 60_000
