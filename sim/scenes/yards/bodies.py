"""People: bodies with joints that stand, walk and ride, in clothes, of every age.

References:
    Segment lengths as shares of stature: Drillis & Contini 1966, as in Winter, Biomechanics and
    Motor Control of Human Movement, 4th ed., figure 4.1. A child's head is a larger share.
"""

from dataclasses import dataclass

import numpy as np

from sim.scenes.camera import Array, Camera
from sim.scenes.yards.pieces import Piece, hull
from sim.scenes.yards.wardrobe import SWING, Look

PACE_MS = 1.3


@dataclass(frozen=True)
class Posture:
    """Where a body is and what it does.

    Attributes:
        place: (2,) x and z of the point between the feet, in metres.
        heading: Radians; 0 faces the camera's side (+z), pi / 2 faces right (+x).
        phase: Of the gait, in radians; 2 pi is a stride.
        pace: Of `PACE_MS`; 0 stands.
        rides_m: Height of a saddle that it sits on; 0 for on foot.
        sway: Of arms and trunk while it stands, in radians.
    """

    place: Array
    heading: float
    phase: float
    pace: float
    rides_m: float = 0.0
    sway: float = 0.0


def joints(look: Look, posture: Posture) -> dict[str, Array]:
    """Return joints in metres of the world, each (3,)."""
    tall = look.stature_m
    young = look.age == "child"
    swing = SWING * min(posture.pace, 1.4)
    hip_half, shoulder_half = 0.07 * tall, (0.098 if young else 0.102) * tall * min(look.girth, 1.1)
    thigh, shank = (0.23 * tall, 0.225 * tall) if young else (0.245 * tall, 0.246 * tall)
    local: dict[str, Array] = {}
    legs: dict[str, tuple[float, float]] = {}
    for side, sign in (("left", 0.0), ("right", np.pi)):
        phase = posture.phase + sign
        lift = swing * np.sin(phase)
        bend = 0.06 + 1.0 * (swing / SWING) * max(0.0, np.cos(phase + 0.3)) ** 2
        if posture.rides_m:
            lift, bend = 1.25, 1.25
        legs[side] = (lift, bend)
    reach = [thigh * np.cos(a) + shank * np.cos(a - b) for a, b in legs.values()]
    pelvis = posture.rides_m + 0.06 * tall if posture.rides_m else max(reach) + 0.05 * tall
    for side, half in (("left", 1.0), ("right", -1.0)):
        lift, bend = legs[side]
        hip = np.array([0.0, half * hip_half, pelvis])
        knee = hip + thigh * np.array([np.sin(lift), 0, -np.cos(lift)])
        ankle = knee + shank * np.array([np.sin(lift - bend), 0, -np.cos(lift - bend)])
        toe = ankle + 0.12 * tall * np.array(
            [np.cos(0.5 * (lift - bend)), 0, 0.4 * np.sin(lift - bend) - 0.25]
        )
        local |= {
            f"{side}_hip": hip,
            f"{side}_knee": knee,
            f"{side}_ankle": ankle,
            f"{side}_toe": toe,
        }
    lean = look.stoop + (0.12 if posture.rides_m else 0.03 * posture.pace)
    up = np.array([np.sin(lean), 0, np.cos(lean)])
    trunk = 0.285 * tall
    neck = np.array([0, 0, pelvis]) + up * (trunk + 0.03 * tall)
    for side, half in (("left", 1.0), ("right", -1.0)):
        shoulder = np.array([0, half * shoulder_half, pelvis]) + up * trunk
        arm = (
            -1.1 * swing * np.sin(posture.phase + (0 if half > 0 else np.pi)) + posture.sway * half
        )
        fold = 0.3 + 0.3 * posture.pace
        if posture.rides_m:
            arm, fold = 0.75, 0.5
        if look.umbrella is not None and half < 0:
            arm, fold = 0.5, 2.1
        elbow = shoulder + 0.18 * tall * np.array([np.sin(arm), half * 0.16, -np.cos(arm)])
        hand = elbow + 0.19 * tall * np.array([np.sin(arm + fold), 0.0, -np.cos(arm + fold)])
        shoulder = shoulder - up * 0.02 * tall
        local |= {f"{side}_shoulder": shoulder, f"{side}_elbow": elbow, f"{side}_hand": hand}
    head = (0.094 if young else 0.073) * tall
    crown = neck + np.array([0.3 * head + 0.4 * np.sin(lean) * head, 0, head * 1.3])
    local |= {"neck": neck, "head": crown}
    return {name: _world(at, posture) for name, at in local.items()}


def _world(local: Array, posture: Posture) -> Array:
    """Turn forward, left, up of a body into x, y, z."""
    s, c = np.sin(posture.heading), np.cos(posture.heading)
    ahead, left, up = local
    return np.array(
        [posture.place[0] + ahead * s + left * c, up, posture.place[1] + ahead * c - left * s]
    )


