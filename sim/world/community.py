"""A whole community from a seed: who lives there, what befalls them, and what breaks meanwhile."""

import random
from collections.abc import Callable, Iterator, Sequence

from msgspec.structs import replace

from sim.faults.plan import Fault
from sim.faults.rates import false_alarms
from sim.world.households import Dwelling, dwelling
from sim.world.said import dice
from sim.world.truth import MUST, Happening

_FAMILIES: tuple[tuple[float, tuple[str, ...]], ...] = (
    (0.22, ("elder",)),
    (0.16, ("elder", "elder")),
    (0.22, ("adult", "adult", "child")),
    (0.14, ("adult", "adult", "preschooler")),
    (0.12, ("elder", "elder", "adult", "adult", "child")),
    (0.14, ("elder", "adult", "adult", "child")),
)
_HOUR_S = 3_600.0
_DAY_S = 24 * _HOUR_S
_LONG_OUTAGE_DAYS = 3

Place = tuple[str, str]
"""A home and a subject in it."""


def settle(homes: int, people: int, homes_per_grid: int, seed: int) -> tuple[Dwelling, ...]:
    """Return homes with exactly so many people, spread over grids.

    Raises:
        ValueError: Fewer people than homes.
    """
    if people < homes:
        raise ValueError(f"{people} people cannot live in {homes} homes: nobody lives in some")
    rng = dice(seed, "families")
    shares, families = zip(*_FAMILIES, strict=True)
    chosen = [list(rng.choices(families, shares)[0]) for _ in range(homes)]
    while (count := sum(map(len, chosen))) != people:
        family = rng.choice(chosen)
        if count < people and len(family) > 1:
            family.append("adult")
        elif count > people and len(family) > 1:
            family.pop()
        elif count < people and all(len(one) == 1 for one in chosen):
            family.append("elder")
    return tuple(
        _home(index, tuple(family), f"grid-{1 + index // homes_per_grid}", homes_per_grid)
        for index, family in enumerate(chosen)
    )


def _home(index: int, family: tuple[str, ...], grid: str, homes_per_grid: int) -> Dwelling:
    """Return one home; a few in each grid have more: a meter that speaks, bands for all, a tag."""
    place = index % homes_per_grid
    home = dwelling(
        f"home-{index + 1:03d}",
        grid,
        family,
        ("dementia",) if family == ("elder",) and index % _DEMENTIA_EVERY == 0 else (),
        metered=place < _METERED,
        banded="preschooler" in family and index % _BANDED_EVERY == 0,
    )
    return replace(home, extras=_EXTRAS[place % len(_EXTRAS)])


_METERED = 3
_EXTRAS: tuple[tuple[str, ...], ...] = (("valve", "siren"), ("phone",), ())
_DEMENTIA_EVERY = 4
_BANDED_EVERY = 5


def befall(
    homes: Sequence[Dwelling], lasts_s: float, count: int, seed: int
) -> tuple[Happening, ...]:
    """Return happenings of every kind, so many each, at most one in a home and day.

    Args:
        homes: Where; stories begin at local midnight.
        lasts_s: Of the story.
        count: Of each kind, where there are as many free days.
        seed: Of the world.
    """
    rng = dice(seed, "dangers")
    days = max(1, round(lasts_s / _DAY_S))
    found = [*_in_common(homes, days, count, rng)]
    free = [(home, day) for home in homes for day in range(days)]
    rng.shuffle(free)
    for kind in _ORDER:
        subject_of, from_h, until_h = _WHOM[kind]
        fit = [one for one in free if subject_of(one[0], rng)]
        if kind in _ONCE:
            fit = list({home.id: (home, day) for home, day in fit}.values())
        taken = fit[:count]
        for home, day in taken:
            free.remove((home, day))
            at_s = day * _DAY_S + rng.uniform(from_h, until_h) * _HOUR_S
            if at_s + MUST[kind].lasts_s + 2 * _HOUR_S < lasts_s or kind not in _LONG:
                subject = subject_of(home, rng)
                found.append(Happening(at_s=round(at_s, 1), kind=kind, subject=subject))
    return tuple(sorted(found, key=lambda one: one.at_s))


def _in_common(
    homes: Sequence[Dwelling], days: int, count: int, rng: random.Random
) -> Iterator[Happening]:
    """Yield what befalls shared places: of each kind one in a grid and day, hours apart."""
    grids = list(dict.fromkeys(home.grid for home in homes))
    for index, (kind, device) in enumerate(_SHARED.items()):
        free = [(grid, day) for grid in grids for day in range(days)]
        rng.shuffle(free)
        for grid, day in free[:count]:
            at_s = day * _DAY_S + (1 + 1.5 * index + rng.uniform(0, 0.5)) * _HOUR_S
            yield Happening(at_s=round(at_s, 1), kind=kind, subject=f"{device}-{grid}")


_SHARED = {
    "watchlisted": "gate", "looks_alike": "gate", "tailgates": "gate", "courier": "gate",
    "drops_object": "facade", "bird": "facade", "crowds": "square", "passes_by": "square",
    "blocks_lane": "lane", "unloads": "lane", "skips_rounds": "point",
}  # fmt: skip


