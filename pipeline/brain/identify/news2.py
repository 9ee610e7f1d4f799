"""NEWS2: the National Early Warning Score, exactly, over signs that may be missing or old.

    signs seen -> the newest of each -> not too old -> printed precision -> points -> score, band

A missing sign is not a zero: it is left out and said to be. It can only lower a score, so a score
is a lower bound, and with fewer than five of the seven signs it is called partial.

For people of 16 years and more; not in pregnancy, nor for a spinal cord injury without care.

References:
    Royal College of Physicians. National Early Warning Score (NEWS) 2. London: RCP, December 2017.
    Reproduced with acknowledgement, as its copyright note allows.
"""

import math
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from enum import IntEnum, StrEnum
from functools import lru_cache

from msgspec import Struct

from pipeline.brain.identify.bounds import Seconds
from weinao.messages import Acvpu, Vitals

AGE_YEARS_MIN = 16
SIGNS_FULL_MIN = 5
HOUR_MS = 3_600_000

REMEMBERED = 8_192
"""Values whose rounding and points are remembered: people's signs repeat, and decimals are slow."""

Value = float | bool | Acvpu


class Sign(StrEnum):
    """The seven signs, under the names that `vitals` gives them."""

    RESPIRATION = "resp_per_min"
    SPO2 = "spo2_pct"
    OXYGEN = "on_oxygen"
    SYSTOLIC = "sbp_mmhg"
    PULSE = "hr_bpm"
    CONSCIOUSNESS = "consciousness"
    TEMPERATURE = "temp_c"


class Band(StrEnum):
    """Clinical risk, and with it how soon who should look (RCP 2017, chart 4)."""

    LOW = "low"
    LOW_MEDIUM = "low_medium"
    MEDIUM = "medium"
    HIGH = "high"


class SpO2Scale(IntEnum):
    """Scale 2 is for a prescribed target of 88-92 % only: a clinician sets it."""

    ONE = 1
    TWO = 2


class Timed(Struct, frozen=True):
    """A value of one sign, and when it was so. Milliseconds UTC."""

    value: Value
    at: int


class Part(Struct, frozen=True, kw_only=True):
    """One sign's share of the score.

    Attributes:
        value: As banded: temperature to one decimal, other numbers whole.
        age_ms: How old the value was when scored.
    """

    sign: Sign
    value: Value
    points: int
    at: int
    age_ms: int


class News2(Struct, frozen=True, kw_only=True):
    """A score and what it rests on.

    Attributes:
        score: 0 to 20; what the signs used add up to.
        band: Risk by the score, or by a single sign with three points.
        parts: The signs used, in the order of the chart.
        missing: The signs not measured, and those too old.
        partial: Fewer than `SIGNS_FULL_MIN` of seven signs; the true score may be much higher.
    """

    score: int
    band: Band
    parts: tuple[Part, ...]
    missing: tuple[Sign, ...]
    partial: bool


class MaxAge(Struct, frozen=True, kw_only=True):
    """How long each sign may be used, in seconds.

    The defaults follow how often the RCP asks for observations: hourly at a score of 5, which is
    what a sensor must keep up with; every 12 hours at a score of 0, for what a person takes.
    """

    resp_per_min_s: Seconds = 3_600
    spo2_pct_s: Seconds = 3_600
    on_oxygen_s: Seconds = 43_200
    sbp_mmhg_s: Seconds = 43_200
    hr_bpm_s: Seconds = 3_600
    consciousness_s: Seconds = 43_200
    temp_c_s: Seconds = 43_200

    def ms(self, sign: Sign) -> int:
        """Return how long a sign may be used, in milliseconds."""
        return int(getattr(self, _AGE_OF[sign])) * 1_000


_AGE_OF = {sign: f"{sign}_s" for sign in Sign}


def with_vitals(signs: Mapping[Sign, Timed], seen: Vitals) -> dict[Sign, Timed]:
    """Return the newest value of each sign; in which order observations came does not matter.

    Pulse, SpO2 and respiration are left out where they were sensed on nobody, in movement, or as
    zero: the sensor was still searching. Skin temperature is none of the signs.
    """
    newest = dict(signs)
    for sign in Sign:
        value: Value | None = getattr(seen, sign.value)
        if value is None or _unusable(sign, value, seen):
            continue
        fresh, known = Timed(value, seen.at), newest.get(sign)
        if known is None or seen.at > known.at or _rank(sign, fresh) > _rank(sign, known):
            newest[sign] = fresh
    return newest


