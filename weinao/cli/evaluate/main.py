"""`weinao evaluate`: score the shipped models and rules on labelled recordings; never learn.

Thresholds are frozen: what is measured is what is shipped. A home's own past is its routine, and is
used only forwards in time.
"""

import os
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal, NoReturn

from cyclopts import App
from rich.table import Table

from weinao.cli import showing
from weinao.cli.evaluate.reading import UNREAD
from weinao.cli.legible import legible
from weinao.mishaps import told

app = App(name="evaluate", help="Score the shipped models and rules on labelled recordings.")

Scores = Mapping[str, Any]


@app.command
def falls(folder: Path, *, cross_validate: bool = False, json: bool = False) -> None:
    """Score fall detection on wrist and waist recordings.

    Args:
        folder: Recordings in the format of the falls data.
        cross_validate: Train anew for each group of people, and score those left out.
        json: Print JSON.
    """
    from weinao.cli.evaluate.falls import cross_validate_falls, evaluate_falls

    _report("falls", cross_validate_falls if cross_validate else evaluate_falls, folder, json)


@app.command
def rhythm(folder: Path, *, cross_validate: bool = False, json: bool = False) -> None:
    """Score the detection of an irregular pulse on annotated beats.

    Args:
        folder: Recordings in the format of the vitals data.
        cross_validate: Train anew for each group of people, and score those left out.
        json: Print JSON.
    """
    from weinao.cli.evaluate.rhythm import cross_validate_rhythm, evaluate_rhythm

    _report("rhythm", cross_validate_rhythm if cross_validate else evaluate_rhythm, folder, json)


@app.command
def vitals(folder: Path, *, json: bool = False) -> None:
    """Score the limits for vital signs at home against alerts that clinicians checked.

    Args:
        folder: Recordings in the format of the vitals data.
        json: Print JSON.
    """
    from weinao.cli.evaluate.vitals import evaluate_vitals

    _report("vitals", evaluate_vitals, folder, json)


@app.command
def home(folder: Path, *, json: bool = False) -> None:
    """Score the inactivity rule on recorded homes.

    Args:
        folder: Recordings in the format of the home data.
        json: Print JSON.
    """
    from weinao.cli.evaluate.home import evaluate_home

    _report("home", evaluate_home, folder, json)


@app.command
def faces(folder: Path, *, embedder: str = "facefeature", json: bool = False) -> None:
    """Score the gate's faces: verification over all pairs, and search for the known and unknown.

    Args:
        folder: Pictures in the format of the faces data.
        embedder: Whose directions are compared; the gate uses the first choice.
        json: Print JSON.
    """
    from models.vision.base import VisionError
    from weinao.cli.evaluate.faces import ManifestError, evaluate_faces

    try:
        _report("faces", partial(evaluate_faces, embedder=embedder), folder, json)
    except (VisionError, ManifestError, OSError) as error:
        _refuse("faces", error)


@app.command
def liveness(folder: Path, *, json: bool = False) -> None:
    """Try the liveness check on faces, and on attacks rendered from them.

    Args:
        folder: Pictures in the format of the faces data.
        json: Print JSON.
    """
    from models.vision.base import VisionError
    from weinao.cli.evaluate.faces import ManifestError
    from weinao.cli.evaluate.liveness import evaluate_liveness

    try:
        _report("liveness", evaluate_liveness, folder, json)
    except (VisionError, ManifestError, OSError) as error:
        _refuse("liveness", error)


@app.command
def highrise(folder: Path, *, json: bool = False) -> None:
    """Score the detection of falling objects on clips.

    Args:
        folder: Clips with `truth.json` beside them, in the format of the falling-object data.
        json: Print JSON.
    """
    from weinao.cli.evaluate.highrise import evaluate_highrise
    from weinao.cli.evaluate.highrise_truth import TruthError

    try:
        _report("highrise", evaluate_highrise, folder, json)
    except (TruthError, OSError) as error:
        _refuse("highrise", error)


@app.command
def people(folder: Path, *, json: bool = False) -> None:
    """Score the look for fallen people on clips; those named `...fall...` hold one fall each.

    Args:
        folder: Clips.
        json: Print JSON.
    """
    from models.vision.base import VisionError
    from weinao.cli.evaluate.people import evaluate_people

    try:
        _report("people", evaluate_people, folder, json)
    except (VisionError, OSError) as error:
        _refuse("people", error)


@app.command
def yards(
    folder: Path,
    *,
    detector: Literal["centernet", "yards"] = "centernet",
    weights: Path | None = None,
    json: bool = False,
) -> None:
    """Score a detector of people and vehicles on rendered yards and gates.

    Args:
        folder: Clips with `truth.json` beside them, as `weinao sim scenes` writes them.
        detector: Which.
        weights: Of our own detector: this file, as `weinao models train yards` wrote it.
        json: Print JSON.
    """
    from models.vision.base import VisionError
    from models.vision.store import default_folder
    from weinao.cli.detectors import detector_named
    from weinao.cli.evaluate.yards import evaluate_yards

    try:
        used, kinds = detector_named(detector, default_folder(os.environ), weights)
        _report("yards", partial(evaluate_yards, detector=used, kinds=kinds), folder, json)
    except (VisionError, FileNotFoundError) as error:
        sys.exit(str(error))


def _refuse(title: str, error: Exception) -> NoReturn:
    sys.exit(f"weinao evaluate {title}: {told(error) if isinstance(error, OSError) else error}")


def _report(title: str, score: Callable[..., Scores], folder: Path, as_json: bool) -> None:
    with showing.progress() as progress:
        task = progress.add_task(title, total=None)

        def hear(done: int | str, total: int | None = None) -> None:
            """Show how much is done: a count, or in words."""
            if isinstance(done, str):
                progress.update(task, description=f"{title}: {done}")
            else:
                progress.update(task, completed=done, total=total)

        with legible(folder, f"evaluate {title}"):
            scores = score(folder, progress=hear)
    if as_json:
        showing.write_json(scores)
    else:
        shown = {name: found for name, found in scores.items() if name != UNREAD}
        showing.console().print(_table(title, shown))
    unread = scores.get(UNREAD, {})
    for name, reason in unread.items():
        sys.stderr.write(f"weinao evaluate {title}: {name}: {reason}\n")
    if unread and not (scores.get("clips") or scores.get("pictures")):
        sys.exit(f"weinao evaluate {title}: {folder}: nothing there could be read")


def _table(title: str, scores: Scores) -> Table:
    groups = scores if all(isinstance(found, dict) for found in scores.values()) else {"": scores}
    names = list(dict.fromkeys(name for group in groups.values() for name in group))
    table = Table(title=title)
    table.add_column("")
    for name in names:
        table.add_column(name.replace("_", " "), justify="right")
    for group, figures in groups.items():
        table.add_row(group, *(f"{figures[name]:.3f}" if name in figures else "" for name in names))
    return table
