"""The parts of a health score: what each thing measured weighs, and could have weighed.

A burden is 0 for none and 1 at an action limit. Each part has three: as it is taken, the least and
the most that what is missing could make of it; the least never exceeds what was measured.

References:
    home_limits, sign_score: sources of every limit of a vital sign.
    Hirshkowitz et al. 2015, Sleep Health 1:40: 7 to 9 hours for adults, 7 to 8 from 65 on; under
    5 or over 9 not recommended from 65 on. Our upper end is further out, as what lies still in bed
    may not sleep.
    Nocturia matters from two visits a night on (Tikkinen et al. 2010, Eur Urol 57:488).
    Activity against the own usual, and the burden of an irregular pulse: ours.
"""

from collections.abc import Mapping, Sequence
from statistics import median

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.identify.bounds import SharePositive, Times, Weight
from pipeline.brain.identify.days import Day, age_years
from pipeline.brain.identify.home_limits import HomeReading, score_day
from pipeline.brain.identify.news2 import AGE_YEARS_MIN
from pipeline.brain.identify.sign_score import BURDEN_MAX

HOURS = 24


class Burden(Struct, frozen=True, kw_only=True):
    """What one part weighs.

    Attributes:
        name: The part of the score it belongs to.
        usual, best, worst: As taken; at the least and at the most it could be, 0 to `BURDEN_MAX`.
        coverage: Share of what should have been measured, 0 to 1.
        sign: What weighed most; empty for nothing in particular.
        known: What was measured today, to be remembered.
    """

    name: str
    weight: float
    usual: float
    best: float
    worst: float
    coverage: float
    sign: str = ""
    known: dict[str, float] = {}


class Parts(Struct, frozen=True, kw_only=True):
    """What each part of the score weighs, and the most that one can have.

    Args:
        vitals, rhythm, activity, sleep: Weights; the whole is what they add up to. Ours.
        rhythm_max, activity_max, sleep_max: A bad night or a day in bed halves a score at most: it
            is a body that is in danger. Ours.
        usual_days_min: Activity is compared once so many days are known. Ours.
        irregular_share: So large a share of irregular windows weighs 1: ectopy alone makes some.
    """

    vitals: Weight = 1.0
    rhythm: Weight = 0.7
    activity: Weight = 0.5
    sleep: Weight = 0.5
    rhythm_max: Weight = 4.0
    activity_max: Weight = 2.0
    sleep_max: Weight = 2.0
    usual_days_min: Times = 7
    irregular_share: SharePositive = 0.2

    def weight(self, name: str) -> float:
        """Return the weight of a part by its name."""
        return float(getattr(self, name))

    def most(self, name: str) -> float:
        """Return the most that a part can have, where it has such a limit."""
        return float(getattr(self, f"{name}_max"))


PARTS = Parts()


def burdens_of(
    day: Day,
    active_min: Sequence[float],
    ever: Mapping[str, object],
    last: Mapping[str, float],
    missing: float,
    *,
    weights: Parts = PARTS,
) -> tuple[Burden, ...]:
    """Return the parts that are measured today or ever were.

    Args:
        day: To score.
        active_min: Minutes of activity of the days before.
        ever: By what was ever measured.
        last: What it weighed when it last was, while that still counts.
        missing: What weighs at least what is missing.
        weights: What each part weighs.
    """
    figures = day.figures
    simple = {
        "activity": _activity(figures.get("active_min"), active_min, weights.usual_days_min),
        "sleep": _sleep(figures),
        "rhythm": _rhythm(figures.get("irregular_share"), weights.irregular_share),
    }
    parts = [
        _worn(day, ever, last, missing, weights.vitals),
        _spots(day, ever, last, missing, weights.vitals),
    ]
    parts += [
        _simple(name, value, last.get(name, 0.0), missing, weights)
        for name, value in simple.items()
        if value is not None or name in ever
    ]
    return tuple(part for part in parts if part is not None)


_SPOT_GROUPS = {
    "spot_pressure": ("sbp_mmhg", "dbp_mmhg"),
    "spot_pulse": ("hr_bpm",),
    "spot_temperature": ("temp_c",),
}


