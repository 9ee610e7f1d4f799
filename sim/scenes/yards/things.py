"""What is in a yard: people on foot and riding, vehicles, and what always stands there."""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from sim.scenes.camera import Array, Camera
from sim.scenes.yards.bodies import PACE_MS, Posture, body, joints
from sim.scenes.yards.machines import SADDLE_M, Machine, corners_of, pieces_of
from sim.scenes.yards.motion import STANDS_MS, Drive, Walk, at_time
from sim.scenes.yards.paint import Lamp
from sim.scenes.yards.pieces import Piece, Plane, face, hull
from sim.scenes.yards.wardrobe import Look

Sort = Literal["person", "car", "van", "ebike", "bicycle", "still"]


class Thing(Protocol):
    """Something with a place on the ground.

    Attributes:
        track: Its number in the truth; 0 for what always stands there.
        cloth: Creases of its surface.
    """

    @property
    def track(self) -> int: ...

    @property
    def cloth(self) -> Plane: ...

    @property
    def sort(self) -> Sort: ...

    @property
    def begins_s(self) -> float: ...

    @property
    def ends_s(self) -> float: ...

    def foot(self, t_s: float) -> Array:
        """Return (2,) x and z in metres where it stands."""

    def stands(self, t_s: float) -> bool:
        """Return whether it looks now as it did a moment ago."""

    def pieces(self, t_s: float, camera: Camera, lamp: Lamp) -> list[Piece]: ...

    def bulk(self, t_s: float) -> list[Array]:
        """Return (K, 3) points in metres, of parts whose shadows are convex."""


@dataclass(frozen=True)
class Vehicle:
    """Something with wheels.

    Attributes:
        ends_s: Where its drive ends before, it stands until then.
    """

    track: int
    cloth: Plane
    machine: Machine
    drive: Drive
    ends_s: float

    @property
    def sort(self) -> Sort:
        return self.machine.make

    @property
    def begins_s(self) -> float:
        return self.drive.begins_s

    def foot(self, t_s: float) -> Array:
        return at_time(self.drive, self.drive.points, t_s)

    def heading(self, t_s: float) -> float:
        return float(at_time(self.drive, self.drive.headings, t_s))

    def stands(self, t_s: float) -> bool:
        drive = self.drive
        return t_s > drive.ends_s or float(at_time(drive, drive.speeds, t_s)) < STANDS_MS

    def pieces(self, t_s: float, camera: Camera, lamp: Lamp) -> list[Piece]:
        return pieces_of(self.machine, self.foot(t_s), self.heading(t_s), camera, lamp)

    def bulk(self, t_s: float) -> list[Array]:
        return [corners_of(self.machine, self.foot(t_s), self.heading(t_s))]


@dataclass(frozen=True)
class Person:
    """Somebody, on foot or riding until they dismount.

    Attributes:
        walk: None for who only rides.
        rides: What they ride; None for who only walks.
        alights_s: When they leave it.
        leaves_s: When they are out of view for good.
    """

    track: int
    cloth: Plane
    look: Look
    walk: Walk | None
    rides: Vehicle | None = None
    alights_s: float = 0.0
    leaves_s: float = 1e9

    @property
    def sort(self) -> Sort:
        return "person"

    @property
    def begins_s(self) -> float:
        if self.rides is not None:
            return self.rides.begins_s
        assert self.walk is not None  # one or the other
        return self.walk.begins_s

    @property
    def ends_s(self) -> float:
        return min(self.leaves_s, self.walk.ends_s if self.walk else self.alights_s)

    def riding(self, t_s: float) -> Vehicle | None:
        """Return what they ride at an instant."""
        return self.rides if self.rides is not None and t_s < self.alights_s else None

    def foot(self, t_s: float) -> Array:
        mount = self.riding(t_s)
        if mount is not None:
            # So much nearer than what they ride that they are drawn over it.
            return np.asarray(mount.foot(t_s) + np.array([0.0, 0.05]))
        assert self.walk is not None
        return at_time(self.walk, self.walk.points, t_s)

    def stands(self, t_s: float) -> bool:  # noqa: ARG002  # they breathe and sway
        return False

    def queues(self, t_s: float) -> bool:
        """Return whether they wait in a queue."""
        if self.walk is None or self.riding(t_s) is not None:
            return False
        return float(at_time(self.walk, self.walk.queues, t_s)) > 0.5

    def posture(self, t_s: float) -> Posture:
        mount = self.riding(t_s)
        if mount is not None:
            heading = mount.heading(t_s)
            behind = np.array([np.sin(heading), np.cos(heading)]) * 0.28
            saddle = SADDLE_M[mount.machine.make]
            return Posture(mount.foot(t_s) - behind, heading, 0.0, 0.0, rides_m=saddle)
        walk = self.walk
        assert walk is not None
        speed = float(at_time(walk, walk.speeds, t_s))
        still = max(0.0, 1 - speed / 0.4)
        return Posture(
            at_time(walk, walk.points, t_s),
            float(at_time(walk, walk.headings, t_s)),
            float(at_time(walk, walk.phases, t_s)) * (1 - still),
            min(speed / PACE_MS, 1.3),
            sway=still * 0.12 * float(np.sin(1.3 * t_s + self.track)),
        )

    def pieces(self, t_s: float, camera: Camera, lamp: Lamp) -> list[Piece]:  # noqa: ARG002
        return body(self.look, self.posture(t_s), camera)

    def bulk(self, t_s: float) -> list[Array]:
        at = joints(self.look, self.posture(t_s))
        fat = np.array([0.07, 0, 0.07])
        trunk = [at[name] + sign * fat for name in _TRUNK for sign in (-1, 1)]
        legs = [
            np.array([at[f"{side}_{name}"] + sign * fat * 0.6 for name in _LEG for sign in (-1, 1)])
            for side in ("left", "right")
        ]
        return [np.array(trunk), *legs]


_TRUNK = ("head", "left_shoulder", "right_shoulder", "left_hip", "right_hip")
_LEG = ("hip", "knee", "ankle")


@dataclass(frozen=True)
class Still:
    """A tree, a pillar, a fence: it hides who goes behind it.

    Attributes:
        solid: Parts as (points, radii, colour); a part without radii is a flat face.
        radius_m: What it takes of the ground around its foot.
    """

    at: Array
    cloth: Plane
    solid: tuple[tuple[Array, Array | None, Array], ...]
    radius_m: float = 0.3
    track: int = 0
    sort: Sort = "still"
    begins_s: float = -1.0
    ends_s: float = 1e9

    def foot(self, t_s: float) -> Array:  # noqa: ARG002  # it stays
        return self.at

    def stands(self, t_s: float) -> bool:  # noqa: ARG002
        return True

    def pieces(self, t_s: float, camera: Camera, lamp: Lamp) -> list[Piece]:  # noqa: ARG002
        return [
            face(camera, points, colour) if radii is None else hull(camera, points, radii, colour)
            for points, radii, colour in self.solid
        ]

    def bulk(self, t_s: float) -> list[Array]:  # noqa: ARG002
        return [points for points, _, _ in self.solid][:12]
