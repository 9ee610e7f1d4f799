"""`weinao highrise`: calibrate a camera on a facade, watch a film, train the judge."""

from pathlib import Path
from typing import Any

from cyclopts import App
from rich.console import Console
from rich.progress import Progress

app = App(name="highrise", help="Falling objects along a facade.")


@app.command
def learn(
    *,
    out: Path,
    seed: int = 1_000,
    clips: int = 240,
    examples: Path | None = None,
    only: str = "0/1",
) -> None:
    """Render training scenes, gather tracks, and train the judge of falling things.

    Args:
        out: Folder for the trained file.
        seed: Of the first scene; the others follow it.
        clips: How many scenes of 20 s.
        examples: Keep the gathered tracks in this file, and train nothing.
        only: K/N gathers every N-th scene, from the K-th.
    """
    import numpy as np

    from models.highrise import WEIGHTS
    from models.train.highrise import fit, save
    from weinao.cli.highrise_examples import gathered

    first, stride = map(int, only.split("/"))
    with Progress(console=Console(stderr=True), transient=True) as progress:
        seeds = range(seed + first, seed + clips, stride)
        task = progress.add_task("scenes", total=len(seeds))
        rows: dict[str, Any] = gathered(seeds, lambda done: progress.update(task, completed=done))
    if examples:
        np.savez_compressed(examples, **rows)
        return
    save(fit(rows["rows"], rows["fell"], rows["clip"]), out / WEIGHTS)
