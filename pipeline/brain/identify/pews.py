"""Bedside PEWS: the early warning score for children, for the signs that devices measure.

    signs seen -> the newest of each -> not too old -> whole numbers -> points by age -> score

Four of its seven items are measured here: heart rate, respiration, systolic pressure, SpO2. The
others (capillary refill, respiratory effort, oxygen therapy) need somebody at the bedside. A
missing item is not a zero: it is left out and said to be, and a score is a lower bound.
Temperature was a candidate item and not taken up; its points stand beside the score, not in it.

For children from one year on: below, months count, and only a year of birth is registered.

References:
    Parshuram, Hutchison and Middaugh. Development and initial validation of the Bedside Paediatric
    Early Warning System score. Critical Care 2009, 13:R135, table 1; a score of 8 had a sensitivity
    of 82 % and a specificity of 93 % for urgent admission to intensive care. The points of SpO2
    (above 94, 91 to 94, 90 and less) are from memory of the same score.
"""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from pipeline.brain.identify.news2 import MaxAge, Sign, Timed, rounded

AGE_YEARS_MIN = 1.0
AGE_YEARS_MAX = 18.0
ITEMS = (Sign.PULSE, Sign.RESPIRATION, Sign.SYSTOLIC, Sign.SPO2)
"""The items measured here, in the order of the table."""


class AgeGroup(StrEnum):
    """The table's columns of age, from one year on."""

    TODDLER = "1-4"
    CHILD = "4-12"
    TEEN = "12+"


class PewsPart(Struct, frozen=True, kw_only=True):
    """One item's share of the score.

    Attributes:
        value: As banded: a whole number, temperature with one decimal.
        worst: The points are the most that the item can have.
        age_ms: How old the value was when scored.
    """

    sign: Sign
    value: float
    points: int
    worst: bool
    at: int
    age_ms: int


class Pews(Struct, frozen=True, kw_only=True):
    """A score and what it rests on.

    Attributes:
        score: 0 to 14; what the items used add up to.
        parts: The items used, in the order of the table.
        missing: The items not measured, and those too old.
        temperature: Beside the score: 0, 1, or 2 below 35 and above 40 °C; None if not measured.
    """

    score: int
    group: AgeGroup
    parts: tuple[PewsPart, ...]
    missing: tuple[Sign, ...]
    temperature: PewsPart | None = None


def age_group(age_years: float) -> AgeGroup | None:
    """Return the column of an age; None below one year, from 18 on, and where it is unknown."""
    if not AGE_YEARS_MIN <= age_years < AGE_YEARS_MAX:
        return None
    if age_years < 4:  # noqa: PLR2004  # the table's own numbers
        return AgeGroup.TODDLER
    return AgeGroup.CHILD if age_years <= 12 else AgeGroup.TEEN  # noqa: PLR2004


def pews(
    signs: Mapping[Sign, Timed],
    at: int,
    *,
    age_years: float,
    max_age: MaxAge = MaxAge(),  # noqa: B008  # frozen
) -> Pews | None:
    """Score the signs as they stand at an instant; None outside the ages, or without any sign."""
    group = age_group(age_years)
    if group is None:
        return None
    usable = {
        sign: timed
        for sign in (*ITEMS, Sign.TEMPERATURE)
        if (timed := signs.get(sign)) is not None
        and 0 <= at - timed.at <= max_age.ms(sign)
        and abs(float(timed.value)) < _NUMBER_MAX
    }
    if not usable:
        return None
    found = {sign: _part(sign, timed, group, at) for sign, timed in usable.items()}
    parts = tuple(found[sign] for sign in ITEMS if sign in found)
    return Pews(
        score=sum(part.points for part in parts),
        group=group,
        parts=parts,
        missing=tuple(sign for sign in ITEMS if sign not in found),
        temperature=found.get(Sign.TEMPERATURE),
    )


def points(sign: Sign, value: float, group: AgeGroup) -> int:
    """Return the points of one value, after rounding it half up to what people read."""
    number = rounded(sign, value)
    if sign is Sign.SPO2:
        return 0 if number > 94 else 1 if number > 90 else 2  # noqa: PLR2004  # the table's own
    if sign is Sign.TEMPERATURE:
        if not 35 <= number <= 40:  # noqa: PLR2004
            return 2
        return 0 if 36 <= number <= 38.5 else 1  # noqa: PLR2004
    for high, low, score in _TABLE[sign][group]:
        if number >= high or number <= low:
            return score
    return 0


def worst_points(sign: Sign) -> int:
    """Return the most points that an item can have."""
    return 2 if sign in (Sign.SPO2, Sign.TEMPERATURE) else 4


# The table in whole numbers: (at this or above, or at this or below: points), worst first. Two of
# its entries are printed without the "or equal": 4-12 years has "> 150", above 12 "< 50".
_Rows = tuple[tuple[int, int, int], ...]
_TABLE: dict[Sign, dict[AgeGroup, _Rows]] = {
    Sign.PULSE: {
        AgeGroup.TODDLER: ((170, 60, 4), (150, 70, 2), (120, 90, 1)),
        AgeGroup.CHILD: ((151, 50, 4), (130, 60, 2), (110, 70, 1)),
        AgeGroup.TEEN: ((140, 40, 4), (120, 49, 2), (100, 60, 1)),
    },
    Sign.RESPIRATION: {
        AgeGroup.TODDLER: ((71, 12, 4), (61, 15, 2), (41, 19, 1)),
        AgeGroup.CHILD: ((51, 10, 4), (41, 14, 2), (31, 19, 1)),
        AgeGroup.TEEN: ((30, 9, 4), (23, 10, 2), (17, 11, 1)),
    },
    Sign.SYSTOLIC: {
        AgeGroup.TODDLER: ((160, 65, 4), (125, 75, 2), (110, 90, 1)),
        AgeGroup.CHILD: ((170, 70, 4), (140, 80, 2), (120, 90, 1)),
        AgeGroup.TEEN: ((190, 75, 4), (150, 85, 2), (130, 100, 1)),
    },
}
_NUMBER_MAX = 1e6


def _part(sign: Sign, timed: Timed, group: AgeGroup, at: int) -> PewsPart:
    scored = points(sign, float(timed.value), group)
    return PewsPart(
        sign=sign,
        value=rounded(sign, float(timed.value)),
        points=scored,
        worst=scored == worst_points(sign),
        at=timed.at,
        age_ms=at - timed.at,
    )
