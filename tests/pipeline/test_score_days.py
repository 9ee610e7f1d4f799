"""The health score of whole random days: one-sided in every sign, and never better for silence."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.brain.identify.health_score import HealthDay
from pipeline.brain.identify.sign_score import burden_of
from pipeline.brain.perceive.seen import Seen
from tests.pipeline.home_rules import DAY, ELDER, HOUR, MIDNIGHT, MINUTE, run, shown
from tests.pipeline.test_health_score import WORSE
from weinao.catalogue import LANGUAGES, catalogue
from weinao.messages import Acvpu, Home, Rhythm, Sensor, Vitals
from weinao.outcomes import HealthScore

RULE = HealthDay()
LEVELS = (Acvpu.ALERT, Acvpu.CONFUSION, Acvpu.VOICE, Acvpu.PAIN, Acvpu.UNRESPONSIVE)
SIGNS = (*WORSE, "consciousness", "on_oxygen")

Share = float
"""How far out of its comfortable range a sign is, from -1 (least) over 0 (within) to 1 (most)."""

Hour = dict[str, Share]


def value_of(sign: str, share: Share) -> Any:
    if sign == "consciousness":
        return LEVELS[round(abs(share) * 4)]
    if sign == "on_oxygen":
        return share > 0
    least, low, high, most = next(WORSE[one] for one in WORSE if one.value == sign)
    limits = {"hr_bpm": (20, 220), "temp_c": (30, 43)}.get(sign, (least, most))
    value = low + share * (low - least) if share < 0 else high + share * (most - high)
    return min(max(value, limits[0]), limits[1]) if share else (low + high) / 2


HOURS = st.dictionaries(
    st.integers(0, 22),
    st.dictionaries(st.sampled_from([str(sign) for sign in SIGNS]), st.floats(-1, 1), min_size=1),
    min_size=1,
    max_size=8,
)


def worn(day: int, hours: dict[int, Hour]) -> list[Seen]:
    """Return a day of a wearable, one reading an hour."""
    found = []
    for hour, signs in sorted(hours.items()):
        at = MIDNIGHT + day * DAY + hour * HOUR + 30 * MINUTE
        reading = Vitals(at=at, worn=True, **{one: value_of(one, x) for one, x in signs.items()})
        found.append(shown(at, reading, "band", subject=ELDER.id, resident=ELDER, alone=True))
    return found


def scores(log: list[Seen], days: int) -> list[HealthScore]:
    found = run(RULE, log, MIDNIGHT + days * DAY)[1]
    return [one for one in found if isinstance(one, HealthScore)]


@given(HOURS, st.data())
def test_a_worse_reading_of_any_sign_at_any_hour_raises_nothing(hours, data) -> None:
    hour = data.draw(st.sampled_from(sorted(hours)))
    sign = data.draw(st.sampled_from(sorted(hours[hour])))
    share = hours[hour][sign]
    further = data.draw(st.floats(0, 1))
    worse = share + (1 if share >= 0 else -1) * (1 - abs(share)) * further

    [before] = scores(worn(0, hours), 1)
    [after] = scores(worn(0, {**hours, hour: {**hours[hour], sign: worse}}), 1)

    assert after.score <= before.score
    assert after.low <= before.low
    assert after.high <= before.high


@given(HOURS, HOURS, st.sets(st.integers(0, 22)))
def test_hours_that_are_missing_widen_the_band(yesterday, today, gone) -> None:
    left = {hour: signs for hour, signs in today.items() if hour not in gone}
    # Of signs that stand for hours without them: those are not missing.
    assume(all(set(signs) == set(today[min(today)]) for signs in today.values()))
    every = {hour: dict.fromkeys(today[min(today)], 0.4) for hour in range(23)}

    full = scores(worn(0, yesterday) + worn(1, every), 2)[-1]
    # What was read yesterday stands, too, until the first reading of today: that one is there.
    some = scores(worn(0, yesterday) + worn(1, {h: every[h] for h in {0, *left}}), 2)[-1]

    assert some.low <= full.low
    assert some.high >= full.high
    assert some.coverage <= full.coverage


@given(HOURS, st.integers(2, 7))
def test_a_device_left_off_for_days_never_raises_what_was_measured_last(hours, days) -> None:
    found = scores(worn(0, hours), days)

    # Up to six hours of the second day are what was read last on the first.
    carried = found[1:2] if max(hours) >= 17 else []
    later = found[1 + len(carried) :]
    assert all(one.score <= found[0].score + 0.1 for one in later)  # rounded to a tenth
    assert all(one.low <= found[0].low and one.high >= found[0].high for one in later)
    assert all(one.low <= one.score <= one.high for one in found)


@given(HOURS, st.booleans(), st.booleans())
def test_every_score_says_why_and_what_follows_in_both_languages(hours, rhythm, moves) -> None:
    log = worn(0, hours)
    noon = MIDNIGHT + 12 * HOUR
    if rhythm:
        said = Rhythm(at=noon, irregular=True)
        log.append(shown(noon, said, "band-r", subject=ELDER.id, resident=ELDER, alone=True))
    if moves:
        log.append(shown(noon + 1, Home(at=noon + 1, sensor=Sensor.PIR, value=1), "pir"))
    log.sort(key=lambda seen: seen.at)

    for score in scores(log, 2):
        assert 0 <= score.low <= score.score <= score.high <= 100
        assert 0 <= score.coverage <= 1
        for language in LANGUAGES:
            known = catalogue(language)
            keys = {score.reason, *score.advice, *(part.reason for part in score.parts)}
            assert keys <= set(known.sections["reason"])
            told = [known.because(one.reason, one.facts) for one in (score, *score.parts)]
            assert not any("_" in sentence for sentence in told)


@pytest.mark.parametrize("sign", [*WORSE])
def test_shares_reach_from_comfort_to_the_worst(sign) -> None:
    assert burden_of(sign, value_of(sign.value, 0.0)) == 0
    assert (
        burden_of(sign, value_of(sign.value, -1.0)) + burden_of(sign, value_of(sign.value, 1.0)) > 4
    )
