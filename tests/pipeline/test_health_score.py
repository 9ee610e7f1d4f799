"""What the health score promises, whatever a body, a night or a device does."""

import pickle
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pipeline.brain.identify.days import Book, Day
from pipeline.brain.identify.health_parts import burdens_of
from pipeline.brain.identify.health_score import (
    HealthDay,
    HealthState,
    Profile,
    combined,
    slope,
)
from pipeline.brain.identify.news2 import Sign, SpO2Scale, Value, points
from pipeline.brain.identify.sign_score import (
    BURDEN_MAX,
    SIGN_MAX,
    Hourly,
    as_score,
    burden_of,
    score_signs,
)
from pipeline.brain.perceive.seen import Seen
from tests.pipeline.test_days import HOUR, MIDNIGHT, seen
from weinao.cli.evaluate.vitals import evaluate_vitals
from weinao.messages import Acvpu, AnyObservation, Home, Rhythm, Sensor, Vitals
from weinao.outcomes import HealthScore
from weinao.registry import Resident

DAY_MS = 24 * HOUR
RULE = HealthDay()
HOME = "home-1"

WORSE: dict[Sign, tuple[float, float, float, float]] = {
    Sign.RESPIRATION: (0, 14, 18, 60),
    Sign.SPO2: (60, 97, 100, 100),
    Sign.SYSTOLIC: (40, 120, 160, 280),
    Sign.PULSE: (20, 60, 75, 220),
    Sign.TEMPERATURE: (30, 36.6, 37.5, 43),
}
"""Of each sign: the least, the comfortable range, the most."""

LEVELS = (Acvpu.ALERT, Acvpu.CONFUSION, Acvpu.VOICE, Acvpu.PAIN, Acvpu.UNRESPONSIVE)


@st.composite
def worsening(draw: st.DrawFn) -> tuple[Sign, Value, Value]:
    """Draw a sign with a value and one no better, on the same side of its comfortable range."""
    sign = draw(st.sampled_from(Sign))
    if sign is Sign.OXYGEN:
        return sign, False, draw(st.booleans())
    if sign is Sign.CONSCIOUSNESS:
        better, worse = sorted(draw(st.tuples(st.integers(0, 4), st.integers(0, 4))))
        return sign, LEVELS[better], LEVELS[worse]
    least, low, high, most = WORSE[sign]
    one, other = draw(st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted))
    if draw(st.booleans()):
        return sign, low - one * (low - least), low - other * (low - least)
    return sign, high + one * (most - high), high + other * (most - high)


@st.composite
def bodies(draw: st.DrawFn) -> dict[Sign, Value]:
    drawn = draw(st.lists(worsening(), max_size=7))
    return {sign: worse for sign, _, worse in drawn}


@given(bodies(), worsening(), st.one_of(st.none(), st.floats(16, 110)), st.sampled_from(SpO2Scale))
def test_a_worse_sign_never_raises_score_or_band(
    signs: dict[Sign, Value], change: tuple[Sign, Value, Value], age: float | None, scale: SpO2Scale
) -> None:
    sign, better, worse = change
    if scale is SpO2Scale.TWO and sign is Sign.SPO2:
        return  # there, too much may be bad

    before = score_signs({**signs, sign: better}, age, scale=scale)
    after = score_signs({**signs, sign: worse}, age, scale=scale)

    if not (sign is Sign.OXYGEN and scale is SpO2Scale.TWO):
        assert after.score <= before.score
        assert after.best >= before.best
        assert after.worst >= before.worst


@given(bodies(), st.sampled_from(Sign), st.one_of(st.none(), st.floats(16, 110)))
def test_a_missing_sign_widens_the_band_and_is_never_taken_for_a_good_one(
    signs: dict[Sign, Value], gone: Sign, age: float | None
) -> None:
    fewer = {sign: value for sign, value in signs.items() if sign is not gone}

    known, unknown = score_signs(signs, age), score_signs(fewer, age)

    assert unknown.best <= known.best + 1e-9
    if gone is not Sign.OXYGEN:  # nobody is on oxygen unless somebody says so
        assert unknown.worst >= known.worst - 1e-9
        if gone in signs and burden_of(gone, signs[gone]) <= 1:
            assert unknown.score <= known.score + 1e-9
    assert unknown.best <= unknown.burden <= unknown.worst <= BURDEN_MAX * SIGN_MAX


