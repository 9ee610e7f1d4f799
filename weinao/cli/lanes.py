"""The rows of a picture: when which room, door, gate or device had something to say."""

from collections.abc import Sequence

from msgspec import Struct

from weinao.messages import (
    Crowd,
    Gate,
    Highrise,
    Home,
    Match,
    Motion,
    Patrol,
    Rhythm,
    Sensor,
    Status,
    Vitals,
)
from weinao.outcomes import HazardKind, Kept
from weinao.story import Case
from weinao.voice import Voice, device_of

_CONTACTS = (Sensor.DOOR, Sensor.WINDOW, Sensor.BED, Sensor.CHAIR, Sensor.MEDICINE)
_ALARMS = (Sensor.SMOKE, Sensor.GAS, Sensor.CO, Sensor.LEAK, Sensor.SOS)
_LIFE, _USUAL, _CONTACT, _ODD, _ALARMING = (
    "tab:gray", "tab:blue", "tab:brown", "tab:orange", "tab:red"
)  # fmt: skip
_ORDER = (_LIFE, _USUAL, _CONTACT, _ODD, _ALARMING)
_GATE = {Match.WATCHLIST: _ALARMING, Match.UNKNOWN: _ODD}


class Lane(Struct, frozen=True):
    """What belongs in one row: a room, the door, a danger. `at` in milliseconds UTC."""

    name: str
    at: tuple[int, ...]
    colour: str


def lanes(case: Case, seen: Sequence[Kept], voice: Voice) -> list[Lane]:
    """Return the rows of a picture, from the bottom up: the usual first, dangers last."""
    found: dict[str, list[int]] = {}
    colours: dict[str, str] = {}
    for kept in seen:
        name, colour, at = _lane_of(case, kept, voice)
        if name:
            found.setdefault(name, []).append(at)
            colours.setdefault(name, colour)
    rows = [Lane(name, tuple(at), colours[name]) for name, at in found.items()]
    return sorted(rows, key=lambda row: (_ORDER.index(row.colour), row.name))


def _lane_of(case: Case, kept: Kept, voice: Voice) -> tuple[str, str, int]:
    name, colour, at = "", "", kept.at
    said = kept.observation
    match said:
        case Motion():
            name, colour = f"{kept.device}: {voice.words.say('observation', 'motion')}", _ALARMING
        case Home():
            name, colour = _home(kept, said, voice)
        case Gate():
            name, colour = voice.say("match", said.match), _GATE.get(said.match, _USUAL)
        case Crowd() if said.blocked:
            name, colour = voice.say("lane", "blocked", zone=said.zone), _ALARMING
        case Crowd():
            if case.incident.kind is HazardKind.FIRE_LANE:
                name, colour = voice.say("lane", "free", zone=said.zone), _USUAL
        case Highrise():
            name, colour = voice.say("lane", "falling", building=said.building), _ALARMING
        case Patrol() if said.checkpoint == case.incident.subject:
            name, colour = voice.say("lane", "patrol", checkpoint=said.checkpoint), _USUAL
        case Rhythm() if case.incident.kind is HazardKind.IRREGULAR_PULSE:
            name = voice.say("lane", "irregular" if said.irregular else "regular")
            colour = _ALARMING if said.irregular else _USUAL
        case Vitals() if case.incident.kind is HazardKind.CHILD_ALONE:
            name, colour = voice.say("lane", "band", device=kept.device), _USUAL
        case Status():
            name, at = _life(case, kept, said, voice)
            colour = _LIFE
        case _:
            pass
    return name, colour, at


def _home(kept: Kept, said: Home, voice: Voice) -> tuple[str, str]:
    device = device_of(voice.records, kept.device)
    room = voice.room(said.room or (device.room if device else ""))
    if said.sensor is Sensor.PIR and said.value:
        return room, _USUAL
    if said.sensor in _CONTACTS:
        return f"{voice.say('sensor', said.sensor)}, {room}", _CONTACT
    if said.sensor in _ALARMS and said.value:
        return f"{voice.say('sensor', said.sensor)}, {room}", _ALARMING
    return "", ""


def _life(case: Case, kept: Kept, said: Status, voice: Voice) -> tuple[str, int]:
    """Return a sign of life of what fell silent: the agent's own, or a sensor's by its word."""
    silent = case.incident.subject
    name = voice.say("lane", "life", device=silent)
    if case.incident.kind is HazardKind.AGENT_SILENT and kept.device == silent:
        return name, kept.at
    if case.incident.kind is HazardKind.DEVICE_SILENT and silent in said.sensors:
        return name, said.sensors[silent]
    return "", kept.at
