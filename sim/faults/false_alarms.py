"""Devices that say what is not so: false falls, ghosts, nuisance alarms. In truth, nothing.

What they add is merged into what is said; what they spoil is changed in passing.
"""

import heapq
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from sim.faults.plan import Fault
from sim.world.home import LYING_MS
from sim.world.said import MINUTE_MS, Said, dice
from weinao.messages import (
    Gate,
    Highrise,
    Home,
    Match,
    Motion,
    MotionEvent,
    Rhythm,
    Sensor,
    Utility,
    Vitals,
)

FALSE_FALL_CONFIDENCES = (0.53, 0.53, 0.6, 0.62, 0.67, 0.67, 0.68, 0.69, 0.7, 0.74, 0.77, 0.95)
"""Of all 12 false calls among 797 recordings of daily activities at the wrist, cross-validated by
person (models/cards/fall_v1.md names the command that plays them)."""

STILL_AFTER_SHARE = 0.15
"""How often a false fall is followed by stillness: who sat down hard sits. Ours."""

GHOST_MS = 4 * 60 * MINUTE_MS
"""How often a ghost appears: a model of PIR that reports every four hours or so is Zigbee2MQTT's
issue 12555; others in its tracker are worse."""

Rooms = Mapping[str, str]


def falsified(
    said: Iterable[Said], faults: Sequence[Fault], rooms: Rooms, start: int, seed: int
) -> Iterator[Said]:
    """Return what is said with these faults, in the order of time.

    Args:
        said: What is so.
        faults: Of these devices; other kinds are left alone.
        rooms: Of the sensors.
        start: When the story begins, milliseconds UTC.
        seed: Of the world.
    """
    spoils = [one for one in faults if one.kind in _SPOILT]
    added = [
        [*_ADDED[one.kind](one, start + round(one.from_s * 1_000), rooms, _dice(one, seed))]
        for one in faults
        if one.kind in _ADDED
    ]
    dices = {id(one): _dice(one, seed) for one in spoils}
    if spoils:
        said = _spoilt(said, spoils, dices, start)
    fooled = {one.target for one in faults if one.kind == "false_fall"}
    return _in_reach(heapq.merge(said, *added, key=lambda one: one.at), fooled)


def _in_reach(said: Iterable[Said], bands: set[str]) -> Iterator[Said]:
    """Yield what is said, but no fall of a band that is out with its wearer: nobody hears it."""
    heard_at: dict[str, int] = {}
    for one in said:
        if one.device in bands and isinstance(one.observation, Motion):
            if one.at > heard_at.get(one.device, 0) + _REACH_MS:
                continue
        elif one.device in bands:
            heard_at[one.device] = one.at
        yield one


_REACH_MS = 15 * MINUTE_MS


def _dice(fault: Fault, seed: int) -> random.Random:
    return dice(seed, fault.kind, fault.target, fault.from_s)


def _spoilt(
    said: Iterable[Said], faults: Sequence[Fault], dices: dict[int, random.Random], start: int
) -> Iterator[Said]:
    of = {target: [one for one in faults if one.target == target] for target in _targets(faults)}
    after: list[tuple[int, int, Said]] = []
    order = 0
    for one in said:
        while after and after[0][0] <= one.at:
            yield heapq.heappop(after)[2]
        words = [one]
        for fault in of.get(one.device, ()):
            rng = dices[id(fault)]
            if fault.during((one.at - start) / 1_000) and rng.random() < fault.share:
                words = _SPOILT[fault.kind](one, rng)
        yield words[0]
        for late in words[1:]:
            order += 1
            heapq.heappush(after, (late.at, order, late))
    while after:
        yield heapq.heappop(after)[2]


def _targets(faults: Sequence[Fault]) -> list[str]:
    return list(dict.fromkeys(one.target for one in faults))


def _false_fall(fault: Fault, at: int, _: Rooms, rng: random.Random) -> Iterator[Said]:
    sure = fault.share if fault.share < 1 else rng.choice(FALSE_FALL_CONFIDENCES)
    fell = Motion(at=at, event=MotionEvent.FALL, confidence=sure, impact_g=2.6)
    yield Said(at, fault.target, fell)
    if rng.random() < STILL_AFTER_SHARE:
        lies = Motion(at=at + LYING_MS, event=MotionEvent.IMMOBILE, confidence=sure, still_s=14.0)
        yield Said(lies.at, fault.target, lies)


