"""The limits that belong into a picture: those in a hazard's facts, a person's own, a rule's.

A rule's are read from the rules that run, so that a picture never shows another than decided.
"""

from collections.abc import Iterator
from functools import cache

from msgspec import Struct

from weinao.outcomes import HazardKind
from weinao.registry import Resident
from weinao.story import Case

METER = "meter"
"""Stands for the panel of whatever the meter of an incident measures."""


class Limit(Struct, frozen=True):
    """A line across a panel.

    Attributes:
        panel: Its name, as `weinao.cli.curves` has it.
        value: In the panel's unit.
        source: `facts`, `own` or `rule`: whose limit it is.
        limb: What it limits, and to which side.
    """

    panel: str
    value: float
    source: str
    limb: str


def limits_of(case: Case) -> tuple[Limit, ...]:
    """Return every limit that an incident was, or may have been, judged by."""
    facts = [*_facts(case)]
    own = [*_own(case)]
    # A clinician's limits, and what the hazard itself names, stand in the place of the rule's.
    instead = {limit.panel for limit in facts} | {limit.limb for limit in own}
    rules = (one for one in _of_rules().get(_why(case), ()) if not {one.panel, one.limb} & instead)
    return (*facts, *own, *rules)


def _why(case: Case) -> str:
    """Return by what an incident's rule goes: of those for vital signs, one knows limits."""
    if case.incident.kind is HazardKind.VITALS:
        return case.incident.reason
    return case.incident.kind


def _facts(case: Case) -> Iterator[Limit]:
    for fact, panel in (("limit_w", "power"), ("usual_max", METER)):
        value = case.incident.facts.get(fact)
        if isinstance(value, int | float):
            yield Limit(panel, float(value), "facts", fact)


def _own(case: Case) -> Iterator[Limit]:
    if case.incident.kind is not HazardKind.VITALS:
        return
    for record in case.records:
        if isinstance(record, Resident) and record.id == case.incident.subject:
            for name, (panel, limb) in _OWN.items():
                value = getattr(record.limits, name)
                if value is not None:
                    yield Limit(panel, float(value), "own", limb)


_OWN = {
    "hr_bpm_min": ("pulse", "pulse_low"), "hr_bpm_max": ("pulse", "pulse_high"),
    "spo2_pct_min": ("oxygen", "spo2_low"), "sbp_mmhg_min": ("pressure", "sbp_low"),
    "sbp_mmhg_max": ("pressure", "sbp_high"), "dbp_mmhg_max": ("pressure", "dbp_high"),
}  # fmt: skip


@cache
def _of_rules() -> dict[str, tuple[Limit, ...]]:
    from pipeline.brain.identify.climate import Climate
    from pipeline.brain.identify.congestion import Congestion
    from pipeline.brain.identify.stove import Stove
    from pipeline.brain.identify.vitals import VitalAlarm
    from pipeline.brain.rules import RULES

    found: dict[str, tuple[Limit, ...]] = {}
    for rule in RULES:
        one = getattr(rule, "rule", rule)  # some are shown their observations in turn
        match one:
            case VitalAlarm():
                pressure, pulse = one.blood_pressure, one.pulse
                found["vitals.beyond_limit"] = (
                    _rule("pressure", pressure.sbp_mmhg_high, "sbp_high"),
                    _rule("pressure", pressure.dbp_mmhg_high, "dbp_high"),
                    _rule("pressure", pressure.sbp_mmhg_low, "sbp_low"),
                    _rule("pressure", pressure.dbp_mmhg_low, "dbp_low"),
                    _rule("pulse", pulse.hr_bpm_high, "pulse_high"),
                    _rule("pulse", pulse.hr_bpm_low, "pulse_low"),
                )
            case Climate():
                found[HazardKind.HEAT] = (_rule("warmth", one.heat_c, "warmth_high"),)
                found[HazardKind.COLD] = (_rule("warmth", one.cold_c, "warmth_low"),)
            case Congestion():
                found[HazardKind.CONGESTION] = (_rule("density", one.full_density, "density_high"),)
            case Stove():
                found[HazardKind.STOVE_ON] = (_rule("power", one.power_w_min, "power_on"),)
            case _:
                pass
    return found


def _rule(panel: str, value: float, limb: str) -> Limit:
    return Limit(panel, value, "rule", limb)
