"""From vital signs at one moment to a number from 0 to 100, smoothly and one-sidedly.

NEWS2 moves in steps and waits until a sign is out of range. A score that is compared from day to
day must move with every sign instead: each has a burden that is 0 in its comfortable range, passes
through the points of NEWS2 at the ends of its bands, and only ever grows away from that range.

    burden of each sign -> sum -> times reserve of age -> 100 / (1 + burden / 6)

A missing sign is never taken for a good one: it stands at a burden of 1, and the band says what it
could have been. For people of 16 years and more, as NEWS2.

References:
    Royal College of Physicians, NEWS2, 2017: the points at the ends of the bands.
    McNarry and Goldhill 2004, Anaesthesia 59:34: coma scale 15, 13, 8 and 3 as alert, voice, pain
    and unresponsive; the deeper levels weigh more here than the chart's one step.
    docs/decisions/0005-health-score.md: the rest, and how it does.
"""

from collections.abc import Collection, Mapping
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.identify.news2 import Sign, SpO2Scale, Timed, Value
from weinao.messages import Acvpu

HOUR_MS = 3_600_000
CARRY_MS = 6 * HOUR_MS
"""How long a sign stands for itself: at 1 to 4 points NEWS2 asks for the next in 4 to 6 hours."""

SIGN_MAX = 5.0
"""No single sign weighs more; at this two signs have it that NEWS2 calls an emergency."""

BURDEN_MAX = 9.0
"""Seven signs at their worst, at any age, in the units of `SignScore`."""


class SignScore(Struct, frozen=True, kw_only=True):
    """How signs look at one moment.

    Attributes:
        burden: 0 for none, 1 for a score of 50; missing signs at their usual burden.
        best: With missing signs at none.
        worst: With missing signs at their worst.
        coverage: Share of the expected signs that were measured, 0 to 1.
        reason: The measured sign that weighs most; None where none weighs anything.
    """

    burden: float
    best: float
    worst: float
    coverage: float
    reason: Sign | None = None

    @property
    def score(self) -> float:
        """From 0 to 100."""
        return as_score(self.burden)


