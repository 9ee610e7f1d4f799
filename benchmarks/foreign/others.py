"""What moves before a facade and must not alarm."""

from collections.abc import Callable, Iterator

import numpy as np

from foreign.bodies import Shape, Thing, shaped
from foreign.view import Array
from foreign.walls import Wall

Rng = np.random.Generator
DARK, PALE = np.array([35.0, 32, 30]), np.array([225.0, 225, 220])


def gliding(rng: Rng, at_s: float, wall: Wall) -> Thing:
    """A bird: glides across, may dive, and pulls out of it."""
    way = float(rng.choice([-1, 1]))
    speed, high = rng.uniform(6, 13), rng.uniform(0.4, 1) * wall.high_m
    start = np.array([-3.0 if way > 0 else wall.wide_m + 3, high, rng.uniform(1, 12)])
    dives = rng.random() < 0.5
    lasts = (wall.wide_m + 6) / speed

    def path(t: float) -> Array:
        t -= at_s
        dip = -7 * np.sin(np.pi * np.clip(t / lasts * 1.5 - 0.3, 0, 1)) ** 2 if dives else 0.0
        off = np.array([way * speed * t, 0.4 * np.sin(2 * t) + dip, 0.0])
        return np.asarray(start + off)

    def wings(t: float) -> list[tuple[Array, Array]]:
        beat = np.sin(2 * np.pi * 5 * t) if not dives else 0.2
        up = 0.18 * beat
        return [(np.array([[-0.3, up], [0, -0.06], [0.3, up], [0, 0.07]]), DARK)]

    return Thing("bird", at_s, at_s + lasts, path, wings)


def risen(rng: Rng, at_s: float, wall: Wall) -> Thing:
    """A balloon that rises and sways."""
    x, speed = rng.uniform(0, wall.wide_m), rng.uniform(1.2, 3)
    colour = rng.uniform(20, 230, 3)
    return Thing(
        "balloon", at_s, at_s + wall.high_m / speed,
        lambda t: np.array([x + np.sin(t), speed * (t - at_s), 2.0]),
        shaped(rng, "melon", 0.35, colour),
    )  # fmt: skip


def hovering(rng: Rng, at_s: float, wall: Wall) -> Thing:
    """A drone: stands, sinks in steps, and flies off."""
    x, y = rng.uniform(0.2, 0.8) * wall.wide_m, rng.uniform(0.6, 1) * wall.high_m
    sinks = rng.uniform(2, 5)

    def path(t: float) -> Array:
        t -= at_s
        return np.array([x + np.sin(t), y - sinks * np.clip(t - 3, 0, 3), 4.0])

    body = np.array([[-0.3, 0], [-0.1, -0.08], [0.1, -0.08], [0.3, 0], [0, 0.1]])
    return Thing("drone", at_s, at_s + 9, path, lambda _: [(body, DARK)])


def winged(rng: Rng, at_s: float, size: tuple[int, int]) -> Thing:
    """A fly close to the lens: large, blurred, and through the picture in half a second."""
    one, two = rng.uniform([0, 0], size), rng.uniform([0, 0], size)
    lasts, big = rng.uniform(0.3, 1.0), rng.uniform(8, 40)
    bends = rng.normal(0, 120, 2)
    return Thing(
        "fly", at_s, at_s + lasts,
        lambda t: one + (two - one) * (t - at_s) / lasts
        + bends * np.sin(np.pi * (t - at_s) / lasts),
        shaped(rng, "melon", big, DARK), alpha=0.5,
    )  # fmt: skip


def lowered(rng: Rng, _: float, wall: Wall) -> Thing:
    """A cleaning gondola on its ropes."""
    x, y = rng.uniform(0.2, 0.8) * wall.wide_m, rng.uniform(0.5, 0.9) * wall.high_m
    speed = rng.uniform(-0.4, 0.4)
    body = np.array([[-1.5, -0.5], [1.5, -0.5], [1.5, 0.5], [-1.5, 0.5]])
    man = np.array([[-0.2, 0.5], [0.2, 0.5], [0.2, 1.3], [-0.2, 1.3]])
    return Thing(
        "gondola", 0, 1e9,
        lambda t: np.array([x + 0.1 * np.sin(t), y + speed * t, 0.6]),
        lambda t: [(body, np.array([40.0, 60, 170])), (man + np.array([np.sin(t), 0]), DARK)],
    )  # fmt: skip