def _ghosts(fault: Fault, at: int, rooms: Rooms, rng: random.Random) -> Iterator[Said]:
    until = at + round((fault.until_s - fault.from_s) * 1_000)
    while (at := at + round(GHOST_MS * rng.uniform(0.7, 1.3))) < until:
        yield _sensed(fault.target, at, 1.0, rooms)


def _nuisance(fault: Fault, at: int, rooms: Rooms, rng: random.Random) -> Iterator[Said]:
    yield _sensed(fault.target, at, 1.0, rooms)
    yield _sensed(fault.target, at + rng.randrange(60_000, 240_000), 0.0, rooms)


def _slips(fault: Fault, at: int, rooms: Rooms, _: random.Random) -> Iterator[Said]:
    yield _sensed(fault.target, at, 0.0, rooms)
    until = at + round((fault.until_s - fault.from_s) * 1_000)
    yield _sensed(fault.target, until, 1.0, rooms)


def _wrong_match(fault: Fault, at: int, _: Rooms, rng: random.Random) -> Iterator[Said]:
    said = Gate(
        at=at,
        match=Match.WATCHLIST,
        person="person-watched",
        score=round(rng.uniform(0.565, 0.66), 3),
        live=0.97,
        quality=0.8,
        direction="in",
    )
    yield Said(at, fault.target, said)


def _mistaken(fault: Fault, at: int, _: Rooms, rng: random.Random) -> Iterator[Said]:
    said = Highrise(
        at=at,
        building=fault.target.replace("facade", "building"),
        floor=rng.randrange(3, 18),
        column=f"c{rng.randrange(1, 25)}",
        t_fall_s=round(rng.uniform(1, 8), 2),
        confidence=round(rng.uniform(0.5, 0.75), 2),
    )
    yield Said(at, fault.target, said)


def _sensed(device: str, at: int, value: float, rooms: Rooms) -> Said:
    sensor = Sensor(device.split("-", maxsplit=1)[0])
    return Said(at, device, Home(at=at, sensor=sensor, value=value, room=rooms.get(device, "")))


def _bounces(one: Said, rng: random.Random) -> list[Said]:
    """Return a contact's word with its opposite and itself again, within milliseconds."""
    said = one.observation
    if not isinstance(said, Home):
        return [one]
    again = one.at + rng.randrange(4, 200)
    back = replace(said, at=again, value=1.0 - said.value)
    settled = replace(said, at=again + rng.randrange(4, 200))
    return [one, Said(back.at, one.device, back), Said(settled.at, one.device, settled)]


def _loose(one: Said, rng: random.Random) -> list[Said]:
    """Return a reading through a gap of air: saturation far too low, pulse anything."""
    said = one.observation
    if not isinstance(said, Vitals) or said.spo2_pct is None or said.hr_bpm is None:
        return [one]
    low, pulse = round(rng.uniform(74, 91), 1), round(said.hr_bpm + rng.gauss(0, 12), 1)
    return [Said(one.at, one.device, replace(said, spo2_pct=low, hr_bpm=max(30.0, pulse)))]


def _glitches(one: Said, rng: random.Random) -> list[Said]:
    """Return one reading that never was: a lost digit, or a number from another register."""
    said = one.observation
    if isinstance(said, Utility):
        wrong = rng.choice((said.value * 10, 65_535.0))
        return [Said(one.at, one.device, replace(said, value=wrong))]
    if isinstance(said, Home) and said.sensor is Sensor.TEMPERATURE:
        return [Said(one.at, one.device, replace(said, value=rng.choice((-40.0, 0.0, 85.0))))]
    return [one]


def _ectopy(one: Said, rng: random.Random) -> list[Said]:
    """Return a window with extra beats in it, called irregular."""
    said = one.observation
    if not isinstance(said, Rhythm):
        return [one]
    odd = replace(said, rmssd_ms=95.0, irregular=True, confidence=round(rng.uniform(0.4, 0.8), 2))
    return [Said(one.at, one.device, odd)]


_ADDED: dict[str, Callable[[Fault, int, Rooms, random.Random], Iterator[Said]]] = {
    "false_fall": _false_fall,
    "ghost_motion": _ghosts,
    "nuisance_alarm": _nuisance,
    "bed_slips": _slips,
    "wrong_match": _wrong_match,
    "mistaken_object": _mistaken,
}
_SPOILT: dict[str, Callable[[Said, random.Random], list[Said]]] = {
    "door_bounces": _bounces,
    "loose_band": _loose,
    "glitches": _glitches,
    "ectopy": _ectopy,
}
