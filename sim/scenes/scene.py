"""One clip: a tower, a weather, things that must not alarm, and things that fall.

Everything follows from the seed. `frames` gives the pictures and `truth` what they show.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import cv2
import numpy as np

from sim.scenes import facade_life, sky_life
from sim.scenes.actors import Actor, View
from sim.scenes.camera import Camera, Image, Part, aimed
from sim.scenes.falls import Fall, Stage, described, thrown
from sim.scenes.sensor import Noise, Shake, shaking
from sim.scenes.sky_life import Air
from sim.scenes.tower import Tower, built, painted
from sim.scenes.weather import (
    FAIR,
    KINDS,
    Flicker,
    Kind,
    Light,
    Precipitation,
    flickering,
    light_of,
)

Mix = Literal["dense", "fair", "quiet"]
"""Four distractors in any weather; two in fair weather; none."""

Spawn = Callable[[float, Air, np.random.Generator], Actor]

EVERY_S: dict[str, tuple[float, Spawn]] = {
    "bird": (3.0, sky_life.bird),
    "leaf": (1.5, sky_life.leaf),
    "bag": (6.0, sky_life.bag),
    "paper": (5.0, sky_life.paper),
    "insect": (2.5, sky_life.insect),
    "laundry": (8.0, facade_life.laundry),
    "reflection": (2.0, facade_life.glint),
    "gondola": (1e9, facade_life.gondola),
    "windows": (3.0, facade_life.window_light),
    "street": (4.0, facade_life.passer),
    "tree": (25.0, facade_life.tree),
}
"""How often each distractor comes, and who makes it."""
WHOLE = ("light", "shake", "downpour")
"""Distractors of the whole picture."""
MILD = ("bird", "leaf", "laundry", "windows", "street", "reflection")
SIZE = (1920, 1080)


@dataclass(frozen=True)
class Scene:
    """A clip that can be played, and what is true of it.

    Attributes:
        fps: True frames a second; stamps follow from it.
        count: Frames.
        distractors: By name.
        falls: In the order of their time.
    """

    seed: int
    fps: float
    count: int
    tower: Tower
    camera: Camera
    weather: Kind
    light: Light
    distractors: tuple[str, ...]
    falls: tuple[Fall, ...]
    _actors: tuple[Actor, ...]
    _still: Image
    _view: View
    _overlay: Precipitation | None
    _flicker: Flicker | None
    _shake: Shake | None

    def frames(self, within: Part | None = None) -> Iterator[Image]:
        """Yield (H, W, 3) BGR frames; frame i is of the instant i / fps.

        Args:
            within: Rows and columns that are wanted, at a fraction of the time. What is outside
                means nothing then, and the next frame overwrites the one before.
        """
        part = within or np.s_[: self.camera.height, : self.camera.width]
        rng = np.random.default_rng([self.seed, 2])
        noise = Noise(self.light.noise, (self.camera.width, self.camera.height), rng)
        frame = self._still.copy()
        for index in range(self.count):
            t_s = index / self.fps
            if within is None:
                frame = self._still.copy()
            else:
                frame[part] = self._still[part]
            for actor in self._actors:
                if actor.begins_s <= t_s <= actor.ends_s:
                    actor.draw(frame, t_s, self._view)
            if self._overlay:
                self._overlay.draw(frame, t_s, part)
            if self._flicker:
                frame[part] = cv2.convertScaleAbs(frame[part], alpha=self._flicker.gain(t_s))
            if self._shake:
                self._shake.shake(frame, t_s, part)
            noise.add(frame, rng, part)
            yield frame

    def truth(self) -> dict[str, Any]:
        """Return what is true of the clip, as it stands in `truth.json`."""
        corners = [[0, 0, 0], [self.tower.width_m, 0, 0]]
        roof = [[self.tower.width_m, self.tower.height_m, 0], [0, self.tower.height_m, 0]]
        outline = self.camera.project(np.array(corners + roof))
        lines = []
        for floor in range(1, self.tower.floors + 2):
            height = (floor - 1) * self.tower.floor_m
            ends = self.camera.project(np.array([[0, height, 0], [self.tower.width_m, height, 0]]))
            if ((ends > -200) & (ends < [self.camera.width + 200, self.camera.height + 200])).all():
                left, right = ends.round(2).tolist()
                lines.append({"floor": floor, "left": left, "right": right})
        return {
            "width": self.camera.width,
            "height": self.camera.height,
            "container_fps": self.fps,
            "frames": self.count,
            "seed": self.seed,
            "weather": self.weather,
            "distractors": list(self.distractors),
            "noise_sigma": round(self.light.noise, 3),
            "facade_roi": outline.round(1).tolist(),
            "facade": {
                "floor_m": round(self.tower.floor_m, 4),
                "width_m": round(self.tower.width_m, 4),
                "columns": self.tower.columns,
                "floor_lines": lines,
            },
            "falls": [described(fall, self.fps, self.count) for fall in self.falls],
            "must_not_alarm": [],
        }


def composed(
    seed: int,
    *,
    lasts_s: float,
    mix: Mix = "dense",
    size: tuple[int, int] = SIZE,
    falls_every_s: float = 22.0,
    weather: Kind | None = None,
) -> Scene:
    """Return the scene of a seed.

    Args:
        seed: Decides everything.
        lasts_s: Length of the clip.
        mix: How much happens that must not alarm.
        size: Width and height in pixels.
        falls_every_s: On average; 0 for none.
        weather: In the place of the seed's own.
    """
    rng = np.random.default_rng([seed, 1])
    tower = built(rng)
    camera, low_m = _camera(tower, size, rng)
    kinds = KINDS if mix == "dense" else FAIR
    drawn: Kind = kinds[int(rng.integers(len(kinds)))]
    weather = weather or drawn
    light = light_of(weather, rng)
    names = _distractors(weather, mix, rng)
    backdrop = painted(tower, camera, rng)
    still = light.toned(backdrop.picture.astype(np.float64)) + backdrop.lit * light.lamps
    picture = np.clip(still, 0, 255).astype(np.uint8)
    air = Air(tower, low_m, tower.height_m, float(rng.normal(0, 1.2)), size, light)
    view = View(camera, light.exposure_s, backdrop.glass)
    actors = _cast(names, air, light, lasts_s, rng)
    trees = [actor for actor in actors if isinstance(actor, facade_life.Tree)]
    fps = float(rng.choice([20.0, 25.0, 25.0, 25.0]))
    stage = Stage(air, view, light, picture, trees, fps)
    falls = thrown(stage, lasts_s, falls_every_s, rng)
    downpour = "downpour" in names
    cast = [*(one for one in actors if one not in trees), *(fall.actor for fall in falls), *trees]
    return Scene(
        seed=seed,
        fps=fps,
        count=round(lasts_s * fps),
        tower=tower,
        camera=camera,
        weather=weather,
        light=light,
        distractors=names,
        falls=tuple(falls),
        _actors=tuple(cast),
        _still=picture,
        _view=view,
        _overlay=Precipitation("snow" if weather == "snow" else "rain", size, light.exposure_s, rng)
        if downpour
        else None,
        _flicker=flickering(lasts_s, rng) if "light" in names else None,
        _shake=shaking(rng) if "shake" in names else None,
    )


def _camera(tower: Tower, size: tuple[int, int], rng: np.random.Generator) -> tuple[Camera, float]:
    away = float(np.clip(tower.height_m * rng.uniform(0.6, 1.4), 25, 90))
    low_m = float(rng.uniform(-1, 0.3 * tower.height_m))
    camera = aimed(
        size=size,
        place=(tower.width_m * rng.uniform(0.2, 0.8), float(rng.uniform(1.5, 6)), away),
        span_m=(low_m, tower.height_m + 1),
        width_m=tower.width_m,
        yaw=float(rng.normal(0, 0.03)),
        roll=float(rng.normal(0, 0.01)),
    )
    return camera, max(low_m, 0.0)


def _distractors(weather: Kind, mix: Mix, rng: np.random.Generator) -> tuple[str, ...]:
    if mix == "quiet":
        return ()
    if mix == "fair":
        return tuple(sorted(str(name) for name in rng.choice(MILD, 2, replace=False)))
    wet = weather in {"rain", "snow"}
    pool = [*EVERY_S, *WHOLE[:2]]
    names = rng.choice(pool, 3 if wet else 4, replace=False)
    return tuple(sorted([str(name) for name in names] + (["downpour"] if wet else [])))


def _cast(
    names: tuple[str, ...], air: Air, light: Light, lasts_s: float, rng: np.random.Generator
) -> list[Actor]:
    actors: list[Actor] = []
    for name in names:
        if name not in EVERY_S:
            continue
        every_s, spawn = EVERY_S[name]
        at_s = float(rng.uniform(0, min(every_s, 3.0)))
        while at_s < lasts_s:
            actor = spawn(at_s, air, rng)
            colour = getattr(actor, "colour", None)
            if colour is not None:
                actor = replace(actor, colour=light.toned(colour))  # type: ignore[type-var]
            actors.append(actor)
            at_s += float(rng.exponential(every_s)) + 0.2
    return actors
