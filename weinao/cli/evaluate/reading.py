"""What of a folder could be read, and what could not: named, and never counted as nothing found.

A film or picture that is spoilt says nothing about what ships. So it is left out of the figures,
and stands beside them with its reason; of a film that is cut off, what came before counts.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.vision.base import Picture

FILMS = (
    ".3gp", ".avi", ".flv", ".h264", ".hevc", ".m2ts", ".m4v", ".mjpeg", ".mkv", ".mov", ".mp4",
    ".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".webm", ".wmv",
)  # fmt: skip
"""What the names of films end with."""
UNREAD = "unread"
"""Beside the figures: the reason for each file that could not be read, or not to its end."""
SAME_MIN = 8
"""So many frames without the least difference are no film: no sensor gives the same twice."""


def with_unread(
    figures: Mapping[str, Any], unread: Mapping[str, str], folder: Path
) -> dict[str, Any]:
    """Return figures with what could not be read; nothing is added where all of it could."""
    reasons = {name: reason.removeprefix(f"{folder / name}: ") for name, reason in unread.items()}
    return {**figures, UNREAD: reasons} if reasons else dict(figures)


def pictures_of(path: Path, fps_max: float = 0.0) -> "Iterator[tuple[int, float, Picture]]":
    """Yield the frames of a film as a camera's agent reads it: number, frames a second, picture.

    Args:
        path: Of the film.
        fps_max: Frames a second that are wanted; others are passed over undecoded. 0 for all.

    Raises:
        DriverError: It cannot be read; or only so far, once all that can be has been yielded.
    """
    from edge.drivers.base import PayloadError
    from edge.drivers.camera.source import OpenCvSource

    source = OpenCvSource(str(path))
    fps, number, due_s = 1 / source.period_s, 0, 0.0
    first, count, differs = None, 0, False
    try:
        while True:
            at_s = number * source.period_s
            if fps_max and at_s < due_s and source.skip():
                number += 1
                continue
            if fps_max:
                due_s = max(due_s + 1 / fps_max, at_s - 1 / fps_max)
            picture = source.read()  # which says why, where there is none
            if picture is None:
                break
            first = picture if first is None else first
            differs = differs or bool((picture[::8, ::8] != first[::8, ::8]).any())
            count += 1
            yield number, fps, picture
            number += 1
    finally:
        source.close()
    if count >= SAME_MIN and not differs:
        raise PayloadError(
            f"{path}: {count} frames that are all the same: a still, or a film that OpenCV cannot"
            " decode, as interlaced ones; convert it"
        )
