"""What NEWS2 promises: the chart to the last edge, and no point for what is not known."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.brain.identify.news2 import (
    Band,
    MaxAge,
    Sign,
    SpO2Scale,
    Timed,
    band_of,
    news2,
    points,
    rounded,
    with_vitals,
)
from weinao.messages import Acvpu, Vitals

NOW = 1_800_000_000_000
AIR, OXYGEN = False, True

# The chart as printed: each band by its first and last value, in steps of what it is read in.
CHART = {
    Sign.RESPIRATION: (1, [(1, 8, 3), (9, 11, 1), (12, 20, 0), (21, 24, 2), (25, 60, 3)]),
    Sign.SYSTOLIC: (1, [(50, 90, 3), (91, 100, 2), (101, 110, 1), (111, 219, 0), (220, 300, 3)]),
    Sign.PULSE: (
        1,
        [(20, 40, 3), (41, 50, 1), (51, 90, 0), (91, 110, 1), (111, 130, 2), (131, 220, 3)],
    ),
    Sign.TEMPERATURE: (
        0.1,
        [(30.0, 35.0, 3), (35.1, 36.0, 1), (36.1, 38.0, 0), (38.1, 39.0, 1), (39.1, 43.0, 2)],
    ),
}
SPO2_1 = [(50, 91, 3), (92, 93, 2), (94, 95, 1), (96, 100, 0)]
SPO2_2_AIR = [(50, 83, 3), (84, 85, 2), (86, 87, 1), (88, 100, 0)]
SPO2_2_OXYGEN = [*SPO2_2_AIR[:3], (88, 92, 0), (93, 94, 1), (95, 96, 2), (97, 100, 3)]

GOOD = {
    Sign.RESPIRATION: 16.0,
    Sign.SPO2: 97.0,
    Sign.OXYGEN: False,
    Sign.SYSTOLIC: 120.0,
    Sign.PULSE: 70.0,
    Sign.CONSCIOUSNESS: Acvpu.ALERT,
    Sign.TEMPERATURE: 37.0,
}


def spo2_bands(scale: SpO2Scale, on_oxygen: bool) -> list[tuple[int, int, int]]:
    if scale is SpO2Scale.ONE:
        return SPO2_1
    return SPO2_2_OXYGEN if on_oxygen else SPO2_2_AIR


def edge_table():
    """Yield (sign, value, scale, on_oxygen, points): every printed value of every band."""
    for scale in SpO2Scale:
        for on_oxygen in (AIR, OXYGEN):
            columns = {**CHART, Sign.SPO2: (1, spo2_bands(scale, on_oxygen))}
            for sign, (step, bands) in columns.items():
                for first, last, expected in bands:
                    for number in range(round((last - first) / step) + 1):
                        value = round(first + number * step, 1)
                        yield sign, value, scale, on_oxygen, expected


def timed(values, at=NOW):
    return {sign: Timed(value, at) for sign, value in values.items()}


def score_of(values, **how):
    found = news2(timed(values), NOW, age_years=80, **how)
    return found.score if found else None


def test_every_value_of_the_chart_has_its_points() -> None:
    table = list(edge_table())

    wrong = [
        row for row in table if points(row[0], row[1], scale=row[2], on_oxygen=row[3]) != row[4]
    ]

    assert len(table) > 2_000
    assert wrong == []


def test_every_value_of_the_chart_counts_in_the_whole_score() -> None:
    for sign, value, scale, on_oxygen, expected in edge_table():
        spo2 = 90.0 if scale is SpO2Scale.TWO else 97.0
        values = {**GOOD, Sign.SPO2: spo2, Sign.OXYGEN: on_oxygen, sign: value}

        assert score_of(values, scale=scale) == expected + 2 * on_oxygen, (sign, value, scale)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(Acvpu.ALERT, 0), *((other, 3) for other in Acvpu if other is not Acvpu.ALERT)],
)
def test_anything_but_alert_has_three_points(value: Acvpu, expected: int) -> None:
    assert points(Sign.CONSCIOUSNESS, value) == expected


@pytest.mark.parametrize(
    ("sign", "value", "printed"),
    [
        (Sign.TEMPERATURE, 38.05, 38.1),  # binary floating point would say 38.0
        (Sign.TEMPERATURE, 38.049, 38.0),
        (Sign.TEMPERATURE, 35.05, 35.1),
        (Sign.TEMPERATURE, 36.04999, 36.0),
        (Sign.RESPIRATION, 8.5, 9),
        (Sign.RESPIRATION, 24.49, 24),
        (Sign.SPO2, 91.5, 92),
        (Sign.SPO2, 90.5, 91),  # to the even neighbour would say 90
        (Sign.PULSE, 130.5, 131),
        (Sign.SYSTOLIC, 219.4999, 219),
    ],
)
def test_values_are_rounded_half_up_before_they_are_banded(sign, value, printed) -> None:
    assert rounded(sign, value) == printed
    assert points(sign, value) == points(sign, printed)


@pytest.mark.parametrize(
    ("score", "single", "band"),
    [
        (0, False, Band.LOW),
        (4, False, Band.LOW),
        (3, True, Band.LOW_MEDIUM),
        (4, True, Band.LOW_MEDIUM),
        (5, False, Band.MEDIUM),
        (6, True, Band.MEDIUM),
        (7, False, Band.HIGH),
        (20, True, Band.HIGH),
    ],
)
def test_bands(score: int, single: bool, band: Band) -> None:
    assert band_of(score, single) is band


def test_the_largest_score_is_twenty() -> None:
    worst = {
        Sign.RESPIRATION: 30.0,
        Sign.SPO2: 80.0,
        Sign.OXYGEN: True,
        Sign.SYSTOLIC: 80.0,
        Sign.PULSE: 140.0,
        Sign.CONSCIOUSNESS: Acvpu.PAIN,
        Sign.TEMPERATURE: 34.0,
    }

    found = news2(timed(worst), NOW, age_years=80)

    assert found is not None
    assert (found.score, found.band, found.partial) == (20, Band.HIGH, False)


def test_a_partial_score_says_what_it_lacks_and_how_old_the_rest_is() -> None:
    signs = {
        Sign.PULSE: Timed(131.0, NOW - 60_000),
        Sign.SPO2: Timed(97.0, NOW - 3_600_001),  # a millisecond too old
    }

    found = news2(signs, NOW, age_years=80)

    assert found is not None
    assert found.partial
    assert [(part.sign, part.points, part.age_ms) for part in found.parts] == [
        (Sign.PULSE, 3, 60_000)
    ]
    assert found.band is Band.LOW_MEDIUM
    assert set(found.missing) == set(Sign) - {Sign.PULSE}


@pytest.mark.parametrize("count", range(1, 8))
def test_fewer_than_five_of_seven_signs_are_partial(count: int) -> None:
    found = news2(timed(dict(list(GOOD.items())[:count])), NOW, age_years=80)

    assert found is not None
    assert found.partial is (count < 5)


@pytest.mark.parametrize("sign", list(Sign))
def test_each_sign_has_its_own_age(sign: Sign) -> None:
    limits = MaxAge(**{f"{each}_s": (5 if each is sign else 10) for each in Sign})

    at_limit = news2(timed(GOOD, NOW - 5_000), NOW, age_years=80, max_age=limits)
    beyond = news2(timed(GOOD, NOW - 5_001), NOW, age_years=80, max_age=limits)

    assert at_limit is not None
    assert at_limit.missing == ()
    assert beyond is not None
    assert beyond.missing == (sign,)


def test_nothing_is_scored_for_a_child_or_without_a_sign() -> None:
    assert news2(timed(GOOD), NOW, age_years=15.99) is None
    assert news2(timed(GOOD), NOW, age_years=16) is not None
    assert news2(timed(GOOD), NOW, age_years=math.nan) is None
    assert news2({}, NOW, age_years=80) is None
    assert news2(timed(GOOD, NOW + 1), NOW, age_years=80) is None


def test_sensed_values_are_dropped_in_movement_off_the_wrist_or_while_searching() -> None:
    at_rest = Vitals(at=NOW, hr_bpm=140, spo2_pct=85, resp_per_min=30, sbp_mmhg=120)
    moving = Vitals(at=NOW, hr_bpm=140, spo2_pct=85, resp_per_min=30, sbp_mmhg=120, moving=True)
    off = Vitals(at=NOW, hr_bpm=140, spo2_pct=85, worn=False)
    searching = Vitals(at=NOW, hr_bpm=0, spo2_pct=0, resp_per_min=0)

    assert len(with_vitals({}, at_rest)) == 4
    assert list(with_vitals({}, moving)) == [Sign.SYSTOLIC]
    assert with_vitals({}, off) == with_vitals({}, searching) == {}


def test_skin_temperature_never_enters() -> None:
    assert with_vitals({}, Vitals(at=NOW, skin_temp_c=33.0)) == {}


VALUES = {
    Sign.RESPIRATION: st.floats(0, 120),
    Sign.SPO2: st.floats(0, 100),
    Sign.OXYGEN: st.booleans(),
    Sign.SYSTOLIC: st.floats(20, 350),
    Sign.PULSE: st.floats(0, 350),
    Sign.CONSCIOUSNESS: st.sampled_from(list(Acvpu)),
    Sign.TEMPERATURE: st.floats(20, 46),
}
SCALES = st.sampled_from(list(SpO2Scale))
# Where a sign is best; below and above it points may only grow.
BEST = {Sign.RESPIRATION: 16, Sign.SYSTOLIC: 160, Sign.PULSE: 70, Sign.TEMPERATURE: 37}
NUMBERS = st.sampled_from(list(BEST)).flatmap(
    lambda sign: st.tuples(st.just(sign), VALUES[sign], VALUES[sign])
)


@given(NUMBERS)
def test_points_only_grow_away_from_the_best(drawn) -> None:
    sign, one, other = drawn
    near, far = sorted((one, other), key=lambda value: abs(value - BEST[sign]))
    same_side = (near - BEST[sign]) * (far - BEST[sign]) >= 0

    assert not same_side or points(sign, near) <= points(sign, far)


@given(st.floats(0, 100), st.floats(0, 100), SCALES, st.booleans())
def test_a_lower_saturation_never_has_fewer_points_below_the_target(a, b, scale, oxygen) -> None:
    lower, higher = sorted((a, b))
    if scale is SpO2Scale.TWO and oxygen:
        higher = min(higher, 92.0)
        lower = min(lower, higher)

    def scored(value: float) -> int:
        return points(Sign.SPO2, value, scale=scale, on_oxygen=oxygen)

    assert scored(lower) >= scored(higher)


@given(st.fixed_dictionaries(VALUES), st.sets(st.sampled_from(list(Sign))), SCALES)
def test_a_missing_sign_never_raises_the_score(values, absent, scale) -> None:
    whole = score_of(values, scale=scale)
    left = score_of(
        {sign: value for sign, value in values.items() if sign not in absent}, scale=scale
    )

    assert left is None or left <= whole


@given(
    st.lists(
        st.builds(
            Vitals,
            at=st.integers(NOW - 5, NOW),
            hr_bpm=st.none() | st.floats(0, 350),
            spo2_pct=st.none() | st.floats(0, 100),
            temp_c=st.none() | st.floats(20, 46),
            on_oxygen=st.none() | st.booleans(),
            consciousness=st.none() | st.sampled_from(list(Acvpu)),
        ),
        max_size=8,
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_in_which_observations_come_does_not_matter(seen, random) -> None:
    shuffled = seen.copy()
    random.shuffle(shuffled)

    def known(observations):
        signs: dict[Sign, Timed] = {}
        for one in observations:
            signs = with_vitals(signs, one)
        return signs

    assert known(seen) == known(shuffled)
    assert news2(known(seen), NOW, age_years=80) == news2(known(shuffled), NOW, age_years=80)


@given(st.dictionaries(st.sampled_from(list(Sign)), st.floats(), max_size=7))
def test_what_is_no_number_is_missing(values) -> None:
    found = news2(timed(values), NOW, age_years=80)

    assert found is None or all(math.isfinite(part.value) for part in found.parts)
