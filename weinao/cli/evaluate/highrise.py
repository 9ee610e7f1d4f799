"""Score the detection of falling objects against clips whose falls are known.

Uses what ships and learns nothing. A clip's truth may hold the facade's floor lines; where it holds
an outline alone, the scale is unknown, as it is before anybody has calibrated a camera.

- falls, found: those that count as visible, where the truth says so; else all. A fall in what of a
  film could not be read is not asked for.
- false_alarms: events that are no fall's first.
- start_within_tolerance: share of the found whose start is within one floor and 1.5 m sideways;
  without floor lines, within 90 px.
- delay_s_p50: from release to the frame after which the event was known.
- fps: frames a second of one core's own time, without decoding.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from time import thread_time
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from weinao.cli.evaluate.highrise_truth import completed, read_truths
from weinao.cli.evaluate.reading import pictures_of, with_unread

if TYPE_CHECKING:
    from edge.perception.highrise.facade import Facade
    from edge.perception.highrise.watch import Fall

Progress = Callable[[int, int], None]
Frames = Iterable[tuple[float, NDArray[np.uint8]]]
"""Seconds and (H, W, 3) BGR."""

START_PX, START_M = 90.0, 1.5
EARLY_S, LATE_S = 1.5, 1.5
"""How far before the first frame of a fall, and after its last, an event may still be of it."""


class ClipScore(msgspec.Struct, frozen=True, kw_only=True):
    """What came out of one clip.

    Attributes:
        delays_s: Of each found fall.
        off: For each found fall whose start is known, (floors or pixels, metres or 0) away from it.
        near: For each of these, whether its start is within tolerance.
        missed: First frames of the falls that were not found.
        false_s: Seconds of the events that are no fall's first.
        lasts_s: Length of the clip.
        frames: How many could be read.
        unread: Why that is not all, if it is not.
        took_s: What they cost a core.
    """

    falls: int
    delays_s: tuple[float, ...]
    off: tuple[tuple[float, float], ...]
    near: tuple[bool, ...]
    missed: tuple[int, ...]
    false_s: tuple[float, ...]
    lasts_s: float = 0.0
    frames: int = 0
    took_s: float = 0.0
    unread: str = ""


def evaluate_highrise(folder: Path, *, progress: Progress | None = None) -> dict[str, Any]:
    """Return the figures of the shipped detector on a folder of clips.

    Raises:
        FileNotFoundError: There is no truth.
        TruthError: It cannot be read.
    """
    from edge.perception.highrise.facade import CalibrationError

    truth, unread = read_truths(folder)
    scores = []
    for done, (name, clip) in enumerate(truth.items(), 1):
        whole = completed(clip, folder / name)
        try:
            score = score_clip(whole, frames_of(folder / name, whole["container_fps"]))
        except CalibrationError as error:
            unread[name] = f"its facade in truth.json: {error}"
            continue
        finally:
            if progress:
                progress(done, len(truth))
        scores.append(score)
        if score.unread:
            unread[name] = score.unread
    return with_unread(figures(scores), unread, folder)


def score_clip(truth: Mapping[str, Any], frames: Frames) -> ClipScore:
    """Return what the shipped detector makes of a clip."""
    import cv2

    from edge.drivers.base import DriverError
    from edge.perception.highrise.watch import HighriseWatch

    facade = facade_of(truth)
    watch = HighriseWatch(facade, (int(truth["width"]), int(truth["height"])))
    found: list[Fall] = []
    count, took_s, last_s, unread = 0, 0.0, 0.0, ""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        for at_s, frame in frames:
            began = thread_time()
            found += watch.observe(frame, at_s)
            took_s += thread_time() - began
            count, last_s = count + 1, at_s
    except (DriverError, cv2.error) as error:
        unread = str(error)
    cv2.setNumThreads(threads)
    outcome = _held_against(truth, facade, found, last_s if unread else None)
    return msgspec.structs.replace(
        outcome, lasts_s=last_s, frames=count, took_s=took_s, unread=unread
    )


def facade_of(truth: Mapping[str, Any]) -> "Facade":
    """Return the facade that a clip's truth describes."""
    from edge.perception.highrise.facade import FloorLine, from_floor_lines, from_outline

    known = truth.get("facade", {})
    lines = known.get("floor_lines", ())
    if not lines:
        return from_outline(truth["facade_roi"])
    return from_floor_lines(
        [FloorLine(one["floor"], tuple(one["left"]), tuple(one["right"])) for one in lines],
        width_m=known["width_m"],
        floor_m=known["floor_m"],
        columns=known.get("columns", 1),
        outline=truth["facade_roi"],
    )


