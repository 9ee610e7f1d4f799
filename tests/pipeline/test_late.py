"""What is told late re-opens the day it belongs to, and nothing else."""

import pickle
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from pipeline.brain.identify.bed_exit import BedExit
from pipeline.brain.identify.climate import Climate
from pipeline.brain.identify.days import PAST_DAYS
from pipeline.brain.identify.fall import Fall
from pipeline.brain.identify.health_score import HealthDay
from pipeline.brain.identify.inactivity import Inactivity
from pipeline.brain.identify.night_door import NightDoor
from pipeline.brain.identify.not_back import NotBack
from pipeline.brain.identify.outside import is_movement
from pipeline.brain.identify.risk_health import RiskHealth
from pipeline.brain.identify.stove import Stove
from pipeline.brain.identify.vitals import VitalAlarm
from pipeline.brain.perceive.seen import Seen
from tests.pipeline.home_rules import (
    DAY,
    ELDER,
    HOUR,
    MIDNIGHT,
    MINUTE,
    SECOND,
    logs,
    pir,
    run,
    shown,
)
from weinao.messages import Motion, MotionEvent, Vitals
from weinao.outcomes import Hazard, HealthScore, Phase, Risk, RiskKind

SCORE, RISK, FALL = HealthDay(), RiskHealth(), Fall()


def said(at: int, device: str, **reading: Any) -> Seen:
    observation = Vitals(at=at, **reading)
    return shown(at, observation, device, subject=ELDER.id, resident=ELDER, alone=True)


def worn(day: int, hour: float, **signs: float) -> Seen:
    at = MIDNIGHT + day * DAY + round(hour * HOUR)
    return said(at, "band", worn=True, **{"hr_bpm": 70, "spo2_pct": 97, **signs})


def cuff(day: int, hour: float, sbp: float) -> Seen:
    at = MIDNIGHT + day * DAY + round(hour * HOUR)
    return said(at, "cuff", sbp_mmhg=sbp, dbp_mmhg=78, hr_bpm=68)


def scores(in_time: Sequence[Seen], late: Sequence[Seen], until: int) -> list[HealthScore]:
    """Show readings in time, the late ones after them all, and let time pass."""
    last = max(seen.at for seen in in_time)
    state, found = run(SCORE, in_time, last)
    for seen in late:
        state, more = run(SCORE, [seen], None, pickle.loads(pickle.dumps(state)))
        found += more
    found += run(SCORE, [], until, state)[1]
    return [one for one in found if isinstance(one, HealthScore)]


def newest(found: Sequence[HealthScore]) -> dict[str, HealthScore]:
    return {one.day: one for one in found}


CUFFS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(1, 22), st.sampled_from([118, 135, 150, 172, 190])),
    min_size=1, max_size=6, unique_by=lambda one: one[:2],
)  # fmt: skip
DAYS_AFTER = [cuff(day, 23.5, 124) for day in range(3)]
END = MIDNIGHT + 3 * DAY + 2 * HOUR


@given(CUFFS, st.randoms(use_true_random=False))
def test_a_cuff_told_late_gives_the_scores_that_it_would_have_given_in_time(drawn, rng) -> None:
    late = [cuff(*one) for one in drawn]
    # Of two days or less: what became history for the days after is not written again.
    late = [seen for seen in late if seen.at >= MIDNIGHT + DAY]
    both = sorted([*DAYS_AFTER, *late], key=lambda seen: seen.at)
    shuffled = rng.sample(late, len(late))

    told_late = newest(scores(DAYS_AFTER, [*shuffled, *shuffled], END))
    in_time = newest(scores(both, [], END))

    assert {day: (one.id, one.score, one.low, one.high) for day, one in told_late.items()} == {
        day: (one.id, one.score, one.low, one.high) for day, one in in_time.items()
    }


@given(CUFFS)
def test_nothing_told_late_is_scored_twice_or_told_without_a_change(drawn) -> None:
    found = scores(DAYS_AFTER, [cuff(*one) for one in drawn], END)

    seen: dict[str, HealthScore] = {}
    for one in found:
        assert one != seen.get(one.id)
        seen[one.id] = one
    assert len({one.day for one in found}) == len(seen)


def test_a_bad_reading_of_yesterday_lowers_yesterday_and_its_trend_under_the_same_id() -> None:
    days = [cuff(day, 8, 124) for day in range(12)] + [cuff(12, 7, 124)]

    found = scores(days, [cuff(10, 20, 196), cuff(11, 20, 196)], MIDNIGHT + 12 * DAY + 9 * HOUR)

    before, after = [one for one in found if one.day == "2026-01-12"]
    assert before.id == after.id
    assert after.score < before.score
    assert "advice.see_doctor" in after.advice
    assert before.trend == 0.0
    assert [one.day for one in found[-2:]] == ["2026-01-11", "2026-01-12"]


@given(
    st.sets(st.integers(0, 23), min_size=1, max_size=12),
    st.sets(st.integers(0, 23), min_size=1, max_size=24),
    st.randoms(use_true_random=False),
)
def test_hours_of_a_wearable_told_late_narrow_the_band_of_their_day(hours, synced, rng) -> None:
    in_time = [worn(0, hour + 0.2) for hour in sorted(hours)] + [worn(1, 1)]
    late = [worn(0, hour + 0.5) for hour in sorted(synced)]

    found = scores(in_time, late, MIDNIGHT + DAY + 4 * HOUR)
    mixed = scores(in_time, [*rng.sample(late, len(late)), *late], MIDNIGHT + DAY + 4 * HOUR)

    first, last = found[0], found[-1]
    assert found == mixed
    assert first.id == last.id
    assert first.low <= last.low <= last.high <= first.high
    assert last.coverage >= first.coverage
    if synced <= hours:
        assert len(found) == 1, "of these hours all was known"