def body(look: Look, posture: Posture, camera: Camera) -> list[Piece]:
    """Return the pieces of somebody."""
    at = joints(look, posture)
    tall, thick = look.stature_m, look.stature_m * look.girth
    young = 1.12 if look.age == "child" else 1.0
    pieces = []

    def limb(names: str, radii: tuple[float, ...], colour: Array, bias_m: float = 0.0) -> None:
        points = np.array([at[name] for name in names.split()])
        pieces.append(hull(camera, points, np.array(radii) * thick * young, colour, bias_m=bias_m))

    for side in ("left", "right"):
        limb(f"{side}_hip {side}_knee", (0.05, 0.034), look.lower, 0.02)
        limb(
            f"{side}_knee {side}_ankle",
            (0.033, 0.023),
            look.skin if look.shorts else look.lower,
            0.02,
        )
        limb(f"{side}_ankle {side}_toe", (0.024, 0.02), look.shoes)
        limb(f"{side}_shoulder {side}_elbow", (0.033, 0.026), look.upper)
        limb(f"{side}_elbow {side}_hand", (0.025, 0.018), look.upper if look.sleeves else look.skin)
        limb(f"{side}_hand", (0.024,), look.skin, -0.02)
    waist = {
        side: 0.62 * at[f"{side}_hip"] + 0.38 * at[f"{side}_shoulder"] for side in ("left", "right")
    }
    middle = (waist["left"] + waist["right"]) / 2
    at["left_waist"], at["right_waist"] = (
        middle + 0.72 * (waist[s] - middle) for s in ("left", "right")
    )
    at["nape"] = at["neck"] - [0, 0.025 * tall, 0]
    limb(
        "left_waist right_waist left_hip right_hip",
        (0.05, 0.05, 0.056, 0.056),
        look.lower if look.tucked and not look.long_coat else look.upper * 0.96,
    )
    at["left_yoke"], at["right_yoke"] = (
        at["nape"] + 0.78 * (at[f"{side}_shoulder"] - at["nape"]) for side in ("left", "right")
    )
    limb(
        "nape left_yoke right_yoke left_waist right_waist",
        (0.03, 0.038, 0.038, 0.052, 0.052),
        look.upper,
    )
    if look.long_coat and not posture.rides_m:
        hem = {side: at[f"{side}_hip"] + (at[f"{side}_knee"] - at[f"{side}_hip"]) * look.long_coat
               for side in ("left", "right")}  # fmt: skip
        at["left_hem"], at["right_hem"] = hem["left"], hem["right"]
        limb(
            "left_hip right_hip left_hem right_hem",
            (0.064, 0.064, 0.07, 0.07),
            look.upper * 0.95,
            -0.01,
        )
    limb("nape head", (0.03, 0.03), look.skin, 0.01)
    pieces += _head(look, posture, at, camera)
    if look.bag:
        pieces.append(_bag(look, posture, at, camera, tall))
    if look.umbrella is not None:
        pieces += _umbrella(look, at, camera)
    return pieces


def _head(look: Look, posture: Posture, at: dict[str, Array], camera: Camera) -> list[Piece]:
    big = (0.078 if look.age == "child" else 0.059) * look.stature_m
    ahead = np.array([np.sin(posture.heading), 0, np.cos(posture.heading)])
    centre = at["head"]
    low, high = centre - np.array([0, 0.42 * big, 0]), centre + np.array([0, 0.28 * big, 0])
    cap = look.hat if look.hat is not None else look.hair
    back = np.array([0.55 * low + 0.45 * high - 0.3 * big * ahead, high - 0.1 * big * ahead])
    made = [hull(camera, back, np.array([0.8, 0.95]) * big, cap)]
    face = np.array([low + 0.05 * big * ahead, centre + 0.35 * big * ahead - [0, 0.05 * big, 0]])
    made.append(hull(camera, face, np.array([0.68, 0.74]) * big, look.skin, bias_m=-0.01))
    if look.long_hair and look.hat is None:
        tail = centre - 0.45 * big * ahead - np.array([0, 1.1 * big, 0])
        made.append(
            hull(
                camera,
                np.array([centre - 0.3 * big * ahead, tail]),
                np.array([0.8, 0.55]) * big,
                look.hair,
            )
        )
    left = np.array([ahead[2], 0, -ahead[0]])
    dark = look.skin * 0.35
    for side in (-1, 1):
        eye = centre + 1.02 * big * ahead + side * 0.36 * big * left + np.array([0, 0.06 * big, 0])
        if ahead @ (camera.place - centre) > 0.35 * np.linalg.norm(camera.place - centre):
            made.append(hull(camera, eye[None], np.array([0.12 * big]), dark, bias_m=-0.05))
    return made


def _bag(look: Look, posture: Posture, at: dict[str, Array], camera: Camera, tall: float) -> Piece:
    ahead = np.array([np.sin(posture.heading), 0, np.cos(posture.heading)])
    if look.bag == "back":
        middle = (at["left_shoulder"] + at["right_shoulder"] + at["left_hip"] + at["right_hip"]) / 4
        ends = middle + np.array([[0, 0.08 * tall, 0], [0, -0.08 * tall, 0]]) - 0.1 * tall * ahead
        return hull(camera, ends, np.array([0.075, 0.085]) * tall, look.bag_colour)
    hand = at["left_hand"]
    ends = np.array([hand - [0, 0.06, 0], hand - [0, 0.26, 0]])
    return hull(camera, ends, np.array([0.06, 0.11]), look.bag_colour, bias_m=-0.03)


def _umbrella(look: Look, at: dict[str, Array], camera: Camera) -> list[Piece]:
    assert look.umbrella is not None
    top = at["head"] + np.array([0, 0.42, 0])
    around = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    rim = top + np.column_stack([np.cos(around) * 0.52, np.full(8, -0.22), np.sin(around) * 0.52])
    cloth = hull(camera, np.vstack([rim, top]), np.full(9, 0.02), look.umbrella, bias_m=-0.3)
    rod = hull(
        camera, np.array([at["right_hand"], top]), np.full(2, 0.012), np.array([60.0, 60, 60])
    )
    return [rod, cloth]