@pytest.mark.parametrize("sign", [*WORSE])
def test_burdens_reach_the_points_of_the_chart_and_start_before_it_does(sign: Sign) -> None:
    least, _, _, most = WORSE[sign]
    for step in range(500):
        value = least + (most - least) * step / 499
        if points(sign, value) >= 1:
            assert burden_of(sign, value) > 0
        if points(sign, value) == 3:
            assert burden_of(sign, value) >= 2.4
    values = [burden_of(sign, least + (most - least) * step / 499) for step in range(500)]
    assert max(abs(a - b) for a, b in pairwise(values)) < 1


@pytest.mark.parametrize("sign", [*WORSE])
def test_a_burden_never_falls_on_the_way_out_and_what_is_missing_has_a_good_ones_at_most(
    sign: Sign,
) -> None:
    least, low, high, most = WORSE[sign]
    missing = score_signs({}, expected=[sign]).score
    for start, end in ((low, least), (high, most)):
        way = [burden_of(sign, start + (end - start) * step / 999) for step in range(1_000)]
        assert way == sorted(way)
        mild = score_signs({sign: start}, expected=[sign]).score
        assert missing < mild
    at_one = score_signs({sign: _with_burden_one(sign)}, expected=[sign]).score
    assert missing == pytest.approx(at_one)


def _with_burden_one(sign: Sign) -> float:
    """Return a value with a burden of one: mostly where a band of one point ends."""
    return {
        Sign.RESPIRATION: 11.5,
        Sign.SPO2: 95.0,
        Sign.SYSTOLIC: 110.0,
        Sign.PULSE: 50.0,
        Sign.TEMPERATURE: 36 + 0.6 / 3,
    }[sign]


def test_older_people_have_less_reserve_but_none_is_ill_by_age() -> None:
    ill: dict[Sign, Value] = {Sign.PULSE: 120.0, Sign.SPO2: 92.0}

    assert score_signs(ill, 85).score < score_signs(ill, 40).score
    assert score_signs({Sign.PULSE: 70.0}, 85, expected=[Sign.PULSE]).score == 100


