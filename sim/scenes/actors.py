"""What flies and falls before a facade: thrown things, birds, leaves, bags, paper, insects."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sim.scenes.camera import Array, Camera, Image
from sim.scenes.physics import Path
from sim.scenes.stamp import ellipse, stamp

Shaper = Callable[[float, float], Array]
"""From the scale in pixels a metre and the time in seconds to corners in pixels."""


@dataclass(frozen=True)
class View:
    """What drawing needs to know of the scene.

    Attributes:
        exposure_s: Of one frame.
        glass: (H, W) 255 where windows are.
    """

    camera: Camera
    exposure_s: float
    glass: Image


class Actor(Protocol):
    """Something that is in view from one time to another."""

    @property
    def begins_s(self) -> float: ...

    @property
    def ends_s(self) -> float: ...

    def draw(self, frame: Image, t_s: float, view: View) -> None:
        """Put it into a frame."""


@dataclass(frozen=True)
class Flying:
    """Anything on a path in space.

    Attributes:
        mirror: How strongly glass shows it, 0 to 1.
        soft_px: How far it is out of focus.
    """

    path: Path
    shaper: Shaper
    colour: Array
    alpha: float = 1.0
    mirror: float = 0.0
    soft_px: float = 0.6

    @property
    def begins_s(self) -> float:
        return self.path.begins_s

    @property
    def ends_s(self) -> float:
        return self.path.ends_s

    def draw(self, frame: Image, t_s: float, view: View) -> None:
        places = self.path.at(t_s + np.linspace(-0.5, 0.5, 5) * view.exposure_s)
        self._draw_at(frame, places, t_s, view, mirrored=False)
        if self.mirror:
            self._draw_at(frame, places * np.array([1, 1, -1]), t_s, view, mirrored=True)

    def _draw_at(
        self, frame: Image, places: Array, t_s: float, view: View, *, mirrored: bool
    ) -> None:
        scale = view.camera.px_per_m(places[len(places) // 2])
        stamp(
            frame,
            self.shaper(scale, t_s),
            view.camera.project(places),
            self.colour,
            soft_px=self.soft_px,
            alpha=self.mirror if mirrored else self.alpha,
            where=view.glass if mirrored else None,
        )


@dataclass(frozen=True)
class Insect:
    """Something small and near: its path is in pixels, and it is out of focus.

    Attributes:
        track: (N, 2) pixels, one every `step_s`.
    """

    begins_s: float
    step_s: float
    track: Array
    size_px: float
    colour: Array
    alpha: float

    @property
    def ends_s(self) -> float:
        return self.begins_s + (len(self.track) - 1) * self.step_s

    def draw(self, frame: Image, t_s: float, view: View) -> None:
        times = t_s + np.linspace(-0.5, 0.5, 5) * view.exposure_s
        steps = (times - self.begins_s) / self.step_s
        grid = np.arange(len(self.track))
        centres = np.column_stack([np.interp(steps, grid, axis) for axis in self.track.T])
        shape = ellipse(self.size_px, self.size_px * 0.7, t_s * 5)
        stamp(frame, shape, centres, self.colour, soft_px=self.size_px / 5 + 0.6, alpha=self.alpha)


def tumbling(size_m: float, aspect: float, spin_hz: float, phase: float) -> Shaper:
    """Return the outline of a solid that turns, seen from the side."""

    def shape(scale: float, t_s: float) -> Array:
        turn = phase + 2 * np.pi * spin_hz * t_s
        thin = aspect + (1 - aspect) * abs(np.sin(turn * 0.7))
        return ellipse(size_m * scale, size_m * scale * thin, turn, 8)

    return shape


def flapping(span_m: float, beat_hz: float, phase: float) -> Shaper:
    """Return the outline of a bird: a body, and wings that beat."""

    def shape(scale: float, t_s: float) -> Array:
        lift = np.sin(phase + 2 * np.pi * beat_hz * t_s)
        span, body = span_m * scale, span_m * scale * 0.3
        wings = [[-0.5, -0.35 * lift], [0, -0.08], [0.5, -0.35 * lift], [0.12, 0.1]]
        tail = [[0, 0.16], [-0.12, 0.1]]
        corners = np.array(wings + tail, np.float64)
        corners *= np.array([span * (0.55 + 0.45 * abs(lift)), max(span, body)])
        return corners

    return shape


def fluttering(size_m: float, rate_hz: float, phase: float) -> Shaper:
    """Return the outline of a sheet that shows now its face, now its edge."""

    def shape(scale: float, t_s: float) -> Array:
        turn = phase + 2 * np.pi * rate_hz * t_s
        return ellipse(size_m * scale, size_m * scale * (0.15 + 0.85 * abs(np.cos(turn))), turn, 8)

    return shape
