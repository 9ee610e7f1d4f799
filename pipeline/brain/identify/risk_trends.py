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
from functools import partial
from statistics import fmean, median, pstdev

from msgspec import Struct

from pipeline.brain.identify.bounds import (
    Change,
    Days,
    Factor,
    MinuteOfDay,
    Minutes,
    Mmhg,
    Share,
    Times,
    Years,
)
from weinao.outcomes import Fact

MISSED = "medicine_missed"


class Span(Struct, frozen=True, kw_only=True):
    """Which days are lately, and which are usual.

    Args:
        recent_days: Lately; today is the last of them.
        recent_days_min: So many of them must be measured.
        usual_days: Usual are the days before, back to so many.
        usual_days_min: So many of them must be measured.
        nights: How many days are lately for visits to the toilet, for weight and for medicine.
        over_share: Hysteresis: what was a trend at its limit is over at this share of it. Ours.
    """

    recent_days: Days = 7
    recent_days_min: Times = 4
    usual_days: Days = 28
    usual_days_min: Times = 10
    nights: Days = 3
    over_share: Share = 0.5

    def split(self, days: Sequence["Brief"], figure: str) -> tuple[list[float], list[float]]:
        """Return the values of the last days, and of the usual ones before."""
        today = days[-1].day
        lately = [one for one in days if today - one.day < self.recent_days]
        usual = [one for one in days if self.recent_days <= today - one.day < self.usual_days]
        return (
            [one.figures[figure] for one in lately if figure in one.figures],
            [one.figures[figure] for one in usual if figure in one.figures],
        )


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
    base: int | float
    limit: int | float
    now: int | float
    days: int
    reason: str
    facts: dict[str, Fact] = {}

    def rests_on(self, day: Brief) -> bool:
        """Say whether a day has the figure that this is about."""
        return self.figure in day.figures or (
            self.figure == MISSED and "medicine_openings" in day.figures
        )


Judge = Callable[[Sequence[Brief], float | None, Span], Shift | None]
"""Of days, oldest first and today last, and an age in years: the shift, where it is a trend."""


class Drift(Struct, frozen=True, kw_only=True):
    """The least change of a median that counts, either way; the largest of its limits holds.

    Args:
        down: Downwards, in the figure's unit.
        up: Upwards.
        share: As a share of what is usual.
        spreads: In standard deviations of single days; 1.5 are about three of a median of seven.
    """

    down: Change
    up: Change
    share: Share = 0.0
    spreads: Factor = 1.5

    def judge(self, figure: str, reason: str) -> Judge:
        """Return a judge of a figure; `_down` or `_up` is added to its reason."""
        return partial(_drifted, figure=figure, reason=reason, by=self, up=self.up)


class Decline(Struct, frozen=True, kw_only=True):
    """The least change of a median that counts, downwards only; see `Drift`."""

    down: Change
    share: Share = 0.0
    spreads: Factor = 1.5

    def judge(self, figure: str, reason: str) -> Judge:
        """Return a judge of a figure; `_down` is added to its reason."""
        return partial(_drifted, figure=figure, reason=reason, by=self, up=None)


class Pressure(Struct, frozen=True, kw_only=True):
    """The limits of diagnosis for blood pressure at home.

    Args:
        sbp_mmhg, dbp_mmhg: A week's mean from here on is high.
        old_years: From this age on the next two take their place.
        sbp_mmhg_old, dbp_mmhg_old: Likewise.
        step_mmhg: It is over once the week's median is `over_share` of so much below.
    """

    sbp_mmhg: Mmhg = 135.0
    dbp_mmhg: Mmhg = 85.0
    old_years: Years = 80
    sbp_mmhg_old: Mmhg = 150.0
    dbp_mmhg_old: Mmhg = 90.0
    step_mmhg: Change = 10.0

    def judge(self, days: Sequence[Brief], age_years: float | None, span: Span) -> Shift | None:
        """Judge the mean blood pressure of a week."""
        old = age_years is not None and age_years >= self.old_years
        sbp, dbp = (self.sbp_mmhg_old, self.dbp_mmhg_old) if old else (self.sbp_mmhg, self.dbp_mmhg)
        for figure, limit in (("sbp_mmhg", sbp), ("dbp_mmhg", dbp)):
            lately, _ = span.split(days, figure)
            if len(lately) >= span.recent_days_min and fmean(lately) >= limit:
                return Shift(
                    figure=figure,
                    base=limit - self.step_mmhg,
                    limit=self.step_mmhg,
                    now=fmean(lately),
                    days=len(lately),
                    reason="risk.blood_pressure_high",
                )
        return None


class WeightGain(Struct, frozen=True, kw_only=True):
    """How much weight gained within a few days is water.

    Args:
        kg: More than this.
    """

    kg: Change = 2.0

    def judge(self, days: Sequence[Brief], _age: float | None, span: Span) -> Shift | None:
        """Judge today's weight against the least of the days before."""
        today = days[-1].figures.get("weight_kg")
        before = [
            one.figures["weight_kg"]
            for one in days[:-1]
            if "weight_kg" in one.figures and days[-1].day - one.day <= span.nights
        ]
        if today is None or not before or today - min(before) <= self.kg:
            return None
        return Shift(
            figure="weight_kg",
            base=min(before),
            limit=self.kg,
            now=today,
            days=1,
            reason="risk.weight_gain",
        )


