"""What light, air and the camera's electronics do to a picture."""

import cv2
import numpy as np
from numpy.typing import NDArray

from foreign.bodies import Thing
from foreign.view import Array, View
from foreign.walls import Image, clouds

_LUMA = np.array([0.114, 0.587, 0.299])
_FINE = 4
"""Binary places of a pixel that corners are given to OpenCV with."""
_BANKS = 4
_MARGIN = 48


def stamp(frame: Image, thing: Thing, t_s: float, open_s: float, view: View) -> float:
    """Draw a thing, blurred by its movement while the shutter is open; return its contrast."""
    times = [t_s]
    ends = [_corners(thing, at, view)[0][0].mean(0) for at in (t_s, t_s + open_s)]
    if not np.isfinite(ends).all() or np.abs(ends).max() > 1e4:
        return 0.0
    count = int(np.clip(np.hypot(*(ends[1] - ends[0])) / 1.5, 1, 10))
    times = [t_s + open_s * step / count for step in range(count)]
    shapes = [_corners(thing, at, view) for at in times]
    everything = np.concatenate([corners for shape in shapes for corners, _ in shape])
    low = np.maximum(np.floor(everything.min(0)) - 2, 0).astype(int)
    high = np.minimum(np.ceil(everything.max(0)) + 3, view.size).astype(int)
    if (high <= low).any():
        return 0.0
    part = frame[low[1] : high[1], low[0] : high[0]]
    before = part.copy()
    for which in range(len(shapes[0])):
        cover = np.zeros(part.shape[:2], np.float32)
        for shape in shapes:
            mask = np.zeros(part.shape[:2], np.uint8)
            fixed = np.round((shape[which][0] - low) * 2**_FINE).astype(np.int32)
            cv2.fillPoly(mask, [fixed], 255, cv2.LINE_AA, _FINE)
            cover += mask
        cover *= thing.alpha / (255 * count)
        if thing.alpha < 1:  # out of focus
            cover = np.asarray(cv2.GaussianBlur(cover, (0, 0), 4), np.float32)
        part[:] = part * (1 - cover[..., None]) + shapes[0][which][1] * cover[..., None]
    return float(np.abs((part.astype(float) - before) @ _LUMA).max())


def _corners(thing: Thing, t_s: float, view: View) -> list[tuple[Array, Array]]:
    middle, parts = thing.path(t_s), thing.shape(t_s)
    if len(middle) == 2:
        return [(corners + middle, colour) for corners, colour in parts]
    return [
        (view.pixels(np.column_stack([corners + middle[:2], np.full(len(corners), middle[2])])), c)
        for corners, c in parts
    ]


class Fall:
    """Rain or snow: parallel or swaying particles at distances from 2 to 60 m."""

    def __init__(self, rng: np.random.Generator, kind: str, size: tuple[int, int]) -> None:
        count = int(rng.uniform(150, 900))
        away = 2 / (rng.uniform(0.033, 1, count) ** 0.7)
        scale = size[1] * 0.9 / away  # pixels a metre
        self._snow, self._size = kind == "snow", size
        self._speed = (rng.uniform(0.8, 1.9, count) if self._snow else 8.0) * scale
        self._big = np.maximum((0.012 if self._snow else 0.0025) * scale, 0.7)
        self._tone = rng.uniform(30, 110, count) * np.minimum(1, 1 / self._big + 0.3)
        self._slant = float(rng.normal(0, 0.2))
        self._at = rng.uniform(0, 1, (count, 2))
        self._sway = rng.uniform(0, 0.25, count) * scale * self._snow

    def draw(self, frame: Image, t_s: float, open_s: float) -> None:
        wide, tall = self._size
        down = (self._at[:, 1] * 1.3 * tall + self._speed * t_s) % (1.3 * tall) - 0.2 * tall
        laps = np.floor((self._at[:, 1] * 1.3 * tall + self._speed * t_s) / (1.3 * tall))
        across = (self._at[:, 0] + 0.382 * laps) % 1 * 1.4 * wide - 0.2 * wide
        across += down * self._slant + self._sway * np.sin(t_s * 1.7 + self._at[:, 0] * 40)
        mask = np.zeros(frame.shape[:2], np.uint8)
        streak = self._speed * open_s
        for u, v, length, big, tone in zip(
            across, down, streak, self._big, self._tone, strict=True
        ):
            one = (round(u * 16), round(v * 16))
            two = (round((u - length * self._slant) * 16), round((v - length) * 16))
            cv2.line(mask, one, two, int(tone), max(round(big), 1), cv2.LINE_AA, 4)
        cv2.add(frame, cv2.cvtColor(mask, cv2.COLOR_GRAY2BGR), dst=frame)


