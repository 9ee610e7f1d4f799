"""Action limits for spot readings at home, and a day's score made of them.

Diagnostic limits (home blood pressure of 135/85 mmHg) make a trend; they would call somebody every
day. Action limits make an alert. A worse reading never un-alerts, given the same history.

The limits answer to what monitoring clinicians let stand: TIHM, people with dementia at home, those
of the development side who took their blood pressure. Counted in days whose other limbs were in
range:

- systolic: reaching 150-159 mmHg 0 of 130 labelled, exactly 160 6 of 7, from 160 on 75 of 90;
- diastolic, high: 91-99 mmHg 0 of 28, from 100 on 10 of 12;
- diastolic, low: 55-59 mmHg 0 of 67, 54 and less 42 of 45. A limit on a low systolic only stands in
  for this one: below 100 mmHg 27 of 29 days were labelled with a low diastolic, 0 of 20 without;
- pulse: 96-99 /min 0 of 16, from 101 on 7 of 8, 100 not seen; 51-52 0 of 18, exactly 50 2 of 3,
  50 and less 11 of 16. The other five are one person's, of the first day and of the last nine, and
  nothing measured tells the latter from those before: a clinician's own limit, it seems;
- the first day: 9 of 11 days beyond a limit were left unlabelled. Guidelines, too, set aside the
  first day of home blood pressure, when people still learn to take it. Severe readings are the
  exception here: they alert from the first.

References:
    Palermo et al. 2023, Sci Data 10:606, table 5: the same limbs for both, pulse high
    above 100, systolic low below 80.
    ESH guidelines for home blood pressure monitoring, Parati et al. 2008, J Hypertens 26:1505:
    first day discarded.
    Chinese guidelines for hypertension 2024: grade 3 from 180/110 mmHg.
    NEWS2, Royal College of Physicians 2017: three points for a pulse to 40 and from 131.
"""

from collections.abc import Iterable
from enum import StrEnum
from statistics import median

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.identify.bounds import Bpm, HoursExact, Mmhg

OWN_READINGS_MAX = 28
OWN_READINGS_MIN = 7
HOUR_MS = 3_600_000


class Limb(StrEnum):
    """A side of a sign that can be beyond its limit."""

    SBP_HIGH = "sbp_high"
    SBP_LOW = "sbp_low"
    DBP_HIGH = "dbp_high"
    DBP_LOW = "dbp_low"
    PULSE_HIGH = "pulse_high"
    PULSE_LOW = "pulse_low"
    TEMP_HIGH = "temp_high"


class HomeReading(Struct, frozen=True, kw_only=True):
    """What home devices gave at one instant, at rest; absent where it was not measured."""

    at: int
    sbp_mmhg: float | None = None
    dbp_mmhg: float | None = None
    hr_bpm: float | None = None
    temp_c: float | None = None


class HomeHistory(Struct, frozen=True, kw_only=True):
    """What is remembered of one resident's readings; only ever the past.

    Attributes:
        first_at: Their first reading of blood pressure or pulse.
        last_at: The newest reading; an older or repeated one changes nothing.
        sbp_mmhg, dbp_mmhg, hr_bpm: The last `OWN_READINGS_MAX` values, oldest first.
    """

    schema: int = 1
    first_at: int | None = None
    last_at: int | None = None
    sbp_mmhg: tuple[float, ...] = ()
    dbp_mmhg: tuple[float, ...] = ()
    hr_bpm: tuple[float, ...] = ()

    def after(self, reading: HomeReading) -> "HomeHistory":
        """Return the history with a reading in it."""
        if self.last_at is not None and reading.at <= self.last_at:
            return self
        counts = reading.sbp_mmhg is not None or reading.hr_bpm is not None
        return replace(
            self,
            first_at=reading.at if self.first_at is None and counts else self.first_at,
            last_at=reading.at,
            sbp_mmhg=_remember(self.sbp_mmhg, reading.sbp_mmhg),
            dbp_mmhg=_remember(self.dbp_mmhg, reading.dbp_mmhg),
            hr_bpm=_remember(self.hr_bpm, reading.hr_bpm),
        )

    def settling(self, at: int, settle_h: float) -> bool:
        """Say whether the resident is still on the first day of measuring."""
        first_at = at if self.first_at is None else self.first_at
        return at - first_at < settle_h * HOUR_MS


