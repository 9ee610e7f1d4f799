"""Whether the last days differ from what is usual for somebody, and whether they still do.

    |-- usual: days 8 to 28 before, at least ten --|-- last seven, at least four --|
                      median, spread                            median

Medians and median deviations, so that one odd day neither makes a trend nor hides one. Whoever
raises a trend keeps its base and limit, or a drift that lasts would become the usual and clear
itself.

References:
    14 to 28 learned days: Cuddihy et al. 2007, HealthNet. The lengths within that: ours.
    Iglewicz and Hoaglin 1993: 1.4826 median deviations for a standard deviation.
    European Society of Cardiology, heart failure, 2021: more than 2 kg in 3 days.
    GLIM, Cederholm et al. 2019, Clin Nutr 38:1: malnutrition from 5 % of weight lost within six
    months; within four weeks it is so all the more.
    Chinese guidelines for hypertension 2024: at home from 135/85 mmHg, on several days; from 80
    years on the target is below 150/90.
    Night visits above mean + 2 SD and at least three: as the product was specified.
"""

from collections.abc import Callable, Sequence
from statistics import fmean, median, pstdev

from msgspec import Struct

from weinao.outcomes import Fact

RECENT_DAYS, RECENT_MIN = 7, 4
USUAL_DAYS, USUAL_MIN = 28, 10
NIGHTS = 3
MISSED = "medicine_missed"


class Brief(Struct, frozen=True, kw_only=True):
    """What is kept of one day."""

    day: int
    figures: dict[str, float]
    openings: tuple[int, ...] = ()
    evidence: str = ""


class Shift(Struct, frozen=True, kw_only=True):
    """How far somebody is from what is usual.

    Attributes:
        figure: What differs; units stand in the name.
        base: What was usual.
        limit: From so far on it is a trend; signed, as it may be down.
        now: What it is lately.
        days: How many of the last days it rests on.
        facts: More, for whoever reads it.
    """

    figure: str
    base: float
    limit: float
    now: float
    days: int
    reason: str
    facts: dict[str, Fact] = {}

    def rests_on(self, day: Brief) -> bool:
        """Say whether a day has the figure that this is about."""
        return self.figure in day.figures or (
            self.figure == MISSED and "medicine_openings" in day.figures
        )


Judge = Callable[[Sequence[Brief], float | None], Shift | None]
"""Of days, oldest first and today last, and an age in years: the shift, where it is a trend."""


def drift(
    figure: str,
    reason: str,
    *,
    down: float | None = None,
    up: float | None = None,
    share: float = 0.0,
    spreads: float = 1.5,
) -> Judge:
    """Return a judge of medians.

    Args:
        figure: To compare.
        reason: Its key; `_down` or `_up` is added.
        down: The least change downwards that counts, in the figure's unit; None if none does.
        up: The same upwards.
        share: The least change that counts, as a share of what is usual.
        spreads: The least change that counts, in standard deviations of single days; 1.5 are about
            three of a median of seven.
    """

    def judge(days: Sequence[Brief], _age: float | None) -> Shift | None:
        lately, usual = _split(days, figure)
        if len(lately) < RECENT_MIN or len(usual) < USUAL_MIN:
            return None
        now, base = median(lately), median(usual)
        spread = 1.4826 * median(abs(value - base) for value in usual)
        floor = up if now > base else down
        if floor is None:
            return None
        limit = max(floor, share * base, spreads * spread)
        if abs(now - base) < limit:
            return None
        way, sign = ("up", 1) if now > base else ("down", -1)
        return Shift(
            figure=figure,
            base=base,
            limit=sign * limit,
            now=now,
            days=len(lately),
            reason=f"{reason}_{way}",
        )

    return judge


def pressure(days: Sequence[Brief], age_years: float | None) -> Shift | None:
    """Judge the mean blood pressure of a week against the limits of diagnosis at home."""
    old = age_years is not None and age_years >= _OLD_YEARS
    for figure, limit in _PRESSURE_OLD if old else _PRESSURE:
        lately, _ = _split(days, figure)
        if len(lately) >= RECENT_MIN and fmean(lately) >= limit:
            # So that it is over once the week's median is five below the limit.
            return Shift(
                figure=figure,
                base=limit - _PRESSURE_STEP,
                limit=_PRESSURE_STEP,
                now=fmean(lately),
                days=len(lately),
                reason="risk.blood_pressure_high",
            )
    return None


def weight_gain(days: Sequence[Brief], _age: float | None) -> Shift | None:
    """Judge today's weight against the least of the three days before."""
    today = days[-1].figures.get("weight_kg")
    before = [
        one.figures["weight_kg"]
        for one in days[:-1]
        if "weight_kg" in one.figures and days[-1].day - one.day <= NIGHTS
    ]
    if today is None or not before or today - min(before) <= _GAIN_KG:
        return None
    return Shift(
        figure="weight_kg",
        base=min(before),
        limit=_GAIN_KG,
        now=today,
        days=1,
        reason="risk.weight_gain",
    )


