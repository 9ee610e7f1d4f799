"""Bequests on the disk: one folder for each segment's beginning, one file for each grid.

They are written behind the outcomes that came before, and are durable before the flow says that it
needs nothing older. So wherever the journal begins, there is word of all that was before.
"""

import shutil
from pathlib import Path

import msgspec
from structlog.typing import FilteringBoundLogger

from pipeline.brain import bequest
from pipeline.brain.bequest import Bequest
from pipeline.flow.seat import SeatState, seat_of
from pipeline.journal import JournalError, oldest
from pipeline.readers import BEQUESTS, footholds
from weinao.outage import Outage
from weinao.whole import write_whole

SUFFIX = ".msgpack.z"


class BequestError(JournalError):
    """What was handed down cannot be read: use the version of weinao that wrote it, or a newer."""


class Bequests:
    """Keeps what brains hand down; where one cannot be kept, the journal is not cut.

    Args:
        journal: Its folder.
        outage: Told when the disk refuses.
    """

    def __init__(self, journal: Path, outage: Outage) -> None:
        self._folder, self._outage = journal / BEQUESTS, outage
        self._spoilt = -1

    def keep(self, left: Bequest) -> None:
        """Keep what one grid hands down; durable on return, or nothing of this place is there."""
        if left.offset == self._spoilt:
            return
        folder = self._folder / f"{left.offset:020d}"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(folder / f"{left.grid}{SUFFIX}", bequest.encode(left))
        except OSError as error:
            self._spoilt = left.offset
            shutil.rmtree(folder, ignore_errors=True)
            self._outage.lost(error)
            return
        self._outage.restored()


def beginning(journal: Path) -> int:
    """Return where one begins who has read nothing: the oldest place of which there is word."""
    first = oldest(journal)
    if first == 0:
        return 0
    return min((base for base in footholds(journal) if base >= first), default=first)


def seats_at(
    journal: Path, begins: int, log: FilteringBoundLogger | None = None
) -> dict[str, SeatState]:
    """Return what each grid's seat remembers that begins at a place.

    Args:
        journal: Its folder.
        begins: As `beginning` returned it.
        log: Told if the journal was cut where nobody left word; None to be silent.

    Raises:
        BequestError: It was left by a newer version, or is damaged.
    """
    if begins == 0:
        return {}
    paths = sorted((journal / BEQUESTS / f"{begins:020d}").glob(f"*{SUFFIX}"))
    if not paths and log is not None:
        log.error(
            "journal.begins_late", offset=begins, lost="what was registered before, above all"
        )
    return {left.grid: seat_of(left) for left in map(_read, paths)}


def _read(path: Path) -> Bequest:
    try:
        return bequest.decode(path.read_bytes())
    except msgspec.DecodeError as error:
        raise BequestError(
            f"{path}: {error}: use the version of weinao that wrote it, or a newer one"
        ) from error
