"""Gather what the judge of falling things learns from: tracks on rendered training scenes.

Nearly all that physics lets through and that is no fall comes from rain and snow; so every second
short scene is wet. Long scenes are as the benchmark has them: falls are rare there, and what is no
fall is frequent.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from edge.perception.highrise.gate import Limits
    from edge.perception.highrise.relink import Track
    from sim.scenes.scene import Scene
    from sim.scenes.weather import Kind

CLIP_S, FALLS_EVERY_S = 16.0, 7.0
OWN_PX = 25.0
"""A track that ends this close to where a thrown thing was is of it."""
NEAR_S = 1.0
"""Other tracks beside a fall are of its reflection as often as not: nothing is learnt from them."""

LONG_FROM, LONG_S = 60_000, 30.0
"""Seeds from here on are of long scenes."""

Told = Callable[[int], object]


def scenes(seed: int, clips: int) -> list[int]:
    """Return the seeds that are learnt from: so many short scenes, and so many long ones."""
    return [*range(seed, seed + clips), *range(LONG_FROM, LONG_FROM + clips)]


def gathered(seeds: Sequence[int], told: Told = lambda _: None) -> dict[str, NDArray[Any]]:
    """Return `rows` (N, F), `fell` (N,) and `clip` (N,) of training scenes.

    Raises:
        SeedError: A seed is not for training.
    """
    from models.highrise import FEATURES
    from sim.scenes.seeds import check

    rows: list[NDArray[np.float64]] = []
    marks: list[tuple[int, int]] = []
    for done, seed in enumerate(seeds):
        for row, fell in _watched(_scene(check(seed, "train"))):
            rows.append(row)
            marks.append((fell, seed))
        told(done + 1)
    columns = np.array(marks, np.int64).reshape(-1, 2)
    return {
        "rows": np.array(rows).reshape(-1, len(FEATURES)),
        "fell": columns[:, 0],
        "clip": columns[:, 1],
    }


_WET: "tuple[Kind | None, ...]" = (None, "snow", None, "rain")


def _scene(seed: int) -> "Scene":
    from sim.scenes.scene import composed

    if seed >= LONG_FROM:
        return composed(seed, lasts_s=LONG_S)
    return composed(seed, lasts_s=CLIP_S, falls_every_s=FALLS_EVERY_S, weather=_WET[seed % 4])


def _watched(scene: "Scene") -> Iterator[tuple[NDArray[np.float64], int]]:
    import cv2

    from edge.perception.highrise.watch import HighriseWatch, sightings
    from models.highrise import FallJudge, measured
    from sim.scenes.compress import around, compressed
    from weinao.cli.evaluate.highrise import facade_of

    cv2.setNumThreads(1)
    truth = scene.truth()
    size = (scene.camera.width, scene.camera.height)
    part = around(truth["facade_roi"], size)
    quality = int(np.random.default_rng([scene.seed, 3]).integers(60, 92))
    facade = facade_of(truth)
    watch = HighriseWatch(facade, size, judge=FallJudge(None), limits=_loose())
    for index, frame in enumerate(scene.frames(part)):
        small = compressed(frame, part, quality)
        for track in watch.passing(small, index / scene.fps):
            fell = _is_of(track, scene)
            if fell is not None:
                yield measured(sightings(track, facade, watch.height_m)), int(fell)


def _loose() -> "Limits":
    from edge.perception.highrise.gate import Limits

    return Limits(
        drop_m_min=5.0, drop_m_min_wet=5.0, points_min=7, hits_min=0.35, hits_min_wet=0.35,
        pull_ms2=(2.0, 18.0), first_ms_min=-20.0, first_ms_max=11.0, last_ms_min=5.0,
        rms_m_max=0.6, rms_share_max=0.06, rms_px_max=4.0, evidence_min=5.0, evidence_min_wet=5.0,
        swerve_ms2_max=100.0,
    )  # fmt: skip


def _is_of(track: "Track", scene: "Scene") -> bool | None:
    """Return whether a track is of a thrown thing; None where nobody can say."""
    at = float(track.t_s[-1])
    for fall in scene.falls:
        begins_s = fall.first_frame / scene.fps
        ends_s = begins_s + len(fall.seen) / scene.fps
        if not begins_s - NEAR_S < at < ends_s + NEAR_S:
            continue
        index = round(at * scene.fps) - fall.first_frame
        if 0 <= index < len(fall.seen):
            away = np.hypot(*(track.px[-1] - fall.seen[index]))
            if away < OWN_PX + track.size_px[-1] / 2:
                return True
        return None
    return False
