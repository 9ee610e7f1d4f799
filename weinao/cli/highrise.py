"""`weinao highrise`: calibrate a camera on a facade, watch a film, train the judge."""

from pathlib import Path
from typing import Any

from cyclopts import App

from weinao.cli import showing
from weinao.cli.options import Count

LEARN_SEED, LEARN_CLIPS = 1_000, 48
"""The scenes that the shipped judge learnt from."""

app = App(name="highrise", help="Falling objects along a facade.")


@app.command
def calibrate(config: Path, film: Path, *, out: Path, frame: int = 0) -> None:
    """Draw a camera's floor lines, columns and shields into one of its pictures, to be checked.

    Args:
        config: The camera's settings: floor lines, outline, shields, zones.
        film: A film or picture of the camera.
        out: The picture to write.
        frame: Which frame of the film.
    """
    import cv2
    import numpy as np

    from edge.perception.highrise.facade import CalibrationError
    from edge.perception.highrise.picture import drawn
    from edge.perception.highrise.settings import HighriseSettings, facade_of
    from weinao.settings import SettingsError, load

    source = cv2.VideoCapture(str(film))
    there, seen = False, None
    for _ in range(frame + 1):
        there, seen = source.read()
    if not there or seen is None:
        raise SystemExit(f"weinao highrise: {film}: no frame {frame}")
    picture = np.asarray(seen, np.uint8)
    try:
        settings = load(config, HighriseSettings)
        facade = facade_of(settings, (picture.shape[1], picture.shape[0]))
    except (SettingsError, CalibrationError) as error:
        raise SystemExit(f"weinao highrise: {error}") from error
    if not cv2.imwrite(str(out), drawn(picture, facade)):
        raise SystemExit(f"weinao highrise: {out}: cannot be written")
    showing.console().print(f"{out}: floors, columns and shields as the settings say")


@app.command
def watch(config: Path, film: Path, *, out: Path, began_ms: int = 0) -> None:
    """Watch a film as a camera, and print what fell, one JSON object a line, once its film is kept.

    Args:
        config: The camera's settings.
        film: The film; its own rate is believed.
        out: Folder for the evidence. It is signed with a key made for this run.
        began_ms: When it was taken, ms since the epoch.
    """
    import secrets

    import cv2
    import msgspec
    import numpy as np

    from edge.perception.highrise.facade import CalibrationError
    from edge.perception.highrise.perception import HighrisePerception
    from edge.perception.highrise.settings import HighriseSettings
    from weinao.messages import Observation
    from weinao.settings import SettingsError, load

    source = cv2.VideoCapture(str(film))
    fps = source.get(cv2.CAP_PROP_FPS)
    if not source.isOpened() or fps <= 0:
        raise SystemExit(f"weinao highrise: {film}: not a film that can be read")
    try:
        camera = HighrisePerception(
            load(config, HighriseSettings),
            device=film.stem,
            key=secrets.token_bytes(32),
            folder=out,
        )
        told: dict[int, Observation] = {}
        index = 0
        while True:
            there, frame = source.read()
            at_ms = began_ms + round(index / fps * 1_000)
            found = (
                camera.perceive(np.asarray(frame, np.uint8), at_ms) if there else camera.finish()
            )
            told |= {one.observation.at: one.observation for one in found if one.observation}
            if not there:
                break
            index += 1
        for observation in told.values():
            print(msgspec.json.encode(observation).decode())  # noqa: T201  # asked for
    except (SettingsError, CalibrationError) as error:
        raise SystemExit(f"weinao highrise: {error}") from error


@app.command
def learn(
    *,
    out: Path,
    seed: int = LEARN_SEED,
    clips: Count = LEARN_CLIPS,
    examples: Path | None = None,
    only: str = "0/1",
) -> None:
    """Render training scenes, gather tracks, and train the judge of falling things.

    Args:
        out: Folder for the trained file.
        seed: Of the first short scene; the others follow it.
        clips: How many short scenes, and how many long ones.
        examples: Keep the gathered tracks in this file, and train nothing.
        only: K/N gathers every N-th scene, from the K-th.
    """
    import numpy as np

    from models.highrise import WEIGHTS
    from models.train.highrise import fit, save
    from weinao.cli.highrise_examples import gathered, scenes

    first, stride = _share(only)
    with showing.progress() as progress:
        seeds = scenes(seed, clips)[first::stride]
        task = progress.add_task("scenes", total=len(seeds))
        rows: dict[str, Any] = gathered(seeds, lambda done: progress.update(task, completed=done))
    if examples:
        np.savez_compressed(examples, **rows)
        return
    save(fit(rows["rows"], rows["fell"], rows["clip"]), out / WEIGHTS)


def _share(text: str) -> tuple[int, int]:
    first, slash, of = text.partition("/")
    if not (slash and first.isdecimal() and of.isdecimal() and int(first) < int(of)):
        raise SystemExit(f"weinao highrise learn: --only: expected K/N, K below N, got {text!r}")
    return int(first), int(of)
