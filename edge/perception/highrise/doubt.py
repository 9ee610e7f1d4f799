"""A second look: a track that chance made ends; a thing that falls goes on where its parabola says.

doubtful ──► three of the next frames show something where it was foretold ──► believed
    └──────► six frames later they have not ──► forgotten
"""

import numpy as np

from edge.perception.highrise.relink import Track
from edge.perception.highrise.window import Window

SHOWN, LOOKED = 3, 6
"""Frames that must show it, of so many after its end. In snow chance gives one in thirty. Ours."""
OFF_M, OFF_PX = 0.5, 7.0
"""How far from where it was foretold something may be: the larger of the two."""
DOUBTFUL_MAX = 24
"""Further ones are forgotten, the oldest first."""


class Doubt:
    """Tracks that wait to be confirmed."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Track, float]] = []

    def add(self, track: Track, score: float) -> None:
        """Let a track wait."""
        self._waiting = [*self._waiting[-DOUBTFUL_MAX + 1 :], (track, score)]

    def settled(self, window: Window) -> list[tuple[Track, float]]:
        """Return the tracks that the newest frames confirm, each once."""
        believed, waiting = [], []
        for track, score in self._waiting:
            shown, looked = _shown(track, window)
            if shown >= SHOWN:
                believed.append((track, score))
            elif looked < LOOKED:
                waiting.append((track, score))
        self._waiting = waiting
        return believed


def _shown(track: Track, window: Window) -> tuple[int, int]:
    """Return in how many frames after a track's end it is seen, and how many there are."""
    end_s = float(track.t_s[-1])
    after = [frame for frame in window.frames if frame.at_s > end_s][:LOOKED]
    if not after:
        return 0, 0
    places = track.parabola.at(np.array([frame.at_s for frame in after]))
    pixels = window.pixels(places)
    near = np.maximum(OFF_PX, OFF_M * window.facade.px_per_m(places))
    shown = 0
    for frame, pixel, most in zip(after, pixels, near, strict=True):
        away = np.hypot(*(frame.px - pixel).T) - frame.size_px / 4
        shown += bool(len(away) and away.min() <= most)
    return shown, len(after)
