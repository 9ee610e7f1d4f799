"""Which hour it is: by day, at dusk, or at night under lamps; and where the light comes from."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from sim.scenes.camera import Array, Image
from sim.scenes.weather import Kind as Weather
from sim.scenes.yards.paint import Lamp
from sim.scenes.yards.plan import Plan

Hour = Literal["day", "dusk", "night"]
HOURS: tuple[Hour, ...] = ("day", "dusk", "night")

_AIR = {"sun": 0.0, "overcast": 0.01, "rain": 0.05, "snow": 0.07, "fog": 0.2, "night": 0.0}
"""Share of ten metres' view that the air takes."""


@dataclass(frozen=True)
class Daylight:
    """How a place is lit.

    Attributes:
        lamp: What things are painted by.
        sun: (3,) way of the light through the world, downwards, for shadows.
        shadow: How dark they are, 0 to 1.
        soft_m: How far their edges reach.
        gain: (H, W, 3) share of daylight, 0 to 255; None by day.
    """

    lamp: Lamp
    sun: Array
    shadow: float
    soft_m: float
    gain: Image | None


def lit(plan: Plan, hour: Hour, weather: Weather, rng: np.random.Generator) -> Daylight:
    """Return the light of an hour in a weather."""
    clear = weather == "sun" and hour == "day"
    side, high = float(rng.uniform(-1, 1)), float(rng.uniform(0.6, 1.6))
    sun = np.array([-side, -high, float(rng.uniform(-0.7, 0.5))])
    sun /= np.linalg.norm(sun)
    right, down, forward = plan.camera.turn @ -sun
    toward = np.array([right, down, -forward]) if clear else np.array([0.3 * side, -0.7, 0.62])
    toward[2] = max(toward[2], 0.2)
    toward /= np.linalg.norm(toward)
    level = float(rng.uniform(0.9, 1.05))
    ambient, direct = (0.42, 0.75) if clear else (0.62, 0.42)
    tone = 120.0 if hour != "day" else 190.0
    lamp = Lamp(toward, ambient * level, direct * level, _AIR[weather], tone)
    gain = None if hour == "day" else _gain(plan, hour, rng)
    if clear:
        return Daylight(lamp, sun, float(rng.uniform(0.35, 0.6)), 0.03, gain)
    return Daylight(lamp, np.array([0.0, -1, 0]), 0.3, 0.25, gain)


def _gain(plan: Plan, hour: Hour, rng: np.random.Generator) -> Image:
    wide, high = plan.camera.width, plan.camera.height
    base = rng.uniform(0.3, 0.5) if hour == "dusk" else rng.uniform(0.06, 0.14)
    cast = np.array([1.12, 1.0, 0.92]) if hour == "dusk" else np.array([0.95, 0.95, 1.0])
    light = np.full((high // 4, wide // 4, 3), base) * cast
    warm = np.array([0.62, 0.86, 1.0]) * float(rng.uniform(0.35, 0.75))
    if hour == "dusk":
        warm = warm * 0.5
    v, u = np.mgrid[0 : high // 4, 0 : wide // 4].astype(np.float64) * 4
    for _ in range(int(rng.integers(2, 6))):
        place = np.array([[rng.uniform(-9, 9), 0.8, rng.uniform(-10, 3)]])
        [middle] = plan.camera.project(place)
        reach = float(rng.uniform(4, 8)) * plan.camera.px_per_m(place[0])
        away = ((u - middle[0]) / reach) ** 2 + ((v - middle[1]) / (0.5 * reach)) ** 2
        light += np.exp(-away)[..., None] * warm
    light = np.clip(light, 0, 1) * 255
    return np.asarray(cv2.resize(light.astype(np.uint8), (wide, high)), np.uint8)
