"""`weinao sim scenes`: render what a camera would see, with the truth beside it."""

from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.progress import Progress


def scenes(
    *,
    seed: int,
    out: Path,
    kind: Literal["highrise"] = "highrise",
    minutes: float = 1.0,
    mix: Literal["dense", "fair", "quiet"] = "dense",
) -> None:
    """Render clips of a camera, and write `truth.json` beside them.

    Args:
        seed: Of the first clip; the others follow it. 1 to 99999 are for training, 500000 to 999999
            for testing.
        out: Folder for the clips.
        kind: What the camera looks at.
        minutes: Length of all clips together; each lasts half a minute.
        mix: Four distractors in any weather (dense), two in fair weather (fair), none (quiet).
    """
    from sim.scenes.seeds import SeedError, purpose_of
    from sim.scenes.write import WriteError, write

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"{kind}: seconds rendered", total=minutes * 60)
        try:
            truth = write(
                out,
                seed,
                minutes,
                purpose=purpose_of(seed),
                mix=mix,
                told=lambda done_s: progress.update(task, completed=done_s),
            )
        except (SeedError, WriteError) as error:
            raise SystemExit(f"weinao sim scenes: {error}") from error
    falls = [fall for clip in truth.values() for fall in clip["falls"]]
    visible = sum(fall["visible"] for fall in falls)
    Console().print(f"{len(truth)} clips, {len(falls)} falls, {visible} of them visible: {out}")
