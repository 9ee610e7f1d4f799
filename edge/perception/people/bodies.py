"""What one look finds: bodies with their posture, and things that stand or drive."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from edge.perception.people.shapes import Box, overlap
from models.vision.base import Detections, Floats, Poses
from models.vision.centernet import BICYCLE, BUS, CAR, MOTORCYCLE, PERSON, TRUCK

VEHICLES = (BICYCLE, CAR, MOTORCYCLE, BUS, TRUCK)
KINDS = (PERSON, *VEHICLES)
SAME_MIN = 0.5
"""Shared over joint area from which two boxes of one look are one body: CenterNet gives some twice.
Ours; two people who stand closer in the picture are one."""
POSE_MIN = 0.2
"""Score of a body of joints that is believed. Ours: below, shadows get bodies, too."""
JOINT_MIN = 0.2
"""Score of a joint that is believed; MoveNet's makers draw from 0.11 on."""
_SHOULDERS, _HIPS = (5, 6), (11, 12)


class Body(Struct, frozen=True):
    """Somebody, in one look.

    Attributes:
        score: From 0 to 1.
        tilt: Degrees between the trunk and upright: 90 lies, 180 stands on the head; None where
            shoulders or hips are not seen.
        detected: A detector of persons saw it, and not only a finder of joints.
    """

    box: Box
    score: float
    tilt: float | None = None
    detected: bool = False


class Thing(Struct, frozen=True):
    """Something that can stand in the way, in one look."""

    box: Box
    score: float


def bodies_of(found: Detections | None, poses: Poses | None) -> list[Body]:
    """Return the bodies of one look, each once, detections before poses, surest first."""
    bodies: list[Body] = []
    if found is not None:
        for index in np.flatnonzero(found.kinds == PERSON).tolist():
            _add(bodies, Body(_box(found.boxes[index]), float(found.scores[index]), detected=True))
    if poses is None:
        return bodies
    for index in np.flatnonzero(poses.scores >= POSE_MIN).tolist():
        box, tilt = _box(poses.boxes[index]), tilt_of(poses.joints[index])
        body = Body(box, float(poses.scores[index]), tilt)
        near = _same(bodies, box)
        if near is None:
            bodies.append(body)
        elif bodies[near].tilt is None:
            known = bodies[near]
            bodies[near] = Body(known.box, max(known.score, body.score), tilt, known.detected)
    return bodies


def things_of(found: Detections) -> list[Thing]:
    """Return the vehicles of one look, each once, whatever kinds it seems to be."""
    things: list[Thing] = []
    for index in np.flatnonzero(np.isin(found.kinds, VEHICLES)).tolist():
        box = _box(found.boxes[index])
        if _same(things, box) is None:
            things.append(Thing(box, float(found.scores[index])))
    return things


def tilt_of(joints: Floats) -> float | None:
    """Return the tilt of a trunk.

    Args:
        joints: (17, 3) as in `Poses`.
    """
    ends = [joints[list(pair)] for pair in (_SHOULDERS, _HIPS)]
    seen = [end[end[:, 2] >= JOINT_MIN] for end in ends]
    if not all(len(end) for end in seen):
        return None
    across, down = seen[1][:, :2].mean(axis=0) - seen[0][:, :2].mean(axis=0)
    return float(np.degrees(np.arctan2(abs(across), down)))


def _add(bodies: list[Body], body: Body) -> None:
    if _same(bodies, body.box) is None:
        bodies.append(body)


def _same(known: Sequence[Body | Thing], box: Box) -> int | None:
    likeness = [overlap(one.box, box) for one in known]
    best = int(np.argmax(likeness)) if likeness else -1
    return best if best >= 0 and likeness[best] >= SAME_MIN else None


def _box(corners: Floats) -> Box:
    left, top, right, bottom = map(float, corners)
    return left, top, right, bottom
