"""`weinao sim scenes`: render what a camera would see, with the truth beside it."""

from pathlib import Path
from typing import Any, Literal

from weinao.cli import showing
from weinao.cli.options import Span


def scenes(
    *,
    seed: int,
    out: Path,
    kind: Literal["highrise", "yard", "gate"] = "highrise",
    minutes: Span = 1.0,
    mix: Literal["dense", "fair", "quiet"] = "dense",
    clip_s: Span = 30.0,
) -> None:
    """Render clips of a camera, and write `truth.json` beside them.

    Args:
        seed: Of the first clip; the others follow it. 1 to 99999 are for training, 500000 to 999999
            for testing.
        out: Folder for the clips.
        kind: What the camera looks at: a tower, a yard with a fire lane, or a gate.
        minutes: Length of all clips together.
        mix: Of a tower, four distractors in any weather (dense), two in fair weather (fair), none
            (quiet); of a yard or a gate, a rush at any hour in any weather, an ordinary hour by day
            in dry weather, or a few people.
        clip_s: Length of a clip in seconds.
    """
    from sim.scenes.seeds import SeedError, purpose_of
    from sim.scenes.write import WriteError, write

    with showing.progress() as progress:
        task = progress.add_task(f"{kind}: seconds rendered", total=minutes * 60)
        try:
            truth = write(
                out,
                seed,
                minutes,
                purpose=purpose_of(seed),
                mix=mix,
                told=lambda done_s: progress.update(task, completed=done_s),
                kind=kind,
                clip_s=clip_s,
            )
        except (SeedError, WriteError) as error:
            raise SystemExit(f"weinao sim scenes: {error}") from error
    showing.console().print(f"{len(truth)} clips, {_told(truth, kind)}: {out}")


def _told(truth: dict[str, Any], kind: str) -> str:
    def all_of(name: str) -> list[dict[str, Any]]:
        return [one for clip in truth.values() for one in clip[name]]

    if kind == "highrise":
        falls = all_of("falls")
        return f"{len(falls)} falls, {sum(fall['visible'] for fall in falls)} of them visible"
    people = sum(one["kind"] == "person" for one in all_of("things"))
    blocked = sum(one["zone"] != "" for one in all_of("standing"))
    flow = len(all_of("crossings"))
    return f"{people} people, {flow} times across a line, {blocked} times a lane was stood in"
