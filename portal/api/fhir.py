"""Vital signs as FHIR R4 Observations, for the systems of clinics.

References:
    HL7 FHIR R4 (4.0.1), Observation, and its vital signs profiles: one code of LOINC each, units of
        UCUM; blood pressure is one observation (85354-9) with two components.
    `status` is `preliminary`: consumer sensors measured this, and no clinician has looked at it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from weinao.ids import derived
from weinao.messages import Vitals
from weinao.outcomes import Kept

SYSTEM_LOINC = "http://loinc.org"
SYSTEM_UCUM = "http://unitsofmeasure.org"
SYSTEM_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"

CODES: dict[str, tuple[str, str, str, str]] = {
    "hr_bpm": ("8867-4", "Heart rate", "/min", "beats/minute"),
    "resp_per_min": ("9279-1", "Respiratory rate", "/min", "breaths/minute"),
    "temp_c": ("8310-5", "Body temperature", "Cel", "C"),
    "weight_kg": ("29463-7", "Body weight", "kg", "kg"),
    "spo2_pct": ("59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry", "%", "%"),
    "glucose_mmol_l": ("15074-8", "Glucose [Moles/volume] in Blood", "mmol/L", "mmol/l"),
}
"""For each of our fields: code and name in LOINC, code in UCUM, and the unit as read."""

_PRESSURE = {
    "sbp_mmhg": ("8480-6", "Systolic blood pressure"),
    "dbp_mmhg": ("8462-4", "Diastolic blood pressure"),
}
_OXYGEN = {
    "system": SYSTEM_LOINC,
    "code": "2708-6",
    "display": "Oxygen saturation in Arterial blood",
}


def observations(kept: Kept) -> list[dict[str, Any]]:
    """Return what one of our observations measured, one resource a sign."""
    said = kept.observation
    return [*_signs(kept, said), *_pressure(kept, said)] if isinstance(said, Vitals) else []


def bundle(found: list[Kept]) -> dict[str, Any]:
    """Return the resources of many observations, as the answer to a search."""
    resources = [one for kept in found for one in observations(kept)]
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(resources),
        "entry": [{"resource": one, "search": {"mode": "match"}} for one in resources],
    }


def _signs(kept: Kept, said: Vitals) -> Iterator[dict[str, Any]]:
    for name, (code, display, unit_code, unit) in CODES.items():
        value = getattr(said, name)
        if value is None:
            continue
        codings = [{"system": SYSTEM_LOINC, "code": code, "display": display}]
        if name == "spo2_pct":
            # The profile of vital signs asks for this code beside the one of the pulse oximeter.
            codings = [_OXYGEN, *codings]
        quantity = _quantity(value, unit, unit_code)
        yield _resource(kept, name, codings, display) | {"valueQuantity": quantity}


def _pressure(kept: Kept, said: Vitals) -> Iterator[dict[str, Any]]:
    measured = {name: getattr(said, name) for name in _PRESSURE if getattr(said, name) is not None}
    if not measured:
        return
    display = "Blood pressure panel with all children optional"
    components = [
        {
            "code": {
                "coding": [
                    {
                        "system": SYSTEM_LOINC,
                        "code": _PRESSURE[name][0],
                        "display": _PRESSURE[name][1],
                    }
                ]
            },
            "valueQuantity": _quantity(value, "mmHg", "mm[Hg]"),
        }
        for name, value in measured.items()
    ]
    codings = [{"system": SYSTEM_LOINC, "code": "85354-9", "display": display}]
    yield _resource(kept, "blood_pressure", codings, display) | {"component": components}


def _resource(kept: Kept, name: str, codings: list[dict[str, str]], text: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": _id(kept.id, name),
        "status": "preliminary",
        "category": [{"coding": [{"system": SYSTEM_CATEGORY, "code": "vital-signs"}]}],
        "code": {"coding": codings, "text": text},
        "subject": {"identifier": {"system": "urn:weinao:resident", "value": kept.subject}},
        "effectiveDateTime": _instant(kept.at),
        "issued": _instant(kept.received_at),
        "device": {"identifier": {"system": "urn:weinao:device", "value": kept.device}},
        "identifier": [{"system": "urn:weinao:observation", "value": f"{kept.id}#{name}"}],
    }


def _quantity(value: float, unit: str, code: str) -> dict[str, Any]:
    return {"value": value, "unit": unit, "system": SYSTEM_UCUM, "code": code}


def _instant(at: int) -> str:
    when = datetime.fromtimestamp(at / 1_000, tz=UTC)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _id(observation: str, name: str) -> str:
    """Return an id that FHIR takes: at most 64 of letters, digits, `-` and `.`."""
    return derived(name.replace("_", "-"), observation)
