"""What Bedside PEWS promises: the table to the last edge, and no point for what is not known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.brain.identify.news2 import MaxAge, Sign, Timed
from pipeline.brain.identify.pews import ITEMS, AgeGroup, age_group, pews, points, worst_points

NOW = 1_800_000_000_000
AGES = {AgeGroup.TODDLER: 2.5, AgeGroup.CHILD: 8.5, AgeGroup.TEEN: 14.5}

# The published table as ranges of whole numbers, from the lowest worst to the highest worst.
POINTS = (4, 2, 1, 0, 1, 2, 4)
STARTS = {
    (Sign.PULSE, AgeGroup.TODDLER): (20, 61, 71, 91, 120, 150, 170),
    (Sign.PULSE, AgeGroup.CHILD): (20, 51, 61, 71, 110, 130, 151),
    (Sign.PULSE, AgeGroup.TEEN): (20, 41, 50, 61, 100, 120, 140),
    (Sign.RESPIRATION, AgeGroup.TODDLER): (1, 13, 16, 20, 41, 61, 71),
    (Sign.RESPIRATION, AgeGroup.CHILD): (1, 11, 15, 20, 31, 41, 51),
    (Sign.RESPIRATION, AgeGroup.TEEN): (1, 10, 11, 12, 17, 23, 30),
    (Sign.SYSTOLIC, AgeGroup.TODDLER): (30, 66, 76, 91, 110, 125, 160),
    (Sign.SYSTOLIC, AgeGroup.CHILD): (30, 71, 81, 91, 120, 140, 170),
    (Sign.SYSTOLIC, AgeGroup.TEEN): (30, 76, 86, 101, 130, 150, 190),
}
LAST = {Sign.PULSE: 240, Sign.RESPIRATION: 120, Sign.SYSTOLIC: 250}
GOOD = {Sign.SPO2: 98.0, Sign.TEMPERATURE: 37.0}


def edge_table():
    """Yield (sign, value, age group, points): every whole number of every range."""
    for (sign, group), starts in STARTS.items():
        ends = (*starts[1:], LAST[sign] + 1)
        for start, end, expected in zip(starts, ends, POINTS, strict=True):
            # A range that the table leaves empty: teens' pulse of exactly 50 has one point.
            for value in range(start, end):
                yield sign, value, group, expected


def timed(values, at=NOW):
    return {sign: Timed(float(value), at) for sign, value in values.items()}


def test_every_value_of_the_table_has_its_points() -> None:
    table = list(edge_table())

    wrong = [row for row in table if points(row[0], row[1], row[2]) != row[3]]

    assert len(table) > 1_500
    assert wrong == []


@pytest.mark.parametrize(("value", "expected"), [(100, 0), (95, 0), (94, 1), (91, 1), (90, 2)])
@pytest.mark.parametrize("group", list(AgeGroup))
def test_saturation_has_two_points_at_most(value, expected, group) -> None:
    assert points(Sign.SPO2, value, group) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(34.9, 2), (35.0, 1), (35.9, 1), (36.0, 0), (38.5, 0), (38.6, 1), (40.0, 1), (40.1, 2)],
)
def test_temperature_stands_beside_the_score(value, expected) -> None:
    found = pews(timed({Sign.TEMPERATURE: value, Sign.SPO2: 90}), NOW, age_years=3)

    assert found is not None
    assert found.temperature is not None
    assert (found.score, found.temperature.points) == (2, expected)


@pytest.mark.parametrize(
    ("age_years", "group"),
    [
        (0.99, None),
        (1, AgeGroup.TODDLER),
        (3.99, AgeGroup.TODDLER),
        (4, AgeGroup.CHILD),
        (12, AgeGroup.CHILD),
        (12.01, AgeGroup.TEEN),
        (17.99, AgeGroup.TEEN),
        (18, None),
        (float("nan"), None),
    ],
)
def test_ages(age_years, group) -> None:
    assert age_group(age_years) is group
    assert (pews(timed(GOOD), NOW, age_years=age_years) is None) is (group is None)


@pytest.mark.parametrize(("value", "whole"), [(119.5, 120), (119.49, 119), (90.5, 91), (60.4, 60)])
def test_values_are_rounded_half_up_before_they_are_banded(value, whole) -> None:
    group = AgeGroup.TODDLER

    assert points(Sign.PULSE, value, group) == points(Sign.PULSE, whole, group)


def test_the_score_says_what_it_lacks_and_how_old_the_rest_is() -> None:
    signs = {
        Sign.PULSE: Timed(170.0, NOW - 60_000),
        Sign.RESPIRATION: Timed(20.0, NOW - 3_600_001),  # a millisecond too old
    }

    found = pews(signs, NOW, age_years=2)

    assert found is not None
    assert [(part.sign, part.points, part.age_ms, part.worst) for part in found.parts] == [
        (Sign.PULSE, 4, 60_000, True)
    ]
    assert found.missing == (Sign.RESPIRATION, Sign.SYSTOLIC, Sign.SPO2)


def test_nothing_is_scored_without_a_sign() -> None:
    assert pews({}, NOW, age_years=5) is None
    assert pews(timed(GOOD, NOW + 1), NOW, age_years=5) is None
    assert pews({Sign.PULSE: Timed(float("nan"), NOW)}, NOW, age_years=5) is None


def test_each_sign_has_its_own_age() -> None:
    found = pews(timed(GOOD, NOW - 10_000), NOW, age_years=5, max_age=MaxAge(spo2_pct_s=9))

    assert found is not None
    assert Sign.SPO2 in found.missing


VALUES = st.fixed_dictionaries(
    {
        Sign.PULSE: st.floats(0, 350),
        Sign.RESPIRATION: st.floats(0, 120),
        Sign.SYSTOLIC: st.floats(20, 350),
        Sign.SPO2: st.floats(0, 100),
    }
)


@given(VALUES, st.sets(st.sampled_from(ITEMS)), st.sampled_from(list(AgeGroup)))
def test_a_missing_sign_never_raises_the_score(values, absent, group) -> None:
    whole = pews(timed(values), NOW, age_years=AGES[group])
    left = {sign: value for sign, value in values.items() if sign not in absent}
    part = pews(timed(left), NOW, age_years=AGES[group])

    assert whole is not None
    assert 0 <= whole.score <= 14
    assert part is None or part.score <= whole.score


@given(st.sampled_from(list(STARTS)), st.floats(0, 300), st.floats(0, 300))
def test_points_only_grow_away_from_the_best(column, one, other) -> None:
    sign, group = column
    starts = STARTS[column]
    best = (starts[3] + starts[4]) / 2
    near, far = sorted((one, other), key=lambda value: abs(value - best))
    same_side = (near - best) * (far - best) >= 0

    assert points(sign, far, group) <= worst_points(sign)
    assert not same_side or points(sign, near, group) <= points(sign, far, group)
