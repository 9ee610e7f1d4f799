"""How falls of people are found when the same films come from another camera, or are played oddly.

    python benchmarks/altered_people.py DIR
    python benchmarks/altered_people.py DIR --only grey,backwards --json

DIR holds films as for `weinao evaluate people`: one fall in each whose name says so, none in the
others. Each is played as it is and in every alteration: another size, mount, light, encoder or
rate; begun later; slower; and in ways in which nobody falls any more: backwards, or only up to the
fall. Where a fall begins is taken from what is told of the film as it is. Nothing is written but
films that a real encoder needs, and these are removed again.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import alterations as altered
import cv2
import numpy as np
from alterations import Frames, Image, Play, Rng
from msgspec.structs import replace

from weinao.cli.evaluate.people import (
    FPS_MAX,
    ClipScore,
    figures,
    film,
    looker,
    score_clip,
    score_frames,
)  # fmt: skip
from weinao.cli.evaluate.reading import FILMS

DROP_S = 1.0
"""From upright to down, at most, in six films of UR-Fall: docs/decisions/0018-people.md."""


def main() -> None:
    """Play every film in every alteration, and print what was found, missed and invented."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", help="alterations, separated by commas")
    parser.add_argument("--films", default="", help="only those whose name holds this")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    names = asked.only.split(",") if asked.only else list(ALTERATIONS)
    paths = [one for one in sorted(asked.folder.iterdir()) if one.suffix.lower() in FILMS]
    paths = [one for one in paths if asked.films in one.name]
    fresh = looker()
    as_they_are = {path: score_clip(path, fresh()) for path in paths}
    told: dict[str, dict[str, Any]] = {}
    for name in names:
        scores = []
        for path, first in as_they_are.items():
            if first.falls and name in TOO_QUICK:
                continue
            down_s = first.told[0] - first.delays_s[0] if first.told else first.lasts_s
            frames = played(path, name, down_s, asked.seed)
            score = score_frames(path.name, looked_at(frames), fresh())
            scores.append(_harmless(score) if name in HARMLESS else score)
        told[name] = _summed(scores)
        if not asked.json:
            print(_line(name, told[name]), flush=True)
    whole = {
        key: sum(one[key] for one in told.values()) for key in ("falls", "falls_found", "false")
    }
    print(json.dumps({**told, "all": whole}, indent=2) if asked.json else _line("all", whole))


def looked_at(shown: Frames) -> Frames:
    """Yield those of a camera's frames that its agent looks at."""
    due_s = 0.0
    for at_s, picture in shown:
        if at_s >= due_s:
            due_s = max(due_s + 1 / FPS_MAX, at_s - 1 / FPS_MAX)
            yield at_s, picture


def played(path: Path, name: str, down_s: float, seed: int) -> Frames:
    """Return the frames of a film, altered; somebody is down in it at `down_s`, if at all."""
    frames: Frames = film(path)
    for part in ALTERATIONS[name]:
        rng = np.random.default_rng([seed, *path.name.encode(), *part.encode()])
        frames = CUTS[part](frames, down_s) if part in CUTS else PLAYS[part](frames, rng)
    return frames


def _harmless(score: ClipScore) -> ClipScore:
    """Return the score of a film in which nobody falls now, whatever its name says."""
    return replace(score, name=score.name.lower().replace("fall", "quiet"))


def _summed(scores: list[ClipScore]) -> dict[str, Any]:
    return {
        **figures(scores),
        "missed_in": [one.name for one in scores if one.falls and not one.told],
        "false_in": [one.name for one in scores if len(one.told) > one.falls],
    }


def _line(name: str, one: Mapping[str, Any]) -> str:
    found = f"{one['falls_found']:3} of {one['falls']:3}, {one['false']:2} false"
    late = f"{one['delay_s_p50']:5.2f} s" if "delay_s_p50" in one else ""
    missed = " ".join(f"-{missed}" for missed in one.get("missed_in", ()))
    false = " ".join(f"+{false}" for false in one.get("false_in", ()))
    return f"{name:20}{found:22}{late:9}{missed} {false}".rstrip()


def _begun(frames: Frames, _: Rng, *, after: int) -> Frames:
    """Leave the first frames out: another phase of the looks, and less to learn who is there."""
    for index, one in enumerate(frames):
        if index >= after:
            yield one


def _begun_before(frames: Frames, down_s: float, *, by_s: float) -> Frames:
    return (one for one in frames if one[0] >= down_s - by_s)


def _ended_before(frames: Frames, down_s: float, *, by_s: float) -> Frames:
    return (one for one in frames if one[0] <= down_s - by_s)


def _stretched(frames: Frames, _: Rng, *, by: float) -> Frames:
    return ((at_s * by, frame) for at_s, frame in frames)


def _backwards(frames: Frames, _: Rng) -> Iterator[tuple[float, Image]]:
    kept = list(frames)
    times = [at_s for at_s, _ in kept]
    yield from zip(times, (frame for _, frame in reversed(kept)), strict=True)


def _cropped(frame: Image, left: float, top: float, right: float, bottom: float) -> Image:
    """Cut shares off the edges."""
    high, wide = frame.shape[:2]
    rows = slice(round(top * high), high - round(bottom * high))
    return np.ascontiguousarray(frame[rows, round(left * wide) : wide - round(right * wide)])


