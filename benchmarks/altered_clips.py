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
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from weinao.cli.evaluate.highrise import ClipScore, figures, frames_of, score_clip
from weinao.cli.evaluate.highrise_truth import completed

Image = NDArray[np.uint8]
Array = NDArray[np.float64]
Frames = Iterator[tuple[float, Image]]
Rng = np.random.Generator
Play = Callable[[Frames, Rng], Frames]
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


def _at_rate(frames: Frames, _: Rng, *, fps: float) -> Frames:
    """Leave frames out; those that are left keep their time."""
    due_s = 0.0
    for at_s, frame in frames:
        if at_s >= due_s - 1e-3:
            yield at_s, frame
            due_s += 1 / fps


def _lost(frames: Frames, rng: Rng, *, share: float) -> Frames:
    """Lose frames at random, as a busy network does."""
    return (one for one in frames if rng.random() >= share)


def _doubled(frames: Frames, rng: Rng, *, share: float) -> Frames:
    """Show the frame before again in the place of some, as an encoder does that cannot keep up."""
    before: Image | None = None
    for at_s, frame in frames:
        if before is None or rng.random() >= share:
            before = frame
        yield at_s, before


def _late(frames: Frames, rng: Rng, *, by_s: float) -> Frames:
    """Date frames when they came through a network that holds some of them up."""
    last_s = -1.0
    for at_s, frame in frames:
        last_s = max(at_s + float(rng.exponential(by_s)), last_s + 1e-3)
        yield last_s, frame


def _shaken(frames: Frames, rng: Rng, *, px: float) -> Frames:
    """Move the mount: two swings each way, with a root mean square of `px`."""
    hertz, phase = rng.uniform(0.4, 6, (2, 2)), rng.uniform(0, 6.28, (2, 2))
    for at_s, frame in frames:
        right, down = np.sin(6.283 * hertz * at_s + phase).sum(axis=1) * px / np.sqrt(2)
        move = np.array([[1, 0, right], [0, 1, down]])
        size, edge = (frame.shape[1], frame.shape[0]), cv2.BORDER_REPLICATE
        shaken = cv2.warpAffine(frame, move, size, flags=cv2.INTER_CUBIC, borderMode=edge)
        yield at_s, np.asarray(shaken, np.uint8)


def _lit(frames: Frames, rng: Rng, *, gain: Callable[[float, Array], float]) -> Frames:
    """Change the light: each level of grey times a gain at an instant."""
    dice = rng.random(64)
    for at_s, frame in frames:
        yield at_s, np.asarray(cv2.convertScaleAbs(frame, alpha=gain(at_s, dice)), np.uint8)


def _dark(_: float, __: Array) -> float:
    return 0.45


def _steps(at_s: float, dice: Array) -> float:
    """Return the gain of a camera that sets its exposure anew each 1.5 s."""
    return float(0.8 + 0.4 * dice[int(at_s / 1.5) % len(dice)])


def _drifting(at_s: float, dice: Array) -> float:
    """Return the gain under clouds that pass."""
    return float(1 + 0.25 * np.sin(6.283 * (at_s / 4 + dice[0])))


def _flickering(at_s: float, dice: Array) -> float:
    """Return the gain of a camera under lamps on a mains of nearly a multiple of its rate."""
    return float(1 + 0.06 * np.sin(6.283 * (at_s * (1 + 8 * dice[0]) + dice[1])))


def _noisy(frames: Frames, rng: Rng, *, sigma: float) -> Frames:
    for at_s, frame in frames:
        noise = rng.normal(0, sigma, frame.shape[:2]).astype(np.float32)[..., None]
        yield at_s, np.clip(frame + noise, 0, 255).astype(np.uint8)


def _encoded(frames: Frames, _: Rng, *, tag: str, ending: str, quality: float) -> Frames:
    """Pass frames through a real encoder; the times stay."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"film.{ending}"
        film: cv2.VideoWriter | None = None
        times = []
        for at_s, frame in frames:
            if film is None:
                code, size = cv2.VideoWriter.fourcc(*tag), (frame.shape[1], frame.shape[0])
                film = cv2.VideoWriter(str(path), code, 25.0, size)
                film.set(cv2.VIDEOWRITER_PROP_QUALITY, quality)
                if not film.isOpened():
                    raise RuntimeError(f"OpenCV cannot write {tag}")
            film.write(frame)
            times.append(at_s)
        if film:
            film.release()
        for at_s, (_, frame) in zip(times, frames_of(path, 1.0), strict=False):
            yield at_s, frame


def _redrawn(frames: Frames, _: Rng, *, draw: Callable[[Image], Any]) -> Frames:
    return ((at_s, np.asarray(draw(frame), np.uint8)) for at_s, frame in frames)


def _scaled(frame: Image, by: float) -> Image:
    how = cv2.INTER_AREA if by < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(frame, None, fx=by, fy=by, interpolation=how), np.uint8)


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
_GROWS = {"small": 0.75, "large": 1.5}
PLACES: dict[str, Place] = {
    "mirrored": _mirrored_at,
    **{name: partial(_scaled_at, by=by) for name, by in _GROWS.items()},
}
PLAYS: dict[str, Play] = {
    "rate-20": partial(_at_rate, fps=20.0),
    "rate-15": partial(_at_rate, fps=15.0),
    "rate-12": partial(_at_rate, fps=12.0),
    "lost": partial(_lost, share=0.1),
    "doubled": partial(_doubled, share=0.2),
    "late": partial(_late, by_s=0.008),
    "shake": partial(_shaken, px=0.8),
    "shake-hard": partial(_shaken, px=2.5),
    "dark": partial(_lit, gain=_dark),
    "steps": partial(_lit, gain=_steps),
    "clouds": partial(_lit, gain=_drifting),
    "flicker": partial(_lit, gain=_flickering),
    "noise": partial(_noisy, sigma=4.0),
    "mpeg4": partial(_encoded, tag="mp4v", ending="mp4", quality=75),
    "mjpeg": partial(_encoded, tag="MJPG", ending="avi", quality=70),
    "wmv2": partial(_encoded, tag="WMV2", ending="avi", quality=75),
    "mirrored": partial(_redrawn, draw=lambda frame: frame[:, ::-1].copy()),
    "small": partial(_redrawn, draw=partial(_scaled, by=_GROWS["small"])),
    "large": partial(_redrawn, draw=partial(_scaled, by=_GROWS["large"])),
}
ALTERATIONS: dict[str, tuple[str, ...]] = {
    "as-it-is": (),
    **{name: (name,) for name in PLAYS},
    **{
        joined: tuple(joined.split("+"))
        for joined in (
            "rate-15+mpeg4",
            "rate-15+shake",
            "rate-15+steps",
            "shake+steps",
            "shake+mpeg4",
            "small+mpeg4",
            "small+shake",
            "mirrored+dark+noise",
            "doubled+mpeg4",
        )
    },
}
"""By name: what is done to a film, one after the other."""


if __name__ == "__main__":
    main()
