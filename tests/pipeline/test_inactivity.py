"""What `Inactivity` promises, whatever it is shown."""

import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pipeline.brain.identify.base import advance
from pipeline.brain.identify.inactivity import Inactivity, InactivityState
from pipeline.brain.identify.routine import KEPT_DAYS_MAX, KEPT_MAX, Routine
from pipeline.brain.perceive.seen import Seen
from tests.pipeline.home_rules import ELDER, band
from weinao.cli.evaluate.home import evaluate_home
from weinao.messages import Home, Sensor
from weinao.outcomes import Hazard, Phase

RULE = Inactivity()
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
MIDNIGHT = 1_767_196_800_000  # 2026-01-01T00:00:00+08:00
ROOMS = ("bedroom", "kitchen", "bathroom")


def seen(at: int, sensor: Sensor = Sensor.PIR, value: float = 1, room: str = "kitchen") -> Seen:
    device = f"{sensor}-{room}"
    return Seen(
        id=f"{device}:{at}",
        device=device,
        at=at,
        received_at=at,
        observation=Home(at=at, sensor=sensor, value=value, room=room),
        subject="home-1",
        household="home-1",
        room=room,
    )


def door(at: int, value: float) -> Seen:
    return seen(at, Sensor.DOOR, value, "entrance")


def run(
    log: Sequence[Seen], state: InactivityState | None = None, rule: Inactivity = RULE
) -> tuple[InactivityState, list[Hazard]]:
    state = state or rule.initial("home-1", "home-1")
    hazards: list[Hazard] = []
    for item in log:
        state, more = advance(rule, state, item)
        hazards += more
    return state, hazards


def weeks(days: int, silences: dict[float, float]) -> list[Seen]:
    """Return days of movement every 20 minutes, but for silences: from hour -> hours long."""
    log = []
    for day in range(days):
        for step in range(72):
            hour = step / 3
            if not any(begun < hour < begun + quiet for begun, quiet in silences.items()):
                log.append(seen(MIDNIGHT + day * DAY + step * 20 * MINUTE))
    return log


@st.composite
def logs(draw: st.DrawFn, gap_min_max: int = 1_200) -> list[Seen]:
    """Return what sensors of a home said, in the order of time."""
    gaps = draw(st.lists(st.integers(1, gap_min_max * MINUTE), min_size=1, max_size=25))
    at = MIDNIGHT + draw(st.integers(0, DAY))
    log: list[Seen] = []
    for gap in gaps:
        at += gap
        kind = draw(st.sampled_from(("pir", "pir", "bed", "door")))
        if kind == "door":
            log.append(door(at, draw(st.sampled_from((0.0, 1.0)))))
        elif kind == "bed":
            log.append(seen(at, Sensor.BED, draw(st.sampled_from((0.0, 1.0))), "bedroom"))
        else:
            log.append(seen(at, room=draw(st.sampled_from((*ROOMS, "entrance")))))
    return log


@given(logs(gap_min_max=119))
def test_regular_movement_raises_nothing(log: list[Seen]) -> None:
    moving = [seen(item.at) for item in log]

    known, _ = run(weeks(8, {}))

    assert run(moving)[1] == []
    assert run(_shifted(moving, 9), RULE.lose_sight(known, MIDNIGHT + 9 * DAY))[1] == []


@given(logs(gap_min_max=240))
def test_a_new_home_may_be_quiet_for_four_hours(log: list[Seen]) -> None:
    assert run([seen(item.at) for item in log])[1] == []


@given(logs())
def test_an_outbox_sent_twice_adds_nothing(log: list[Seen]) -> None:
    state, _ = run(log)

    assert run(log, state) == (state, [])


@given(logs(), st.data())
def test_late_never_moves_back(log: list[Seen], data: st.DataObject) -> None:
    at = data.draw(st.integers(log[0].at - DAY, log[-1].at), label="late")
    moved = [item for item in log if item.observation.sensor is Sensor.PIR]
    state, _ = run([*log, seen(log[-1].at + 1)])

    assert RULE.observe(state, seen(at, room="bedroom")) == (state, ())
    assert RULE.observe(state, door(at, 1.0)) == (state, ())
    assert all(RULE.observe(state, item) == (state, ()) for item in moved)


