"""What `ChildVitals` promises, whatever it is shown."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pipeline.brain.identify.child_vitals import ChildVitals
from pipeline.brain.perceive.seen import Seen
from tests.pipeline.home_rules import (
    MIDNIGHT,
    MINUTE,
    SECOND,
    band,
    check_promises,
    person,
    phases,
    run,
)
from weinao.outcomes import Hazard, HazardKind, Phase, Severity
from weinao.registry import Resident, VitalLimits

RULE = ChildVitals()
TODDLER = person("child-1", 2023, "preschool")
WELL: dict[str, Any] = {"hr_bpm": 105, "spo2_pct": 98, "resp_per_min": 26}
ILL = {**WELL, "hr_bpm": 172}
DYING = {"hr_bpm": 175, "spo2_pct": 89, "resp_per_min": 62}
BETWEEN = {**WELL, "hr_bpm": 152, "resp_per_min": 42}
KINDS = st.sampled_from([WELL, ILL, DYING, BETWEEN])


def log_of(
    readings: list[dict[str, Any]], *, every: int = 2 * MINUTE, who: Resident = TODDLER
) -> list[Seen]:
    return [band(MIDNIGHT + n * every, who, **reading) for n, reading in enumerate(readings)]


def hazards(readings: list[dict[str, Any]], **how: Any) -> list[Hazard]:
    return [one for one in run(RULE, log_of(readings, **how))[1] if isinstance(one, Hazard)]


@given(st.lists(KINDS, min_size=1, max_size=30), st.sampled_from([20, 60, 300]), st.data())
def test_it_keeps_the_promises_of_all_rules(readings, every_s, data) -> None:
    check_promises(RULE, log_of(readings, every=every_s * SECOND), data)


@given(st.lists(KINDS, max_size=40))
def test_fewer_than_three_urgent_readings_of_five_raise_nothing(readings) -> None:
    rare = [reading if n % 5 < 2 else WELL for n, reading in enumerate(readings)]

    assert hazards(rare) == []


@given(st.lists(KINDS, max_size=40), st.integers(1, 30))
def test_less_than_five_minutes_are_crying(readings, every_s) -> None:
    short = readings[: 299 // every_s]

    assert hazards([*short, *[WELL] * 300], every=every_s * SECOND) == []


@pytest.mark.parametrize("every_s", [1, 30, 60, 120, 600])
def test_however_fast_a_band_reads_persisting_urgency_is_told(every_s) -> None:
    count = 2_000 // every_s + 3

    assert [one.phase for one in hazards([ILL] * count, every=every_s * SECOND)] == [Phase.RAISED]


def test_an_emergency_is_confirmed_and_calm_clears() -> None:
    found = hazards([WELL] * 3 + [ILL] * 5 + [DYING] * 5 + [BETWEEN] * 10 + [WELL] * 5)

    assert [(one.phase, one.severity, one.kind) for one in found] == [
        (Phase.RAISED, Severity.MAJOR, HazardKind.VITALS),
        (Phase.CONFIRMED, Severity.CRITICAL, HazardKind.VITALS),
        (Phase.CLEARED, Severity.CRITICAL, HazardKind.VITALS),
    ]


def test_adults_and_people_of_unknown_age_are_for_the_other_chart() -> None:
    assert RULE.subject_of(log_of([DYING], who=person("elder-1", 1940))[0]) is None
    assert RULE.subject_of(log_of([DYING], who=person("somebody-1", None))[0]) is None
    assert RULE.subject_of(log_of([DYING], who=person("pupil-1", 2009))[0]) is None  # 16 in 2025
    assert RULE.subject_of(log_of([DYING], who=person("pupil-1", 2010))[0]) == "pupil-1"


def test_what_is_well_for_a_toddler_is_not_for_a_teenager() -> None:
    fast = {**WELL, "hr_bpm": 140}

    assert hazards([fast] * 10) == []
    assert hazards([fast] * 10, who=person("pupil-1", 2012)) != []


def test_what_a_band_says_off_the_wrist_or_while_romping_does_not_count() -> None:
    assert hazards([{**DYING, "worn": False}] * 10) == []
    assert hazards([{**DYING, "moving": True}] * 10) == []


def test_a_childs_own_limits_stand_in_for_the_table() -> None:
    blue = {**WELL, "spo2_pct": 86}
    heart = replace(TODDLER, limits=VitalLimits(spo2_pct_min=80))

    assert hazards([blue] * 10) != []
    assert hazards([blue] * 10, who=heart) == []
    assert hazards([{**WELL, "spo2_pct": 78}] * 10, who=heart) != []


def test_one_reading_of_a_clip_counts_at_once() -> None:
    good, low = {"hr_bpm": 105, "spo2_pct": 97}, {"hr_bpm": 110, "spo2_pct": 88}
    spot = [{**reading, "worn": None} for reading in (good, low, low, good)]

    log = log_of(spot, every=600 * MINUTE)

    assert phases(RULE, log) == [Phase.RAISED, Phase.CLEARED]


def test_very_high_fever_is_urgent_and_fever_alone_is_not() -> None:
    assert hazards([{**WELL, "temp_c": 39.0}] * 10) == []
    assert hazards([{**WELL, "temp_c": 40.3}] * 10) != []


def test_what_it_remembers_is_bounded() -> None:
    assert len(run(RULE, log_of([WELL] * 200))[0].recent) == RULE.persist_of_n
