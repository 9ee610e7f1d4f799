"""The limits that a clinician set for one person. They take the place of ours, sign by sign."""

from pipeline.brain.identify.news2 import Sign
from weinao.registry import Resident


def own_limits(resident: Resident | None) -> dict[Sign, tuple[float, float]]:
    """Return the lowest and highest value that is well, of each sign with limits of its own."""
    if resident is None:
        return {}
    own = resident.limits
    limits = {
        Sign.PULSE: (own.hr_bpm_min, own.hr_bpm_max),
        Sign.SPO2: (own.spo2_pct_min, None),
        Sign.SYSTOLIC: (own.sbp_mmhg_min, own.sbp_mmhg_max),
    }
    return {
        sign: (
            low if low is not None else float("-inf"),
            high if high is not None else float("inf"),
        )
        for sign, (low, high) in limits.items()
        if low is not None or high is not None
    }
