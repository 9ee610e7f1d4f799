"""What has wheels: cars and vans of sheet metal, e-bikes and bicycles of tubes."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from sim.scenes.camera import Array, Camera
from sim.scenes.yards.paint import Lamp
from sim.scenes.yards.pieces import Piece, face, hull

Make = Literal["car", "van", "ebike", "bicycle"]

LENGTH_M: dict[Make, float] = {"car": 4.5, "van": 5.1, "ebike": 1.75, "bicycle": 1.75}
SADDLE_M: dict[Make, float] = {"ebike": 0.74, "bicycle": 0.86}

_WIDE = {"car": 1.8, "van": 1.9}
_LOWER = {
    "car": [(-2.2, 0.3), (2.15, 0.3), (2.25, 0.62), (1.2, 0.88), (-2.1, 0.95), (-2.25, 0.6)],
    "van": [(-2.5, 0.32), (2.45, 0.32), (2.5, 0.75), (2.1, 1.02), (-2.55, 1.1), (-2.55, 0.6)],
}
"""Side of the lower body: metres ahead of the middle and up."""
_CABIN = {
    "car": [(1.15, 0.86), (0.45, 1.42), (-1.15, 1.46), (-2.0, 0.94)],
    "van": [(2.1, 1.0), (1.35, 1.88), (-2.45, 1.95), (-2.55, 1.08)],
}
_GLASS = np.array([62.0, 56, 50])
_TYRE = np.array([34.0, 33, 33])
_HUB = np.array([150.0, 150, 150])
_PAINTS = np.array(
    [
        [235, 235, 235], [245, 244, 240], [45, 42, 42], [160, 158, 155], [110, 108, 105],
        [40, 40, 150], [140, 90, 50], [90, 60, 40], [60, 120, 175],
    ],
    np.float64,
)  # fmt: skip


@dataclass(frozen=True)
class Machine:
    """A vehicle as it left the factory.

    Attributes:
        colour: (3,) BGR.
        box: Whether a two-wheeler carries one behind the saddle.
    """

    make: Make
    colour: Array
    box: bool = False


def made(make: Make, rng: np.random.Generator) -> Machine:
    """Return a vehicle of a make."""
    colour = _PAINTS[int(rng.integers(len(_PAINTS)))] + rng.normal(0, 8, 3)
    return Machine(make, np.clip(colour, 8, 250), bool(rng.random() < 0.35))


def pieces_of(
    machine: Machine, place: Array, heading: float, camera: Camera, lamp: Lamp
) -> list[Piece]:
    """Return the pieces of a vehicle.

    Args:
        machine: Which.
        place: (2,) x and z of its middle, in metres.
        heading: As a body's.
        camera: Who looks.
        lamp: How it is lit; sheet metal is brighter where it faces the light.
    """
    stand = _Stand(place, heading, camera, lamp)
    if machine.make in ("car", "van"):
        return _sheets(machine, stand)
    return _tubes(machine, stand)


def corners_of(machine: Machine, place: Array, heading: float) -> Array:
    """Return (8, 3) corners of a box around a vehicle, in metres."""
    wide = _WIDE.get(machine.make, 0.6)
    tall = {"car": 1.45, "van": 1.95}.get(machine.make, 1.0)
    half = LENGTH_M[machine.make] / 2
    local = [(f, s * wide / 2, u) for u in (0.0, tall) for f in (-half, half) for s in (-1, 1)]
    return _turned(np.array(local), place, heading)


@dataclass(frozen=True)
class _Stand:
    place: Array
    heading: float
    camera: Camera
    lamp: Lamp

    def world(self, local: Array) -> Array:
        return _turned(local, self.place, self.heading)

    def faces(self, world: Array) -> bool:
        """Return whether a face, seen anticlockwise from outside, is turned to the camera."""
        return float(_normal(world) @ (self.camera.place - world[0])) > 0

    def shade(self, world: Array) -> float:
        """Return how bright a face is against one that looks into the camera."""
        right, down, near = self.lamp.toward
        toward = self.camera.turn.T @ np.array([right, down, -near])
        bright = self.lamp.ambient + self.lamp.direct * max(float(_normal(world) @ toward), 0)
        return bright / self.lamp.flat


def _turned(local: Array, place: Array, heading: float) -> Array:
    s, c = np.sin(heading), np.cos(heading)
    ahead, left, up = np.asarray(local, np.float64).T
    return np.column_stack([place[0] + ahead * s + left * c, up, place[1] + ahead * c - left * s])


def _normal(world: Array) -> Array:
    across = np.cross(world[1] - world[0], world[2] - world[1])
    return np.asarray(across / max(float(np.linalg.norm(across)), 1e-9))


def _sheets(machine: Machine, stand: _Stand) -> list[Piece]:
    wide = _WIDE[machine.make] / 2
    pieces: list[Piece] = []
    for level, profile in enumerate((_LOWER[machine.make], _CABIN[machine.make])):
        outline = np.array(profile)
        half = wide if level == 0 else wide * 0.86
        for side in (-1, 1):
            flank = np.column_stack(
                [outline[:, 0], np.full(len(outline), side * half), outline[:, 1]]
            )
            _sheet(pieces, flank if side < 0 else flank[::-1], machine.colour, stand, -0.4 * level)
            if level:
                middle = outline.mean(0)
                for lo, hi in ((0.06, 0.49), (0.53, 0.94)):
                    pane = _pane(outline, middle, lo, hi)
                    glass = np.column_stack(
                        [pane[:, 0], np.full(4, side * half * 1.005), pane[:, 1]]
                    )
                    _sheet(pieces, glass if side < 0 else glass[::-1], _GLASS, stand, -0.6)
        for one, two in zip(outline, np.roll(outline, -1, axis=0), strict=True):
            strip = np.array(
                [
                    [one[0], -half, one[1]],
                    [one[0], half, one[1]],
                    [two[0], half, two[1]],
                    [two[0], -half, two[1]],
                ]
            )
            steep = abs(two[1] - one[1]) > 0.3
            colour = _GLASS if level and steep else machine.colour
            _sheet(pieces, strip, colour, stand, -0.4 * level)
    ahead = 2.25 if machine.make == "car" else 2.5
    for sign, colour in ((1.0, np.array([225.0, 235, 235])), (-1.0, np.array([40.0, 40, 170]))):
        for side in (-1, 1):
            at = stand.world(np.array([[sign * ahead, side * wide * 0.72, 0.66]]))
            toward = stand.world(np.array([[sign * (ahead + 1), side * wide * 0.72, 0.66]])) - at
            if float((toward @ (stand.camera.place - at[0]))[0]) > 0:
                lit = hull(stand.camera, at, np.array([0.09]), colour, bias_m=-0.5)
                pieces.append(replace(lit, round=False))
    pieces += _wheels(stand, [0.62 * ahead, -0.62 * ahead], wide, 0.32)
    return pieces


def _sheet(pieces: list[Piece], local: Array, colour: Array, stand: _Stand, bias_m: float) -> None:
    world = stand.world(local)
    if stand.faces(world):
        pieces.append(face(stand.camera, world, colour * stand.shade(world), bias_m=bias_m))


def _pane(outline: Array, middle: Array, low: float, high: float) -> Array:
    """Return the corners of a side window between two shares of a cabin's length."""
    inner = middle + (outline - middle) * 0.84
    front, top_front, top_back, back = inner
    below = [front + (back - front) * share for share in (low, high)]
    above = [top_front + (top_back - top_front) * share for share in (low, high)]
    return np.array([below[0], above[0], above[1], below[1]])


