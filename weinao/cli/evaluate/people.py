"""Score the look for fallen people against clips: one fall in each that says so in its name.

Uses what ships and learns nothing; each clip is played to a fresh perception as a camera would show
it, eight frames a second. Where a depth picture stands left of the colour one, as in UR-Fall's
films, the colour half is looked at.

- falls, found: clips named `...fall...`, and those in which a fall was told. One that could not be
  read to its end asks for none, unless one was told.
- false: falls told in other clips, and more than one in a clip that holds one.
- delay_s_p50: from when somebody was down to when it was known.
- cpu_ms_per_frame, cpu_ms_per_video_s: processor time of one core, without decoding.
- rss_mb: resident memory of this process at its largest.
"""

import os
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from weinao.cli.evaluate.reading import FILMS, pictures_of, with_unread
from weinao.messages import Motion, MotionEvent

if TYPE_CHECKING:
    from edge.perception.people.perception import PeoplePerception
    from models.vision.base import Picture

    Frames = Iterator[tuple[float, Picture]]

Progress = Callable[[int, int], None]

FPS_MAX = 8.0
"""Frames a second that a camera's agent looks at by default (`fps_max` in configs/edge.toml)."""
PAIR_WIDE_MIN = 2.4
"""Two pictures side by side are at least so many times as wide as high."""
GREY_LEVELS = 4.0
"""Mean spread between the colours of a pixel, of 255, up to which a picture is grey."""


class ClipScore(msgspec.Struct, frozen=True, kw_only=True):
    """What came out of one clip.

    Attributes:
        told: Seconds into the clip of each fall that was told,
        delays_s: and how long after somebody was down.
        lasts_s: Length of the clip.
        frames: How many were looked at.
        took_s: What they cost a core.
        unread: Why those are not all, if they are not.
        cut: Whether it could not be read to its end.
    """

    name: str
    told: tuple[float, ...]
    delays_s: tuple[float, ...]
    lasts_s: float
    frames: int
    took_s: float
    unread: str = ""
    cut: bool = False

    @property
    def falls(self) -> int:
        """How many there are in what was read of it, by its name."""
        return int("fall" in self.name.lower() and not (self.cut and not self.told))


def evaluate_people(
    folder: Path, *, models: Path | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """Return the figures of the shipped look for falls on a folder of clips.

    Raises:
        FileNotFoundError: There is no clip in it.
        WeightsMissingError: `weinao models pull` has not been run.
    """
    clips = sorted(path for path in folder.iterdir() if path.suffix.lower() in FILMS)
    if not clips:
        raise FileNotFoundError(f"{folder}: no clip ({', '.join(FILMS)})")
    fresh = looker(models)
    scores: list[ClipScore] = []
    for done, path in enumerate(clips, 1):
        scores.append(score_clip(path, fresh()))
        if progress:
            progress(done, len(clips))
    return with_unread(
        figures(scores), {one.name: one.unread for one in scores if one.unread}, folder
    )


def looker(models: Path | None = None) -> "Callable[[], PeoplePerception]":
    """Return what makes a fresh perception with the shipped settings; networks are loaded once."""
    from edge.perception.people.bodies import KINDS
    from edge.perception.people.perception import PeoplePerception
    from edge.perception.people.settings import PeopleSettings
    from models.vision.centernet import CenterNet
    from models.vision.movenet import MoveNet
    from models.vision.store import default_folder

    weights = models or default_folder(os.environ)
    detector, pose = CenterNet.in_folder(weights, kinds=KINDS), MoveNet.in_folder(weights)
    return lambda: PeoplePerception(PeopleSettings(), detector=detector, pose=pose)


def score_clip(path: Path, looking: "PeoplePerception") -> ClipScore:
    """Return what a fresh perception makes of a clip."""
    return score_frames(path.name, frames(path), looking)


def score_frames(name: str, shown: "Frames", looking: "PeoplePerception") -> ClipScore:
    """Return what a fresh perception makes of the frames it is shown."""
    import cv2

    from edge.drivers.base import DriverError, HolesError
    from edge.samples import Frame

    told, delays, count, took_s, last_s, unread, cut = [], [], 0, 0.0, 0.0, "", False
    try:
        for number, (at_s, picture) in enumerate(shown):
            began = process_time()
            at = round(at_s * 1_000)
            sample = Frame(device="clip", at=at, number=number, picture=picture)
            for said in (one.observation for one in looking.perceive(sample)):
                if isinstance(said, Motion) and said.event is MotionEvent.FALL:
                    told.append(at_s)
                    delays.append((at - said.at) / 1_000)
            took_s += process_time() - began
            count, last_s = count + 1, at_s
    except (DriverError, cv2.error) as error:
        unread, cut = str(error), not isinstance(error, HolesError)
    return ClipScore(
        name=name, told=tuple(told), delays_s=tuple(delays), lasts_s=last_s, frames=count,
        took_s=took_s, unread=unread, cut=cut,
    )  # fmt: skip


def frames(path: Path) -> "Frames":
    """Yield the frames of a clip that a camera's agent would look at, each with its second.

    Raises:
        DriverError: It cannot be read, or only so far; raised behind the last frame that can.
    """
    return film(path, FPS_MAX)


def film(path: Path, fps_max: float = 0.0) -> "Frames":
    """Yield frames of a clip, each with its second; of a pair of pictures the colour one.

    Args:
        path: Of the clip.
        fps_max: So many a second; 0 for all.

    Raises:
        DriverError: It cannot be read, or only so far; raised behind the last frame that can.
    """
    for number, fps, picture in pictures_of(path, fps_max):
        yield number / fps, _colour(picture)


def figures(scores: list[ClipScore]) -> dict[str, float]:
    """Return the figures of many clips together."""
    delays = [delay for clip in scores for delay in clip.delays_s if clip.falls]
    took_s, seen = sum(clip.took_s for clip in scores), sum(clip.frames for clip in scores)
    lasts_s = sum(clip.lasts_s for clip in scores)
    summed = {
        "clips": sum(clip.frames > 0 for clip in scores),
        "falls": sum(clip.falls for clip in scores),
        "falls_found": sum(bool(clip.told) for clip in scores if clip.falls),
        "false": sum(max(len(clip.told) - clip.falls, 0) for clip in scores),
        "hours": lasts_s / 3_600,
        "cpu_ms_per_frame": took_s * 1_000 / max(seen, 1),
        "cpu_ms_per_video_s": took_s * 1_000 / max(lasts_s, 1e-9),
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1_024 / 1e6,
    }
    return summed | ({"delay_s_p50": float(np.median(delays))} if delays else {})


def _colour(frame: "Picture") -> "Picture":
    """Return the colour half of a film that shows a depth picture left of it; else the whole."""
    half = frame.shape[1] // 2
    left, right = frame[:, :half], frame[:, half:]
    pair = frame.shape[1] >= PAIR_WIDE_MIN * frame.shape[0] and _spread(left) <= GREY_LEVELS
    return np.ascontiguousarray(right if pair and _spread(right) > GREY_LEVELS else frame)


def _spread(part: "Picture") -> float:
    few = part[::4, ::4].astype(np.int16)
    return float((few.max(axis=2) - few.min(axis=2)).mean())
