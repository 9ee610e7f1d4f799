"""What each reader of a journal still needs: a note beside the journal, which its reader writes.

    journal/readers/NAME.json     nothing from `needs` on may go, as far as NAME is concerned
    journal/bequests/OFFSET/      what another brain must know if the journal begins at OFFSET

Who trims reads these notes and knows nothing else of who reads. A note that cannot be read counts
for a reader that needs everything.
"""

from pathlib import Path

import msgspec
from msgspec import Struct

from weinao.whole import write_whole

FOLDER = "readers"
BEQUESTS = "bequests"


class Bookmark(Struct, frozen=True, kw_only=True):
    """How far a reader is.

    Attributes:
        needs: The first offset that it would read again after a crash; None if it needs nothing.
        must: What it needs is kept whatever happens: what it has not read nobody knows of.
        at: When it said so, milliseconds UTC.
    """

    reader: str
    needs: int | None
    must: bool = False
    at: int = 0


def put(journal: Path, bookmark: Bookmark) -> None:
    """Leave a note so that a crash leaves either the old one or the new one.

    Raises:
        OSError: The old one still stands, and keeps more.
    """
    folder = journal / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_whole(folder / f"{bookmark.reader}.json", msgspec.json.encode(bookmark))


def bookmarks(journal: Path) -> list[Bookmark]:
    """Return what all readers have said, by name."""
    return [_read(path) for path in sorted((journal / FOLDER).glob("*.json"))]


def needs_from(bookmark: Bookmark) -> int:
    """Return the first offset that a reader needs; one beyond every journal, if none."""
    return 1 << 62 if bookmark.needs is None else bookmark.needs


def behind(bookmark: Bookmark, end: int) -> int:
    """Return how much of a journal a reader still needs, bytes."""
    return max(0, end - needs_from(bookmark))


def footholds(journal: Path) -> frozenset[int]:
    """Return where another brain could begin to read a journal, but for its very start."""
    found = (path.name for path in (journal / BEQUESTS).glob("*"))
    return frozenset(int(name) for name in found if name.isdigit())


def _read(path: Path) -> Bookmark:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Bookmark)
    except (OSError, msgspec.DecodeError):
        return Bookmark(reader=path.stem, needs=0, must=True)
