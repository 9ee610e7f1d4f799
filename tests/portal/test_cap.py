"""Incidents as CAP 1.2: elements, their order and their values are those of the standard."""

from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace

from portal.api.cap import NAMESPACE, alert
from weinao.messages import Action
from weinao.outcomes import HazardKind, Incident, IncidentState, Severity, Step

AT = 1_780_275_600_000  # 2026-06-01T09:00:00+08:00
N = f"{{{NAMESPACE}}}"

# CAP 1.2, appendix A: the elements of <alert> and <info>, in the order in which they have to stand.
ALERT_ORDER = (
    "identifier", "sender", "sent", "status", "msgType", "source", "scope", "restriction",
    "addresses", "code", "note", "references", "incidents", "info",
)  # fmt: skip
INFO_ORDER = (
    "language", "category", "event", "responseType", "urgency", "severity", "certainty",
    "audience", "eventCode", "effective", "onset", "expires", "senderName", "headline",
    "description", "instruction", "web", "contact", "parameter", "resource", "area",
)  # fmt: skip
VALUES = {
    "status": {"Actual", "Exercise", "System", "Test", "Draft"},
    "msgType": {"Alert", "Update", "Cancel", "Ack", "Error"},
    "scope": {"Public", "Restricted", "Private"},
    "category": {
        "Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport",
        "Infra", "CBRNE", "Other",
    },
    "urgency": {"Immediate", "Expected", "Future", "Past", "Unknown"},
    "severity": {"Extreme", "Severe", "Moderate", "Minor", "Unknown"},
    "certainty": {"Observed", "Likely", "Possible", "Unlikely", "Unknown"},
    "responseType": {
        "Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear",
        "None",
    },
}  # fmt: skip


def _incident(kind: HazardKind = HazardKind.SMOKE, **changes: object) -> Incident:
    opened = Step(at=AT + 200, action=Action.OPEN, actor="brain", state=IncidentState.OPEN)
    made = Incident(
        id="i-0123456789abcdef", grid="grid-1", kind=kind, severity=Severity.CRITICAL,
        state=IncidentState.OPEN, subject="home-1", household="home-1", at=AT, noticed_at=AT + 200,
        steps=(opened,),
    )  # fmt: skip
    return replace(made, **changes)


def _parsed(incident: Incident, **more: object) -> ET.Element:
    told = {"sender": "portal.example.org", "area": "1 号楼 301", "tz_offset_min": 480, **more}
    return ET.fromstring(alert(incident, **told))  # type: ignore[arg-type]


def _text(root: ET.Element, path: str) -> str:
    found = root.find("/".join(N + part for part in path.split("/")))
    assert found is not None, path
    return found.text or ""


@pytest.mark.parametrize("kind", [*HazardKind])
@pytest.mark.parametrize("state", [*IncidentState])
def test_elements_and_values_are_those_of_the_standard(
    kind: HazardKind, state: IncidentState
) -> None:
    root = _parsed(_incident(kind, state=state))

    assert root.tag == f"{N}alert"
    for order, element in ((ALERT_ORDER, root), *((INFO_ORDER, i) for i in root.iter(f"{N}info"))):
        names = [child.tag.removeprefix(N) for child in element]
        assert names == sorted(names, key=order.index)
        for child in element:
            allowed = VALUES.get(child.tag.removeprefix(N))
            assert allowed is None or child.text in allowed, child.tag


def test_both_languages_are_told_and_nobody_is_named() -> None:
    root = _parsed(_incident())

    assert [info.findtext(f"{N}language") for info in root.iter(f"{N}info")] == ["zh-CN", "en-US"]
    assert [info.findtext(f"{N}event") for info in root.iter(f"{N}info")] == ["烟雾报警", "smoke"]
    assert _text(root, "info/area/areaDesc") == "1 号楼 301"


def test_an_update_names_the_first_message_and_a_false_alarm_cancels_it() -> None:
    incident = _incident()
    later = Step(at=AT + 60_000, action=Action.DISMISS, actor="x", state=IncidentState.FALSE_ALARM)
    first = _parsed(incident)

    update = _parsed(replace(incident, steps=(*incident.steps, replace(later))))
    cancel = _parsed(
        replace(incident, steps=(*incident.steps, later), state=IncidentState.FALSE_ALARM)
    )

    named = ",".join(_text(first, name) for name in ("sender", "identifier", "sent"))
    assert (_text(first, "msgType"), first.find(f"{N}references")) == ("Alert", None)
    assert (_text(update, "msgType"), _text(update, "references")) == ("Update", named)
    assert (_text(cancel, "msgType"), _text(cancel, "references")) == ("Cancel", named)
    assert _text(cancel, "info/certainty") == "Unlikely"


def test_dates_carry_the_offset_of_the_place_and_utc_is_minus_zero() -> None:
    assert _text(_parsed(_incident()), "sent") == "2026-06-01T09:00:00+08:00"
    assert _text(_parsed(_incident(), tz_offset_min=0), "sent") == "2026-06-01T01:00:00-00:00"


def test_what_may_not_stand_in_an_identifier_does_not() -> None:
    root = _parsed(_incident(), sender="a portal, <ours> & theirs")

    for name in ("sender", "identifier"):
        assert not set(_text(root, name)) & set(" ,<&")
