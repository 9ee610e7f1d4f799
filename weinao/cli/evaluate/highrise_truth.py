"""A clip's truth, whoever wrote it down: completed from the film, in the film's own pixels.

Others leave out what a film says of itself, know no floor lines, or drew on a smaller picture.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

FPS, SIZE = 25.0, (1920, 1080)
"""Of a film that does not say."""
LASTS_S = 2.5
"""Of a fall whose end nobody wrote down: 30 m."""
_FPS_MAX = 240.0


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
    import cv2

    film = cv2.VideoCapture(str(path))
    wide, tall = (
        max(int(film.get(one)), 0) for one in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
    )
    fps = film.get(cv2.CAP_PROP_FPS)
    film.release()
    return wide, tall, fps if 0 < fps <= _FPS_MAX else 0.0


def _number(clip: Mapping[str, Any], name: str) -> float:
    return float(clip.get(name) or 0)


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