class Nights(Struct, frozen=True, kw_only=True):
    """How many visits to the toilet at night are many.

    Args:
        visits_min: Never fewer.
        spreads: So many standard deviations above the mean.
    """

    visits_min: Times = 3
    spreads: Factor = 2.0

    def judge(self, days: Sequence[Brief], _age: float | None, span: Span) -> Shift | None:
        """Judge the visits of the last nights: all but one have to be many."""
        last = [one for one in days if "toilet_visits" in one.figures]
        lately = [one.figures["toilet_visits"] for one in last[-span.nights :]]
        usual = [one.figures["toilet_visits"] for one in last[: -span.nights]]
        if len(usual) < span.usual_days_min or last[-1].day != days[-1].day:
            return None
        base = fmean(usual)
        many = max(base + self.spreads * pstdev(usual), self.visits_min - 1e-9)
        if sum(visits > many for visits in lately) < _most(span):
            return None
        return Shift(
            figure="toilet_visits",
            base=round(base, 2),
            limit=max(round(many - base, 2), 0.01),  # nights may be all alike
            now=float(median(lately)),
            days=len(lately),
            reason="risk.bathroom_nights_up",
        )


class Medicine(Struct, frozen=True, kw_only=True):
    """When medicine counts as not taken.

    Args:
        late_min: Later than the usual minute by more: whoever was out, or slept in, is late and
            has not missed it. Ours.
        taken_share: A part of the day counts once something was taken out in it on such a share of
            the usual days.
        morning_from_min, noon_from_min, evening_from_min: Where the parts of the day begin,
            minutes of the local day; the last ends at midnight.
    """

    late_min: Minutes = 120
    taken_share: Share = 0.7
    morning_from_min: MinuteOfDay = 240
    noon_from_min: MinuteOfDay = 660
    evening_from_min: MinuteOfDay = 960

    def judge(self, days: Sequence[Brief], _age: float | None, span: Span) -> Shift | None:
        """Judge whether medicine was not taken out by its usual time, on all days but one."""
        known = [one for one in days if "medicine_openings" in one.figures]
        lately, usual = known[-span.nights :], known[: -span.nights]
        if len(usual) < span.usual_days_min or known[-1].day != days[-1].day:
            return None
        for begin, end in self._parts():
            first = [minute for one in usual if (minute := _first(one, begin, end)) is not None]
            if not first or len(first) < self.taken_share * len(usual):
                continue
            due = int(median(first)) + self.late_min
            missed = sum(not self._taken(one, begin, due) for one in lately)
            if missed >= _most(span):
                facts: dict[str, Fact] = {
                    "usual_minute": due - self.late_min,
                    "missed_days": missed,
                }
                return Shift(
                    figure=MISSED,
                    base=0,
                    limit=_most(span),
                    now=missed,
                    days=len(lately),
                    reason="risk.medicine_missed",
                    facts=facts,
                )
        return None

    def missing(self, shift: Shift, days: Sequence[Brief], span: Span) -> bool:
        """Say whether on one of the last days medicine was not taken, or that is not known."""
        known = [one for one in days if "medicine_openings" in one.figures]
        usual = int(shift.facts["usual_minute"])
        begin = next(b for b, e in self._parts() if b <= usual < e)
        last, due = known[-span.nights :], usual + self.late_min
        return len(last) < span.nights or not all(self._taken(one, begin, due) for one in last)

    def _taken(self, day: Brief, begin: int, due: int) -> bool:
        """Say whether medicine was taken out by a time: in its part of the day, or just before.

        Parts of a day have fixed ends, and people whose usual time is near one come early as
        often as late.
        """
        earliest = min(begin, due - 2 * self.late_min)
        return any(earliest <= minute <= due for minute in day.openings)

    def _parts(self) -> tuple[tuple[int, int], ...]:
        begins = (self.morning_from_min, self.noon_from_min, self.evening_from_min)
        return tuple(zip(begins, (*begins[1:], 1_440), strict=True))


def still(shift: Shift, days: Sequence[Brief], span: Span) -> bool:
    """Say whether a trend is not over yet: over a share of its limit away, or not measured."""
    lately, _ = span.split(days, shift.figure)
    if shift.figure in _BY_NIGHT:
        lately = lately[-span.nights :]
    if len(lately) < min(span.recent_days_min, span.nights):
        return True
    away = (median(lately) - shift.base) / shift.limit
    return away > span.over_share


_BY_NIGHT = ("toilet_visits", "weight_kg")


def _drifted(
    days: Sequence[Brief],
    _age: float | None,
    span: Span,
    *,
    figure: str,
    reason: str,
    by: Drift | Decline,
    up: float | None,
) -> Shift | None:
    lately, usual = span.split(days, figure)
    if len(lately) < span.recent_days_min or len(usual) < span.usual_days_min:
        return None
    now, base = median(lately), median(usual)
    spread = 1.4826 * median(abs(value - base) for value in usual)
    floor = up if now > base else by.down
    if floor is None:
        return None
    limit = max(floor, by.share * base, by.spreads * spread)
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


def _most(span: Span) -> int:
    """Return how many of the last nights are most of them: all but one."""
    return max(span.nights - 1, 1)


def _first(day: Brief, begin: int, end: int) -> int | None:
    return min((minute for minute in day.openings if begin <= minute < end), default=None)