YIELD: dict[Limb, tuple[float, float]] = {
    Limb.SBP_HIGH: (5.0, 15.0),
    Limb.SBP_LOW: (-2.0, -6.0),
    Limb.DBP_HIGH: (3.0, 9.0),
    Limb.DBP_LOW: (-2.0, -4.0),
    Limb.PULSE_HIGH: (5.0, 15.0),
    Limb.PULSE_LOW: (-2.0, -6.0),
}
"""By how much a false alarm moves each limit for one person, and how far at most: short of what is
severe, whatever people say. Steps are about the error of a home device (ISO 81060-2 allows a mean
error of 5 mmHg); the most is three of them."""


class Judgement(Struct, frozen=True, kw_only=True):
    """What limits say of one reading.

    Attributes:
        alert: Somebody should look.
        beyond: The limbs beyond their limit, also where a first day keeps them from an alert.
    """

    alert: bool
    beyond: tuple[Limb, ...] = ()


class BloodPressureLimits(Struct, frozen=True, kw_only=True):
    """When a blood pressure at home calls for a look.

    Args:
        sbp_mmhg_high, dbp_mmhg_high: Alert at this or above.
        sbp_mmhg_low, dbp_mmhg_low: Alert below this.
        sbp_mmhg_severe, dbp_mmhg_severe: Alert at this or above on the first day too.
        settle_h: How long the first day lasts, in hours since the first reading.
    """

    sbp_mmhg_high: Mmhg = 160
    dbp_mmhg_high: Mmhg = 100
    sbp_mmhg_low: Mmhg = 80
    dbp_mmhg_low: Mmhg = 55
    sbp_mmhg_severe: Mmhg = 180
    dbp_mmhg_severe: Mmhg = 110
    settle_h: HoursExact = 12

    def judge(self, reading: HomeReading, history: HomeHistory) -> Judgement:
        """Judge a reading by what came before it."""
        sbp, dbp = reading.sbp_mmhg, reading.dbp_mmhg
        beyond = (
            *((Limb.SBP_HIGH,) if sbp is not None and sbp >= self.sbp_mmhg_high else ()),
            *((Limb.SBP_LOW,) if sbp is not None and sbp < self.sbp_mmhg_low else ()),
            *((Limb.DBP_HIGH,) if dbp is not None and dbp >= self.dbp_mmhg_high else ()),
            *((Limb.DBP_LOW,) if dbp is not None and dbp < self.dbp_mmhg_low else ()),
        )
        severe = (sbp is not None and not self.sbp_mmhg_low <= sbp < self.sbp_mmhg_severe) or (
            dbp is not None and dbp >= self.dbp_mmhg_severe
        )
        settled = not history.settling(reading.at, self.settle_h)
        return Judgement(alert=bool(beyond) and (settled or severe), beyond=beyond)


class PulseLimits(Struct, frozen=True, kw_only=True):
    """When a resting pulse at home calls for a look.

    Args:
        hr_bpm_high: Alert above this.
        hr_bpm_low: Alert at this or below.
        hr_bpm_severe_high: Alert at this or above on the first day too.
        hr_bpm_severe_low: Alert at this or below on the first day too.
        settle_h: How long the first day lasts, in hours since the first reading.
    """

    hr_bpm_high: Bpm = 100
    hr_bpm_low: Bpm = 50
    hr_bpm_severe_high: Bpm = 131
    hr_bpm_severe_low: Bpm = 40
    settle_h: HoursExact = 12

    def judge(self, reading: HomeReading, history: HomeHistory) -> Judgement:
        """Judge a reading by what came before it."""
        hr = reading.hr_bpm
        if hr is None:
            return Judgement(alert=False)
        beyond = (
            *((Limb.PULSE_HIGH,) if hr > self.hr_bpm_high else ()),
            *((Limb.PULSE_LOW,) if hr <= self.hr_bpm_low else ()),
        )
        severe = not self.hr_bpm_severe_low < hr < self.hr_bpm_severe_high
        settled = not history.settling(reading.at, self.settle_h)
        return Judgement(alert=bool(beyond) and (settled or severe), beyond=beyond)


