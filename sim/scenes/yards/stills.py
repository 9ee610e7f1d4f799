"""What always stands in a place, and hides people: trees, posts, a gate with its fence."""

import numpy as np

from sim.scenes.camera import Array
from sim.scenes.yards.paint import creased
from sim.scenes.yards.plan import Plan
from sim.scenes.yards.things import Still

_STEEL = np.array([88.0, 86, 84])
_STONE = np.array([168.0, 172, 176])


def furnished(plan: Plan, rng: np.random.Generator) -> list[Still]:
    """Return what stands in a place."""
    stills = []
    if plan.kind == "gate":
        stills += _gate(plan, rng)
        spots = [(-9.0, -1.0), (-8.5, 2.5), (9.5, -1.0), (-11.0, -9.0), (10.5, -10.0)]
    else:
        far = float(plan.zones[1].corners[:, 1].min())
        spots = [
            (-10.5, 0.5),
            (10.5, 1.0),
            (-9.5, -3.5),
            (9.0, -3.0),
            (-6.0, far - 2),
            (-11.0, far - 3),
        ]
    for spot in spots:
        if rng.random() < 0.55:
            at = np.array(spot) + rng.normal(0, 0.5, 2)
            stills.append(_tree(at, rng) if rng.random() < 0.6 else _post(at, rng))
    return stills


def _tree(at: Array, rng: np.random.Generator) -> Still:
    tall, crown = rng.uniform(2.2, 3.4), rng.uniform(1.0, 1.7)
    bark = rng.uniform(45, 85) + rng.normal([0, 12, 24], 4)
    foot, top = np.array([at[0], 0, at[1]]), np.array([at[0], tall, at[1]])
    solid: list[tuple[Array, Array | None, Array]] = [
        (np.array([foot, top]), np.array([0.14, 0.1]), bark)
    ]
    green = rng.uniform(25, 50) + rng.normal([0, 38, 14], 6)
    for _ in range(110):
        away = np.clip(rng.normal(0, 0.5, 3), -0.85, 0.85) * crown * [1, 0.75, 1]
        leaf = np.clip(green * rng.uniform(0.55, 1.35), 0, 255)
        middle = top + np.array([0, crown * 0.8, 0]) + away
        solid.append((middle[None], np.array([rng.uniform(0.1, 0.26)]), leaf))
    return Still(at, creased(rng), tuple(solid), 0.35)


def _post(at: Array, rng: np.random.Generator) -> Still:
    foot, top = np.array([at[0], 0, at[1]]), np.array([at[0], rng.uniform(3, 4.5), at[1]])
    head = top + np.array([0.0, 0.15, 0])
    solid: tuple[tuple[Array, Array | None, Array], ...] = (
        (np.array([foot, top]), np.array([0.07, 0.05]), _STEEL),
        (head[None], np.array([0.2]), np.array([215.0, 225, 225])),
    )
    return Still(at, creased(rng) * np.float32(0.3), solid, 0.25)


def _gate(plan: Plan, rng: np.random.Generator) -> list[Still]:
    z = float(plan.line.ends[0, 1])
    left, right = -6.0, float(plan.line.ends[1, 0])
    lane_x = float(plan.lane[0, 0])
    tone = _STONE + rng.normal(0, 14, 3)
    stills = [_pillar(np.array([x, z]), tone, rng) for x in (left, lane_x - 2.6, right + 0.2)]
    stills += [_fence(a, b, z, rng) for a, b in ((-20.0, left - 0.4), (right + 0.6, 20.0))]
    stills.append(_booth(np.array([lane_x - 3.6, z - 0.2]), rng))
    for x in np.arange(-5.0, lane_x - 4.8, 1.6):
        if rng.random() < 0.5:
            top = np.array([[x, 0, z], [x, 0.8, z]])
            solid = ((top, np.array([0.07, 0.07]), np.array([60.0, 160, 200])),)
            stills.append(Still(np.array([x, z]), creased(rng), solid, 0.15))
    return stills


def _pillar(at: Array, tone: Array, rng: np.random.Generator) -> Still:
    return Still(at, creased(rng), tuple(_block(at, 0.35, 2.9, tone)), 0.4)


def _booth(at: Array, rng: np.random.Generator) -> Still:
    solid = _block(at, 0.7, 2.4, np.array([190.0, 195, 195]) + rng.normal(0, 12, 3))
    solid += _block(at, 0.72, 1.9, np.array([80.0, 74, 66]), base=1.0)
    return Still(at, creased(rng) * np.float32(0.2), tuple(solid), 0.8)


def _fence(left: float, right: float, z: float, rng: np.random.Generator) -> Still:
    solid: list[tuple[Array, Array | None, Array]] = [
        (np.array([[left, y, z], [right, y, z]]), np.array([0.03, 0.03]), _STEEL)
        for y in (0.3, 1.7)
    ]
    solid.extend(
        (np.array([[x, 0.1, z], [x, 1.9, z]]), np.array([0.018, 0.018]), _STEEL)
        for x in np.arange(left, right, 0.22)
    )
    solid.append((np.array([[left, 0.15, z], [right, 0.15, z]]), np.array([0.16, 0.16]), _STONE))
    return Still(np.array([(left + right) / 2, z]), creased(rng), tuple(solid), 0.0)


def _block(
    at: Array, half: float, tall: float, tone: Array, base: float = 0.0
) -> list[tuple[Array, Array | None, Array]]:
    """Return the faces of an upright block that can be seen from in front."""
    x, z = at
    near, far, left, right = z + half, z - half, x - half, x + half
    front = np.array(
        [[left, base, near], [right, base, near], [right, tall, near], [left, tall, near]]
    )
    top = np.array([[left, tall, near], [right, tall, near], [right, tall, far], [left, tall, far]])
    one = np.array([[left, base, far], [left, base, near], [left, tall, near], [left, tall, far]])
    two = np.array(
        [[right, base, near], [right, base, far], [right, tall, far], [right, tall, near]]
    )
    return [
        (one, None, tone * 0.82),
        (two, None, tone * 0.82),
        (top, None, tone * 1.08),
        (front, None, tone),
    ]
