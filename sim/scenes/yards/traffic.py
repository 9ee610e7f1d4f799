"""Vehicles: what passes, what stops and stays in the lane, and what is parked where it may."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from sim.scenes.camera import Array
from sim.scenes.yards.machines import LENGTH_M, Machine, Make, made
from sim.scenes.yards.motion import STANDS_MS, STEP_S, Drive, driven
from sim.scenes.yards.paint import creased
from sim.scenes.yards.plan import Plan
from sim.scenes.yards.things import Vehicle

Mix = Literal["dense", "fair", "quiet"]

_STANDS = {"quiet": 0.0, "fair": 0.5, "dense": 0.65}
"""How often something comes to stand in the lane."""
_EVERY_S = {"quiet": 40.0, "fair": 18.0, "dense": 10.0}
"""Between two that pass."""


@dataclass
class Numbers:
    """Gives each thing of a clip its own number, from 1."""

    last: int = 0

    def next(self) -> int:
        self.last += 1
        return self.last


def traffic(
    plan: Plan, lasts_s: float, mix: Mix, numbers: Numbers, rng: np.random.Generator
) -> tuple[list[Vehicle], list[tuple[Vehicle, float]]]:
    """Return vehicles, and who rides two-wheelers until when."""
    vehicles, riders = [], []

    def add(machine: Machine, drive: Drive, ends_s: float, alights_s: float) -> None:
        vehicle = Vehicle(numbers.next(), creased(rng) * np.float32(0.15), machine, drive, ends_s)
        vehicles.append(vehicle)
        if machine.make in ("ebike", "bicycle"):
            riders.append((vehicle, alights_s))

    stands = rng.random() < _STANDS[mix]
    at_s = float(rng.uniform(0, 8))
    if stands:
        stop_s = float(rng.uniform(2, max(3.0, lasts_s * 0.35)))
        machine, drive, leaves = _stopping(plan, stop_s, lasts_s, rng)
        alone = machine.make in ("ebike", "bicycle") and not leaves
        ends_s = drive.ends_s if leaves else 1e9
        still = int(np.argmax(drive.speeds < STANDS_MS))
        add(machine, drive, ends_s, drive.begins_s + still * STEP_S + 1.5 if alone else 1e9)
        at_s = ends_s + 6
    while at_s < lasts_s - 4:
        machine = made(_make(rng), rng)
        drive = _passing(plan, machine, at_s, rng)
        add(machine, drive, drive.ends_s, 1e9)
        at_s = drive.ends_s + float(rng.exponential(_EVERY_S[mix])) + 2
    vehicles += _parked(plan, numbers, rng)
    return vehicles, riders


def _make(rng: np.random.Generator) -> Make:
    makes: tuple[Make, ...] = ("car", "van", "ebike", "bicycle")
    return makes[int(rng.choice(4, p=(0.34, 0.12, 0.4, 0.14)))]


def _ends(plan: Plan, rng: np.random.Generator, aside: float) -> tuple[Array, Array]:
    """Return start and end of a way along the lane, in either direction, out of view."""
    one, two = plan.lane.copy()
    if plan.kind == "yard":
        reach = plan.half_width(float(one[1])) + 3
        one[0], two[0] = -reach, reach
        one[1] = two[1] = one[1] + aside
    else:
        one[1], two[1] = plan.wall_z + 6, float(plan.camera.place[2]) + 1.0
        one[0] = two[0] = one[0] + aside
    return (one, two) if rng.random() < 0.5 else (two, one)


def _aside(make: Make, rng: np.random.Generator) -> float:
    return float(rng.uniform(-0.25, 0.25) if make in ("car", "van") else rng.uniform(-1.4, 1.4))


def _passing(plan: Plan, machine: Machine, at_s: float, rng: np.random.Generator) -> Drive:
    start, end = _ends(plan, rng, _aside(machine.make, rng))
    stops = []
    if plan.kind == "gate" and machine.make in ("car", "van"):  # the barrier
        line = float(plan.line.ends[0, 1])
        stops.append(
            (abs(line - start[1]) - LENGTH_M[machine.make] / 2 - 0.8, float(rng.uniform(2, 6)))
        )
    return driven(at_s, start, end, float(rng.uniform(2.5, 5.0)), stops)


def _stopping(
    plan: Plan, stop_s: float, lasts_s: float, rng: np.random.Generator
) -> tuple[Machine, Drive, bool]:
    """Return what comes to stand in the lane from about an instant, and whether it leaves again."""
    make: Make = "ebike" if rng.random() < 0.45 else ("van" if rng.random() < 0.3 else "car")
    machine = made(make, rng)
    start, end = _ends(plan, rng, _aside(make, rng))
    lane = next(zone.corners for zone in plan.zones if zone.lane)
    if plan.kind == "yard":
        where, axis = float(rng.uniform(-6, 6)), 0
    else:  # clear of the barrier, on either side
        line = float(plan.line.ends[0, 1])
        where = float(
            rng.uniform(line + 2.6, line + 4.5) if rng.random() < 0.5 else line - rng.uniform(3, 5)
        )
        axis = 1
    where = float(np.clip(where, lane[:, axis].min() + 1, lane[:, axis].max() - 1))
    speed = float(rng.uniform(2.5, 4.5))
    along = abs(where - start[axis])
    leaves = bool(rng.random() < 0.5)
    stays_s = float(rng.uniform(10, max(12.0, lasts_s * 0.5))) if leaves else 1e6
    begins_s = stop_s - along / speed - speed / 3.6
    stop = end if leaves else start + (end - start) / abs(end[axis] - start[axis]) * along
    drive = driven(begins_s, start, stop, speed, [(along - 0.01, stays_s)], until_s=lasts_s + 5)
    return machine, drive, leaves


def _parked(plan: Plan, numbers: Numbers, rng: np.random.Generator) -> list[Vehicle]:
    """Return vehicles that stand where they may."""
    found: list[tuple[Make, Array, float]] = []
    if plan.kind == "yard":
        behind = float(plan.zones[1].corners[:, 1].min()) - 3.4
        for x in np.arange(2.75, 14, 2.5):
            if rng.random() < 0.45:
                make: Make = "car" if rng.random() < 0.75 else "van"
                found.append((make, np.array([x, behind]), 0.0 if rng.random() < 0.5 else np.pi))
    rack_z = float(plan.zones[0].corners[:, 1].min()) + (3.0 if plan.kind == "gate" else -7.0)
    rack = [x for x in np.arange(-10.5, -7.2, 0.85) if rng.random() < 0.35]
    found += [
        ("ebike" if rng.random() < 0.7 else "bicycle", np.array([x, rack_z]), 0.2) for x in rack
    ]
    return [
        Vehicle(
            numbers.next(), creased(rng) * np.float32(0.15), made(make, rng),
            Drive(-1.0, place[None], np.array([heading + rng.normal(0, 0.05)]), np.zeros(1)), 1e9,
        )
        for make, place, heading in found
    ]  # fmt: skip