class DayScore(Struct, frozen=True, kw_only=True):
    """How a day's readings look, from 0 to 100; 50 where one sign stands at its action limit.

    Attributes:
        reason: The limb that weighed most; None for a day without any burden.
        coverage: Share of blood pressure, pulse and temperature that was measured.
    """

    score: float
    reason: Limb | None
    coverage: float


def score_day(readings: Iterable[HomeReading], history: HomeHistory) -> DayScore | None:
    """Score a day's readings by themselves and by the resident's own past; None without any sign.

    A sign's burden is 0 in its comfortable range, 1 at its action limit, and the day has that of
    its worst sign, with a tenth of how far the worst reading moved from the own median. Moving a
    sign away from the middle of its range never raises the score.
    """
    measured, worst, moved = set[str](), dict[Limb, float](), 0.0
    for reading in readings:
        for range_ in _RANGES:
            value: float | None = getattr(reading, range_.sign)
            if value is None:
                continue
            measured.add(range_.part)
            worst[range_.limb] = max(worst.get(range_.limb, 0.0), range_.burden(value))
            moved = max(moved, range_.moved(value, getattr(history, range_.sign, ())))
    if not measured:
        return None
    limb = max(worst, key=lambda one: worst[one])
    burden = worst[limb] + 0.1 * moved
    return DayScore(
        score=100 / (1 + burden**2),
        reason=limb if worst[limb] > 0 else None,
        coverage=len(measured) / _PARTS,
    )


class _Range(Struct, frozen=True):
    """One side of one sign: burden 0 up to `easy`, 1 at `limit`, `middle` where sides meet."""

    limb: Limb
    sign: str
    part: str
    middle: float
    easy: float
    limit: float

    def burden(self, value: float) -> float:
        return max((value - self.easy) / (self.limit - self.easy), 0.0)

    def moved(self, value: float, own: tuple[float, ...]) -> float:
        """Return how far the value moved from the own median, outwards, in widths of this side."""
        width = self.limit - self.easy
        if len(own) < OWN_READINGS_MIN or (value - self.middle) / width <= 0:
            return 0.0
        return max((value - median(own)) / width, 0.0)


_PARTS = 3
# Outer ends: the action limits above; fever in elders is a single 37.8 °C (IDSA, long-term care).
# Inner ends: inside the ranges that NEWS2 gives no points, so that the score falls before it does.
_RANGES = (
    _Range(Limb.SBP_HIGH, "sbp_mmhg", "blood_pressure", 115, 120, 160),
    _Range(Limb.SBP_LOW, "sbp_mmhg", "blood_pressure", 115, 110, 80),
    _Range(Limb.DBP_HIGH, "dbp_mmhg", "blood_pressure", 72, 75, 100),
    _Range(Limb.DBP_LOW, "dbp_mmhg", "blood_pressure", 72, 70, 55),
    _Range(Limb.PULSE_HIGH, "hr_bpm", "pulse", 68, 75, 100),
    _Range(Limb.PULSE_LOW, "hr_bpm", "pulse", 68, 60, 50),
    _Range(Limb.TEMP_HIGH, "temp_c", "temperature", 36.8, 37.3, 37.8),
)


def _remember(values: tuple[float, ...], value: float | None) -> tuple[float, ...]:
    return values if value is None else (*values, value)[-OWN_READINGS_MAX:]
