"""What the limits for readings at home promise, whatever the reading and the past."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pipeline.brain.identify.home_limits import (
    OWN_READINGS_MAX,
    BloodPressureLimits,
    HomeHistory,
    HomeReading,
    Limb,
    PulseLimits,
    score_day,
)
from weinao.cli.evaluate.vitals import cross_validate_vitals

HOUR = 3_600_000
NOW = 1_800_000_000_000
SETTLED = HomeHistory(first_at=NOW - 48 * HOUR, last_at=NOW - 24 * HOUR)
NEW = HomeHistory()

SBP, DBP = st.floats(40, 300), st.floats(20, 200)
HR, TEMP = st.floats(20, 250), st.floats(33, 42)
READINGS = st.builds(
    HomeReading,
    at=st.just(NOW),
    sbp_mmhg=st.none() | SBP,
    dbp_mmhg=st.none() | DBP,
    hr_bpm=st.none() | HR,
    temp_c=st.none() | TEMP,
)
PAST = st.lists(
    st.builds(
        HomeReading,
        at=st.integers(NOW - 30 * 24 * HOUR, NOW - 1),
        sbp_mmhg=SBP,
        dbp_mmhg=DBP,
        hr_bpm=HR,
    ),
    max_size=12,
)


def history_of(readings) -> HomeHistory:
    history = HomeHistory()
    for reading in sorted(readings, key=lambda one: one.at):
        history = history.after(reading)
    return history


def reading(**signs: float) -> HomeReading:
    return HomeReading(at=NOW, **signs)


@pytest.mark.parametrize(
    ("signs", "beyond"),
    [
        ({"sbp_mmhg": 159, "dbp_mmhg": 99}, ()),
        ({"sbp_mmhg": 160, "dbp_mmhg": 99}, (Limb.SBP_HIGH,)),
        ({"sbp_mmhg": 159, "dbp_mmhg": 100}, (Limb.DBP_HIGH,)),
        ({"sbp_mmhg": 80, "dbp_mmhg": 55}, ()),
        ({"sbp_mmhg": 79, "dbp_mmhg": 55}, (Limb.SBP_LOW,)),
        ({"sbp_mmhg": 80, "dbp_mmhg": 54}, (Limb.DBP_LOW,)),
    ],
)
def test_blood_pressure_edges(signs, beyond) -> None:
    judged = BloodPressureLimits().judge(reading(**signs), SETTLED)

    assert (judged.alert, judged.beyond) == (bool(beyond), beyond)


@pytest.mark.parametrize(
    ("hr", "beyond"), [(100, ()), (101, (Limb.PULSE_HIGH,)), (51, ()), (50, (Limb.PULSE_LOW,))]
)
def test_pulse_edges(hr, beyond) -> None:
    judged = PulseLimits().judge(reading(hr_bpm=hr), SETTLED)

    assert (judged.alert, judged.beyond) == (bool(beyond), beyond)


@pytest.mark.parametrize(
    ("signs", "alert"),
    [
        ({"sbp_mmhg": 179, "dbp_mmhg": 90}, False),
        ({"sbp_mmhg": 180, "dbp_mmhg": 90}, True),
        ({"sbp_mmhg": 140, "dbp_mmhg": 110}, True),
        ({"sbp_mmhg": 79, "dbp_mmhg": 60}, True),
    ],
)
def test_on_the_first_day_only_what_is_severe_alerts(signs, alert) -> None:
    judged = BloodPressureLimits().judge(reading(**signs), NEW)

    assert judged.beyond
    assert judged.alert is alert


@pytest.mark.parametrize(("hr", "alert"), [(41, False), (40, True), (130, False), (131, True)])
def test_on_the_first_day_only_a_severe_pulse_alerts(hr, alert) -> None:
    assert PulseLimits().judge(reading(hr_bpm=hr), NEW).alert is alert


def test_the_first_day_ends() -> None:
    first = HomeReading(at=NOW, sbp_mmhg=165, dbp_mmhg=80)
    late = replace(first, at=NOW + 12 * HOUR)
    limits, history = BloodPressureLimits(), NEW.after(first)

    assert not limits.judge(replace(late, at=late.at - 1), history).alert
    assert limits.judge(late, history).alert


@given(SBP, DBP, st.floats(0, 100), st.sampled_from(["up", "down"]), PAST)
def test_a_worse_blood_pressure_never_un_alerts(sbp, dbp, by, way, past) -> None:
    limits, history = BloodPressureLimits(), history_of(past)
    # Away from 120/75: what is worse on that side of either.
    up = way == "up"
    sbp, dbp = (max(sbp, 120), max(dbp, 75)) if up else (min(sbp, 120), min(dbp, 75))
    worse = reading(sbp_mmhg=sbp + by, dbp_mmhg=dbp + by)
    if not up:
        worse = reading(sbp_mmhg=sbp - by, dbp_mmhg=dbp - by)

    before = limits.judge(reading(sbp_mmhg=sbp, dbp_mmhg=dbp), history).alert

    assert limits.judge(worse, history).alert >= before


@given(HR, st.floats(0, 100), PAST)
def test_a_worse_pulse_never_un_alerts(hr, by, past) -> None:
    limits, history = PulseLimits(), history_of(past)
    worse = hr + by if hr > 70 else hr - by

    before = limits.judge(reading(hr_bpm=hr), history).alert

    assert limits.judge(reading(hr_bpm=worse), history).alert >= before


@given(PAST, st.data())
def test_late_and_repeated_readings_do_not_rewrite_the_past(past, data) -> None:
    history = history_of(past)
    again = data.draw(st.sampled_from(past)) if past else None

    assert again is None or history.after(again) == history
    assert len(history.sbp_mmhg) <= OWN_READINGS_MAX


def test_history_is_bounded() -> None:
    history = history_of(
        [HomeReading(at=number, sbp_mmhg=number, hr_bpm=60) for number in range(1, 100)]
    )

    assert history.sbp_mmhg == tuple(range(100 - OWN_READINGS_MAX, 100))
    assert history.first_at == 1


@given(st.lists(READINGS, max_size=4), PAST)
def test_a_day_scores_from_0_to_100_or_not_at_all(day, past) -> None:
    found = score_day(day, history_of(past))
    measured = any(
        value is not None
        for one in day
        for value in (one.sbp_mmhg, one.dbp_mmhg, one.hr_bpm, one.temp_c)
    )

    assert (found is not None) is measured
    assert found is None or (0 <= found.score <= 100 and 0 < found.coverage <= 1)


@given(READINGS, st.sampled_from(["sbp_mmhg", "dbp_mmhg", "hr_bpm", "temp_c"]), st.data(), PAST)
def test_moving_a_sign_outwards_never_raises_the_score(one, sign, data, past) -> None:
    middle = {"sbp_mmhg": 115, "dbp_mmhg": 72, "hr_bpm": 68, "temp_c": 36.8}[sign]
    value = data.draw(st.floats(middle - 20, middle + 80))
    by = data.draw(st.floats(0, 50))
    farther = value + by if value >= middle else value - by
    history = history_of(past)

    near = score_day([replace(one, **{sign: value})], history)
    far = score_day([replace(one, **{sign: farther})], history)

    assert near is not None
    assert far is not None
    assert far.score <= near.score + 1e-9


@given(st.lists(READINGS, min_size=1, max_size=4), READINGS, PAST)
def test_a_further_reading_never_raises_the_score(day, more, past) -> None:
    history = history_of(past)
    before, after = score_day(day, history), score_day([*day, more], history)

    assert before is None or (after is not None and after.score <= before.score)


def test_a_sign_at_its_action_limit_scores_fifty() -> None:
    for signs in ({"sbp_mmhg": 160}, {"dbp_mmhg": 55}, {"hr_bpm": 50}, {"temp_c": 37.8}):
        found = score_day([reading(**signs)], NEW)

        assert found is not None
        assert found.score == pytest.approx(50)


@pytest.mark.slow
def test_limits_chosen_on_other_people_find_what_clinicians_let_stand(recordings) -> None:
    found = cross_validate_vitals(recordings / "vitals")

    assert found["bp_recall"] >= 0.90
    assert found["bp_precision"] >= 0.87
    assert found["pulse_recall"] >= 0.88
    assert found["pulse_precision"] >= 0.80  # short of the aim of 0.85, see the module's docstring
    assert found["score_auc"] >= 0.93