def _worn(
    day: Day,
    ever: Mapping[str, object],
    last: Mapping[str, float],
    missing: float,
    weight: float,
) -> Burden | None:
    """Weigh a wearable's signs: the mean of its hours."""
    body = day.body
    if body is None:
        return None
    age, hourly = age_years(body, day.day), body.hourly
    if (age is not None and age < AGE_YEARS_MIN) or not (hourly.hours or "worn" in ever):
        return None
    hours = min(hourly.hours, HOURS)
    unseen = HOURS - hours
    reasons = hourly.reasons
    mean = hourly.burden / hours if hours else 0.0
    return Burden(
        name="vitals",
        weight=weight,
        usual=(hourly.burden + unseen * max(missing, last.get("worn", 0.0), mean)) / HOURS,
        best=hourly.best / HOURS,
        worst=min((hourly.worst + unseen * BURDEN_MAX) / HOURS, BURDEN_MAX),
        coverage=hourly.coverage / HOURS,
        sign=str(max(sorted(reasons), key=lambda sign: reasons[sign])) if reasons else "",
        # What was only carried over from the day before is nothing that was measured today.
        known={"worn": mean} if hours and body.heard else {},
    )


def _spots(
    day: Day,
    ever: Mapping[str, object],
    last: Mapping[str, float],
    missing: float,
    weight: float,
) -> Burden | None:
    """Weigh readings of cuff, clip and thermometer: the worst of the day."""
    spots = day.body.spots if day.body else ()
    groups = {name: _group(day, signs) for name, signs in _SPOT_GROUPS.items()}
    known = {name: value for name, value in groups.items() if value is not None}
    absent = [name for name in groups if name in ever and name not in known]
    if not known and not absent:
        return None
    history = day.body.history if day.body else None
    scored = score_day(spots, history) if history is not None else None
    burden = min(100.0 / scored.score - 1.0, BURDEN_MAX) if scored else 0.0
    waiting = [max(missing, last.get(name, 0.0)) for name in absent]
    return Burden(
        name="vitals",
        weight=weight,
        usual=max([burden, *waiting]),
        best=burden,
        worst=BURDEN_MAX if absent else burden,
        coverage=len(known) / (len(known) + len(absent)),
        sign=str(scored.reason) if scored and scored.reason else "",
        known=known,
    )


def _group(day: Day, signs: Sequence[str]) -> float | None:
    if day.body is None:
        return None
    only = [
        HomeReading(at=spot.at, **{sign: getattr(spot, sign) for sign in signs})
        for spot in day.body.spots
    ]
    scored = score_day(only, day.body.history)
    return None if scored is None else min(100.0 / scored.score - 1.0, BURDEN_MAX)


def _simple(name: str, value: float | None, last: float, missing: float, weights: Parts) -> Burden:
    found = Burden(
        name=name,
        weight=weights.weight(name),
        usual=max(missing, last),
        best=0.0,
        worst=weights.most(name),
        coverage=0.0,
        sign=name,
    )
    if value is None:
        return found
    burden = min(value, weights.most(name))
    return replace(
        found, usual=burden, best=burden, worst=burden, coverage=1.0, known={name: burden}
    )


def _activity(active_min: float | None, before: Sequence[float], days_min: int) -> float | None:
    """Weigh activity by what is usual here: 1 at half of it. More is never worse."""
    if active_min is None or len(before) < days_min or median(before) <= 0:
        return None
    short = max(1.0 - active_min / median(before), 0.0)
    return float((2.0 * short) ** 2)


def _sleep(figures: Mapping[str, float]) -> float | None:
    """Weigh a night: 1 at five hours of sleep, or at eleven, or at six visits to the toilet."""
    slept, visits = figures.get("sleep_min"), figures.get("toilet_visits", 0.0)
    if slept is None:
        return None
    away = max(420.0 - slept, slept - 540.0, 0.0) / 120.0
    return float(away**2 + max(visits - 2.0, 0.0) / 4.0)


def _rhythm(share: float | None, full: float) -> float | None:
    """Weigh the share of irregular windows: 1 at `full`, as ectopy alone makes some."""
    return None if share is None else share / full
