"""How often devices say what is not so, with where each number is from.

A rate is per device and day. Where nobody has published one we say so; those are for whoever has a
community to measure, and none was chosen by what the brain makes of it.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec import Struct

from sim.faults.plan import Fault
from sim.world.households import ROOMS, Dwelling
from sim.world.said import dice

_DAY_S, _HOUR_S = 86_400.0, 3_600.0


class Rate(Struct, frozen=True, kw_only=True):
    """How often one kind of device errs in one way.

    Attributes:
        a_day: Per device; what lasts to the end is a share of devices, `of_devices`, instead.
        hours: Of the local day, between which it begins.
        lasts_s: Shortest and longest.
        share: Of its words, while it lasts.
    """

    kind: str
    a_day: float = 0.0
    of_devices: float = 0.0
    devices: Callable[[Dwelling], Iterable[str]]
    hours: tuple[float, float] = (0, 24)
    lasts_s: tuple[float, float] = (60, 60)
    share: float = 1.0


def _bands(home: Dwelling) -> list[str]:
    return [one.band for one in home.people if one.band and one.kind == "elder"]


def _only(what: str) -> Callable[[Dwelling], Iterable[str]]:
    return lambda home: (home.device(what),)


def _beds(home: Dwelling) -> list[str]:
    return [home.device("bed")] if home.people[0].kind == "elder" else []


def _pirs(home: Dwelling) -> list[str]:
    return [home.device(f"pir-{room}") for room in ROOMS]


def _meters(home: Dwelling) -> list[str]:
    return [home.meter] if home.meter else []


AT_HOME: tuple[Rate, ...] = (
    # 0.17 false alarms a week and wearer: Scheurer et al. 2019, Sensors 19:1357, 20 elders of 86
    # years in real life, worn at the waist. Ours is worn at the wrist, and has no such study.
    Rate(kind="false_fall", a_day=0.17 / 7, devices=_bands, hours=(6, 22)),
    # Between 11 % of homes within six months (photoelectric; Fazzini et al. 2000) and 0.9 % of
    # meals (photoelectric 6 m from the stove, CPSC 2010): three times the former, as people here
    # fry in a wok.
    Rate(kind="nuisance_alarm", a_day=0.002, devices=_only("smoke"), hours=(6, 20)),
    # Nothing published that we found: fumes of alcohol and cooking, half as often as smoke.
    Rate(kind="nuisance_alarm", a_day=0.001, devices=_only("gas"), hours=(6, 20)),
    # Nothing published that we found: once in ten years, and a mop once in five.
    Rate(kind="nuisance_alarm", a_day=0.0003, devices=_only("co")),
    Rate(kind="nuisance_alarm", a_day=0.0005, devices=_only("leak"), hours=(7, 21)),
    # One sensor in twenty, all the time: owners in Zigbee2MQTT's tracker (issues 12555, 1909)
    # have a few that do, among dozens that never did.
    Rate(kind="ghost_motion", of_devices=0.05, devices=_pirs),
    # One contact in thirty hangs loose, and bounces at a third of its words. Ours.
    Rate(kind="door_bounces", of_devices=0.03, devices=_only("door"), share=0.33),
    # A band sits loosely for an hour or three, once in two weeks. Ours: no free-living wrist
    # recording with a reference could be had.
    Rate(kind="loose_band", a_day=0.07, devices=_bands, lasts_s=(_HOUR_S, 3 * _HOUR_S), share=0.3),
    # A few wearers have extra beats in spells: such windows pass the detector in 3 % of their
    # time at worst (models/cards/rhythm_v1.md), here ten times that for a day.
    Rate(kind="ectopy", a_day=0.01, devices=_bands, lasts_s=(_DAY_S, _DAY_S), share=0.3),
    # A mat slips under its sleeper once in three months. Ours.
    Rate(kind="bed_slips", a_day=0.01, devices=_beds, hours=(0, 5), lasts_s=(1_200, 7_200)),
    # Of a hundred readings one or two are wrong, on one thermometer in fifty and on one meter in
    # five. Ours.
    Rate(kind="glitches", of_devices=0.02, devices=_only("temperature"), share=0.02),
    Rate(kind="glitches", of_devices=0.2, devices=_meters, share=0.01),
)

WRONG_MATCHES_A_DAY = 0.024
"""Of a gate: 24 strangers and visitors pass a day, and of pairs of different faces one in a
thousand scores beyond the limit of the rule (pipeline/brain/identify/gate.py); a list of one."""

MISTAKEN_A_DAY = 0.1
"""Of a camera at a facade. Ours: none an hour in fair weather is what we ask of a detector, and
birds, bags and snow are not rare."""


def false_alarms(homes: Sequence[Dwelling], lasts_s: float, seed: int) -> tuple[Fault, ...]:
    """Return every false alarm of a community's devices over a story."""
    rng = dice(seed, "false_alarms")
    found = [
        fault
        for home in homes
        for rate in AT_HOME
        for device in rate.devices(home)
        for fault in _of(rate, device, lasts_s, rng)
    ]
    for grid in dict.fromkeys(home.grid for home in homes):
        for kind, place, a_day in (
            ("wrong_match", "gate", WRONG_MATCHES_A_DAY),
            ("mistaken_object", "facade", MISTAKEN_A_DAY),
        ):
            rate = Rate(kind=kind, a_day=a_day, devices=lambda _: (), hours=(5, 23))
            found += _of(rate, f"{place}-{grid}", lasts_s, rng)
    return tuple(found)


def _of(rate: Rate, device: str, lasts_s: float, rng: random.Random) -> Iterator[Fault]:
    if rng.random() < rate.of_devices:
        yield _fault(rate, device, 0.0, lasts_s)
    at_s = rng.expovariate(rate.a_day) * _DAY_S if rate.a_day else lasts_s
    while at_s < lasts_s:
        from_s = at_s // _DAY_S * _DAY_S + rng.uniform(*rate.hours) * _HOUR_S
        if from_s < lasts_s:
            yield _fault(rate, device, from_s, min(lasts_s, from_s + rng.uniform(*rate.lasts_s)))
        at_s += rng.expovariate(rate.a_day) * _DAY_S


def _fault(rate: Rate, device: str, from_s: float, until_s: float) -> Fault:
    return Fault(
        kind=rate.kind,
        target=device,
        from_s=round(from_s, 1),
        until_s=round(until_s, 1),
        share=rate.share,
    )
