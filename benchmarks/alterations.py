"""What another camera, mount, light, encoder or network does to the frames of a film.

Each takes frames with their seconds and dice, and gives frames with their seconds: they can be put
one after the other. None of them knows what is looked for.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from weinao.cli.evaluate.highrise import frames_of

Image = NDArray[np.uint8]
Array = NDArray[np.float64]
Frames = Iterator[tuple[float, Image]]
Rng = np.random.Generator
Play = Callable[[Frames, Rng], Frames]


def named(plays: Iterable[str], *joined: str) -> dict[str, tuple[str, ...]]:
    """Return, by name, what is done to a film one after the other.

    Args:
        plays: Each is an alteration by itself.
        joined: Several of them, with a plus between.
    """
    single = {name: (name,) for name in plays}
    return {"as-it-is": (), **single, **{name: tuple(name.split("+")) for name in joined}}


def at_rate(frames: Frames, _: Rng, *, fps: float) -> Frames:
    """Leave frames out; those that are left keep their time."""
    due_s = 0.0
    for at_s, frame in frames:
        if at_s >= due_s - 1e-3:
            yield at_s, frame
            due_s += 1 / fps


def lost(frames: Frames, rng: Rng, *, share: float) -> Frames:
    """Lose frames at random, as a busy network does."""
    return (one for one in frames if rng.random() >= share)


def doubled(frames: Frames, rng: Rng, *, share: float) -> Frames:
    """Show the frame before again in the place of some, as an encoder does that cannot keep up."""
    before: Image | None = None
    for at_s, frame in frames:
        if before is None or rng.random() >= share:
            before = frame
        yield at_s, before


def late(frames: Frames, rng: Rng, *, by_s: float) -> Frames:
    """Date frames when they came through a network that holds some of them up."""
    last_s = -1.0
    for at_s, frame in frames:
        last_s = max(at_s + float(rng.exponential(by_s)), last_s + 1e-3)
        yield last_s, frame


def shaken(frames: Frames, rng: Rng, *, px: float) -> Frames:
    """Move the mount: two swings each way, with a root mean square of `px`."""
    hertz, phase = rng.uniform(0.4, 6, (2, 2)), rng.uniform(0, 6.28, (2, 2))
    for at_s, frame in frames:
        right, down = np.sin(6.283 * hertz * at_s + phase).sum(axis=1) * px / np.sqrt(2)
        move = np.array([[1, 0, right], [0, 1, down]])
        size, edge = (frame.shape[1], frame.shape[0]), cv2.BORDER_REPLICATE
        shaken = cv2.warpAffine(frame, move, size, flags=cv2.INTER_CUBIC, borderMode=edge)
        yield at_s, np.asarray(shaken, np.uint8)


def lit(frames: Frames, rng: Rng, *, gain: Callable[[float, Array], float]) -> Frames:
    """Change the light: each level of grey times a gain at an instant."""
    dice = rng.random(64)
    for at_s, frame in frames:
        yield at_s, np.asarray(cv2.convertScaleAbs(frame, alpha=gain(at_s, dice)), np.uint8)


def dark(_: float, __: Array) -> float:
    """Return the gain of a room with the curtains drawn."""
    return 0.45


def steps(at_s: float, dice: Array) -> float:
    """Return the gain of a camera that sets its exposure anew each 1.5 s."""
    return float(0.8 + 0.4 * dice[int(at_s / 1.5) % len(dice)])


def drifting(at_s: float, dice: Array) -> float:
    """Return the gain under clouds that pass."""
    return float(1 + 0.25 * np.sin(6.283 * (at_s / 4 + dice[0])))


def flickering(at_s: float, dice: Array) -> float:
    """Return the gain of a camera under lamps on a mains of nearly a multiple of its rate."""
    return float(1 + 0.06 * np.sin(6.283 * (at_s * (1 + 8 * dice[0]) + dice[1])))


def noisy(frames: Frames, rng: Rng, *, sigma: float) -> Frames:
    """Add the noise of a small sensor in poor light."""
    for at_s, frame in frames:
        noise = rng.normal(0, sigma, frame.shape[:2]).astype(np.float32)[..., None]
        yield at_s, np.clip(frame + noise, 0, 255).astype(np.uint8)


def encoded(frames: Frames, _: Rng, *, tag: str, ending: str, quality: float) -> Frames:
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


def redrawn(frames: Frames, _: Rng, *, draw: Callable[[Image], Any]) -> Frames:
    """Draw each frame anew."""
    return ((at_s, np.asarray(draw(frame), np.uint8)) for at_s, frame in frames)


def scaled(frame: Image, by: float) -> Image:
    """Return a picture so many times as large."""
    how = cv2.INTER_AREA if by < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(frame, None, fx=by, fy=by, interpolation=how), np.uint8)


def unsharp(frame: Image) -> Image:
    """Return a picture of a lens that is a little out of focus."""
    return np.asarray(cv2.GaussianBlur(frame, (0, 0), 1.0), np.uint8)