def _tilted(frame: Image, degrees: float) -> Image:
    """Turn the mount, and come as near as it takes for no edge to show."""
    high, wide = frame.shape[:2]
    lean = np.radians(abs(degrees))
    nearer = np.cos(lean) + max(wide / high, high / wide) * np.sin(lean)
    turn = cv2.getRotationMatrix2D((wide / 2, high / 2), degrees, nearer)
    return np.asarray(cv2.warpAffine(frame, turn, (wide, high), flags=cv2.INTER_CUBIC), np.uint8)


def _framed(frame: Image) -> Image:
    """Put it in the middle of a wide picture with black bars beside it, as some recorders do."""
    high, wide = frame.shape[:2]
    bar = max((high * 16 // 9 - wide) // 2, 0)
    return np.asarray(cv2.copyMakeBorder(frame, 0, 0, bar, bar, cv2.BORDER_CONSTANT), np.uint8)


def _curved(frame: Image, gamma: float) -> Image:
    levels = np.clip(255 * (np.arange(256) / 255) ** gamma, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(frame, levels), np.uint8)


def _grey(frame: Image) -> Image:
    """Take the colours away, as a camera does at night."""
    return np.asarray(cv2.cvtColor(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR))


def _compressed(frame: Image, quality: int) -> Image:
    _, packed = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)


def _drawn(draw: Callable[..., Any], *args: Any) -> Play:  # noqa: ANN401  # as `draw` takes them
    return partial(altered.redrawn, draw=lambda frame: draw(frame, *args))


CUTS: dict[str, Callable[[Frames, float], Frames]] = {
    "before": partial(_ended_before, by_s=DROP_S / 2),
    "before-late": partial(_ended_before, by_s=0.15),
    "late-2.0": partial(_begun_before, by_s=2.0),
    "late-1.5": partial(_begun_before, by_s=1.5),
}
"""Need to know where the fall is."""
PLAYS: dict[str, Play] = {
    "mirrored": _drawn(cv2.flip, 1),
    "half": _drawn(altered.scaled, 0.5),
    "larger": _drawn(altered.scaled, 1.5),
    "cropped": _drawn(_cropped, 0.05, 0.05, 0.05, 0.05),
    "cropped-left": _drawn(_cropped, 0.1, 0.0, 0.0, 0.0),
    "cropped-right": _drawn(_cropped, 0.0, 0.0, 0.1, 0.0),
    "cropped-top": _drawn(_cropped, 0.0, 0.1, 0.0, 0.0),
    "cropped-below": _drawn(_cropped, 0.0, 0.0, 0.0, 0.1),
    "framed": _drawn(_framed),
    "tilted-left": _drawn(_tilted, 5.0),
    "tilted-right": _drawn(_tilted, -5.0),
    "soft": _drawn(cv2.GaussianBlur, (0, 0), 1.2),
    "dark": partial(altered.lit, gain=altered.dark),
    "steps": partial(altered.lit, gain=altered.steps),
    "flicker": partial(altered.lit, gain=altered.flickering),
    "gamma-0.6": _drawn(_curved, 0.6),
    "gamma-1.7": _drawn(_curved, 1.7),
    "grey": _drawn(_grey),
    "noise": partial(altered.noisy, sigma=8.0),
    "mpeg4": partial(altered.encoded, tag="mp4v", ending="mp4", quality=75),
    "mjpeg": partial(altered.encoded, tag="MJPG", ending="avi", quality=70),
    "jpeg-20": _drawn(_compressed, 20),
    "rate-15": partial(altered.at_rate, fps=15.0),
    "rate-10": partial(altered.at_rate, fps=10.0),
    "rate-5": partial(altered.at_rate, fps=5.0),
    "lost": partial(altered.lost, share=0.2),
    "doubled": partial(altered.doubled, share=0.3),
    "late": partial(altered.late, by_s=0.03),
    "shake": partial(altered.shaken, px=1.0),
    "shake-hard": partial(altered.shaken, px=3.0),
    "from-2": partial(_begun, after=2),
    "from-5": partial(_begun, after=5),
    "from-9": partial(_begun, after=9),
    "quicker-1.25": partial(_stretched, by=0.8),
    "quicker-2": partial(_stretched, by=0.5),
    "slower-1.5": partial(_stretched, by=1.5),
    "slower-2": partial(_stretched, by=2.0),
    "slower-4": partial(_stretched, by=4.0),
    "backwards": _backwards,
}
HARMLESS = (
    "before",
    "before-late",
    "backwards",
    "slower-4",
    "mirrored+backwards",
    "half+backwards",
)
"""Nobody falls: who takes four times as long lies down."""
TOO_QUICK = ("quicker-2",)
"""Nobody falls so quickly: only films without a fall are played so."""
ALTERATIONS = altered.named(
    [*PLAYS, *CUTS],
    "dark+noise",
    "grey+noise",
    "half+mpeg4",
    "mirrored+rate-10",
    "mirrored+tilted-left",
    "rate-15+shake",
    "rate-10+lost",
    "mirrored+backwards",
    "half+backwards",
)
"""By name: what is done to a film, one after the other."""


if __name__ == "__main__":
    main()
