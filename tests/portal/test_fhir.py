"""Vital signs as FHIR R4 Observations: the structure and codes are those that HL7 publishes."""

import re

import pytest

from portal.api.fhir import CODES, bundle, observations
from weinao.messages import Home, Sensor, Vitals
from weinao.outcomes import Kept

AT = 1_780_275_600_123

# FHIR R4, "Vital Signs Profile": code of LOINC and code of UCUM for each sign.
PROFILE = {
    "8867-4": "/min",
    "9279-1": "/min",
    "8310-5": "Cel",
    "29463-7": "kg",
    "2708-6": "%",
    "59408-5": "%",
    "8480-6": "mm[Hg]",
    "8462-4": "mm[Hg]",
    "15074-8": "mmol/L",  # no vital sign of the profile; LOINC has it in mmol/L
}
STATUS = {
    "registered", "preliminary", "final", "amended", "corrected", "cancelled", "entered-in-error",
    "unknown",
}  # fmt: skip
ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
ALLOWED = {
    "resourceType", "id", "status", "category", "code", "subject", "effectiveDateTime", "issued",
    "device", "identifier", "valueQuantity", "component",
}  # fmt: skip


def _kept(said: Vitals | Home) -> Kept:
    return Kept(
        id="band-1:00000001-a:7.0", device="band-1", at=AT, received_at=AT + 900,
        subject="resident-1", household="home-1", observation=said,
    )  # fmt: skip


FULL = Vitals(
    at=AT, hr_bpm=72, spo2_pct=97, resp_per_min=14, temp_c=36.6, sbp_mmhg=128, dbp_mmhg=78,
    glucose_mmol_l=5.4, weight_kg=61.5, steps=2_100, worn=True,
)  # fmt: skip


def test_each_sign_is_a_resource_that_the_profile_would_take() -> None:
    found = observations(_kept(FULL))

    assert len(found) == len(CODES) + 1
    for one in found:
        assert one.keys() <= ALLOWED
        assert one["resourceType"] == "Observation"
        assert one["status"] in STATUS
        assert ID.fullmatch(one["id"])
        assert INSTANT.fullmatch(one["effectiveDateTime"])
        assert one["category"][0]["coding"][0]["code"] == "vital-signs"
        measured = one.get("component") or [one]
        assert ("valueQuantity" in one) != ("component" in one)
        for part in measured:
            quantity = part["valueQuantity"]
            codes = [coding["code"] for coding in part["code"]["coding"]]
            assert {PROFILE[code] for code in codes} == {quantity["code"]}
            assert quantity["system"] == "http://unitsofmeasure.org"


def test_values_and_person_are_those_that_were_measured() -> None:
    by_code = {one["code"]["coding"][-1]["code"]: one for one in observations(_kept(FULL))}

    assert by_code["8867-4"]["valueQuantity"]["value"] == 72
    assert by_code["8310-5"]["effectiveDateTime"] == "2026-06-01T01:00:00.123Z"
    assert by_code["8310-5"]["subject"]["identifier"]["value"] == "resident-1"
    pressure = by_code["85354-9"]["component"]
    assert [part["valueQuantity"]["value"] for part in pressure] == [128, 78]


def test_oxygen_carries_both_codes_that_the_profile_asks_for() -> None:
    [one] = observations(_kept(Vitals(at=AT, spo2_pct=97)))

    assert [coding["code"] for coding in one["code"]["coding"]] == ["2708-6", "59408-5"]


@pytest.mark.parametrize("said", [Vitals(at=AT), Home(at=AT, sensor=Sensor.PIR, value=1)])
def test_what_was_not_measured_is_no_resource(said: Vitals | Home) -> None:
    assert observations(_kept(said)) == []


def test_ids_tell_resources_apart_and_stay_the_same() -> None:
    found = bundle([_kept(FULL)])

    ids = [entry["resource"]["id"] for entry in found["entry"]]
    assert found["total"] == len(ids) == len({*ids})
    assert bundle([_kept(FULL)]) == found
