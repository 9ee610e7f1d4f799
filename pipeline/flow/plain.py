"""The runner without an engine: a for-loop. Same brain, same outcomes, any Python."""

import os
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from pipeline.brain.grid import GridBrain, Snapshot
from pipeline.flow.steps import Mind, by_grid
from pipeline.journal import Record
from weinao.outcomes import Outcome


class Checkpoint(Struct, frozen=True):
    """Where a plain runner stood, and what its brains remembered there."""

    offset: int
    snapshots: dict[str, Snapshot]


class PlainRunner:
    """Runs the brains of all grids in the calling thread.

    Args:
        mind: What decides.
        write: Takes what was concluded; returns once it is kept.
        resume: An earlier checkpoint.
    """

    def __init__(
        self,
        mind: Mind,
        write: Callable[[Sequence[Outcome]], object],
        resume: Checkpoint | None = None,
    ) -> None:
        self._mind, self._write = mind, write
        known = resume.snapshots if resume else {}
        self._brains = {grid: mind.brain(grid, known[grid]) for grid in known}

    def take(self, records: Sequence[Record]) -> int:
        """Take in records, and return how many outcomes followed."""
        outcomes: list[Outcome] = []
        for grid, entries in by_grid(records, self._mind):
            outcomes += self._brain(grid).observe(entries)
        if outcomes:
            self._write(outcomes)
        return len(outcomes)

    def checkpoint(self, offset: int) -> Checkpoint:
        """Return what is needed to go on from `offset`, the next record to read."""
        return Checkpoint(offset, {grid: self._brains[grid].snapshot() for grid in self._brains})

    def _brain(self, grid: str) -> GridBrain:
        if grid not in self._brains:
            self._brains[grid] = self._mind.brain(grid, None)
        return self._brains[grid]


def save(checkpoint: Checkpoint, path: Path) -> None:
    """Write a checkpoint so that a crash leaves either the old one or the new one."""
    draft = path.with_suffix(".new")
    with draft.open("wb") as file:
        pickle.dump(checkpoint, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def load(path: Path) -> Checkpoint | None:
    """Read the checkpoint of an earlier run, if there was one."""
    if not path.exists():
        return None
    with path.open("rb") as file:
        found = pickle.load(file)  # noqa: S301  # written by ourselves, in our own folder
    assert isinstance(found, Checkpoint)
    return found
