"""Who comes when, and what they do: strollers, groups, queues.

The three mixes differ in how much goes on. *quiet*: a few people, and nothing stands in the lane.
*fair*: an ordinary hour by day in dry weather. *dense*: a rush, with a crowd or a queue, at any
hour in any weather.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sim.scenes.camera import Array
from sim.scenes.yards.motion import Errand, Step, walked
from sim.scenes.yards.paint import creased
from sim.scenes.yards.plan import Plan
from sim.scenes.yards.things import Person, Still, Vehicle
from sim.scenes.yards.traffic import Mix, Numbers, traffic
from sim.scenes.yards.wardrobe import AGES, Look, dressed

_PER_MIN = {"quiet": (2.0, 5.0), "fair": (6.0, 16.0), "dense": (16.0, 34.0)}
"""People on foot a minute."""
_GROUP = {"quiet": (0, 1), "fair": (0, 6), "dense": (5, 17)}
"""Size of a group that gathers."""
_PACE_MS = {"adult": (1.34, 0.16), "child": (1.2, 0.2), "elder": (0.85, 0.15)}
"""Mean and spread; Bohannon & Andrews 2011, Physiotherapy 97(3):182, for adults and elders."""
_AGE_SHARES = (0.62, 0.16, 0.22)


@dataclass(frozen=True)
class Cast:
    """Everybody and everything that moves, or came to stand."""

    people: tuple[Person, ...]
    vehicles: tuple[Vehicle, ...]

    @property
    def all(self) -> tuple[Person | Vehicle, ...]:
        return (*self.people, *self.vehicles)


def gathered(
    plan: Plan,
    stills: list[Still],
    lasts_s: float,
    mix: Mix,
    rng: np.random.Generator,
    *,
    cold: bool,
    wet: bool,
) -> Cast:
    """Return who and what is in a clip."""
    numbers = Numbers()
    vehicles, riders = traffic(plan, lasts_s, mix, numbers, rng)
    looks, errands = [], []
    for look, errand in _errands(plan, lasts_s, mix, rng, cold=cold, wet=wet):
        looks.append(look)
        errands.append(errand)
    mounted: list[tuple[Vehicle, float, Look]] = []
    for vehicle, alights_s in riders:
        look = dressed("adult", rng, cold=cold, wet=False)
        mounted.append((vehicle, alights_s, look))
        if alights_s < lasts_s:
            errands.append(_walks_off(plan, vehicle, alights_s, look, rng))
    blocks = np.array([(*one.at, one.radius_m) for one in stills if one.radius_m > 0]).reshape(
        -1, 3
    )

    def obstacles(t_s: float) -> Array:
        rows = [blocks] + [
            _discs(one, t_s) for one in vehicles if one.begins_s <= t_s <= one.ends_s
        ]
        return np.vstack(rows)

    walks = walked(errands, lasts_s, obstacles)
    people = [
        Person(numbers.next(), creased(rng), look, walk)
        for look, walk in zip(looks, walks, strict=False)
    ]
    off = iter(walks[len(looks) :])
    for vehicle, alights_s, look in mounted:
        alights = alights_s < lasts_s
        people.append(
            Person(
                numbers.next(), creased(rng), look, next(off) if alights else None, vehicle,
                alights_s if alights else vehicle.ends_s,
            )
        )  # fmt: skip
    return Cast(tuple(people), tuple(vehicles))


def _discs(vehicle: Vehicle, t_s: float) -> Array:
    """Return (N, 3) x, z and radius that keep people off a vehicle."""
    heading, foot = vehicle.heading(t_s), vehicle.foot(t_s)
    ahead = np.array([np.sin(heading), np.cos(heading)])
    big = vehicle.machine.make in ("car", "van")
    along = (-1.6, 0.0, 1.6) if big else (0.0,)
    return np.array([(*(foot + ahead * at), 1.0 if big else 0.5) for at in along])


def _errands(
    plan: Plan, lasts_s: float, mix: Mix, rng: np.random.Generator, *, cold: bool, wet: bool
) -> Iterator[tuple[Look, Errand]]:
    def somebody(begins_s: float, start: Array, steps: list[Step]) -> tuple[Look, Errand]:
        age = AGES[int(rng.choice(3, p=_AGE_SHARES))]
        look = dressed(age, rng, cold=cold, wet=wet)
        pace = float(np.clip(rng.normal(*_PACE_MS[age]), 0.5, 1.9))
        return look, Errand(begins_s, start, tuple(steps), pace, look.stride_m)

    lead_s = 25.0  # so that a clip does not begin with an empty yard
    per_min = float(rng.uniform(*_PER_MIN[mix]))
    at_s = -lead_s + float(rng.exponential(60 / per_min))
    way = _through_gate if plan.kind == "gate" else _across_yard
    while at_s < lasts_s - 2:
        start, steps = way(plan, mix, rng)
        yield somebody(at_s, start, steps)
        at_s += float(rng.exponential(60 / per_min))
    low, high = _GROUP[mix]
    count = int(rng.integers(low, high + 1))
    if count < 3:
        return
    zone = plan.zones[0].corners
    middle = rng.uniform(zone.min(0) + 2.2, zone.max(0) - 2.2)
    radius = max(1.0, count * 0.75 / (2 * np.pi) * float(rng.uniform(0.9, 1.5)))
    gathers_s = float(rng.uniform(-20, lasts_s * 0.5))
    for index in range(count):
        angle = 2 * np.pi * index / count + float(rng.normal(0, 0.12))
        spot = middle + radius * np.array([np.sin(angle), np.cos(angle)]) * rng.uniform(0.75, 1.1)
        spot = np.clip(spot, zone.min(0) + 0.4, zone.max(0) - 0.4)
        inward = float(np.arctan2(*(middle - spot)))
        stays = Step(spot, float(rng.uniform(20, 80)), faces=inward)
        start = _edge(plan, rng)
        yield somebody(
            gathers_s + float(rng.uniform(0, 15)), start, [stays, Step(_edge(plan, rng))]
        )


def _edge(plan: Plan, rng: np.random.Generator) -> Array:
    """Return a place out of view, to the left or the right."""
    near = float(plan.zones[0].corners[:, 1].max())
    far = float(plan.zones[0].corners[:, 1].min())
    z = float(rng.uniform(far + 0.4, near - 0.5))
    return np.array([float(rng.choice([-1.0, 1.0])) * plan.half_width(z), z])


def _across_yard(plan: Plan, mix: Mix, rng: np.random.Generator) -> tuple[Array, list[Step]]:  # noqa: ARG001
    zone = plan.zones[0].corners
    steps = []
    for _ in range(int(rng.integers(0, 3))):
        stays = float(rng.uniform(3, 15)) if rng.random() < 0.35 else 0.0
        steps.append(Step(rng.uniform(zone.min(0) + 0.5, zone.max(0) - 0.5), stays))
    start, end = _edge(plan, rng), _edge(plan, rng)
    if not steps and np.sign(start[0]) == np.sign(end[0]):
        end = end * np.array([-1.0, 1.0])
    if rng.random() < 0.3:  # from a door of the building, over the lane
        door = np.array([rng.uniform(-9, 1), plan.wall_z + 0.6])
        start, end = (door, end) if rng.random() < 0.5 else (start, door)
    return start, [*steps, Step(end)]


def _through_gate(plan: Plan, mix: Mix, rng: np.random.Generator) -> tuple[Array, list[Step]]:
    z = float(plan.line.ends[0, 1])
    x = float(rng.uniform(-4.8, float(plan.lane[0, 0]) - 5.2))
    outside = np.array(
        [float(rng.choice([-1, 1])) * plan.half_width(z - 7), z - float(rng.uniform(4, 9))]
    )
    inside = _edge(plan, rng)
    before, behind = np.array([x, z - 0.9]), np.array([x + rng.normal(0, 0.3), z + 1.2])
    if rng.random() < 0.42:
        return inside, [Step(behind), Step(before), Step(outside)]
    queue = np.array([-0.12, -1.0]) if mix == "dense" and rng.random() < 0.75 else None
    if queue is not None:
        lead = Step(np.array([-3.4, z - 0.9]), float(rng.uniform(1.0, 4.5)), faces=0.0, queue=queue)
        return outside, [lead, Step(np.array([-3.4, z + 1.2])), Step(inside)]
    pause = float(rng.uniform(0.5, 2.5)) if rng.random() < 0.6 else 0.0
    return outside, [Step(before, pause, faces=0.0), Step(behind), Step(inside)]


def _walks_off(
    plan: Plan, vehicle: Vehicle, at_s: float, look: Look, rng: np.random.Generator
) -> Errand:
    heading = vehicle.heading(at_s)
    beside = vehicle.foot(at_s) + 0.75 * np.array([np.cos(heading), -np.sin(heading)])
    pace = float(np.clip(rng.normal(*_PACE_MS["adult"]), 0.8, 1.7))
    steps = (Step(beside, float(rng.uniform(1, 3))), Step(_edge(plan, rng)))
    return Errand(at_s, beside, steps, pace, look.stride_m)