@given(logs(), st.data())
def test_how_often_time_passes_changes_nothing(log: list[Seen], data: st.DataObject) -> None:
    end = log[-1].at + DAY
    ticks = data.draw(st.lists(st.integers(log[0].at, end), max_size=30), label="ticks")
    once, hazards = run(log)
    _, last = RULE.pass_time(once, end)

    state, ticked = RULE.initial("home-1", "home-1"), []
    for at, item in sorted(
        [(item.at, item) for item in log] + [(at, None) for at in (*ticks, end)],
        key=lambda pair: pair[0],
    ):
        state, more = RULE.pass_time(state, at) if item is None else advance(RULE, state, item)
        ticked += more

    assert ticked == [*hazards, *last]


@given(logs(), st.data())
def test_a_crash_anywhere_changes_nothing(log: list[Seen], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(log)), label="cut")
    state, before = run(log[:cut])
    recovered = pickle.loads(pickle.dumps(state))
    after, hazards = run(log[cut:], recovered)

    assert (after, before + hazards) == run(log)


@given(logs())
def test_where_no_time_passes_nothing_happens(log: list[Seen]) -> None:
    state, _ = run(log)

    assert RULE.pass_time(state, log[-1].at) == (state, ())
    assert RULE.pass_time(RULE.initial("home-1", "home-1"), log[-1].at)[1] == ()


@given(logs())
def test_what_is_raised_is_cleared_once_under_the_same_id(log: list[Seen]) -> None:
    state, hazards = run([*log, seen(log[-1].at + DAY)])
    raised = [hazard for hazard in hazards if hazard.phase is Phase.RAISED]
    cleared = [hazard for hazard in hazards if hazard.phase is Phase.CLEARED]

    assert state.raised is None
    assert [hazard.id for hazard in raised] == [hazard.id for hazard in cleared]
    assert len({hazard.id for hazard in raised}) == len(raised)
    assert all(over.at >= began.at for began, over in zip(raised, cleared, strict=True))


@given(st.integers(0, 23), st.integers(2, 9))
def test_what_happens_every_day_is_no_hazard(hour: int, quiet_h: int) -> None:
    log = weeks(14, {hour: quiet_h, hour - 24: quiet_h})

    state, _ = run(log)
    _, hazards = run([item for item in _shifted(log, 14) if item.at > log[-1].at], state)

    assert hazards == []


@given(logs(), st.integers(0, DAY))
def test_every_limit_keeps_its_bounds(log: list[Seen], later: int) -> None:
    state, _ = run([*weeks(8, {}), *_shifted(log, 9)])

    assert 120 <= RULE.limit_min(state, log[-1].at + 9 * DAY + later) <= 720


def test_a_hazard_is_dated_by_the_fact_and_not_by_our_noticing() -> None:
    state, _ = run(weeks(14, {0: 7}))

    _, [soon] = RULE.pass_time(state, state.moved_at + 13 * HOUR)
    _, [late] = RULE.pass_time(state, state.moved_at + 90 * DAY)

    assert soon == late
    assert soon.at == state.moved_at + soon.facts["quiet_min"] * MINUTE


def test_an_unusual_silence_in_the_afternoon_is_found_in_under_three_hours() -> None:
    nights = weeks(14, {0: 7})
    state, _ = run([*nights, seen(MIDNIGHT + 14 * DAY + 14 * HOUR)])

    _, [hazard] = RULE.pass_time(state, MIDNIGHT + 15 * DAY)

    assert hazard.at < MIDNIGHT + 14 * DAY + 17 * HOUR
    assert hazard.phase is Phase.RAISED