class Sensor:
    """Everything that is of the whole picture.

    Args:
        names: Of `others.WHOLE`.
        part: Rows and columns that matter; the rest is left without noise.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        names: tuple[str, ...],
        size: tuple[int, int],
        part: tuple[slice, slice],
        night: bool,
    ) -> None:
        self._rng, self._names, self._size, self._part = rng, names, size, part
        wide, tall = size
        self.shot, self.read = rng.uniform(0.01, 0.05), rng.uniform(0.8, 3) * (1.6 if night else 1)
        self._banks = [
            rng.standard_normal((tall + _MARGIN, wide + _MARGIN)).astype(np.float32)
            for _ in range(_BANKS)
        ]
        self._steps = np.sort(rng.uniform(3, 30, 5)), rng.uniform(0.75, 1.3, 6)
        self._veil = cv2.resize(clouds(rng, (160, 90), 3), (2 * wide, tall))
        self._hertz, self._swing = rng.uniform(0.4, 6, 3), rng.uniform(0.2, 1.2, (3, 2))
        self._light = float(rng.uniform(0.2, 0.8)) * tall

    def sigma(self, level: float) -> float:
        """Return the noise of a grey level."""
        return float(np.sqrt(self.read**2 + self.shot * level))

    def taken(self, frame: Image, t_s: float) -> Image:
        """Return what leaves the camera, before it is encoded."""
        if "cloud" in self._names:
            left = int(t_s * 40) % self._size[0]
            veil = self._veil[:, left : left + self._size[0]]
            shade = np.clip(1 - 0.25 * np.clip(veil, 0, 1), 0.6, 1)
            frame = np.asarray(cv2.multiply(frame, cv2.merge([shade] * 3), dtype=cv2.CV_8U))
        rows = np.arange(self._size[1])
        gain = np.ones(self._size[1])
        if "exposure" in self._names:
            gain *= self._steps[1][np.searchsorted(self._steps[0], t_s)]
        if "flicker" in self._names:
            gain *= 1 + 0.05 * np.sin(2 * np.pi * (rows / self._size[1] * 1.7 + 3.3 * t_s))
        if "headlights" in self._names:
            middle = self._light + 60 * np.sin(t_s)
            gain *= 1 + 1.5 * np.exp(-(((rows - middle) / 90) ** 2)) * max(np.sin(1.1 * t_s), 0)
        if np.ptp(gain) or gain[0] != 1:
            wave = np.broadcast_to(gain[:, None, None], frame.shape).astype(np.float32)
            frame = np.asarray(cv2.multiply(frame, wave, dtype=cv2.CV_8U))
        if "shake" in self._names:
            du, dv = np.sin(2 * np.pi * self._hertz * t_s) @ self._swing
            move = np.array([[1, 0, du], [0, 1, dv]])
            frame = np.asarray(
                cv2.warpAffine(frame, move, self._size, borderMode=cv2.BORDER_REPLICATE)
            )
        return self._noisy(frame)

    def _noisy(self, frame: Image) -> Image:
        part = frame[self._part]
        bank = self._banks[int(self._rng.integers(_BANKS))]
        u, v = (int(at) for at in self._rng.integers(0, _MARGIN, 2))
        field = bank[v : v + self._size[1], u : u + self._size[0]][self._part]
        table = np.sqrt(self.read**2 + self.shot * np.arange(256)).astype(np.float32)
        noise: NDArray[np.float32] = field * cv2.LUT(cv2.cvtColor(part, cv2.COLOR_BGR2GRAY), table)
        frame[self._part] = cv2.add(part, cv2.cvtColor(noise, cv2.COLOR_GRAY2BGR), dtype=cv2.CV_8U)
        return frame