@given(st.integers(0, 23), st.floats(70, 190), st.floats(0, 40))
def test_a_worse_reading_told_late_never_raises_a_score(hour, hr_bpm, more) -> None:
    in_time = [worn(0, 3.5), worn(1, 1)]

    [better, worse] = [
        scores(in_time, [worn(0, hour + 0.7, hr_bpm=hr)], MIDNIGHT + DAY + 4 * HOUR)[-1]
        for hr in (hr_bpm, hr_bpm + more)
    ]

    assert worse.score <= better.score
    assert worse.low <= better.low
    assert worse.high <= better.high


def test_what_is_older_than_can_be_corrected_changes_nothing() -> None:
    days = [cuff(day, 8, 124) for day in range(6)]
    until = MIDNIGHT + 6 * DAY + HOUR

    assert scores(days, [cuff(5 - PAST_DAYS - 1, 20, 196)], until) == scores(days, [], until)


def test_artefacts_told_late_change_nothing() -> None:
    in_time, until = [worn(0, 3.5), worn(1, 1)], MIDNIGHT + DAY + 4 * HOUR
    spoilt = [
        replace(one, observation=replace(one.observation, **how))
        for one in (worn(0, 9, hr_bpm=190),)
        for how in ({"worn": False}, {"moving": True})
    ]

    assert scores(in_time, spoilt, until) == scores(in_time, [], until)


def test_a_trend_rests_on_what_was_told_late_as_well() -> None:
    usual = [cuff(day, 8, 120) for day in range(20)]
    lately = [cuff(day, 8, 121 if day < 22 else 160) for day in range(20, 24)]
    late = [cuff(day, 20, 250) for day in (22, 23)]

    def risks(told: Sequence[Seen]) -> list[RiskKind]:
        state, found = run(RISK, [*usual, *lately])
        state, more = run(RISK, [cuff(24, 1, 160), *told], None, state)
        end = run(RISK, [], MIDNIGHT + 25 * DAY + HOUR, state)[1]
        return [one.kind for one in (*found, *more, *end) if isinstance(one, Risk)]

    assert risks([]) == []
    assert risks(late) == [RiskKind.BLOOD_PRESSURE]


def fell(second: int) -> Seen:
    at = MIDNIGHT + second * SECOND
    fall = Motion(at=at, event=MotionEvent.FALL, confidence=0.9)
    return shown(at, fall, "band", subject=ELDER.id, resident=ELDER, alone=True)


@given(st.permutations(["fall", "kitchen", "hall", "bedroom"]))
def test_a_walk_after_a_fall_withdraws_it_in_whatever_order_they_come(order) -> None:
    story = {
        "fall": fell(0),
        "kitchen": pir(MIDNIGHT + 20 * SECOND),
        "hall": pir(MIDNIGHT + 40 * SECOND, "hall"),
        "bedroom": pir(MIDNIGHT + 55 * SECOND, "bedroom"),
    }

    found = run(FALL, [story[name] for name in order])[1]

    assert [one.phase for one in found if isinstance(one, Hazard)] == [
        Phase.RAISED,
        Phase.WITHDRAWN,
    ]


@given(st.lists(st.integers(1, 600), max_size=6, unique=True), st.randoms(use_true_random=False))
def test_in_which_order_evidence_of_a_fall_comes_does_not_matter(seconds, rng) -> None:
    walk = [pir(MIDNIGHT + at * SECOND, ("hall", "kitchen")[at % 2]) for at in seconds]
    shuffled = rng.sample([fell(0), *walk], len(walk) + 1)

    def end(story: list[Seen]) -> Phase:
        state, found = run(FALL, story)
        found += run(FALL, [], MIDNIGHT + 20 * MINUTE, state)[1]
        return [one.phase for one in found if isinstance(one, Hazard)][-1]

    assert end(shuffled) == end([fell(0), *walk])


NOW_ONLY = (NotBack(), BedExit(), Stove(), Inactivity(), NightDoor(), Climate(), VitalAlarm())


@pytest.mark.parametrize("rule", NOW_ONLY, ids=lambda rule: str(rule.name))
@given(
    log=logs(("door", "bed", "kitchen", "bathroom", "stove", "warm", "mother")),
    gone=st.sets(st.integers(0, 29), min_size=1, max_size=5),
)
def test_rules_about_now_are_not_moved_by_the_past(rule: Any, log: list[Seen], gone) -> None:
    # A wearable is news to rules about the home only while somebody is thought to be out.
    log = [seen for seen in log if isinstance(seen.observation, Vitals) == (rule.name == "vitals")]
    assume(log)
    in_time = [seen for n, seen in enumerate(log) if n not in gone or n == len(log) - 1]
    late = [seen for n, seen in enumerate(log) if n in gone and n != len(log) - 1]
    concerned = [seen for seen in in_time if rule.subject_of(seen) is not None]
    # Past is what is older than the newest movement known; a later one is news, and ends a silence.
    known = [seen.at for seen in concerned if rule.name == "vitals" or is_movement(seen)]
    late = [seen for seen in late if seen.at < max(known, default=0)]
    state, _ = run(rule, concerned, log[-1].at + 2 * DAY)

    after, found = run(rule, late, None, state)

    assert found == []
    assert (
        run(rule, [], log[-1].at + 3 * DAY, after)[1]
        == run(rule, [], log[-1].at + 3 * DAY, state)[1]
    )
