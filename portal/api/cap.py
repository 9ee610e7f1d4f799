"""An incident as a message of the Common Alerting Protocol, for other systems that warn.

References:
    OASIS, Common Alerting Protocol 1.2 (2010): section 3.2 for the elements and their order,
        3.2.1 for what may not stand in identifiers, 3.3.2 for dates.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from xml.etree import ElementTree as ET

from weinao.catalogue import LANGUAGES, catalogue
from weinao.outcomes import HazardKind, Incident, IncidentState, Severity

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"

_SEVERITY = {
    Severity.INFO: "Minor",
    Severity.MINOR: "Moderate",
    Severity.MAJOR: "Severe",
    Severity.CRITICAL: "Extreme",
}
_URGENCY = {
    Severity.INFO: "Future",
    Severity.MINOR: "Expected",
    Severity.MAJOR: "Immediate",
    Severity.CRITICAL: "Immediate",
}
_HEALTH = (
    HazardKind.FALL, HazardKind.SOS, HazardKind.VITALS, HazardKind.INACTIVITY,
    HazardKind.IRREGULAR_PULSE, HazardKind.BED_EXIT,
)  # fmt: skip
_FIRE = (HazardKind.SMOKE, HazardKind.STOVE_ON, HazardKind.FIRE_LANE)
_SECURITY = (HazardKind.WATCHLIST, HazardKind.TAILGATING)
_OVER = (IncidentState.CLOSED, IncidentState.VERIFIED)
_LANGUAGE = {"zh": "zh-CN", "en": "en-US"}


def alert(incident: Incident, *, sender: str, area: str, tz_offset_min: int) -> bytes:
    """Return the message about an incident's latest change, as UTF-8.

    Each change is a message of its own: the first one an `Alert`, later ones an `Update` that names
    the first, a false alarm a `Cancel` of it. No resident is named; the area is a place.

    Args:
        incident: As it stands.
        sender: Who sends, unique in the world: a host or an address of ours.
        area: Where, in words.
        tz_offset_min: Minutes that the place is ahead of UTC.
    """
    root = ET.Element("alert", xmlns=NAMESPACE)
    first, last = incident.noticed_at, _changed_at(incident)
    kind = message_type(incident)
    for name, text in (
        ("identifier", identifier(incident, len(incident.steps))),
        ("sender", _plain(sender)),
        ("sent", _date(last, tz_offset_min)),
        ("status", "Actual"),
        ("msgType", kind),
        ("scope", "Restricted"),
        ("restriction", "For those who handle incidents of this community"),
    ):
        ET.SubElement(root, name).text = text
    if kind != "Alert":
        named = (_plain(sender), identifier(incident, 1), _date(first, tz_offset_min))
        ET.SubElement(root, "references").text = ",".join(named)
    for info in _infos(incident, area, tz_offset_min):
        root.append(info)
    content: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return content


def identifier(incident: Incident, change: int) -> str:
    """Return the id of the message about a change; the first has number 1."""
    return f"{incident.grid}.{incident.id}.{change}"


def message_type(incident: Incident) -> str:
    """Return `Alert`, `Update` or `Cancel`."""
    if incident.state is IncidentState.FALSE_ALARM:
        return "Cancel"
    return "Alert" if len(incident.steps) <= 1 else "Update"


def _infos(incident: Incident, area: str, tz_offset_min: int) -> Iterator[ET.Element]:
    for language in LANGUAGES:
        words = catalogue(language)
        info = ET.Element("info")
        over = incident.hazard_over or incident.state in _OVER
        for name, text in (
            ("language", _LANGUAGE[language]),
            ("category", _category(incident.kind)),
            ("event", words.word(incident.kind)),
            *((("responseType", "AllClear"),) if over else ()),
            ("urgency", "Past" if over else _URGENCY[incident.severity]),
            ("severity", _SEVERITY[incident.severity]),
            ("certainty", _certainty(incident)),
            ("onset", _date(incident.at, tz_offset_min)),
            ("headline", f"{words.word(incident.kind)} · {words.word(incident.state)}"[:160]),
        ):
            ET.SubElement(info, name).text = text
        where = ET.SubElement(info, "area")
        ET.SubElement(where, "areaDesc").text = area
        yield info


def _category(kind: HazardKind) -> str:
    if kind in _HEALTH:
        return "Health"
    if kind in _FIRE:
        return "Fire"
    return "Security" if kind in _SECURITY else "Safety"


def _certainty(incident: Incident) -> str:
    if incident.state is IncidentState.FALSE_ALARM:
        return "Unlikely"
    observed, likely = 0.99, 0.5  # CAP: `Likely` is a probability above one half
    if incident.confidence >= observed:
        return "Observed"
    return "Likely" if incident.confidence > likely else "Possible"


def _changed_at(incident: Incident) -> int:
    return incident.steps[-1].at if incident.steps else incident.noticed_at


def _date(at: int, tz_offset_min: int) -> str:
    zone = timezone(timedelta(minutes=tz_offset_min))
    here = datetime.fromtimestamp(at // 1_000, tz=UTC).astimezone(zone)
    # CAP writes UTC as -00:00, and never as Z.
    return here.isoformat() if tz_offset_min else here.isoformat().replace("+00:00", "-00:00")


def _plain(text: str) -> str:
    """Return a name without what identifiers may not hold: spaces, commas, `<` and `&`."""
    return "".join("-" if letter in " ,<&" else letter for letter in text)