def test_an_unknown_home_gets_four_hours_by_day_and_ten_by_night() -> None:
    by_day, _ = run([seen(MIDNIGHT + 10 * HOUR)])
    by_night, _ = run([seen(MIDNIGHT + 23 * HOUR)])

    _, [day] = RULE.pass_time(by_day, MIDNIGHT + DAY)
    _, [night] = RULE.pass_time(by_night, MIDNIGHT + 2 * DAY)

    assert day.at == MIDNIGHT + 14 * HOUR
    assert night.at == MIDNIGHT + 33 * HOUR


def test_an_empty_home_is_no_hazard_until_somebody_moves_in_it() -> None:
    left = [door(0, 0.0), seen(MINUTE), door(2 * MINUTE, 1.0), door(2 * MINUTE + 5_000, 0.0)]
    away, _ = run([*left, seen(2 * MINUTE + 9_000, room="entrance")])

    _, while_away = RULE.pass_time(away, 30 * DAY)
    back, _ = run([door(6 * HOUR, 1.0), seen(6 * HOUR + MINUTE)], away)
    _, after = RULE.pass_time(back, 30 * DAY)

    assert while_away == ()
    assert [hazard.phase for hazard in after] == [Phase.RAISED]
    assert back.routine.spells == b""


def test_whoever_the_door_took_for_gone_and_whose_wearable_is_heard_lies_there() -> None:
    left = [door(0, 0.0), seen(MINUTE), door(2 * MINUTE, 1.0), door(2 * MINUTE + 5_000, 0.0)]
    heard_at = MIDNIGHT + 10 * HOUR
    left = [replace(one, at=one.at + MIDNIGHT + 9 * HOUR) for one in left]
    away, _ = run(left)

    def found(*bands: Seen) -> list[Hazard]:
        state, hazards = run(bands, away)
        return [*hazards, *RULE.pass_time(state, heard_at + DAY)[1]]

    assert found() == []
    [raised] = found(*(band(heard_at + n * HOUR, ELDER) for n in range(3)))
    assert raised.at == heard_at + RULE.unknown_day_min * MINUTE
    assert raised.evidence == (f"band-{ELDER.id}:{heard_at}",)
    assert found(band(heard_at, ELDER, worn=False)) == []
    assert found(band(MIDNIGHT + 9 * HOUR + 4 * MINUTE, ELDER)) == []
    # What it kept from then is told when the home's clock has passed it: it was read elsewhere.
    late, _ = RULE.pass_time(away, heard_at + HOUR)
    assert RULE.observe(late, band(heard_at, ELDER)) == (late, ())


@given(logs(), st.lists(st.integers(0, 3 * DAY), max_size=10))
def test_a_wearable_never_ends_a_silence_of_somebody_at_home(
    log: list[Seen], heard: list[int]
) -> None:
    inside = [one for one in log if one.room != "entrance"]
    bands = [band(MIDNIGHT + at, ELDER) for at in heard]
    both = sorted([*inside, *bands], key=lambda one: one.at)

    (with_bands, some), (without, others) = run(both), run(inside)
    end = MIDNIGHT + 5 * DAY
    more, rest = RULE.pass_time(with_bands, end)[1], RULE.pass_time(without, end)[1]
    assert [*some, *more] == [*others, *rest]


def test_who_lingers_at_the_door_is_still_at_home() -> None:
    at_door = [door(0, 0.0), door(MINUTE, 1.0), seen(2 * MINUTE, room="entrance")]
    state, _ = run(at_door)

    assert [hazard.phase for hazard in RULE.pass_time(state, DAY)[1]] == [Phase.RAISED]


def test_a_contact_that_repeats_its_position_is_not_movement() -> None:
    window = [seen(at * HOUR, Sensor.WINDOW, 0.0) for at in range(1, 9)]

    assert run([seen(0), *window])[0].moved_at == 0
    assert run([seen(0), *window, seen(9 * HOUR, Sensor.WINDOW, 1.0)])[0].moved_at == 9 * HOUR


