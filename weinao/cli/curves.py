"""What a picture draws as curves: the numbers that an incident is about, each in its own unit.

evidence ─► which signs? ─► their curves over the day; of rare ones, over the fortnight before
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from msgspec import Struct

from weinao.messages import Crowd, Home, Rhythm, Sensor, Utility, Vitals
from weinao.outcomes import HazardKind, Incident, Kept
from weinao.story import Case
from weinao.voice import Voice, device_of

PANELS_MAX = 5

SIGNS = {
    "hr_bpm": "pulse", "spo2_pct": "oxygen", "resp_per_min": "breathing", "temp_c": "temp",
    "sbp_mmhg": "pressure", "dbp_mmhg": "pressure", "glucose_mmol_l": "glucose",
    "weight_kg": "weight",
}  # fmt: skip
"""The panel of each vital sign."""

CONTEXT = ("pulse", "oxygen")
"""Drawn of a person whatever the incident is about."""

_AMBIENT = {
    Sensor.TEMPERATURE: "warmth", Sensor.HUMIDITY: "humidity", Sensor.POWER: "power",
    Sensor.WATER: "water",
}  # fmt: skip
_LIMBS = {"sbp": "pressure", "dbp": "pressure", "pulse": "pulse", "temp": "temp"}
_MEASURED = {"power": "power", "water": "water", "gas": "gas"}
_HOUR_MS = 3_600_000
_STEPPED = ("power", "water", "gas")


class Reading(Struct, frozen=True):
    """One number.

    Attributes:
        panel: Where it is drawn.
        curve: Which curve it belongs to: a sign of a person, a room, a meter.
        id: Of its observation.
    """

    panel: str
    curve: tuple[str, str]
    at: int
    value: float
    id: str


class Curve(Struct, frozen=True):
    """Readings that belong together; `stepped` ones hold until the next."""

    label: str
    readings: tuple[Reading, ...]
    stepped: bool = False


class Panel(Struct, frozen=True):
    """Curves of one unit, below each other with others.

    Attributes:
        title: With its unit.
        evidence: Those readings that the incident rests on.
    """

    name: str
    title: str
    curves: tuple[Curve, ...]
    evidence: tuple[Reading, ...]


def wanted(case: Case) -> tuple[str, ...]:
    """Return the panels of what an incident is about, most telling first."""
    beyond = str(case.incident.facts.get("beyond", ""))
    named = [_LIMBS[limb.rpartition("_")[0]] for limb in beyond.split(", ") if limb]
    shown = [reading.panel for reading in readings(case.evidence)]
    if case.incident.kind in (HazardKind.FIRE_LANE, HazardKind.CHILD_ALONE):
        shown = []  # a lane is not crowded but blocked; a band at home says no more than that
    return tuple(dict.fromkeys(named or shown))[:PANELS_MAX]


def panels(case: Case, seen: Sequence[Kept], voice: Voice, names: Iterable[str]) -> list[Panel]:
    """Return the panels of these names for which anything was observed."""
    evidence = {one.id for one in case.evidence}
    found = [*readings([*seen, *(one for one in case.evidence if one not in seen)])]
    made = []
    for name in names:
        mine = sorted((one for one in found if one.panel == name), key=lambda one: one.at)
        if mine:
            curves = _curves(mine, case.incident, voice)
            marked = tuple(one for one in mine if one.id in evidence)
            made.append(Panel(name, voice.say("panel", name), curves, marked))
    return made


def readings(seen: Iterable[Kept]) -> Iterator[Reading]:
    """Yield every number of some observations."""
    meters: dict[str, list[Kept]] = {}
    for kept in seen:
        said = kept.observation
        match said:
            case Vitals():
                for sign, panel in SIGNS.items():
                    value = getattr(said, sign)
                    if value is not None:
                        yield Reading(panel, (kept.subject, sign), kept.at, value, kept.id)
            case Home() if said.sensor in _AMBIENT:
                panel = _AMBIENT[said.sensor]
                yield Reading(panel, (kept.device, said.room), kept.at, said.value, kept.id)
            case Crowd():
                zone = ("", said.zone)
                yield Reading("density", zone, kept.at, said.density, kept.id)
            case Rhythm() if said.rmssd_ms is not None:
                yield Reading("rmssd", (kept.subject, ""), kept.at, said.rmssd_ms, kept.id)
            case Utility():
                meters.setdefault(kept.device, []).append(kept)
            case _:
                pass
    for device, kept_of in meters.items():
        yield from _metered(device, sorted(kept_of, key=lambda one: one.at))


def _metered(device: str, seen: Sequence[Kept]) -> Iterator[Reading]:
    """Yield how much an hour a meter measures, be it a register or a rate itself."""
    from pipeline.brain.identify.meter import UNITS, commodity, scaled

    told = [(one, one.observation) for one in seen if isinstance(one.observation, Utility)]
    for (before, earlier), (kept, said) in pairwise([*told[:1], *told]):
        what = commodity(said)
        if what is None:
            continue
        value = scaled(said)
        counts = UNITS[said.unit.lower().replace("³", "3").replace(" ", "")][1]
        if not counts:
            yield Reading(_MEASURED[what], (device, said.meter), kept.at, value, kept.id)
        elif kept.at > before.at and value >= scaled(earlier):
            rate = (value - scaled(earlier)) * _HOUR_MS / (kept.at - before.at)
            yield Reading(_MEASURED[what], (device, said.meter), kept.at, rate, kept.id)


def _curves(found: Sequence[Reading], incident: Incident, voice: Voice) -> tuple[Curve, ...]:
    grouped: dict[tuple[str, str], list[Reading]] = {}
    for one in found:
        grouped.setdefault(one.curve, []).append(one)
    several = len({whose for whose, _ in grouped}) > 1
    return tuple(
        Curve(_label(mine[0], incident, voice, several=several), tuple(mine),
              stepped=mine[0].panel in _STEPPED)
        for _, mine in sorted(grouped.items())
    )  # fmt: skip


def _label(one: Reading, incident: Incident, voice: Voice, *, several: bool) -> str:
    whose, what = one.curve
    if one.panel in SIGNS.values():
        name = voice.say("curve", what)
        return f"{name} · {voice.who(whose)}" if several else name
    if one.panel == "rmssd":
        return voice.who(whose) if several else voice.say("curve", "rmssd")
    if one.panel == "density":
        return what or incident.subject
    device = device_of(voice.records, whose)
    room = what if device is None or one.panel in _MEASURED else what or device.room
    return f"{whose} · {voice.room(room)}" if room else whose
