"""What a place is: where its camera stands, its zones, the line people cross, what stands in it.

    x to the right, y up, z towards the camera, in metres; the ground is y = 0.

A *yard* has an open space in front, a fire lane across the view behind it, and parking behind that.
A *gate* has a line across the view with a way for people on the left and one for vehicles on the
right; the camera stands inside, and the street is behind.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from sim.scenes.camera import Array, Camera

Kind = Literal["yard", "gate"]
KINDS: tuple[Kind, ...] = ("yard", "gate")

LANE_M = 4.0
"""GB 50016-2014 (2018), 7.1.8: a fire lane is at least 4 m wide."""


@dataclass(frozen=True)
class Zone:
    """A part of the ground.

    Attributes:
        corners: (K, 2) x and z in metres, in order around it.
        lane: Whether nothing may stand in it.
    """

    name: str
    corners: Array
    lane: bool = False

    @property
    def area_m2(self) -> float:
        x, z = self.corners.T
        return float(abs(np.dot(x, np.roll(z, 1)) - np.dot(z, np.roll(x, 1))) / 2)

    def holds(self, points: Array) -> Array:
        """Return (N,) whether (N, 2) points lie in it; it is convex."""
        one, two = self.corners, np.roll(self.corners, -1, axis=0)
        side = (two[:, 0] - one[:, 0]) * (points[:, None, 1] - one[:, 1]) - (
            two[:, 1] - one[:, 1]
        ) * (points[:, None, 0] - one[:, 0])
        return np.asarray((side >= 0).all(1) | (side <= 0).all(1))


@dataclass(frozen=True)
class Line:
    """A line that is crossed.

    Attributes:
        ends: (2, 2) x and z in metres.
        inward: (2,) unit vector; who crosses with it goes in.
    """

    name: str
    ends: Array
    inward: Array


@dataclass(frozen=True)
class Plan:
    """A place, as its camera has it.

    Attributes:
        zones: Of which crowding is told.
        line: Across which the flow is told.
        lane: Start and end (2, 2) of the middle of the vehicles' way.
        wall_z: Where the building behind stands.
    """

    kind: Kind
    camera: Camera
    zones: tuple[Zone, ...]
    line: Line
    lane: Array
    wall_z: float

    def half_width(self, z: float) -> float:
        """Return how far to each side of the camera is surely out of view, at a depth."""
        away = float(self.camera.place[2]) - z
        return away * self.camera.width / 2 / self.camera.focal_px * 1.25 + 2.5

    def ground_to_px(self) -> Array:
        """Return the (3, 3) homography from (x, z, 1) on the ground to pixels."""
        return plane_to_px(self.camera, np.zeros(3), np.array([1.0, 0, 0]), np.array([0.0, 0, 1]))


def plane_to_px(camera: Camera, origin: Array, across: Array, along: Array) -> Array:
    """Return the (3, 3) homography from (s, t, 1) on a plane, origin + s across + t along."""
    lens = np.array(
        [
            [camera.focal_px, 0, camera.width / 2],
            [0, camera.focal_px, camera.height / 2],
            [0, 0, 1.0],
        ]
    )
    pose = np.column_stack([across, along, origin - camera.place])
    return np.asarray(lens @ camera.turn @ pose)


def overlooking(
    size: tuple[int, int], place: Array, target: Array, across_deg: float, roll: float
) -> Camera:
    """Return a camera that looks from a place at a target, so many degrees wide."""
    forward = (target - place) / np.linalg.norm(target - place)
    right = np.cross(forward, np.array([0.0, 1, 0]))
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    tilted = np.cos(roll) * right + np.sin(roll) * down
    focal = size[0] / 2 / np.tan(np.radians(across_deg) / 2)
    turn = np.stack([tilted, np.cross(forward, tilted), forward])
    return Camera(size[0], size[1], float(focal), place, turn)


def planned(kind: Kind, size: tuple[int, int], rng: np.random.Generator) -> Plan:
    """Return a place of a kind."""
    place = np.array([rng.uniform(-4, 4), rng.uniform(3.2, 6.0), rng.uniform(9.5, 13.0)])
    target = np.array([rng.uniform(-1.5, 1.5), 0.4, rng.uniform(-5, -2.5)])
    camera = overlooking(
        size, place, target, float(rng.uniform(58, 80)), float(rng.normal(0, 0.012))
    )
    if kind == "yard":
        lane_z = float(rng.uniform(-8.5, -6.5))
        half = LANE_M / 2
        zones: tuple[Zone, ...] = (
            Zone("yard", _box(-8, 8, lane_z + half + 0.6, 3.5)),
            Zone("fire-lane", _box(-13, 13, lane_z - half, lane_z + half), lane=True),
        )
        line = Line(
            "path", np.array([[-3.5, 4.5], [-3.5, lane_z + half + 0.3]]), np.array([1.0, 0])
        )
        lane = np.array([[-45, lane_z], [45, lane_z]])
        return Plan(kind, camera, zones, line, lane, wall_z=float(rng.uniform(-24, -19)))
    gate_z = float(rng.uniform(-5, -3.5))
    lane_x = float(rng.uniform(3.0, 4.2))
    zones = (
        Zone("inside", _box(-6, lane_x - 2.2, gate_z + 0.3, 3.5)),
        Zone("queue", _box(-5, -1.2, gate_z - 8, gate_z - 0.2)),
        Zone("fire-lane", _box(lane_x - 2, lane_x + 2, gate_z - 8, 4.0), lane=True),
    )
    line = Line("gate", np.array([[-6.0, gate_z], [lane_x + 2.5, gate_z]]), np.array([0, 1.0]))
    lane = np.array([[lane_x, -40], [lane_x, 30]])
    return Plan(kind, camera, zones, line, lane, wall_z=float(rng.uniform(-34, -27)))


def _box(left: float, right: float, far: float, near: float) -> Array:
    return np.array([[left, far], [right, far], [right, near], [left, near]])