def breaks(
    homes: Sequence[Dwelling], happenings: Sequence[Happening], lasts_s: float, seed: int
) -> tuple[Fault, ...]:
    """Return faults of every kind over the story, and every false alarm of its devices."""
    rng = dice(seed, "faults")
    days = lasts_s / _DAY_S
    spared = {one.subject for one in happenings if one.kind in _LONG}
    calm = [home for home in homes if not spared & {home.id, *(who.id for who in home.people)}]
    rng.shuffle(calm)
    faults = [
        Fault(kind="duplicate", target="all", from_s=0, until_s=lasts_s, share=0.01),
        Fault(kind="reorder", target="all", from_s=0, until_s=lasts_s, share=0.02),
    ]
    cuts = [rng.choice(homes).agent for _ in range(max(2, round(0.02 * len(homes) * days)))]
    each = max(1, len(homes) // 50)
    faults += [_outage(agent, rng, lasts_s, "uplink_down", (600, 21_600)) for agent in cuts]
    faults += [
        _outage(home.agent, rng, lasts_s, "agent_dies", (1_800, 14_400)) for home in calm[:each]
    ]
    if days > _LONG_OUTAGE_DAYS + 1 and len(calm) > each:
        at_s = rng.uniform(0.5, days - _LONG_OUTAGE_DAYS - 0.5) * _DAY_S
        faults.append(
            _cut(calm[each].agent, "uplink_down", at_s, at_s + _LONG_OUTAGE_DAYS * _DAY_S)
        )
    for index, home in enumerate(calm[each + 1 : each + 1 + 3 * each]):
        kind = ("sensor_dies", "sensor_stuck", "clock_off")[index % 3]
        device = home.device(("smoke", "temperature", "pir-kitchen")[index % 3])
        at_s = rng.uniform(0, max(0.1, lasts_s - 6 * _HOUR_S))
        faults.append(_cut(device, kind, at_s, lasts_s, offset_s=-60.0))
    return (*faults, *false_alarms(homes, lasts_s, seed))


def _outage(
    target: str, rng: random.Random, lasts_s: float, kind: str, between_s: tuple[float, float]
) -> Fault:
    from_s = rng.uniform(0, max(1.0, lasts_s - between_s[1] - _HOUR_S))
    return _cut(target, kind, from_s, from_s + rng.uniform(*between_s))


def _cut(target: str, kind: str, from_s: float, until_s: float, offset_s: float = 0.0) -> Fault:
    return Fault(
        kind=kind,
        target=target,
        from_s=round(from_s),
        until_s=round(until_s),
        offset_s=offset_s if kind == "clock_off" else 0.0,
    )


def _elder(home: Dwelling, rng: random.Random) -> str:
    elders = [one.id for one in home.people if one.kind == "elder"]
    return rng.choice(elders) if elders else ""


def _elder_alone(home: Dwelling, rng: random.Random) -> str:  # noqa: ARG001  # as the others
    return home.people[0].id if [one.kind for one in home.people] == ["elder"] else ""


def _child(home: Dwelling, rng: random.Random) -> str:  # noqa: ARG001  # as the others
    small = [one for one in home.people if one.kind == "preschooler" and one.band]
    return small[0].id if small else ""


def _confused(home: Dwelling, rng: random.Random) -> str:  # noqa: ARG001  # as the others
    return home.people[0].id if "dementia" in home.people[0].tags else ""


def _clear(home: Dwelling, rng: random.Random) -> str:  # noqa: ARG001  # as the others
    return "" if "dementia" in home.people[0].tags else home.id


def _elderly(home: Dwelling, rng: random.Random) -> str:
    return home.id if _elder(home, rng) else ""


def _metered(home: Dwelling, rng: random.Random) -> str:  # noqa: ARG001  # as the others
    return home.id if home.metered else ""


def _phoned(home: Dwelling, rng: random.Random) -> str:  # noqa: ARG001  # as the others
    return home.id if home.phone else ""


def _anybody(home: Dwelling, rng: random.Random) -> str:  # noqa: ARG001  # as the others
    return home.id


_WHOM: dict[str, tuple[Callable[[Dwelling, random.Random], str], float, float]] = {
    "falls": (_elder, 7, 22),
    "falls_gets_up": (_elder, 7, 20),
    "stumbles": (_elder, 7, 20),
    "presses_sos": (_anybody, 0, 24),
    "smoke": (_anybody, 0, 23),
    "gas": (_anybody, 0, 23),
    "co": (_anybody, 0, 23),
    "leak": (_anybody, 0, 22),
    "self_test": (_anybody, 9, 17),
    "falls_ill": (_elder, 12.5, 18.0),
    "exercises": (_elder, 7, 8),
    "stops_moving": (_elder_alone, 18.8, 20.0),
    "goes_out": (_elder_alone, 8, 14),
    "arrhythmia": (_elder, 14.4, 15.5),
    "skips_beats": (_elder, 14.4, 15.5),
    "lies_by_bed": (_elder_alone, 1.0, 3.2),
    "leaves_door_open": (_clear, 0.5, 3.5),
    "airs_at_night": (_clear, 0.5, 3.5),
    "wanders": (_confused, 0.5, 3.5),
    "child_leaves": (_child, 19.0, 20.0),
    "forgets_stove": (_elder_alone, 14.6, 15.6),
    "heat_wave": (_elderly, 8, 12),
    "heating_fails": (_elderly, 8, 12),
    "airs_room": (_anybody, 8, 18),
    "stays_away": (_elder_alone, 8.2, 8.7),
    "reports_noise": (_phoned, 9, 20),
    "reports_fire": (_phoned, 9, 20),
    "overloads": (_metered, 8, 20),
    "bakes": (_metered, 8, 20),
}
"""Whom each kind befalls, and between which hours of their day."""

_ONCE = ("stays_away",)
"""What a home takes for a habit once it has happened."""

_LONG = (
    "stops_moving", "falls_ill", "stays_away", "lies_by_bed", "wanders", "child_leaves",
    "heat_wave", "heating_fails",
)  # fmt: skip
_ORDER = (
    "stops_moving",
    "goes_out",
    *(kind for kind in _WHOM if kind not in ("stops_moving", "goes_out")),
)
