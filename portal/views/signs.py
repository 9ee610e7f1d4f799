"""The newest value of each vital sign, beside the range in which it needs nobody's attention.

References:
    RCP, National Early Warning Score (NEWS) 2, 2017, chart 1: what scores nothing for pulse,
        oxygen, respiration and temperature, and the target of scale 2.
    ESH Guidelines 2023, section 4.3: blood pressure measured at home is high from 135/85 on; the
        lower bound of systolic pressure is that of NEWS2.
    Limits of her own, set by a clinician and registered, come before both. No range is shown for
    who is younger than sixteen: it would depend on the age.
"""

from collections.abc import Iterable

from msgspec import Struct

from weinao.messages import Vitals
from weinao.outcomes import Kept
from weinao.registry import Resident

NEWS2_FROM_YEARS = 16


class Range(Struct, frozen=True):
    """Between which values all is well; None where there is no bound."""

    low: float | None = None
    high: float | None = None

    def holds(self, value: float) -> bool:
        """Say whether a value is within."""
        return (self.low is None or value >= self.low) and (
            self.high is None or value <= self.high
        )  # fmt: skip


USUAL: dict[str, Range] = {
    "hr_bpm": Range(51, 90),
    "spo2_pct": Range(96, 100),
    "resp_per_min": Range(12, 20),
    "temp_c": Range(36.1, 38.0),
    "sbp_mmhg": Range(111, 134),
    "dbp_mmhg": Range(None, 84),
}
SCALE_2 = Range(88, 92)
SHOWN = (*USUAL, "glucose_mmol_l", "weight_kg", "steps")
"""In the order in which they are shown."""


class Sign(Struct, frozen=True, kw_only=True):
    """One vital sign as it was measured last.

    Attributes:
        ok: Whether it is within its range; None where there is none.
        kept: The observation it stands in.
    """

    name: str
    value: float
    at: int
    low: float | None
    high: float | None
    ok: bool | None
    kept: str


def signs(newest: Iterable[Kept], resident: Resident, year: int) -> list[Sign]:
    """Return the newest value of each sign.

    Args:
        newest: What was measured, newest first.
        resident: Of whom.
        year: The present one; decides whether ranges for adults apply.
    """
    found: dict[str, Sign] = {}
    adult = resident.birth_year is None or year - resident.birth_year >= NEWS2_FROM_YEARS
    for one in newest:
        said = one.observation
        if not isinstance(said, Vitals):
            continue
        for name in SHOWN:
            value = getattr(said, name)
            if value is not None and name not in found:
                bounds = range_of(name, resident) if adult else Range()
                known = bounds != Range()
                found[name] = Sign(
                    name=name,
                    value=float(value),
                    at=one.at,
                    low=bounds.low,
                    high=bounds.high,
                    ok=bounds.holds(value) if known else None,
                    kept=one.id,
                )
    return [found[name] for name in SHOWN if name in found]


def range_of(name: str, resident: Resident) -> Range:
    """Return between which values a sign of a resident's is well."""
    usual = USUAL.get(name, Range())
    if name == "spo2_pct" and resident.spo2_scale_2:
        usual = SCALE_2
    low = getattr(resident.limits, f"{name}_min", None)
    high = getattr(resident.limits, f"{name}_max", None)
    return Range(usual.low if low is None else low, usual.high if high is None else high)
