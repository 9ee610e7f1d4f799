"""What the weather puts between the camera and the tower, and what light does to the whole."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from sim.scenes.camera import Array, Image, Part

Kind = Literal["sun", "overcast", "rain", "snow", "fog", "night"]
KINDS: tuple[Kind, ...] = ("sun", "overcast", "rain", "snow", "fog", "night")
FAIR: tuple[Kind, ...] = ("sun", "overcast")


@dataclass(frozen=True)
class Light:
    """How bright the scene is, and how much of it the air hides.

    Attributes:
        ambient: Factor on every colour.
        haze: Share of the haze's own colour, 0 to 1.
        haze_tone: Grey level of it.
        lamps: Factor on the light from windows.
        exposure_s: Of a frame.
        noise: Standard deviation of a pixel, in grey levels.
    """

    ambient: float
    haze: float
    haze_tone: float
    lamps: float
    exposure_s: float
    noise: float

    def toned(self, colour: Array) -> Array:
        """Return a colour as it looks in this light."""
        lit = colour * self.ambient
        return np.asarray(lit * (1 - self.haze) + self.haze_tone * self.haze)


def light_of(kind: Kind, rng: np.random.Generator) -> Light:
    """Return the light that belongs to a weather."""
    day = float(rng.uniform(0.75, 1.05))
    noise = float(rng.uniform(1.2, 3.0))
    if kind == "night":
        return Light(
            float(rng.uniform(0.15, 0.35)), 0.02, 20, 0.7, float(rng.uniform(0.01, 0.033)),
            float(rng.uniform(2.0, 4.0)),
        )  # fmt: skip
    if kind == "fog":
        return Light(
            day * 0.85, float(rng.uniform(0.25, 0.55)), 190, 0.1, float(rng.uniform(0.003, 0.01)),
            noise,
        )  # fmt: skip
    if kind == "sun":
        return Light(day, 0, 0, 0, float(rng.uniform(0.001, 0.006)), noise)
    haze = float(rng.uniform(0, 0.2))
    return Light(day * 0.8, haze, 180, 0.05, float(rng.uniform(0.004, 0.014)), noise)


class Precipitation:
    """Rain or snow: particles at many distances that fall at their steady speed.

    Near ones are few, large, fast and faint; far ones many, small and slow in the picture.
    """

    def __init__(
        self,
        kind: Literal["rain", "snow"],
        size: tuple[int, int],
        exposure_s: float,
        rng: np.random.Generator,
    ) -> None:
        count = int(rng.uniform(60, 260)) if kind == "rain" else int(rng.uniform(120, 450))
        self._kind, self._size, self._exposure_s = kind, size, exposure_s
        near = rng.beta(1, 4, count)  # 1 is at the lens
        if kind == "rain":
            self._speed = 500 + near * 5_500 + rng.uniform(0, 300, count)
            self._tone = rng.uniform(6, 26, count)
            self._size_px = 1 + near * 3
        else:
            self._speed = 25 + near * 700 + rng.uniform(0, 25, count)
            self._tone = rng.uniform(25, 120, count) * (1 - 0.6 * near)
            self._size_px = 0.8 + near * 16
        self._slant = rng.normal(0, 0.15) + rng.normal(0, 0.05, count)
        self._sway = (0.0 if kind == "rain" else 1.0) * rng.uniform(2, 12, count) * (0.5 + near)
        self._phase = rng.uniform(0, 2 * np.pi, count)
        self._begin = rng.uniform(0, 1, (count, 2))
        self._mask = np.zeros(size[::-1], np.uint8)

    def draw(self, frame: Image, t_s: float, part: Part) -> None:
        wide, tall = self._size
        room = tall + 200
        travelled = self._begin[:, 1] * room + self._speed * t_s
        laps, down = np.floor(travelled / room), travelled % room - 100
        # Each lap begins somewhere else, and always at the same place for the same lap.
        shuffled = (self._begin[:, 0] + laps * 0.754_877_666) % 1
        across = shuffled * wide * 1.2 - wide * 0.1 + down * self._slant
        across += self._sway * np.sin(self._phase + t_s * 2.2)
        self._mask[part] = 0
        ends = np.column_stack([across, down])
        if self._kind == "rain":
            streak = self._speed * self._exposure_s
            begins = ends - np.column_stack([streak * self._slant, streak])
            for one, two, tone, width in zip(
                (begins * 8).astype(int), (ends * 8).astype(int), self._tone, self._size_px,
                strict=True,
            ):  # fmt: skip
                cv2.line(self._mask, (int(one[0]), int(one[1])), (int(two[0]), int(two[1])),
                         float(tone), int(width), cv2.LINE_AA, 3)  # fmt: skip
        else:
            for centre, tone, size in zip(
                (ends * 8).astype(int), self._tone, self._size_px, strict=True
            ):
                cv2.circle(self._mask, (int(centre[0]), int(centre[1])), int(size * 4),
                           float(tone), -1, cv2.LINE_AA, 3)  # fmt: skip
        inside = frame[part]
        cv2.add(inside, cv2.cvtColor(self._mask[part], cv2.COLOR_GRAY2BGR), dst=inside)


@dataclass(frozen=True)
class Flicker:
    """Light that changes for everything at once: clouds slowly, a floodlight at a stroke.

    Attributes:
        waves: (K, 3) depth, hertz and phase of slow changes.
        strokes: (N, 2) instant in seconds and factor from then on.
    """

    waves: Array
    strokes: Array

    def gain(self, t_s: float) -> float:
        """Return the factor on every pixel at an instant."""
        slow = 1 + float(
            np.sum(self.waves[:, 0] * np.sin(2 * np.pi * self.waves[:, 1] * t_s + self.waves[:, 2]))
        )
        past = self.strokes[self.strokes[:, 0] <= t_s]
        return slow * (float(past[-1, 1]) if len(past) else 1.0)


def flickering(lasts_s: float, rng: np.random.Generator) -> Flicker:
    """Return changes of light for a clip."""
    waves = np.column_stack(
        [rng.uniform(0.01, 0.08, 3), rng.uniform(0.02, 0.4, 3), rng.uniform(0, 6, 3)]
    )
    count = int(rng.integers(0, 4))
    strokes = np.column_stack(
        [np.sort(rng.uniform(0, lasts_s, count)), rng.uniform(0.85, 1.15, count)]
    )
    return Flicker(waves, strokes)
