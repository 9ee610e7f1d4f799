"""The bounds that belong into a picture: those in a hazard's facts, a person's own, a rule's.

A rule's come with the case, from the thresholds in force, so that a picture never shows another
than decided.
"""

from collections.abc import Iterator

from msgspec import Struct

from weinao.outcomes import HazardKind
from weinao.registry import Resident
from weinao.story import Case

METER = "meter"
"""Stands for the panel of whatever the meter of an incident measures."""


class Bound(Struct, frozen=True):
    """A line across a panel.

    Attributes:
        panel: Its name, as `weinao.cli.curves` has it.
        value: In the panel's unit.
        source: `facts`, `own` or `rule`: whose it is.
        limb: What it bounds, and to which side.
    """

    panel: str
    value: float
    source: str
    limb: str


def bounds_of(case: Case) -> tuple[Bound, ...]:
    """Return every bound that an incident was, or may have been, judged by."""
    facts, own = [*_facts(case)], [*_own(case)]
    # A clinician's, and what the hazard itself names, stand in the place of the rule's.
    instead = {one.panel for one in facts} | {one.limb for one in own}
    rules = (one for one in _rules(case) if not {one.panel, one.limb} & instead)
    return (*facts, *own, *rules)


def _facts(case: Case) -> Iterator[Bound]:
    for fact, panel in (("limit_w", "power"), ("usual_max", METER)):
        value = case.incident.facts.get(fact)
        if isinstance(value, int | float):
            yield Bound(panel, float(value), "facts", fact)


def _own(case: Case) -> Iterator[Bound]:
    if case.incident.kind is not HazardKind.VITALS:
        return
    for record in case.records:
        if isinstance(record, Resident) and record.id == case.incident.subject:
            for name, (panel, limb) in _OWN.items():
                value = getattr(record.limits, name)
                if value is not None:
                    yield Bound(panel, float(value), "own", limb)


def _rules(case: Case) -> Iterator[Bound]:
    incident = case.incident
    # Of the rules for vital signs, one scores, and one knows bounds.
    why = incident.reason if incident.kind is HazardKind.VITALS else str(incident.kind)
    for place, panel, limb in _RULES.get(why, ()):
        value = case.limits.now.get(place)
        if isinstance(value, int | float):
            yield Bound(panel, float(value), "rule", limb)


_OWN = {
    "hr_bpm_min": ("pulse", "pulse_low"), "hr_bpm_max": ("pulse", "pulse_high"),
    "spo2_pct_min": ("oxygen", "spo2_low"), "sbp_mmhg_min": ("pressure", "sbp_low"),
    "sbp_mmhg_max": ("pressure", "sbp_high"), "dbp_mmhg_max": ("pressure", "dbp_high"),
}  # fmt: skip
_RULES = {
    "vitals.beyond_limit": (
        ("vitals.blood_pressure.sbp_mmhg_high", "pressure", "sbp_high"),
        ("vitals.blood_pressure.sbp_mmhg_low", "pressure", "sbp_low"),
        ("vitals.blood_pressure.dbp_mmhg_high", "pressure", "dbp_high"),
        ("vitals.blood_pressure.dbp_mmhg_low", "pressure", "dbp_low"),
        ("vitals.pulse.hr_bpm_high", "pulse", "pulse_high"),
        ("vitals.pulse.hr_bpm_low", "pulse", "pulse_low"),
    ),
    HazardKind.HEAT.value: (("climate.heat_c", "warmth", "warmth_high"),),
    HazardKind.COLD.value: (("climate.cold_c", "warmth", "warmth_low"),),
    HazardKind.CONGESTION.value: (("congestion.full_density", "density", "density_high"),),
    HazardKind.STOVE_ON.value: (("stove.power_w_min", "power", "power_on"),),
}
"""By reason or kind: the place of a threshold in its file, and where it is drawn."""
