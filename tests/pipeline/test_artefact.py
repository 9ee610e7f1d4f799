"""What is not about a body is neither an alarm nor a calm, whoever scores it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.brain.identify.child_vitals import ChildVitals
from pipeline.brain.identify.days import DAY_MS, Book, reach, take
from pipeline.brain.identify.flat_line import FlatLine
from pipeline.brain.identify.vitals import VitalAlarm
from pipeline.brain.perceive.artefact import WATCHED, Artefacts, Run, Runs
from pipeline.brain.perceive.seen import Seen
from tests.pipeline.home_rules import (
    ELDER,
    HOUR,
    MIDNIGHT,
    MINUTE,
    band,
    check_promises,
    person,
    phases,
    run,
)
from weinao.messages import Vitals
from weinao.outcomes import Hazard, Phase
from weinao.registry import Resident

ADULTS, CHILDREN, FLAT = VitalAlarm(), ChildVitals(), FlatLine()
TODDLER = person("child-1", 2023)
LIMITS = Artefacts()
WELL: dict[str, Any] = {"hr_bpm": 72, "spo2_pct": 97, "resp_per_min": 15, "temp_c": 36.8}
AWFUL: dict[str, Any] = {"hr_bpm": 190, "spo2_pct": 70, "resp_per_min": 50, "temp_c": 22.0}
BOTH = pytest.mark.parametrize(("rule", "who"), [(ADULTS, ELDER), (CHILDREN, TODDLER)])
SPOILT = st.one_of(
    st.just({"worn": False}),
    st.just({"moving": True, "temp_c": None}),
    st.just({"hr_bpm": 0, "spo2_pct": 0, "resp_per_min": 0, "temp_c": None}),
)


def worn(who: Resident, *readings: dict[str, Any], every: int = 2 * MINUTE) -> list[Seen]:
    return [band(MIDNIGHT + n * every, who, **one) for n, one in enumerate(readings)]


@BOTH
@given(spoilt=st.lists(SPOILT, max_size=20), start=st.integers(0, 3))
def test_artefacts_of_any_sign_raise_nothing(rule: Any, who: Resident, spoilt, start) -> None:
    log = worn(who, *[WELL] * start, *[{**AWFUL, **how} for how in spoilt])

    assert run(rule, log)[1] == []


@BOTH
@given(spoilt=st.lists(SPOILT, max_size=20))
def test_artefacts_end_no_alarm(rule: Any, who: Resident, spoilt) -> None:
    ill = {**WELL, "hr_bpm": 185, "resp_per_min": 45}

    log = worn(who, *[ill] * 6, *[{**WELL, **how} for how in spoilt])

    assert phases(rule, log) == [Phase.RAISED]


@BOTH
def test_one_bad_reading_does_not_persist_by_being_followed_by_movement(
    rule: Any, who: Resident
) -> None:
    log = worn(
        who, WELL, {**AWFUL, "temp_c": 36.8}, *[{**WELL, "moving": True, "temp_c": None}] * 9
    )

    assert run(rule, log)[1] == []


@BOTH
def test_a_device_that_lay_on_the_table_has_no_fever_and_no_chill(rule: Any, who: Resident) -> None:
    off = {"worn": False, "hr_bpm": None, "temp_c": 21.0}
    back = {"hr_bpm": 105 if who is TODDLER else 72, "temp_c": None}

    assert run(rule, worn(who, *[off] * 3, *[back] * 9))[1] == []


@BOTH
@pytest.mark.parametrize("sign", ["hr_bpm", "resp_per_min"])
def test_a_stuck_sensor_never_says_that_it_is_over(rule: Any, who: Resident, sign: str) -> None:
    child = who is TODDLER
    usual = {"hr_bpm": 105, "spo2_pct": 98, "resp_per_min": 26} if child else WELL
    bad = {**usual, sign: 180 if sign == "hr_bpm" else 75}
    varying = [{**bad, "spo2_pct": 97 + n % 2, "temp_c": 36.5 + n % 3 / 10} for n in range(200)]
    for n, one in enumerate(varying):
        other = "resp_per_min" if sign == "hr_bpm" else "hr_bpm"
        one[other] = usual[other] + n % 2

    hazards = run(rule, worn(who, *varying, every=MINUTE))[1]

    assert Phase.RAISED in {one.phase for one in hazards if isinstance(one, Hazard)}
    assert Phase.CLEARED not in {one.phase for one in hazards if isinstance(one, Hazard)}


def test_a_sign_stuck_at_a_bad_value_is_not_scored_once_it_is_known_to_be() -> None:
    low = [{**WELL, "spo2_pct": 97 - n % 2, "hr_bpm": 38 if n < 90 else None} for n in range(150)]
    # Nobody was told before: it was stuck through the night and only then worn.
    runs: Runs = {"band-elder-1/hr_bpm": Run(38, MIDNIGHT - 2 * HOUR, MIDNIGHT - MINUTE, 120)}
    log = [
        band(seen.at, ELDER, **{**one, "resp_per_min": 15 + n % 2, "temp_c": 36.8})
        for n, (seen, one) in enumerate(zip(worn(ELDER, *low, every=MINUTE), low, strict=True))
    ]
    state = ADULTS.initial("elder-1", "home-1")
    known = type(state)(runs=runs)

    assert run(ADULTS, log, None, known)[1] == []
    assert phases(ADULTS, log[:90]) == [Phase.RAISED]


@given(
    st.sampled_from(WATCHED),
    st.floats(20, 40),
    st.integers(1, 60),
    st.integers(30, 200),
)
def test_a_sign_is_stuck_after_its_time_and_so_many_readings_and_never_sooner(
    sign: str, value: float, every_min: int, count: int
) -> None:
    runs: Runs = {}
    for n in range(count):
        seen = band(MIDNIGHT + n * every_min * MINUTE, ELDER, hr_bpm=None)
        said = Vitals(at=seen.at, worn=True, **{sign: value})
        runs, clean = LIMITS.clean(runs, seen, said)
        long = n * every_min * 60 >= LIMITS.limit_s(sign) and n + 1 >= LIMITS.readings_min
        assert (getattr(clean, sign) is None) == long

    again, clean = LIMITS.clean(runs, seen, Vitals(at=seen.at + 1, worn=True, **{sign: value + 1}))
    assert getattr(clean, sign) == value + 1
    assert LIMITS.stuck_signs(again) == frozenset()


def test_what_is_remembered_of_runs_is_bounded() -> None:
    runs: Runs = {}
    for n in range(100):
        seen = band(MIDNIGHT + n, person(f"p-{n}", 1950))
        assert isinstance(seen.observation, Vitals)
        runs, _ = LIMITS.clean(runs, seen, seen.observation)

    assert len(runs) <= 32


@given(st.lists(st.sampled_from([61, 62, None]), min_size=1, max_size=30), st.data())
def test_a_flat_line_keeps_the_promises_of_all_rules(values, data) -> None:
    log = worn(ELDER, *[{"hr_bpm": value} for value in values], every=HOUR)

    check_promises(FlatLine(artefacts=Artefacts(readings_min=2)), log, data)


def test_a_stuck_sensor_is_told_as_a_matter_of_the_device_until_it_lives_again() -> None:
    log = worn(ELDER, *[{"hr_bpm": 64}] * 70, {"hr_bpm": 65}, every=MINUTE)

    found = [one for one in run(FLAT, log)[1] if isinstance(one, Hazard)]

    assert [(one.phase, one.subject) for one in found] == [
        (Phase.RAISED, "band-elder-1"),
        (Phase.CLEARED, "band-elder-1"),
    ]
    assert found[0].at == MIDNIGHT + HOUR
    assert found[0].facts == {"sign": "hr_bpm", "value": 64, "hours": 1.0}


def test_taking_it_off_ends_a_flat_line() -> None:
    log = worn(ELDER, *[{"hr_bpm": 64}] * 70, {"worn": False, "hr_bpm": 64}, every=MINUTE)

    assert phases(FLAT, log) == [Phase.RAISED, Phase.CLEARED]


def test_a_day_does_not_count_what_is_stuck_or_was_read_off_a_table() -> None:
    def figures(*readings: dict[str, Any]) -> dict[str, float]:
        book = Book(household="home-1")
        for seen in worn(ELDER, *readings, every=MINUTE):
            book = take(reach(book, seen.at)[0], seen)
        return reach(book, MIDNIGHT + DAY_MS)[1][0].figures

    living = [{"hr_bpm": 70 + n % 3} for n in range(120)]

    assert figures(*living)["rest_bpm"] == 70
    assert figures(*living, *[{"hr_bpm": 45, "worn": False}] * 300)["rest_bpm"] == 70
    # Of a stuck pulse only its first hour counts, before anybody can know.
    assert figures(*living, *[{"hr_bpm": 80}] * 900)["rest_bpm"] == 70
