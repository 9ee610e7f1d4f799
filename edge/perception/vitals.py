"""Vital signs: passed on as read, with what the device says about its own trustworthiness."""

from edge.perception.base import Finding
from edge.samples import VitalsReading
from weinao.messages import Vitals


def perceive_vitals(sample: VitalsReading) -> list[Finding]:
    """Return the observation.

    A flat line is passed on as *not worn*: that is what the contract says about values that are
    no body's, and the rules then leave them out and wait for better ones.
    """
    seen = Vitals(
        at=sample.at,
        hr_bpm=sample.hr_bpm,
        spo2_pct=sample.spo2_pct,
        resp_per_min=sample.resp_per_min,
        temp_c=sample.temp_c,
        skin_temp_c=sample.skin_temp_c,
        sbp_mmhg=sample.sbp_mmhg,
        dbp_mmhg=sample.dbp_mmhg,
        glucose_mmol_l=sample.glucose_mmol_l,
        weight_kg=sample.weight_kg,
        steps=sample.steps,
        worn=False if sample.flat_line else sample.worn,
        moving=sample.moving,
        on_oxygen=sample.on_oxygen,
        consciousness=sample.consciousness,
        battery_pct=sample.battery_pct,
    )
    return [Finding(device=sample.device, observation=seen, mark=sample.mark)]