class Hourly(Struct, frozen=True, kw_only=True):
    """Signs as they come, scored at each full hour; what is late changes no hour already scored.

    Attributes:
        newest: The newest value of each sign.
        expected: Signs that were ever measured; they are missed from then on.
        hour: The next hour to score, since the epoch.
        hours: How many were scored; hours without any sign are not.
        score, burden, best, worst, coverage: Sums over those hours.
        reasons: In how many hours each sign weighed most.
        carried: The hours scored by what was read before them, with what they were scored at.
    """

    newest: dict[Sign, Timed] = {}
    expected: tuple[Sign, ...] = ()
    hour: int | None = None
    hours: int = 0
    score: float = 0.0
    burden: float = 0.0
    best: float = 0.0
    worst: float = 0.0
    coverage: float = 0.0
    reasons: dict[Sign, int] = {}
    carried: dict[int, SignScore] = {}

    def take(self, signs: Mapping[Sign, Value], at: int) -> "Hourly":
        """Return this with signs of an instant; of one sign and instant the later word counts."""
        newest = dict(self.newest)
        for sign, value in signs.items():
            if sign not in newest or newest[sign].at <= at:
                newest[sign] = Timed(value, at)
        hour = at // HOUR_MS + 1 if self.hour is None else self.hour
        if all(sign in self.expected for sign in signs):
            return replace(self, newest=newest, hour=hour)
        expected = tuple(sign for sign in Sign if sign in signs or sign in self.expected)
        return replace(self, newest=newest, hour=hour, expected=expected)

    def due(self, at: int) -> bool:
        """Say whether an hour has ended by `at` that is not scored yet."""
        return self.hour is not None and at >= self.hour * HOUR_MS

    def reach(
        self,
        at: int,
        *,
        age_years: float | None = None,
        scale: SpO2Scale = SpO2Scale.ONE,
        expected: Collection[Sign] | None = None,
    ) -> "Hourly":
        """Return this with every hour scored that has ended by `at`."""
        if self.hour is None or not self.due(at):
            return self
        until = at // HOUR_MS
        newest_at = max((timed.at for timed in self.newest.values()), default=0)
        now, last = self, min(until, (newest_at + CARRY_MS) // HOUR_MS)
        for hour in range(self.hour, last + 1):
            end = hour * HOUR_MS
            signs = {
                sign: timed.value
                for sign, timed in self.newest.items()
                if 0 <= end - timed.at < CARRY_MS
            }
            if signs:
                wanted = self.expected if expected is None else expected
                scored = score_signs(signs, age_years, scale=scale, expected=wanted)
                now = _with_hour(now, scored)
                if newest_at < end - HOUR_MS:
                    now = replace(now, carried={**now.carried, hour: scored})
        return replace(now, hour=until + 1)

    def with_late(
        self,
        late: Mapping[int, Mapping[Sign, Timed]],
        *,
        age_years: float | None = None,
        scale: SpO2Scale = SpO2Scale.ONE,
    ) -> "Hourly":
        """Return this with hours of which everything was told late.

        Args:
            late: By hour, as in `hour`: the newest value of each sign within it. None of these
                hours had a reading in time; what was carried into it gives way.
            age_years: As registered.
            scale: Of SpO2.
        """
        now = self
        for hour, signs in sorted(late.items()):
            values = {sign: timed.value for sign, timed in signs.items()}
            scored = score_signs(values, age_years, scale=scale, expected=self.expected)
            if hour in now.carried:
                now = _without_hour(now, now.carried[hour])
            now = _with_hour(now, scored)
        return now

    def next_day(self) -> "Hourly":
        """Return this with its sums begun anew."""
        return Hourly(newest=self.newest, expected=self.expected, hour=self.hour)


def score_signs(
    signs: Mapping[Sign, Value],
    age_years: float | None = None,
    *,
    scale: SpO2Scale = SpO2Scale.ONE,
    expected: Collection[Sign] = tuple(Sign),
) -> SignScore:
    """Score signs of one moment. A worse sign never raises it; a missing one widens the band.

    Args:
        signs: What was measured.
        age_years: As registered; the same burden weighs up to half as much again from 50 to 90.
        scale: Of SpO2; 2 only where a clinician set it.
        expected: What should have been measured. More may be.
    """
    on_oxygen = bool(signs.get(Sign.OXYGEN, False))
    burdens = {
        sign: burden_of(sign, value, scale=scale, on_oxygen=on_oxygen)
        for sign, value in signs.items()
    }
    missing = [sign for sign in expected if sign not in burdens and sign is not Sign.OXYGEN]
    reserve = _reserve(age_years) / _HALF
    measured = sum(burdens.values())
    heaviest = max(burdens, key=lambda sign: burdens[sign], default=None)
    wanted = len(burdens) + len(missing)
    return SignScore(
        burden=(measured + _MISSING * len(missing)) * reserve,
        best=measured * reserve,
        worst=(measured + SIGN_MAX * len(missing)) * reserve,
        coverage=len(burdens) / wanted if wanted else 0.0,
        reason=heaviest if heaviest and burdens[heaviest] > 0 else None,
    )


def burden_of(
    sign: Sign, value: Value, *, scale: SpO2Scale = SpO2Scale.ONE, on_oxygen: bool = False
) -> float:
    """Return a sign's burden, from 0 to `SIGN_MAX`; it passes the points of NEWS2 or is above."""
    if sign is Sign.CONSCIOUSNESS:
        return _CONSCIOUSNESS[Acvpu(str(value))]
    if sign is Sign.OXYGEN:
        return _OXYGEN if value else 0.0
    curve = _CURVES[sign]
    if sign is Sign.SPO2 and scale is SpO2Scale.TWO:
        curve = _SPO2_2_OXYGEN if on_oxygen else _SPO2_2
    return _interpolated(float(value), curve)


def as_score(burden: float) -> float:
    """Return what a burden leaves of 100."""
    return 100.0 / (1.0 + burden)


_HALF = 6.0
"""Points that halve the score: between the urgent 5 and the emergency 7 of NEWS2."""

_MISSING = 1.0
_OXYGEN = 1.0
"""NEWS2 gives two; oxygen is one where signs of breathing are scored smoothly, too (0005)."""

_CONSCIOUSNESS = {
    Acvpu.ALERT: 0.0,
    Acvpu.CONFUSION: 2.0,
    Acvpu.VOICE: 2.5,
    Acvpu.PAIN: 4.5,
    Acvpu.UNRESPONSIVE: SIGN_MAX,
}
_Curve = tuple[tuple[float, float], ...]
# (value, burden), straight between; outside as at the end.
_CURVES: dict[Sign, _Curve] = {
    Sign.RESPIRATION: (
        (6, SIGN_MAX), (8, 3), (11.5, 1), (14, 0), (18, 0), (20.5, 1), (24.5, 2.5), (30, 4),
        (36, SIGN_MAX),
    ),
    Sign.SPO2: ((85, SIGN_MAX), (91, 3), (93, 2), (95, 1), (97, 0)),
    Sign.SYSTOLIC: (
        (70, SIGN_MAX), (90, 3), (100, 2), (110, 1), (120, 0), (160, 0), (220, 3), (260, SIGN_MAX),
    ),
    Sign.PULSE: (
        (30, SIGN_MAX), (40, 3), (50, 1), (60, 0), (75, 0), (90, 0.7), (110, 1.7), (130, 2.7),
        (150, 4), (170, SIGN_MAX),
    ),
    Sign.TEMPERATURE: (
        (34, SIGN_MAX), (35, 4), (36, 1.5), (36.6, 0), (37.5, 0), (38, 0.7), (39, 1.5), (40, 2.5),
        (42, SIGN_MAX),
    ),
}  # fmt: skip
_SPO2_2: _Curve = ((79, SIGN_MAX), (83, 3), (85, 2), (87, 1), (89, 0))
_SPO2_2_OXYGEN: _Curve = (*_SPO2_2, (92, 0), (94, 1), (96, 2), (98, 3))


def _reserve(age_years: float | None) -> float:
    if age_years is None:
        return 1.0
    return 1.0 + 0.5 * min(max(age_years - 50.0, 0.0), 40.0) / 40.0


def _interpolated(value: float, curve: _Curve) -> float:
    if value <= curve[0][0]:
        return curve[0][1]
    for (x0, y0), (x1, y1) in pairwise(curve):
        if value <= x1:
            return y0 + (y1 - y0) * (value - x0) / (x1 - x0)
    return curve[-1][1]


def _with_hour(hourly: Hourly, scored: SignScore) -> Hourly:
    reasons = hourly.reasons
    if scored.reason is not None:
        reasons = {**reasons, scored.reason: reasons.get(scored.reason, 0) + 1}
    return replace(
        hourly,
        hours=hourly.hours + 1,
        score=hourly.score + scored.score,
        burden=hourly.burden + scored.burden,
        best=hourly.best + scored.best,
        worst=hourly.worst + scored.worst,
        coverage=hourly.coverage + scored.coverage,
        reasons=reasons,
    )


def _without_hour(hourly: Hourly, scored: SignScore) -> Hourly:
    reasons = dict(hourly.reasons)
    if scored.reason is not None:
        reasons[scored.reason] -= 1
    return replace(
        hourly,
        hours=hourly.hours - 1,
        score=hourly.score - scored.score,
        burden=hourly.burden - scored.burden,
        best=hourly.best - scored.best,
        worst=hourly.worst - scored.worst,
        coverage=hourly.coverage - scored.coverage,
        reasons={sign: count for sign, count in reasons.items() if count},
    )
