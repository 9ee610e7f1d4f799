"""`weinao journal`: how large it is, how far back it goes, and who still needs what of it."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from msgspec import Struct

from weinao.catalogue import Catalogue, Language, catalogue
from weinao.cli import flows, showing
from weinao.cli.read import FOLDER
from weinao.cli.tables import local

if TYPE_CHECKING:
    from pipeline.readers import Bookmark


class Reader(Struct, frozen=True, kw_only=True):
    """One reader of a journal.

    Attributes:
        needs: The first offset that it would read again; None if nothing.
        behind_bytes: So much of the journal it still needs.
        must: What it needs is never trimmed.
        said_at: When it last said so, milliseconds UTC; 0 if what it said cannot be read.
    """

    reader: str
    needs: int | None
    behind_bytes: int
    must: bool
    said_at: int


class JournalStatus(Struct, frozen=True, kw_only=True):
    """One flow's journal.

    Attributes:
        begins: Offset of its oldest record,
        end: and how far it is durable.
        oldest_at: When its oldest record was journalled, milliseconds UTC.
        places: Where it may begin, so that another brain can: places of which there is word.
        free_bytes: Of its disk.
        identity: What tells it from others; 0 if it was written before journals had one.
    """

    flow: str
    begins: int
    end: int
    bytes: int
    segments: int
    oldest_at: int
    places: int
    free_bytes: int
    identity: int
    readers: tuple[Reader, ...]


def journal(
    *,
    data: Path = FOLDER,
    json: Annotated[bool, Parameter(name="--json", negative="")] = False,
    lang: Language = "zh",
) -> None:
    """Say how large the journal is, how far back it goes, and who still needs what of it.

    What of it goes, and when, is said in the table `keep` of `configs/ingest.toml`.

    Args:
        data: Folder of the system.
        json: Print JSON.
        lang: Language of the table.
    """
    found = [
        status_of(folder, flow)
        for flow in flows.stays_of(data).flows
        if (folder := flows.folder_of(data, flow) / "journal").exists()
    ]
    if not found:
        raise SystemExit(f"weinao journal: {data}: no journal there")
    if json:
        showing.write_json(found)
        return
    for one in found:
        _print(one, catalogue(lang))


def status_of(folder: Path, flow: str) -> JournalStatus:
    """Return how a journal stands."""
    from pipeline import readers
    from pipeline.journal import JournalReader, begun_at, identity_of, segments

    bases, marks = segments(folder), readers.bookmarks(folder)
    reader = JournalReader(folder)
    end = reader.end
    reader.close()
    begins = bases[0] if bases else 0
    return JournalStatus(
        flow=flow,
        begins=begins,
        end=end,
        bytes=end - begins,
        segments=len(bases),
        oldest_at=begun_at(folder, begins) if bases else 0,
        places=len([base for base in readers.footholds(folder) if base >= begins]),
        free_bytes=shutil.disk_usage(folder).free,
        identity=identity_of(folder),
        readers=tuple(_reader(one, begins, end) for one in marks),
    )


def _reader(mark: "Bookmark", begins: int, end: int) -> Reader:
    from pipeline.readers import behind

    return Reader(
        reader=mark.reader,
        needs=mark.needs,
        behind_bytes=min(behind(mark, end), end - begins),
        must=mark.must,
        said_at=mark.at,
    )


def _said(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1_000:  # noqa: PLR2004  # as disks are sold
            return f"{count:.4g} {unit}"
        count /= 1_000
    return f"{count:.4g} TB"


def _print(found: JournalStatus, words: Catalogue) -> None:
    from rich.table import Table

    console = showing.console()
    oldest = local(found.oldest_at) if found.oldest_at else ""
    console.print(
        words.say(
            "journal", "size", flow=found.flow, bytes=_said(found.bytes),
            segments=found.segments, oldest=oldest, free=_said(found.free_bytes),
        )
    )  # fmt: skip
    if not found.readers:
        console.print(words.say("journal", "unread"))
        return
    table = Table(header_style="bold")
    for name in ("reader", "behind", "kept", "said"):
        table.add_column(words.say("journal", name))
    for one in found.readers:
        kept = words.say("journal", "must" if one.must else "may")
        said = local(one.said_at) if one.said_at else ""
        table.add_row(
            words.say("journal", f"reader_{one.reader}"), _said(one.behind_bytes), kept, said
        )
    console.print(table)
