"""A clip's truth, whoever wrote it down: completed from the film, in the film's own pixels.

Others leave out what a film says of itself, know no floor lines, or drew on a smaller picture. What
stands there and cannot be meant costs the clip it stands at, and no other.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NoReturn

import msgspec
from msgspec import Meta, Struct

from weinao.cli.evaluate.reading import FILMS

FPS, SIZE = 25.0, (1920, 1080)
"""Of a film that does not say."""
LASTS_S = 2.5
"""Of a fall whose end nobody wrote down: 30 m."""
_FPS_MAX = 240.0

_Number = Annotated[float, Meta(ge=-1e6, le=1e6)]
_Pixel = tuple[_Number, _Number]
_Count = Annotated[float, Meta(ge=0, le=1e9)]


class TruthError(Exception):
    """There is a `truth.json`, and nobody can read it."""


class _Line(Struct):
    floor: _Number
    left: _Pixel
    right: _Pixel


class _Facade(Struct):
    floor_lines: list[_Line] | None = None
    width_m: _Count | None = None
    floor_m: _Count | None = None
    columns: _Count | None = None


class _Fall(Struct):
    first_frame: _Count | None = None
    last_frame: _Count | None = None
    release_s: _Count | None = None
    start_xy: _Pixel | None = None
    end_xy: _Pixel | None = None
    start_m: _Pixel | None = None
    visible: bool | None = None


class _Clip(Struct):
    """What may stand at a clip; all else is passed over."""

    width: _Count | None = None
    height: _Count | None = None
    container_fps: _Count | None = None
    fps: _Count | None = None
    facade: _Facade | None = None
    facade_roi: list[_Pixel] | None = None
    outline: list[_Pixel] | None = None
    falls: list[_Fall] | None = None


def read_truths(folder: Path) -> tuple[dict[str, Mapping[str, Any]], dict[str, str]]:
    """Return the truth of each clip that can be scored, and why the others cannot be.

    Raises:
        FileNotFoundError: There is no truth.
        TruthError: It cannot be read at all.
    """
    path = folder / "truth.json"
    try:
        said = json.loads(path.read_bytes(), parse_constant=_no_number)
    except ValueError as error:
        raise TruthError(f"{path}: no JSON: {error}") from error
    if not isinstance(said, dict) or not said:
        raise TruthError(f'{path}: expected {{"clip.mp4": {{"falls": [...]}}, ...}}')
    usable, unread = dict[str, Mapping[str, Any]](), dict[str, str]()
    for name, clip in said.items():
        try:
            msgspec.convert(clip, _Clip)
            if not (folder / name).exists():
                unread[name] = "named in truth.json, and not there"
            else:
                usable[name] = clip
        except (msgspec.ValidationError, OSError, ValueError) as error:
            unread[name] = f"its truth in truth.json: {error}"
    for film in sorted(folder.iterdir()):
        if film.suffix.lower() in FILMS and film.name not in said:
            unread[film.name] = "truth.json does not name it: add it, with the falls in it"
    return usable, unread


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def completed(clip: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return the truth of a film with everything that scoring asks for.

    Args:
        clip: As it stands in `truth.json`.
        path: Of the film.
    """
    wide, tall, own_fps = _film_says(path)
    wide = wide or int(clip.get("width") or SIZE[0])
    tall = tall or int(clip.get("height") or SIZE[1])
    fps = _number(clip, "container_fps") or _number(clip, "fps") or own_fps or FPS
    across = wide / (_number(clip, "width") or wide)
    down = tall / (_number(clip, "height") or tall)
    whole = [[0, 0], [wide, 0], [wide, tall], [0, tall]]
    roi = clip.get("facade_roi") or clip.get("outline")
    return {
        **clip,
        "width": wide,
        "height": tall,
        "container_fps": fps,
        "facade": _facade(clip.get("facade") or {}, across, down),
        "facade_roi": [_scaled(one, across, down) for one in roi] if roi else whole,
        "falls": [_fall(one, fps, across, down) for one in clip.get("falls") or ()],
    }


def _film_says(path: Path) -> tuple[int, int, float]:
    """Return a film's width, height and frames a second; 0 for what it does not say."""
    from edge.drivers.base import DriverError
    from edge.drivers.camera.source import OpenCvSource

    try:
        film = OpenCvSource(str(path))
    except DriverError:
        return 0, 0, 0.0
    wide, tall = film.size
    fps = 1 / film.period_s
    film.close()
    return max(wide, 0), max(tall, 0), fps


def _number(clip: Mapping[str, Any], name: str) -> float:
    said = float(clip.get(name) or 0)
    return said if said <= _FPS_MAX or not name.endswith("fps") else 0.0


def _scaled(pixel: Any, across: float, down: float) -> list[float]:  # noqa: ANN401  # as in JSON
    return [float(pixel[0]) * across, float(pixel[1]) * down]


def _facade(known: Mapping[str, Any], across: float, down: float) -> dict[str, Any]:
    """Return what is known of a facade; nothing, if it gives no scale."""
    lines = [
        {
            "floor": int(one["floor"]),
            "left": _scaled(one["left"], across, down),
            "right": _scaled(one["right"], across, down),
        }
        for one in known.get("floor_lines") or ()
    ]
    if len({one["floor"] for one in lines}) < 2 or not known.get("width_m"):  # noqa: PLR2004  # two lines
        return {}
    return {
        "floor_lines": lines,
        "width_m": float(known["width_m"]),
        "floor_m": float(known.get("floor_m") or 3.0),
        "columns": int(known.get("columns") or 1),
    }


def _fall(fall: Mapping[str, Any], fps: float, across: float, down: float) -> dict[str, Any]:
    told = dict(fall)
    first = fall.get("first_frame")
    if first is None:
        first = round(float(fall.get("release_s") or 0) * fps)
    told["first_frame"] = int(first)
    last = fall.get("last_frame")
    told["last_frame"] = int(first + LASTS_S * fps if last is None else last)
    for name in ("start_xy", "end_xy"):
        if fall.get(name):
            told[name] = _scaled(fall[name], across, down)
    return told