def news2(
    signs: Mapping[Sign, Timed],
    at: int,
    *,
    age_years: float,
    scale: SpO2Scale = SpO2Scale.ONE,
    max_age: MaxAge = MaxAge(),  # noqa: B008  # frozen
) -> News2 | None:
    """Score the signs as they stand at an instant; None below 16 years, or without any sign.

    Args:
        signs: The newest known value of each; what is newer than `at` is not known yet.
        at: The instant to score. Milliseconds UTC.
        age_years: Of the person; NEWS2 is not for children.
        scale: Of SpO2. On scale 2 without a word on oxygen, 93 % and more count as on air: a
            missing sign must not raise a score.
        max_age: How old each sign may be.
    """
    if not age_years >= AGE_YEARS_MIN:
        return None
    usable = {
        sign: timed
        for sign in Sign
        if (timed := signs.get(sign)) is not None
        and 0 <= at - timed.at <= max_age.ms(sign)
        and _is_number_or_word(timed.value)
    }
    if not usable:
        return None
    on_oxygen = Sign.OXYGEN in usable and bool(usable[Sign.OXYGEN].value)
    parts = tuple(_part(sign, timed, at, scale, on_oxygen) for sign, timed in usable.items())
    score = sum(part.points for part in parts)
    return News2(
        score=score,
        band=band_of(score, any(part.points == _SINGLE for part in parts)),
        parts=parts,
        missing=tuple(sign for sign in Sign if sign not in usable),
        partial=len(parts) < SIGNS_FULL_MIN,
    )


@lru_cache(REMEMBERED)
def points(
    sign: Sign, value: Value, *, scale: SpO2Scale = SpO2Scale.ONE, on_oxygen: bool = False
) -> int:
    """Return the points of one value, after rounding it to the chart's precision."""
    if sign is Sign.CONSCIOUSNESS:
        return 0 if value == Acvpu.ALERT else 3
    if sign is Sign.OXYGEN:
        return 2 if value else 0
    number = rounded(sign, float(value))
    if sign is not Sign.SPO2:
        return _banded(number, _CHART[sign])
    if scale is SpO2Scale.ONE:
        return _banded(number, _SPO2_SCALE_1)
    return _banded(number, _SPO2_SCALE_2_OXYGEN if on_oxygen else _SPO2_SCALE_2_AIR)


@lru_cache(REMEMBERED)
def rounded(sign: Sign, value: float) -> float:
    """Return a value at the chart's precision, half up, in the decimals that people read."""
    places = Decimal("0.1") if sign is Sign.TEMPERATURE else Decimal(1)
    return float(Decimal(str(value)).quantize(places, ROUND_HALF_UP))


def band_of(score: int, single: bool) -> Band:
    """Return the risk of a score; `single` says that one sign alone has three points."""
    if score >= 7:  # noqa: PLR2004  # the chart's own numbers
        return Band.HIGH
    if score >= 5:  # noqa: PLR2004
        return Band.MEDIUM
    return Band.LOW_MEDIUM if single else Band.LOW


# The chart: (largest value of a band, its points), ascending; the last band has no upper end.
_END = math.inf
_CHART: dict[Sign, tuple[tuple[float, int], ...]] = {
    Sign.RESPIRATION: ((8, 3), (11, 1), (20, 0), (24, 2), (_END, 3)),
    Sign.SYSTOLIC: ((90, 3), (100, 2), (110, 1), (219, 0), (_END, 3)),
    Sign.PULSE: ((40, 3), (50, 1), (90, 0), (110, 1), (130, 2), (_END, 3)),
    Sign.TEMPERATURE: ((35.0, 3), (36.0, 1), (38.0, 0), (39.0, 1), (_END, 2)),
}
_SPO2_SCALE_1 = ((91.0, 3), (93.0, 2), (95.0, 1), (_END, 0))
_SPO2_SCALE_2_AIR = ((83.0, 3), (85.0, 2), (87.0, 1), (_END, 0))
_SPO2_SCALE_2_OXYGEN = (
    *_SPO2_SCALE_2_AIR[:-1],
    (92.0, 0),
    (94.0, 1),
    (96.0, 2),
    (_END, 3),
)
_SINGLE = 3
_NUMBER_MAX = 1e6
_SENSED = (Sign.PULSE, Sign.SPO2, Sign.RESPIRATION)


def _banded(number: float, bands: tuple[tuple[float, int], ...]) -> int:
    return next(score for upto, score in bands if number <= upto)


def _part(sign: Sign, timed: Timed, at: int, scale: SpO2Scale, on_oxygen: bool) -> Part:
    number = sign not in (Sign.OXYGEN, Sign.CONSCIOUSNESS)
    return Part(
        sign=sign,
        value=rounded(sign, float(timed.value)) if number else timed.value,
        points=points(sign, timed.value, scale=scale, on_oxygen=on_oxygen),
        at=timed.at,
        age_ms=at - timed.at,
    )


def _unusable(sign: Sign, value: Value, seen: Vitals) -> bool:
    if not _is_number_or_word(value):
        return True
    if sign not in _SENSED:
        return False
    return seen.worn is False or bool(seen.moving) or value == 0


def _is_number_or_word(value: Value) -> bool:
    return isinstance(value, Acvpu) or abs(value) < _NUMBER_MAX  # NaN is not, either


def _rank(sign: Sign, timed: Timed) -> tuple[int, int, str]:
    """Order values of one sign: the newer; of one instant the worse; then any, but always one."""
    return timed.at, points(sign, timed.value), str(timed.value)