def drawn(rng: Rng, at_s: float, wall: Wall) -> Thing:
    """A curtain or washing that blows in an open window."""
    x, y = rng.uniform(0.1, 0.9) * wall.wide_m, rng.uniform(0.1, 0.9) * wall.high_m
    wide, tall = rng.uniform(0.5, 1.2), rng.uniform(0.8, 1.6)
    colour = rng.uniform(90, 230, 3)

    def shape(t: float) -> list[tuple[Array, Array]]:
        swing = 0.5 * wide * np.sin(2.6 * t) + 0.2 * np.sin(7 * t)
        edge = np.array([[0, 0], [wide, 0], [wide + swing, -tall], [swing * 0.6, -tall]])
        return [(edge, colour)]

    return Thing("curtain", at_s, at_s + 12, lambda _: np.array([x, y, 0.2]), shape)


def standing(rng: Rng, at_s: float, wall: Wall) -> Thing:
    """Somebody on a balcony who bends, turns and shakes out a cloth."""
    x = rng.uniform(0.1, 0.9) * wall.wide_m
    y = (int(rng.integers(1, wall.floors)) + 0.45) * wall.floor_m
    body = np.array([[-0.25, -0.7], [0.25, -0.7], [0.2, 0.5], [-0.2, 0.5]])
    colour = rng.uniform(20, 200, 3)

    def shape(t: float) -> list[tuple[Array, Array]]:
        arm = 0.9 * np.sin(9 * t) * (np.sin(t) > 0)
        cloth = np.array([[0.2, 0.2], [0.9, 0.2 + arm], [0.9, -0.3 + arm], [0.3, -0.1]])
        return [(body, colour), (cloth, PALE)]

    return Thing(
        "person", at_s, at_s + 10, lambda t: np.array([x + 0.4 * np.sin(t / 2), y, 0.5]), shape
    )


def blown(rng: Rng, at_s: float, wall: Wall) -> Thing:
    """A leaf or a sheet of paper in an eddy: sinks slowly, rocks, is lifted again."""
    x, y = rng.uniform(0, wall.wide_m), rng.uniform(0.3, 1) * wall.high_m
    sinks, drifts = rng.uniform(0.7, 2.4), rng.normal(0, 1)
    path = lambda t: np.array(  # noqa: E731  # one expression
        [x + drifts * (t - at_s) + 0.7 * np.sin(3 * t), y - sinks * (t - at_s)
         + 0.8 * np.sin(1.3 * t), 1.0]
    )  # fmt: skip
    look: Shape = shaped(rng, "carton", rng.uniform(0.1, 0.3), rng.uniform(40, 230, 3))
    return Thing("leaf", at_s, at_s + 8, path, look)


SPAWNS: dict[str, tuple[float, Callable[[Rng, float, Wall], Thing]]] = {
    "bird": (2.5, gliding), "balloon": (9.0, risen), "drone": (12.0, hovering),
    "gondola": (1e9, lowered), "curtain": (4.0, drawn), "person": (6.0, standing),
    "leaf": (1.2, blown),
}  # fmt: skip
"""How often each comes, in seconds."""
WHOLE = ("fly", "cloud", "headlights", "exposure", "flicker", "shake")


def cast(
    rng: Rng, names: tuple[str, ...], wall: Wall, size: tuple[int, int], lasts_s: float
) -> Iterator[Thing]:
    """Yield what moves in a clip."""
    for name in names:
        if name not in SPAWNS and name != "fly":
            continue
        every_s = SPAWNS[name][0] if name in SPAWNS else 1.5
        at_s = float(rng.uniform(0, 2))
        while at_s < lasts_s:
            yield winged(rng, at_s, size) if name == "fly" else SPAWNS[name][1](rng, at_s, wall)
            at_s += float(rng.exponential(every_s)) + 0.3
