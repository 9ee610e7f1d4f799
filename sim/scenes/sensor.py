"""What the camera itself adds: a mount that shakes, a sensor that is noisy."""

from dataclasses import dataclass

import cv2
import numpy as np

from sim.scenes.camera import Array, Image, Part

_BANKS = 4
_MARGIN = 64


class Noise:
    """Sensor noise, cut at random from a few large fields so that no frame repeats another."""

    def __init__(self, sigma: float, size: tuple[int, int], rng: np.random.Generator) -> None:
        wide, tall = size[0] + _MARGIN, size[1] + _MARGIN
        self._size = size
        self._fields = []
        for _ in range(_BANKS):
            field = np.empty((tall, wide, 3), np.float32)
            field[:] = (rng.standard_normal((tall, wide), np.float32) * sigma)[..., None]
            field += rng.standard_normal((tall, wide, 3), np.float32) * (sigma * 0.3)
            up = np.clip(np.rint(field), 0, 255).astype(np.uint8)
            down = np.clip(np.rint(-field), 0, 255).astype(np.uint8)
            self._fields.append((up, down))

    def add(self, frame: Image, rng: np.random.Generator, part: Part) -> None:
        """Make a part of a frame noisy, in place."""
        up, down = self._fields[int(rng.integers(_BANKS))]
        u, v = (int(at) for at in rng.integers(0, _MARGIN, 2))
        whole = np.s_[v : v + self._size[1], u : u + self._size[0]]
        inside = frame[part]
        cv2.add(inside, up[whole][part], dst=inside)
        cv2.subtract(inside, down[whole][part], dst=inside)


@dataclass(frozen=True)
class Shake:
    """A mount in the wind.

    Attributes:
        waves: (K, 5) pixels across and down, radians, hertz, phase.
    """

    waves: Array

    def shake(self, frame: Image, t_s: float, part: Part) -> None:
        """Move a part of a frame as the mount moves at an instant, in place."""
        swing = np.sin(2 * np.pi * self.waves[:, 3] * t_s + self.waves[:, 4])
        du, dv, turn = (float(np.sum(self.waves[:, i] * swing)) for i in range(3))
        inside = frame[part]
        corner = np.array([part[1].start or 0, part[0].start or 0])
        middle = np.array([frame.shape[1], frame.shape[0]]) / 2 - corner  # it turns about this
        move = np.array([[1, -turn, du + turn * middle[1]], [turn, 1, dv - turn * middle[0]]])
        size = (inside.shape[1], inside.shape[0])
        inside[:] = cv2.warpAffine(inside, move, size, borderMode=cv2.BORDER_REPLICATE)


def shaking(rng: np.random.Generator) -> Shake:
    """Return the movement of a mast or bracket: a few modes between 0.3 and 7 Hz."""
    count = 3
    return Shake(
        np.column_stack(
            [
                rng.uniform(0.1, 1.3, count),
                rng.uniform(0.1, 1.0, count),
                rng.uniform(0, 1.5e-4, count),
                rng.uniform(0.3, 7, count),
                rng.uniform(0, 6, count),
            ]
        )
    )