def test_an_hour_is_scored_by_what_was_known_at_its_end_and_six_hours_at_most() -> None:
    hourly = Hourly(hour=1).take({Sign.PULSE: 70.0}, HOUR // 2)

    assert hourly.reach(HOUR - 1).hours == 0
    assert hourly.reach(HOUR).hours == 1
    assert hourly.reach(100 * HOUR).hours == 6


@given(st.lists(st.integers(0, 48 * HOUR), max_size=10))
def test_how_time_is_passed_changes_no_hour(moments: list[int]) -> None:
    hourly = Hourly(hour=1).take({Sign.PULSE: 120.0}, 1).take({Sign.SPO2: 90.0}, HOUR // 2)
    stepwise = hourly
    for at in sorted(moments):
        stepwise = stepwise.reach(at)

    assert stepwise.reach(48 * HOUR) == hourly.reach(48 * HOUR)


def person(year: int | None = 1945) -> Resident:
    return Resident(id="resident-1", household=HOME, birth_year=year)


def days_of(
    sayings: Sequence[tuple[AnyObservation, str, str]], days: int, resident: Resident | None = None
) -> list[HealthScore]:
    story = [
        replace(seen(said, n, room, device), resident=resident or person())
        for n, (said, room, device) in enumerate(sorted(sayings, key=lambda one: one[0].at))
    ]
    return scored(story, MIDNIGHT + days * DAY_MS)


def scored(story: list[Seen], until: int) -> list[HealthScore]:
    state, found = RULE.initial(HOME, HOME), list[HealthScore]()
    for one in story:
        state, scores = RULE.observe(state, one)
        found += scores
    return found + list(RULE.pass_time(state, until)[1])


def cuff(day: int, *, sbp: float = 125, dbp: float = 75, hr: float = 68) -> AnyObservation:
    return Vitals(at=MIDNIGHT + day * DAY_MS + 8 * HOUR, sbp_mmhg=sbp, dbp_mmhg=dbp, hr_bpm=hr)


@given(
    st.lists(st.tuples(st.floats(60, 230), st.floats(35, 130), st.floats(35, 140)), min_size=1),
    st.floats(0, 60),
    st.integers(0, 5),
)
def test_a_worse_reading_never_raises_a_day(
    values: list[tuple[float, float, float]], more: float, which: int
) -> None:
    readings = [
        Vitals(at=MIDNIGHT + n, sbp_mmhg=sbp, dbp_mmhg=dbp, hr_bpm=hr)
        for n, (sbp, dbp, hr) in enumerate(values[:10])
    ]
    sbp, dbp, hr = values[0]
    up = which % 2
    middle = (115, 72, 68)
    value = (sbp, dbp, hr)[which // 2]
    if (value >= middle[which // 2]) != bool(up):
        return  # that would be towards the middle
    name = ("sbp_mmhg", "dbp_mmhg", "hr_bpm")[which // 2]
    worse = replace(readings[0], **{name: max(value + (more if up else -more), 1)})

    before = days_of([(one, "", "cuff") for one in readings], 1)
    after = days_of([(one, "", "cuff") for one in (worse, *readings[1:])], 1)

    assert after[0].score <= before[0].score
    assert after[0].low <= before[0].low
    assert after[0].high <= before[0].high


FIGURES = st.fixed_dictionaries(
    {},
    optional={
        "active_min": st.floats(0, 600),
        "sleep_min": st.floats(0, 900),
        "toilet_visits": st.integers(0, 12).map(float),
        "irregular_share": st.floats(0, 1),
    },
)


def home_day(figures: dict[str, float]) -> Day:
    return Day(day=20_000, at=0, subject="resident-1", household=HOME, alone=True, figures=figures)


EVER = {"activity": 1, "sleep": 1, "rhythm": 1}
USUAL = (200.0,) * 10


@given(
    FIGURES, st.sampled_from(["active_min", "toilet_visits", "irregular_share"]), st.floats(0, 1)
)
def test_a_worse_figure_of_the_home_never_raises_score_or_band(
    figures: dict[str, float], name: str, more: float
) -> None:
    if name not in figures:
        return
    value = figures[name]
    worse = value * (1 - more) if name == "active_min" else value + more

    before = combined(burdens_of(home_day(figures), USUAL, EVER, {}, 0.1))
    after = combined(burdens_of(home_day({**figures, name: worse}), USUAL, EVER, {}, 0.1))

    assert all(b <= a for a, b in zip(before, after, strict=True))


@given(FIGURES, st.sampled_from(["active_min", "sleep_min", "irregular_share"]))
def test_a_missing_part_widens_the_band_and_never_raises_what_it_was(
    figures: dict[str, float], gone: str
) -> None:
    parts = burdens_of(home_day(figures), USUAL, EVER, {}, 0.1)
    known = {name: value for part in parts for name, value in part.known.items()}
    fewer = {name: value for name, value in figures.items() if name != gone}

    score, low, high = combined(parts)
    after, after_low, after_high = combined(burdens_of(home_day(fewer), USUAL, EVER, known, 0.1))

    assert after_low <= low
    assert high <= after_high
    assert after <= score
    assert after_low <= after <= after_high


def test_leaving_the_cuff_off_raises_no_score() -> None:
    bad = [(cuff(0, sbp=190), "", "cuff"), (Rhythm(at=MIDNIGHT + 1), "", "band")]
    without = [(Rhythm(at=MIDNIGHT + DAY_MS + 1), "", "band")]

    first, second = days_of([*bad, *without], 2)

    assert second.score <= first.score
    assert second.low < second.score < second.high


def test_a_good_day_says_so_and_a_bad_one_says_why_and_what_follows() -> None:
    good, bad = days_of([(cuff(0), "", "cuff"), (cuff(1, sbp=185, dbp=108), "", "cuff")], 2)

    assert (good.reason, good.advice, good.score > 95) == ("score.good", (), True)
    assert (bad.reason, bad.facts) == ("score.vitals", {"sign": "sbp_high"})
    assert bad.advice == ("advice.visit_today", "advice.measure_again", "advice.see_doctor")
    assert (good.day, bad.day) == ("2026-01-02", "2026-01-03")
    assert bad.at == MIDNIGHT + 2 * DAY_MS


def test_a_band_that_says_little_leaves_a_wide_band_around_the_score() -> None:
    def worn(hours: int) -> HealthScore:
        band = [
            (Vitals(at=MIDNIGHT + h * HOUR, hr_bpm=68, spo2_pct=97, worn=True), "", "band")
            for h in range(hours)
        ]
        return days_of(band, 1)[0]

    little, much = worn(2), worn(24)

    assert little.coverage < much.coverage
    assert little.low < much.low
    assert little.high >= much.high
    assert little.score <= much.score


def test_children_are_not_scored_by_a_chart_for_adults() -> None:
    band = [(Vitals(at=MIDNIGHT + HOUR, hr_bpm=135, worn=True), "", "band")]

    assert days_of(band, 1, person(2020)) == []
    assert days_of(band, 1)[0].score < 100


def test_a_fortnight_that_gets_worse_has_a_falling_trend() -> None:
    sayings = [(cuff(day, sbp=130 + 2 * day), "", "cuff") for day in range(14)]

    scores = days_of(sayings, 14)

    assert scores[5].trend is None
    assert scores[-1].trend is not None
    assert scores[-1].trend < -1
    assert slope([(day, 80.0) for day in range(14)], RULE.trend_days_min) == 0


def test_somebody_who_lives_alone_without_a_wearable_is_scored_by_the_home() -> None:
    moves = [
        (Home(at=MIDNIGHT + day * DAY_MS + h * HOUR // 2, sensor=Sensor.PIR, value=1), "hall", "")
        for day in range(12)
        for h in range(14, 46 if day < 11 else 20)
    ]

    scores = days_of(moves, 12)

    assert scores[-2].subject == HOME
    assert scores[-1].score < scores[-2].score
    assert scores[-1].reason == "score.activity"


def test_nobody_is_scored_for_ever_after_the_last_reading() -> None:
    assert len(days_of([(cuff(0), "", "cuff")], 40)) == 1 + RULE.idle_days_max


@given(st.lists(st.sampled_from([120.0, 150.0, 190.0]), min_size=1, max_size=10), st.integers(0, 9))
def test_neither_repetition_nor_a_crash_changes_a_score(values: list[float], cut: int) -> None:
    story = [seen(cuff(day, sbp=sbp), day, "", "cuff") for day, sbp in enumerate(values)]
    state, found = RULE.initial(HOME, HOME), list[HealthScore]()
    for index, one in enumerate(story):
        for again in (one, one, story[0]):
            state, scores = RULE.observe(state, again)
            found += scores
        if index == cut:
            state = pickle.loads(pickle.dumps(state))  # our own
    found += RULE.pass_time(state, MIDNIGHT + 12 * DAY_MS)[1]

    assert found == scored(story, MIDNIGHT + 12 * DAY_MS)
    assert len({one.id for one in found}) == len(found)


def test_a_burden_of_one_halves_the_score() -> None:
    assert (as_score(0), as_score(1)) == (100, 50)
    assert RULE.score(Profile(), home_day({}))[1] is None
    assert RULE.initial(HOME, HOME) == HealthState(book=Book(household=HOME))


def test_the_score_of_a_day_agrees_with_clinicians(recordings: Path, tmp_path: Path) -> None:
    for path in (recordings / "vitals").glob("tihm_*"):
        (tmp_path / path.name).symlink_to(path)

    assert evaluate_vitals(tmp_path)["score_auc"] >= 0.93
