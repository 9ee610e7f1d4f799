"""What really happened in a simulated home: `truth.jsonl`, for whoever audits what came out.

A line is written once the observation that tells of the happening is durable, so every line is a
promise of the system. The mark that becomes durable with the observation says the same: a line
that a kill cut off is written at the next start, and nothing happens twice.
"""

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from edge.outbox import Mark, Placed

MARK_PREFIX = "happening/"


class Told(Struct, frozen=True, kw_only=True):
    """One happening that was sensed.

    Attributes:
        id: Its place in the script.
        at: When it happened, milliseconds UTC.
        boot: Of the pack that tells of it; with `seq` 0 where silence is all there is to tell.
    """

    id: str
    at: int
    kind: str
    device: str
    subject: str
    boot: str = ""
    seq: int = 0


class TruthFile:
    """The file, one JSON object a line.

    Args:
        path: Made when the first line is written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._told = {told.id: told for told in _read(path)}

    @property
    def told(self) -> dict[str, int]:
        """When those happened that the file tells of, by id."""
        return {told.id: told.at for told in self._told.values()}

    def reconcile(self, marks: list[Mark]) -> None:
        """Write what is durable and not yet told."""
        for mark in marks:
            self.tell(mark.value, mark.placed)

    def tell(self, value: str, placed: Placed) -> None:
        """Write one line, and wait until it is on the disk.

        Args:
            value: Of the happening's mark: a `Told` whose pack is still unknown.
            placed: Where its observation stands.
        """
        told = msgspec.json.decode(value, type=Told)
        if told.id in self._told:
            return
        told = msgspec.structs.replace(told, boot=placed.boot, seq=placed.seq)
        self._told[told.id] = told
        with self._path.open("ab") as file:
            if file.tell() and not _ends_a_line(self._path):
                file.write(b"\n")
            file.write(msgspec.json.encode(told) + b"\n")
            file.flush()
            os.fsync(file.fileno())


def _read(path: Path) -> list[Told]:
    """Return the whole lines; a kill may have torn the last, which its mark will bring again."""
    found = []
    for line in path.read_bytes().splitlines() if path.exists() else ():
        try:
            found.append(msgspec.json.decode(line, type=Told))
        except msgspec.DecodeError:
            continue
    return found


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