def nights(days: Sequence[Brief], _age: float | None) -> Shift | None:
    """Judge the visits to the toilet of the last three nights: two of them have to be many."""
    last = [one for one in days if "toilet_visits" in one.figures]
    lately = [one.figures["toilet_visits"] for one in last[-NIGHTS:]]
    usual = [one.figures["toilet_visits"] for one in last[:-NIGHTS]]
    if len(usual) < USUAL_MIN or last[-1].day != days[-1].day:
        return None
    base = fmean(usual)
    many = max(base + 2 * pstdev(usual), _VISITS_MIN - 1e-9)
    if sum(visits > many for visits in lately) < NIGHTS - 1:
        return None
    return Shift(
        figure="toilet_visits",
        base=round(base, 2),
        limit=round(many - base, 2),
        now=float(median(lately)),
        days=len(lately),
        reason="risk.bathroom_nights_up",
    )


def medicine(days: Sequence[Brief], _age: float | None) -> Shift | None:
    """Judge whether medicine was not taken out by its usual time and an hour, on two days of three.

    A part of the day counts once something was taken out in it on seven days of ten.
    """
    known = [one for one in days if "medicine_openings" in one.figures]
    lately, usual = known[-NIGHTS:], known[:-NIGHTS]
    if len(usual) < USUAL_MIN or known[-1].day != days[-1].day:
        return None
    for begin, end in _PARTS_OF_DAY:
        first = [minute for one in usual if (minute := _first(one, begin, end)) is not None]
        if len(first) < _TAKEN_SHARE * len(usual):
            continue
        due = int(median(first)) + _LATE_MIN
        missed = sum(
            minute is None or minute > due for minute in (_first(one, begin, end) for one in lately)
        )
        if missed >= NIGHTS - 1:
            facts: dict[str, Fact] = {"usual_minute": due - _LATE_MIN, "missed_days": missed}
            return Shift(
                figure=MISSED,
                base=0,
                limit=NIGHTS - 1,
                now=missed,
                days=len(lately),
                reason="risk.medicine_missed",
                facts=facts,
            )
    return None


def still(shift: Shift, days: Sequence[Brief], age_years: float | None) -> bool:
    """Say whether what was raised is not over yet: over half its limit away, or not measured."""
    if shift.figure == MISSED:
        known = [one for one in days if "medicine_openings" in one.figures]
        due = int(shift.facts["usual_minute"]) + _LATE_MIN
        begin, end = next((b, e) for b, e in _PARTS_OF_DAY if b <= due - _LATE_MIN < e)
        first = [_first(one, begin, end) for one in known[-NIGHTS:]]
        return len(first) < NIGHTS or any(minute is None or minute > due for minute in first)
    if shift.reason == "risk.blood_pressure_high" and pressure(days, age_years):
        return True
    lately, _ = _split(days, shift.figure)
    if shift.figure in _BY_NIGHT:
        lately = lately[-NIGHTS:]
    if len(lately) < min(RECENT_MIN, NIGHTS):
        return True
    away = (median(lately) - shift.base) / shift.limit
    return away > _OVER


_OVER = 0.5
"""Hysteresis: what was a trend at its limit is over at half of it. Ours."""

_BY_NIGHT = ("toilet_visits", "weight_kg")
_VISITS_MIN = 3
_GAIN_KG = 2.0
_OLD_YEARS = 80
_PRESSURE_STEP = 10.0
_PRESSURE = (("sbp_mmhg", 135.0), ("dbp_mmhg", 85.0))
_PRESSURE_OLD = (("sbp_mmhg", 150.0), ("dbp_mmhg", 90.0))
_LATE_MIN = 60
_TAKEN_SHARE = 0.7
_PARTS_OF_DAY = ((240, 660), (660, 960), (960, 1_440))  # minutes: 04:00, 11:00, 16:00


def _split(days: Sequence[Brief], figure: str) -> tuple[list[float], list[float]]:
    """Return the values of the last seven days, and of those before."""
    today = days[-1].day
    lately = [one for one in days if today - one.day < RECENT_DAYS]
    usual = [one for one in days if RECENT_DAYS <= today - one.day < USUAL_DAYS]
    return (
        [one.figures[figure] for one in lately if figure in one.figures],
        [one.figures[figure] for one in usual if figure in one.figures],
    )


def _first(day: Brief, begin: int, end: int) -> int | None:
    return min((minute for minute in day.openings if begin <= minute < end), default=None)