def figures(scores: Iterable[ClipScore]) -> dict[str, float]:
    """Return the figures of many clips together."""
    clips = list(scores)
    delays = [delay for clip in clips for delay in clip.delays_s]
    near = [one for clip in clips for one in clip.near]
    off = np.array([one for clip in clips for one in clip.off]).reshape(-1, 2)
    summed = {
        "clips": sum(clip.frames > 0 for clip in clips),
        "falls": sum(clip.falls for clip in clips),
        "found": len(delays),
        "false_alarms": sum(len(clip.false_s) for clip in clips),
        "hours": sum(clip.lasts_s for clip in clips) / 3_600,
        "fps": sum(clip.frames for clip in clips) / max(sum(clip.took_s for clip in clips), 1e-9),
    }
    if not delays:
        return summed
    return summed | {
        **_starts(near, off),
        "delay_s_p50": float(np.median(delays)),
        "delay_s_p95": float(np.percentile(delays, 95)),
    }


def _starts(near: list[bool], off: NDArray[np.float64]) -> dict[str, float]:
    if not near:
        return {}
    return {
        "start_within_tolerance": float(np.mean(near)),
        "start_floor_within_1": float(np.mean(np.abs(off[:, 0]) <= 1)),
        "start_side_within_1_5_m": float(np.mean(np.abs(off[:, 1]) <= START_M)),
    }


def frames_of(path: Path, fps: float) -> Frames:
    """Yield the frames of a film, each with its time in seconds at so many a second.

    Raises:
        DriverError: It cannot be read, or only so far; raised behind the last frame that can.
    """
    for number, _, picture in pictures_of(path):
        yield number / fps, picture


def _held_against(
    truth: Mapping[str, Any], facade: "Facade", found: "list[Fall]", read_s: float | None = None
) -> ClipScore:
    """Hold falls against the truth of a clip; of one that was read up to a time only, up to it."""
    fps = float(truth["container_fps"])
    left = list(found)
    delays, off, near, missed = [], [], [], []
    falls = 0
    for fall in truth["falls"]:
        begins_s = _release_s(fall, fps)
        ends_s = fall["last_frame"] / fps
        own = [
            one for one in left
            if begins_s - EARLY_S <= one.release_s and begins_s <= one.decided_s <= ends_s + LATE_S
        ]  # fmt: skip
        if own:
            left.remove(own[0])
        unseen = read_s is not None and ends_s > read_s and not own
        if unseen or fall.get("visible") is False:
            continue
        falls += 1
        if not own:
            missed.append(int(fall["first_frame"]))
            continue
        delays.append(own[0].decided_s - begins_s)
        if not fall.get("start_xy") and not (facade.metric and fall.get("start_m")):
            continue  # nobody wrote down where it began
        away, good = _away(fall, facade, own[0])
        off.append(away)
        near.append(good)
    return ClipScore(
        falls=falls,
        delays_s=tuple(delays),
        off=tuple(off),
        near=tuple(near),
        missed=tuple(missed),
        false_s=tuple(one.decided_s for one in left),
    )


def _release_s(fall: Mapping[str, Any], fps: float) -> float:
    said = fall.get("release_s")
    return float(fall["first_frame"] / fps if said is None else said)


def _away(
    fall: Mapping[str, Any], facade: "Facade", found: "Fall"
) -> tuple[tuple[float, float], bool]:
    """Return how far off a start is, and whether that is near enough."""
    if facade.metric and fall.get("start_m"):
        floors = (-found.start_m[1] - fall["start_m"][1]) / facade.floor_m
        side = found.start_m[0] - fall["start_m"][0]
        return (floors, side), abs(floors) <= 1 and abs(side) <= START_M
    away = float(np.hypot(*(np.array(found.start_px) - fall["start_xy"])))
    return (away / START_PX, 0.0), away <= START_PX
