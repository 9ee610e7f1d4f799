"""Distractors on the facade and below: laundry, glints, a gondola, lights, trees, the street."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from sim.scenes.actors import Actor, View
from sim.scenes.camera import Array, Image
from sim.scenes.sky_life import Air
from sim.scenes.stamp import box, ellipse, mix, stamp
from sim.scenes.weather import Light


@dataclass(frozen=True)
class Laundry:
    """Cloth on a rail: it hangs from its upper edge and swings in the wind."""

    begins_s: float
    ends_s: float
    corner: Array
    size_m: tuple[float, float]
    colour: Array
    swing_hz: float
    swing_m: float

    def draw(self, frame: Image, t_s: float, view: View) -> None:
        wide, tall = self.size_m
        gust = np.sin(t_s * 0.7) + 0.5 * np.sin(t_s * 1.9)
        sway = self.swing_m * gust * np.sin(2 * np.pi * self.swing_hz * t_s)
        lift = abs(sway) * 0.5
        corners = np.array(
            [[0, 0, 0], [wide, 0, 0], [wide + sway, -tall + lift, 0.2], [sway, -tall + lift, 0.2]]
        )
        shape = view.camera.project(self.corner + corners)
        centre = shape.mean(0, keepdims=True)
        stamp(frame, shape - centre, centre, self.colour)


@dataclass(frozen=True)
class Glint:
    """Light that wanders over window panes: a car, a cloud, the sun in a moving sash."""

    begins_s: float
    ends_s: float
    start: Array
    speed: Array
    size_m: float
    gain: float

    def draw(self, frame: Image, t_s: float, view: View) -> None:
        place = self.start + self.speed * (t_s - self.begins_s)
        scale = view.camera.px_per_m(place)
        centre = view.camera.project(place[None])
        shape = ellipse(self.size_m * scale, self.size_m * scale * 0.6, 0.4)
        stamp(
            frame,
            shape,
            centre,
            np.full(3, 250.0),
            soft_px=self.size_m * scale / 6 + 0.6,
            alpha=self.gain,
            where=view.glass,
        )


@dataclass(frozen=True)
class Gondola:
    """A platform on ropes, moving steadily along the facade."""

    begins_s: float
    ends_s: float
    start: Array
    speed_ms: float
    colour: Array

    def draw(self, frame: Image, t_s: float, view: View) -> None:
        place = self.start + np.array([0, self.speed_ms * (t_s - self.begins_s), 0])
        scale = view.camera.px_per_m(place)
        stamp(frame, box(3 * scale, 1.1 * scale), view.camera.project(place[None]), self.colour)
        for side in (-1.3, 1.3):
            ends = view.camera.project(place + np.array([[side, 0, 0], [side, 60, 0]]))
            one, two = (tuple(map(int, np.clip(end, -4_000, 4_000))) for end in ends)
            cv2.line(frame, (one[0], one[1]), (two[0], two[1]), (60, 60, 60), 1, cv2.LINE_AA)
        head = place + np.array([0.8 * np.sin(t_s), 1.2, 0])
        stamp(frame, ellipse(0.5 * scale, 0.8 * scale, 0.0), view.camera.project(head[None]),
              np.array([40.0, 90, 220]))  # fmt: skip


@dataclass(frozen=True)
class WindowLight:
    """A lamp that goes on or off behind a pane, a curtain that is drawn, a sash that opens."""

    begins_s: float
    ends_s: float
    corner: Array
    size_m: tuple[float, float]
    colour: Array
    alpha: float
    opens_s: float

    def draw(self, frame: Image, t_s: float, view: View) -> None:
        share = 1.0
        if self.opens_s > 0:
            share = float(np.clip((t_s - self.begins_s) / self.opens_s, 0.02, 1))
        wide, tall = self.size_m[0] * share, self.size_m[1]
        corners = np.array([[0, 0, 0], [wide, 0, 0], [wide, tall, 0], [0, tall, 0]])
        shape = view.camera.project(self.corner + corners)
        centre = shape.mean(0, keepdims=True)
        stamp(frame, shape - centre, centre, self.colour, alpha=self.alpha)


@dataclass(frozen=True)
class Passer:
    """A person or a car in the street below."""

    begins_s: float
    ends_s: float
    start: Array
    speed_ms: float
    size_m: tuple[float, float]
    colour: Array

    def draw(self, frame: Image, t_s: float, view: View) -> None:
        bob = 0.04 * np.sin(t_s * 12) if self.size_m[0] < 1 else 0.0
        place = self.start + np.array([self.speed_ms * (t_s - self.begins_s), bob, 0])
        scale = view.camera.px_per_m(place)
        shape = box(self.size_m[0] * scale, self.size_m[1] * scale)
        stamp(frame, shape, view.camera.project(place[None]), self.colour)


class Tree:
    """A crown in front of the camera whose leaves never rest."""

    def __init__(
        self,
        corner: tuple[int, int],
        size: tuple[int, int],
        *,
        gust: float,
        light: Light,
        seed: int,
    ) -> None:
        rng = np.random.default_rng(seed)
        self.begins_s, self.ends_s = 0.0, 1e9
        self._corner, self._gust = corner, gust
        wide, tall = size
        cover = np.zeros((tall, wide), np.float32)
        leaves = np.zeros((tall, wide, 3), np.uint8)
        leaves[:] = light.toned(rng.uniform([20, 45, 25], [50, 90, 60]))
        for _ in range(int(wide * tall / 160)):
            at = rng.normal(0.5, 0.2, 2) * [wide, tall]
            tone = light.toned(rng.uniform([15, 45, 20], [70, 140, 90]))
            centre = (int(at[0]), int(at[1]))
            axes = (int(rng.integers(3, 11)), int(rng.integers(2, 6)))
            turn = float(rng.uniform(0, 180))
            cv2.ellipse(leaves, centre, axes, turn, 0, 360, tuple(map(float, tone)), -1)
            cv2.ellipse(cover, centre, axes, turn, 0, 360, 1.0, -1)
        self._leaves, self._cover = leaves, cover
        grid = np.mgrid[0:tall, 0:wide].astype(np.float32)
        self._v, self._u = grid[0], grid[1]
        self._phase = (self._u * 0.05 + self._v * 0.035).astype(np.float32)

    def covers(self, pixels: Array) -> NDArray[np.bool_]:
        """Return which of (N, 2) pixels are behind it."""
        inside = pixels - np.array(self._corner)
        return np.asarray(((inside > 0) & (inside < self._cover.shape[::-1])).all(axis=1))

    def draw(self, frame: Image, t_s: float, view: View) -> None:  # noqa: ARG002  # it is in pixels
        gust = self._gust * (0.6 + 0.4 * np.sin(t_s * 0.6))
        du = gust * np.sin(self._phase + np.float32(t_s * 3.1))
        dv = gust * 0.6 * np.sin(self._phase * 1.7 + np.float32(t_s * 4.3))
        u, v = self._u + du.astype(np.float32), self._v + dv.astype(np.float32)
        moved = cv2.remap(self._leaves, u, v, cv2.INTER_LINEAR)
        cover = np.asarray(cv2.remap(self._cover, u, v, cv2.INTER_LINEAR), np.float32)
        full_u, full_v = self._corner
        inside = frame[full_v : full_v + cover.shape[0], full_u : full_u + cover.shape[1]]
        tall, wide = inside.shape[:2]
        mix(inside, cover[:tall, :wide], (0, 0), np.asarray(moved[:tall, :wide], np.float64))


def laundry(at_s: float, air: Air, rng: np.random.Generator) -> Actor:
    """Return a piece of laundry before a window, there for the whole clip."""
    place = _window(air, rng) + np.array([0, 2.2, 0.6])
    size = (float(rng.uniform(0.3, 1.4)), float(rng.uniform(0.5, 1.6)))
    return Laundry(
        0.0 if at_s >= 0 else at_s,
        1e9,
        place,
        size,
        rng.uniform(40, 240, 3),
        float(rng.uniform(0.4, 1.6)),
        float(rng.uniform(0.05, 0.45)),
    )


def glint(at_s: float, air: Air, rng: np.random.Generator) -> Actor:
    """Return a reflection on its way over the glazing."""
    speed = rng.normal(0, 1, 3) * [4, 3, 0]
    return Glint(
        at_s,
        at_s + float(rng.uniform(0.3, 4)),
        _window(air, rng),
        speed,
        float(rng.uniform(0.4, 4)),
        float(rng.uniform(0.2, 0.9)),
    )


def gondola(at_s: float, air: Air, rng: np.random.Generator) -> Actor:
    """Return a gondola for the whole clip, at 8 to 12 m/min as they are built."""
    speed = float(rng.choice([-1, 1]) * rng.uniform(0.13, 0.2))
    return Gondola(min(at_s, 0.0), 1e9, _window(air, rng), speed, rng.uniform(80, 230, 3))


def window_light(at_s: float, air: Air, rng: np.random.Generator) -> Actor:
    """Return a window in which something changes for a while."""
    size = (float(rng.uniform(0.6, 1.8)), float(rng.uniform(1.0, 1.7)))
    opens_s = float(rng.uniform(0.4, 2.5)) if rng.random() < 0.6 else 0.0
    return WindowLight(
        at_s,
        at_s + float(rng.uniform(1, 15)),
        _window(air, rng),
        size,
        rng.uniform(60, 250, 3),
        float(rng.uniform(0.3, 1.0)),
        opens_s,
    )


def passer(at_s: float, air: Air, rng: np.random.Generator) -> Actor:
    """Return somebody, or a car, who crosses below."""
    walks = rng.random() < 0.6
    speed = rng.uniform(0.8, 2.0) if walks else rng.uniform(3, 9)
    way = rng.choice([-1, 1])
    size = (0.5, 1.7) if walks else (4.4, 1.5)
    start = [air.tower.width_m / 2 - way * 25, size[1] / 2, rng.uniform(2, 15)]
    colour = rng.uniform(20, 230, 3)
    ends_s = at_s + 50 / float(speed)
    return Passer(at_s, ends_s, np.array(start), float(speed * way), size, colour)


def tree(at_s: float, air: Air, rng: np.random.Generator) -> Actor:  # noqa: ARG001  # always there
    """Return a tree that covers a corner of the view."""
    wide, tall = int(rng.integers(180, 420)), int(rng.integers(150, 330))
    u = int(rng.choice([0, air.size[0] - wide]))
    v = int(rng.choice([0, air.size[1] - tall]))
    if rng.random() < 0.5:
        u, v = int(rng.integers(0, air.size[0] - wide)), air.size[1] - tall
    gust, seed = float(rng.uniform(1, 6)), int(rng.integers(1 << 30))
    return Tree((u, v), (wide, tall), gust=gust, light=air.light, seed=seed)


def _window(air: Air, rng: np.random.Generator) -> Array:
    tower = air.tower
    column = int(rng.integers(tower.columns))
    lowest = int(air.low_m / tower.floor_m)
    floor = int(rng.integers(lowest, max(int(air.high_m / tower.floor_m), lowest + 1)))
    return np.array([(column + 0.25) * tower.column_m, floor * tower.floor_m + 0.6, 0.0])
