"""Gather what the judge of falling things learns from: tracks on rendered training scenes.

Each scene is watched twice, with its floor lines and without, so that the trees learn both.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from edge.perception.highrise.facade import Facade
    from edge.perception.highrise.gate import Limits
    from edge.perception.highrise.relink import Track
    from sim.scenes.scene import Scene

CLIP_S = 20.0
OWN_PX = 25.0
"""A track that ends this close to where a thrown thing was is of it."""
NEAR_S = 1.0
"""Other tracks beside a fall are of its reflection as often as not: nothing is learnt from them."""

Told = Callable[[int], object]


def gathered(seeds: range, told: Told = lambda _: None) -> dict[str, NDArray[Any]]:
    """Return `rows` (N, F), `fell` (N,), `clip` (N,) and `metric` (N,) of training scenes.

    Raises:
        SeedError: A seed is not for training.
    """
    from models.highrise import FEATURES
    from sim.scenes.scene import composed
    from sim.scenes.seeds import check

    rows: list[NDArray[np.float64]] = []
    marks: list[tuple[int, int, int]] = []
    for done, seed in enumerate(seeds):
        scene = composed(check(seed, "train"), lasts_s=CLIP_S, falls_every_s=9.0)
        for row, fell, metric in _watched(scene):
            rows.append(row)
            marks.append((fell, seed, metric))
        told(done + 1)
    columns = np.array(marks, np.int64).reshape(-1, 3)
    return {
        "rows": np.array(rows).reshape(-1, len(FEATURES)),
        "fell": columns[:, 0],
        "clip": columns[:, 1],
        "metric": columns[:, 2],
    }


def _watched(scene: "Scene") -> Iterator[tuple[NDArray[np.float64], int, int]]:
    import cv2

    from edge.perception.highrise.facade import from_outline
    from edge.perception.highrise.watch import HighriseWatch, sightings
    from models.highrise import FallJudge, measured
    from sim.scenes.compress import around, compressed
    from weinao.cli.evaluate.highrise import facade_of

    cv2.setNumThreads(1)
    truth = scene.truth()
    size = (scene.camera.width, scene.camera.height)
    part = around(truth["facade_roi"], size)
    quality = int(np.random.default_rng([scene.seed, 3]).integers(60, 92))
    facades: list[Facade] = [facade_of(truth), from_outline(truth["facade_roi"])]
    watches = [
        HighriseWatch(facade, size, judge=FallJudge(None), limits=_loose()) for facade in facades
    ]
    for index, frame in enumerate(scene.frames(part)):
        small = compressed(frame, part, quality)
        for watch, facade in zip(watches, facades, strict=True):
            for track in watch.passing(small, index / scene.fps):
                fell = _is_of(track, scene)
                if fell is not None:
                    row = measured(sightings(track, facade, watch.height_m))
                    yield row, int(fell), int(facade.metric)


def _loose() -> "Limits":
    from edge.perception.highrise.gate import Limits

    return Limits(
        drop_m_min=6.0, drop_m_min_wet=6.0, drop_share_min=0.22, points_min=8, hits_min=0.4,
        pull_ms2=(3.0, 16.0), first_ms_max=9.0, last_ms_min=6.0, rms_m_max=0.4,
        rms_share_max=0.04, evidence_min=8.0,
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
