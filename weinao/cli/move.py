"""`weinao flow move`: let a grid live in another flow from now on."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

from weinao.cli import flows
from weinao.stays import moved

if TYPE_CHECKING:
    from pipeline.journal import JournalReader

ASK_S = 0.05


def move(grid: str, /, *, to: str, data: Path, wait_s: float = 60) -> None:
    """Move a grid to another flow; nothing is lost, nothing counts twice.

    The move is one line of the plan: once it stands there it goes on by itself, and to ask again
    is harmless.

    Args:
        grid: Which.
        to: The flow, as it runs in this folder: `1`, `2`, …
        data: Folder of the system.
        wait_s: How long to wait until the grid has come; exit code 1 if it has not.
    """
    from pipeline.journal import JournalReader

    if not flows.runs(data, to):
        raise SystemExit(
            f"weinao flow move: no ingest of flow {to} runs in {data}: start it first,"
            " or nobody would listen to the grid"
        )
    reader = JournalReader(flows.folder_of(data, to) / "journal")
    reader.offset = reader.end
    before = flows.stays_of(data)
    if before.home(grid) == to and len(before.of(grid)) == 1:
        print(f"grid {grid} lives in flow {to}")  # noqa: T201  # what was asked for
        return
    stays = flows.change(data, lambda known: moved(known, grid, to))
    stay = len(stays.of(grid)) - 1
    if stays == before and flows.ending(data, grid, stay - 1) is not None:
        print(f"grid {grid} lives in flow {to}, its stay {stay}")  # noqa: T201  # as above
        return
    begun, deadline = time.monotonic(), time.monotonic() + wait_s
    while not _arrived(reader, grid):
        if time.monotonic() > deadline:
            raise SystemExit(
                f"weinao flow move: grid {grid} has not come to flow {to} within {wait_s:.0f} s;"
                " the move is planned and goes on as soon as ingest and flow of both run"
            )
        time.sleep(ASK_S)
    took_s = time.monotonic() - begun
    print(f"grid {grid} lives in flow {to} since now, its stay {stay} ({took_s:.1f} s)")  # noqa: T201  # as above


def _arrived(reader: "JournalReader", grid: str) -> bool:
    from weinao import topics
    from weinao.topics import Way

    found = (topics.parse(record.topic) for record in reader.read(10_000))
    return any(one is not None and one.way is Way.ARRIVES and one.grid == grid for one in found)