def _wheels(stand: _Stand, axles: list[float], half: float, radius: float) -> list[Piece]:
    around = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    pieces = []
    for axle in axles:
        for side in (-1, 1):
            for share, colour, bias in ((1.0, _TYRE, -0.7), (0.55, _HUB, -0.8)):
                rim = np.column_stack(
                    [
                        axle + np.cos(around) * radius * share,
                        np.full(10, side * half * 1.01),
                        radius + np.sin(around) * radius * share,
                    ]
                )
                world = stand.world(rim if side < 0 else rim[::-1])
                if stand.faces(world):
                    pieces.append(face(stand.camera, world, colour, bias_m=bias))
    return pieces


def _tubes(machine: Machine, stand: _Stand) -> list[Piece]:
    thick = machine.make == "ebike"
    radius = 0.24 if thick else 0.32
    around = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    pieces = []

    def part(
        points: list[tuple[float, float, float]],
        radii: list[float],
        colour: Array,
        bias_m: float = 0.0,
    ) -> None:
        world = stand.world(np.array(points))
        pieces.append(hull(stand.camera, world, np.array(radii), colour, bias_m=bias_m))

    for axle in (0.6, -0.58):
        rim = [(axle + np.cos(a) * radius, 0.0, radius + 0.04 + np.sin(a) * radius) for a in around]
        part(rim, [0.045 if thick else 0.02] * 8, _TYRE)
        hub = [
            (axle + np.cos(a) * radius * 0.6, 0.0, radius + 0.04 + np.sin(a) * radius * 0.6)
            for a in around
        ]
        part(hub, [0.01] * 8, _HUB if thick else np.array([120.0, 122, 122]), -0.02)
    tube = 0.05 if thick else 0.022
    saddle = SADDLE_M[machine.make]
    part([(0.6, 0, radius), (0.42, 0, 0.95)], [tube, tube], machine.colour, -0.03)
    part([(0.42, -0.3, 1.02), (0.42, 0.3, 1.02)], [0.022, 0.022], _TYRE, -0.05)
    part([(0.42, 0.0, 0.96), (0.5, 0.0, 0.92)], [0.06, 0.05], machine.colour, -0.05)
    if thick:
        part(
            [(0.48, 0.14, 0.75), (0.48, -0.14, 0.75), (0.4, 0.1, 0.36), (0.4, -0.1, 0.36)],
            [0.05] * 4,
            machine.colour,
            -0.03,
        )
        part(
            [(0.36, 0.09, 0.3), (0.36, -0.09, 0.3), (-0.1, 0.09, 0.3), (-0.1, -0.09, 0.3)],
            [0.04] * 4,
            machine.colour * 0.7,
        )
        part(
            [
                (-0.1, 0.08, 0.34),
                (-0.75, 0.08, 0.6),
                (-0.1, 0.08, 0.62),
                (-0.1, -0.08, 0.34),
                (-0.75, -0.08, 0.6),
            ],
            [0.07] * 5,
            machine.colour,
        )
        part([(0.0, 0, saddle - 0.05), (-0.62, 0, saddle - 0.02)], [0.09, 0.08], _TYRE, -0.04)
    else:
        part([(0.42, 0, 0.85), (0.0, 0, 0.35)], [tube, tube], machine.colour)
        part([(0.0, 0, 0.35), (-0.18, 0, saddle)], [tube, tube], machine.colour)
        part([(0.0, 0, 0.35), (-0.58, 0, radius)], [tube, tube], machine.colour)
        part([(0.4, 0, 0.8), (-0.15, 0, 0.75)], [tube, tube], machine.colour)
        part([(-0.1, 0, saddle), (-0.3, 0, saddle + 0.02)], [0.05, 0.08], _TYRE, -0.04)
    if machine.box:
        at = saddle + 0.16
        part(
            [(-0.5, 0.14, at), (-0.8, 0.14, at), (-0.5, -0.14, at), (-0.8, -0.14, at)],
            [0.1] * 4,
            machine.colour * 0.8,
            -0.06,
        )
    return pieces
