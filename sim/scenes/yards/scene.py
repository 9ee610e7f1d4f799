"""One clip of a yard or a gate: who comes, what stands, in which light. All follows from the seed.

`frames` gives the pictures, `truth` what they show.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from sim.scenes.camera import Array, Camera, Image
from sim.scenes.sensor import Noise, Shake, shaking
from sim.scenes.weather import Kind as Weather
from sim.scenes.weather import Light, Precipitation, light_of
from sim.scenes.yards.cast import Cast, gathered
from sim.scenes.yards.ground import backdrop
from sim.scenes.yards.hours import HOURS, Daylight, Hour, lit
from sim.scenes.yards.paint import Patch, painted
from sim.scenes.yards.pieces import depth_of, fill
from sim.scenes.yards.plan import Kind, Plan, planned
from sim.scenes.yards.stills import furnished
from sim.scenes.yards.things import Still, Thing
from sim.scenes.yards.traffic import Mix
from sim.scenes.yards.truth import told

SIZE = (1280, 720)
_WEATHERS: tuple[Weather, ...] = ("sun", "overcast", "rain", "snow", "fog")
_DRY: tuple[Weather, ...] = ("sun", "overcast")
_COARSE = 4


@dataclass(frozen=True)
class YardScene:
    """A clip that can be played, and what is true of it.

    Attributes:
        fps: Frame i is of the instant i / fps.
        count: Frames.
        quality: Of the encoder, as that of JPEG, 1 to 100.
    """

    seed: int
    kind: Kind
    fps: float
    count: int
    plan: Plan
    weather: Weather
    hour: Hour
    quality: int
    cast: Cast
    stills: tuple[Still, ...]
    _light: Light
    _day: Daylight
    _overlay: Precipitation | None
    _shake: Shake | None
    _soft_px: float

    @property
    def camera(self) -> Camera:
        return self.plan.camera

    @property
    def things(self) -> list[Thing]:
        """Everything that stands on the ground."""
        return [*self.cast.people, *self.cast.vehicles, *self.stills]

    def frames(self, every: int = 1) -> Iterator[Image]:
        """Yield (H, W, 3) BGR frames.

        Args:
            every: Only every so many-th frame is rendered: frames 0, every, 2 every, ...
        """
        camera = self.plan.camera
        size = (camera.width, camera.height)
        rng = np.random.default_rng([self.seed, 2])
        noise = Noise(self._light.noise, size, rng)
        whole = np.s_[: camera.height, : camera.width]
        kept: dict[int, Patch | None] = {}
        bare = self._bare()
        for index in range(0, self.count, every):
            t_s = index / self.fps
            frame = bare.copy()
            present = self.present(t_s)
            self._shade(frame, present, t_s)
            for thing in present:
                patch = self._patch(thing, t_s, kept)
                if patch is not None:
                    patch.lay(frame)
            if self._overlay:
                self._overlay.draw(frame, t_s, whole)
            if self._day.gain is not None:
                frame = np.asarray(cv2.multiply(frame, self._day.gain, scale=1 / 255), np.uint8)
            if self._shake:
                self._shake.shake(frame, t_s, whole)
            noise.add(frame, rng, whole)
            _, coded = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, self.quality])
            yield np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)

    def truth(self) -> dict[str, Any]:
        """Return what is true of the clip, as it stands in `truth.json`."""
        head = {
            "kind": self.kind,
            "width": self.plan.camera.width,
            "height": self.plan.camera.height,
            "container_fps": self.fps,
            "frames": self.count,
            "seed": self.seed,
            "weather": self.weather,
            "hour": self.hour,
            "noise_sigma": round(self._light.noise, 3),
        }
        return head | told(
            self.plan,
            self.cast,
            fps=self.fps,
            count=self.count,
            present=self.present,
            lamp=self._day.lamp,
        )

    def present(self, t_s: float) -> list[Thing]:
        """Return what stands before the camera at an instant, the farthest first."""
        here = [one for one in self.things if one.begins_s <= t_s <= one.ends_s]
        away = [_depth(self.plan, one.foot(t_s)) for one in here]
        order = np.argsort(-np.array(away), kind="stable")
        return [here[i] for i in order if away[i] > 0.8]

    def _bare(self) -> Image:
        """Return the place in its light, without anything that stands in it."""
        lamp = self._day.lamp
        far = lamp.haze * 1.2
        seen = backdrop(self.plan, np.random.default_rng([self.seed, 12])).astype(np.float32)
        seen = seen * (lamp.flat * 0.95) * (1 - far) + lamp.haze_tone * far
        return np.clip(seen, 0, 255).astype(np.uint8)

    def _patch(self, thing: Thing, t_s: float, kept: dict[int, Patch | None]) -> Patch | None:
        still = thing.stands(t_s)
        if still and id(thing) in kept:
            return kept[id(thing)]
        camera = self.plan.camera
        lamp = self._day.lamp
        pieces = thing.pieces(t_s, camera, lamp)
        patch = painted(pieces, (camera.width, camera.height), lamp, thing.cloth, self._soft_px)
        kept.pop(id(thing), None)
        if still:
            kept[id(thing)] = patch
        return patch

    def _shade(self, frame: Image, present: list[Thing], t_s: float) -> None:
        """Darken the ground where things keep the light off, in place."""
        camera, sun = self.plan.camera, self._day.sun
        dark = np.zeros((camera.height // _COARSE, camera.width // _COARSE), np.uint8)
        for thing in present:
            for points in thing.bulk(t_s):
                fallen = points - sun * (points[:, 1:2] / sun[1])
                if not clear_of_lens(self.plan, fallen):
                    continue
                outline = cv2.convexHull((camera.project(fallen) / _COARSE).astype(np.float32))
                fill(dark, np.asarray(outline, np.float64)[:, 0], 255)
        if not dark.any():
            return
        soft = max(self._day.soft_m * camera.px_per_m(np.array([0.0, 0, -4])) / _COARSE, 0.6)
        dark = np.asarray(cv2.GaussianBlur(dark, (0, 0), soft), np.uint8)
        whole = np.asarray(cv2.resize(dark, (camera.width, camera.height)), np.uint8)
        kept = 255 - (whole * np.float32(self._day.shadow)).astype(np.uint8)
        frame[:] = cv2.multiply(frame, cv2.merge([kept, kept, kept]), scale=1 / 255)


def clear_of_lens(plan: Plan, points: Array) -> bool:
    """Return whether (N, 3) points all lie well before the camera."""
    return bool((depth_of(plan.camera, points) > 1.0).all())


def _depth(plan: Plan, foot: Array) -> float:
    return float((np.array([foot[0], 0.0, foot[1]]) - plan.camera.place) @ plan.camera.turn[2])


def composed(
    seed: int,
    kind: Kind,
    *,
    lasts_s: float,
    mix: Mix = "dense",
    size: tuple[int, int] = SIZE,
    fps: float | None = None,
    weather: Weather | None = None,
    hour: Hour | None = None,
) -> YardScene:
    """Return the scene of a seed.

    Args:
        seed: Decides everything.
        kind: A yard, or a gate.
        lasts_s: Length of the clip.
        mix: How much goes on.
        size: Width and height in pixels.
        fps: In the place of the seed's own.
        weather: In the place of the seed's own.
        hour: In the place of the seed's own.
    """
    rng = np.random.default_rng([seed, 11])
    plan = planned(kind, size, rng)
    drawn_hour = HOURS[int(rng.choice(3, p=(0.6, 0.2, 0.2)))] if mix == "dense" else "day"
    kinds = _WEATHERS if mix == "dense" else _DRY
    drawn_weather = kinds[int(rng.integers(len(kinds)))]
    hour, weather = hour or drawn_hour, weather or drawn_weather
    light = light_of("night" if hour == "night" else weather, rng)
    day = lit(plan, hour, weather, rng)
    stills = furnished(plan, rng)
    cold = weather == "snow" or bool(rng.random() < 0.4)
    cast = gathered(plan, stills, lasts_s, mix, rng, cold=cold, wet=weather == "rain")
    falls = weather in ("rain", "snow")
    drawn_fps = float(rng.choice([10.0, 12.5, 15.0, 25.0]))
    chosen = fps or drawn_fps
    return YardScene(
        seed=seed,
        kind=kind,
        fps=chosen,
        count=round(lasts_s * chosen),
        plan=plan,
        weather=weather,
        hour=hour,
        quality=int(rng.integers(55, 92)),
        cast=cast,
        stills=tuple(stills),
        _light=light if hour != "dusk" else replace(light, noise=light.noise * 1.3),
        _day=day,
        _overlay=Precipitation("snow" if weather == "snow" else "rain", size, light.exposure_s, rng)
        if falls
        else None,
        _shake=shaking(rng) if rng.random() < 0.35 else None,
        _soft_px=float(rng.uniform(0.45, 0.9)),
    )
