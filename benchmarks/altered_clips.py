"""How falls are found when the same films come from a worse camera: a test of what nobody tuned.

    python benchmarks/altered_clips.py DIR
    python benchmarks/altered_clips.py DIR --only rate-15,rate-15+shake --json

DIR holds films and their `truth.json`, as for `weinao evaluate highrise`. Each film is played as it
is and in every alteration of `ALTERATIONS`: another rate, mount, size, light, encoder, or frames
that come twice or never. Nothing is written but films that a real encoder needs, and these are
removed again. The outline, the floor lines and the places of falls follow the picture; a fall keeps
counting as visible or not, so that an alteration says what was lost by it.
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
from alterations import Array, Frames, Play

from weinao.cli.evaluate.highrise import ClipScore, figures, frames_of, score_clip
from weinao.cli.evaluate.highrise_truth import completed

Truth = Mapping[str, Any]
Place = Callable[[Array, tuple[int, int]], Array]
"""From pixels of a picture of a size to pixels of the altered picture."""


def main() -> None:
    """Play every film in every alteration, and print what was found, missed and raised."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", help="alterations, separated by commas")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    names = asked.only.split(",") if asked.only else list(ALTERATIONS)
    told: dict[str, dict[str, Any]] = {}
    for name in names:
        scores = dict(played(asked.folder, name, asked.seed))
        missed = [film for film, score in scores.items() if score.missed]
        told[name] = {**figures(scores.values()), "missed_in": missed}
        if not asked.json:
            one = told[name]
            told_of = f"{one['found']} of {one['falls']}, {one['false_alarms']} false"
            line = f"{name:28}{told_of:20}{one['fps']:6.0f} fps  {' '.join(missed)}"
            print(line, flush=True)
    whole = {key: sum(one[key] for one in told.values()) for key in _SUMMED}
    if asked.json:
        print(json.dumps({**told, "all": whole}, indent=2))
    else:
        print(f"{'all':28}{whole['found']} of {whole['falls']}, {whole['false_alarms']} false")


def played(folder: Path, name: str, seed: int) -> Iterator[tuple[str, ClipScore]]:
    """Yield each film of a folder, and what the shipped detector makes of it in an alteration."""
    for film, clip in json.loads((folder / "truth.json").read_text(encoding="utf-8")).items():
        truth = completed(clip, folder / film)
        frames: Frames = frames_of(folder / film, truth["container_fps"])
        for part in ALTERATIONS[name]:
            rng = np.random.default_rng([seed, *film.encode(), *part.encode()])
            if part in PLACES:
                truth = _placed(truth, part)
            frames = PLAYS[part](frames, rng)
        yield film, score_clip(truth, frames)


def _placed(truth: Truth, part: str) -> Truth:
    """Return the truth of an altered picture."""
    size = (int(truth["width"]), int(truth["height"]))
    place, grows = PLACES[part], _GROWS.get(part, 1.0)

    def moved(pixels: Any) -> Any:  # noqa: ANN401  # as in JSON
        return place(np.array(pixels, np.float64).reshape(-1, 2), size).tolist()

    def fall_moved(fall: dict[str, Any]) -> dict[str, Any]:
        ends = {key: moved(fall[key])[0] for key in ("start_xy", "end_xy") if fall.get(key)}
        if part == "mirrored" and fall.get("start_m") and truth["facade"]:
            across, up = fall["start_m"]
            ends["start_m"] = [truth["facade"]["width_m"] - across, up]
        return {**fall, **ends}

    lines = []
    for line in truth["facade"].get("floor_lines", ()):
        ends = moved([line["left"], line["right"]])
        left, right = ends[::-1] if part == "mirrored" else ends
        lines.append({**line, "left": left, "right": right})
    return {
        **truth,
        "width": round(size[0] * grows),
        "height": round(size[1] * grows),
        "facade_roi": moved(truth["facade_roi"]),
        "facade": {**truth["facade"], "floor_lines": lines} if lines else {},
        "falls": [fall_moved(fall) for fall in truth["falls"]],
    }


def _mirrored_at(pixels: Array, size: tuple[int, int]) -> Array:
    return np.column_stack([size[0] - 1 - pixels[:, 0], pixels[:, 1]])


def _scaled_at(pixels: Array, _: tuple[int, int], by: float) -> Array:
    return (pixels + 0.5) * by - 0.5


_SUMMED = ("falls", "found", "false_alarms")
_GROWS = {"small": 0.75, "large": 1.5, "larger": 2.0}
PLACES: dict[str, Place] = {
    "mirrored": _mirrored_at,
    **{name: partial(_scaled_at, by=by) for name, by in _GROWS.items()},
}
PLAYS: dict[str, Play] = {
    "rate-20": partial(altered.at_rate, fps=20.0),
    "rate-15": partial(altered.at_rate, fps=15.0),
    "rate-12": partial(altered.at_rate, fps=12.0),
    "lost": partial(altered.lost, share=0.1),
    "doubled": partial(altered.doubled, share=0.2),
    "late": partial(altered.late, by_s=0.008),
    "shake": partial(altered.shaken, px=0.8),
    "shake-hard": partial(altered.shaken, px=2.5),
    "dark": partial(altered.lit, gain=altered.dark),
    "steps": partial(altered.lit, gain=altered.steps),
    "clouds": partial(altered.lit, gain=altered.drifting),
    "flicker": partial(altered.lit, gain=altered.flickering),
    "noise": partial(altered.noisy, sigma=4.0),
    "mpeg4": partial(altered.encoded, tag="mp4v", ending="mp4", quality=75),
    "mjpeg": partial(altered.encoded, tag="MJPG", ending="avi", quality=70),
    "wmv2": partial(altered.encoded, tag="WMV2", ending="avi", quality=75),
    "mirrored": partial(altered.redrawn, draw=lambda frame: frame[:, ::-1].copy()),
    "small": partial(altered.redrawn, draw=partial(altered.scaled, by=_GROWS["small"])),
    "large": partial(altered.redrawn, draw=partial(altered.scaled, by=_GROWS["large"])),
    "larger": partial(altered.redrawn, draw=partial(altered.scaled, by=_GROWS["larger"])),
    "unsharp": partial(altered.redrawn, draw=altered.unsharp),
}
ALTERATIONS = altered.named(
    PLAYS,
    "rate-15+mpeg4",
    "rate-15+shake",
    "rate-15+steps",
    "shake+steps",
    "shake+mpeg4",
    "large+mpeg4",
    "large+noise",
    "large+shake",
    "small+mpeg4",
    "small+shake",
    "mirrored+dark+noise",
    "doubled+mpeg4",
)
"""By name: what is done to a film, one after the other."""


if __name__ == "__main__":
    main()