def test_a_silence_that_nobody_watched_is_neither_raised_nor_learned() -> None:
    state, _ = run([*weeks(8, {})])
    blind = RULE.lose_sight(state, state.moved_at + 8 * HOUR)

    after, hazards = run([seen(state.moved_at + 10 * HOUR)], blind)

    assert hazards == []
    assert after.routine == state.routine


def test_what_stands_raised_outlives_a_restart_of_the_agent() -> None:
    state, _ = run([seen(0)])
    raised, _ = RULE.pass_time(state, DAY)

    assert RULE.lose_sight(raised, 2 * DAY) == raised


def test_a_limit_rests_on_the_past_alone() -> None:
    long = np.array([60.0, 240.0])
    past = Routine(since=0).learn(DAY, DAY + 2 * HOUR)
    more = past.learn(9 * DAY, 9 * DAY + 6 * HOUR)

    assert past.outlasting(long, 2 * DAY).tolist() == more.outlasting(long, 2 * DAY).tolist()
    assert past.outlasting(long, 9 * DAY + 1).tolist() < more.outlasting(long, 10 * DAY).tolist()


def test_what_is_remembered_of_a_home_stays_small() -> None:
    routine = Routine(since=0)
    for number in range(3_000):
        routine = routine.learn(number * HOUR, number * HOUR + 45 * MINUTE)
    state, _ = run([seen(at, Sensor.DOOR, 0.0, f"room-{at}") for at in range(500)])

    assert len(routine.spells) <= 6 * KEPT_MAX == 3_072
    assert len(state.positions) <= 64
    assert routine.days(10**12) == KEPT_DAYS_MAX


@pytest.mark.slow
def test_recorded_homes_meet_the_goals_on_average(recordings: Path) -> None:
    scores = list(evaluate_home(recordings / "home").values())

    assert np.mean([score["false_per_day"] for score in scores]) <= 0.15
    assert np.mean([score["found_in_4h"] for score in scores]) >= 0.90
    assert np.mean([score["median_delay_h"] for score in scores]) <= 2.5


def _shifted(log: list[Seen], days: int) -> list[Seen]:
    return [
        seen(item.at + days * DAY, item.observation.sensor, item.observation.value, item.room)
        for item in log
    ]


def test_one_movement_in_a_home_that_everybody_left_is_a_ghost() -> None:
    nine = MIDNIGHT + 9 * HOUR
    left = [seen(nine), door(nine + MINUTE, 1.0), door(nine + MINUTE + 8_000, 0.0)]
    ghosts = [seen(nine + hours * HOUR, room="bedroom") for hours in (2, 6)]

    state, hazards = run([door(nine - DAY, 0.0), *left, *ghosts])

    assert hazards == []
    assert RULE.pass_time(state, nine + 14 * HOUR)[1] == ()


def test_two_movements_within_an_hour_are_somebody_who_stayed() -> None:
    nine = MIDNIGHT + 9 * HOUR
    left = [seen(nine), door(nine + MINUTE, 1.0), door(nine + MINUTE + 8_000, 0.0)]
    stays = [seen(nine + 2 * HOUR + minutes * MINUTE, room="bedroom") for minutes in (0, 20)]

    state, _ = run([door(nine - DAY, 0.0), *left, *stays])

    [hazard] = RULE.pass_time(state, nine + 12 * HOUR)[1]
    assert hazard.phase is Phase.RAISED


def test_who_comes_home_is_seen_inside_at_once() -> None:
    nine = MIDNIGHT + 9 * HOUR
    left = [seen(nine), door(nine + MINUTE, 1.0), door(nine + MINUTE + 8_000, 0.0)]
    back = [door(nine + 3 * HOUR, 1.0), seen(nine + 3 * HOUR + 40_000, room="kitchen")]

    state, _ = run([door(nine - DAY, 0.0), *left, *back])

    [hazard] = RULE.pass_time(state, nine + 14 * HOUR)[1]
    assert hazard.facts["last_moved_at"] == nine + 3 * HOUR + 40_000
