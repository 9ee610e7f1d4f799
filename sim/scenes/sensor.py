"""What the camera itself adds: a mount that shakes, a sensor that is noisy."""

from dataclasses import dataclass

import cv2
import numpy as np

from sim.scenes.camera import Array, Image

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

    def add(self, frame: Image, rng: np.random.Generator) -> None:
        """Make a frame noisy, in place."""
        up, down = self._fields[int(rng.integers(_BANKS))]
        u, v = (int(at) for at in rng.integers(0, _MARGIN, 2))
        part = np.s_[v : v + self._size[1], u : u + self._size[0]]
        cv2.add(frame, up[part], dst=frame)
        cv2.subtract(frame, down[part], dst=frame)


@dataclass(frozen=True)
class Shake:
    """A mount in the wind.

    Attributes:
        waves: (K, 5) pixels across and down, radians, hertz, phase.
    """

    waves: Array

    def shaken(self, frame: Image, t_s: float) -> Image:
        """Return a frame as the moving camera sees it."""
        swing = np.sin(2 * np.pi * self.waves[:, 3] * t_s + self.waves[:, 4])
        du, dv, turn = (float(np.sum(self.waves[:, i] * swing)) for i in range(3))
        tall, wide = frame.shape[:2]
        move = np.array([[1, -turn, du + turn * tall / 2], [turn, 1, dv - turn * wide / 2]])
        return np.asarray(
            cv2.warpAffine(frame, move, (wide, tall), borderMode=cv2.BORDER_REPLICATE), np.uint8
        )


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
