"""One observation in words: what was sensed, where, with its value and unit."""

from typing import cast

from msgspec import structs

from weinao.messages import (
    Crowd,
    Gate,
    Home,
    Motion,
    MotionEvent,
    Observation,
    Rhythm,
    Vitals,
)
from weinao.outcomes import Fact, Kept
from weinao.registry import Device
from weinao.voice import Voice, device_of


def observed(kept: Kept, voice: Voice) -> str:
    """Return a sentence about an observation, without its time."""
    said = kept.observation
    room = _room(said, device_of(voice.records, kept.device))
    where = voice.say("observed", "where", room=voice.room(room)) if room else ""
    return voice.say("observed", "line", device=kept.device, where=where, text=_text(said, voice))


def _room(said: Observation, device: Device | None) -> str:
    named = said.room if isinstance(said, Home) else ""
    return named or (device.room if device else "")


def _text(said: Observation, voice: Voice) -> str:
    if isinstance(said, Vitals):
        return _vitals(said, voice)
    if isinstance(said, Home):
        return _home(said, voice)
    if isinstance(said, Motion):
        return _motion(said, voice)
    facts = _facts(said)
    if isinstance(said, Rhythm):
        name = "rhythm_irregular" if said.irregular else "rhythm_regular"
        return voice.say("said", name, **facts)
    if isinstance(said, Gate):
        facts["match"] = voice.say("match", said.match)
        facts["direction"] = voice.direction(said.direction)
    kind = str(said.__struct_config__.tag)
    if isinstance(said, Crowd):
        kind = _crowd(said)
    return voice.say("said", kind, **facts)


def _vitals(said: Vitals, voice: Voice) -> str:
    parts = []
    for name, value in structs.asdict(said).items():
        if value is None or value is False or not voice.knows("sign", name):
            continue
        shown = voice.say("consciousness", value) if name == "consciousness" else _number(value)
        parts.append(voice.say("sign", name, value=shown))
    return voice.say("join", "comma").join(parts) or voice.say("said", "nothing")


def _home(said: Home, voice: Voice) -> str:
    if voice.knows("home", said.sensor):
        return voice.say("home", said.sensor, value=_number(said.value))
    return voice.say("home", f"{said.sensor}.{'on' if said.value else 'off'}")


def _motion(said: Motion, voice: Voice) -> str:
    plain = said.event is MotionEvent.IMMOBILE and said.still_s is None
    return voice.say("motion", "immobile_plain" if plain else said.event, **_facts(said))


def _crowd(said: Crowd) -> str:
    if said.blocked:
        return "crowd_blocked" if said.people or said.vehicles else "crowd_blocked_plain"
    return "crowd" if said.vehicles else "crowd_people"


def _facts(said: Observation) -> dict[str, Fact]:
    facts = {name: value for name, value in structs.asdict(said).items() if value is not None}
    share = {
        name: f"{value:.0%}" for name, value in facts.items() if name in ("confidence", "score")
    }
    plain = {
        name: _number(value) if isinstance(value, float) else value
        for name, value in facts.items()
        if isinstance(value, str | int | float)
    }
    return cast("dict[str, Fact]", {**plain, **share})


def _number(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
