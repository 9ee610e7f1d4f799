"""`weinao gate`: whose faces a gate knows. Runs on the device, where the gallery stays.

Each command says on which grounds: consent of residents and visitors, reason and two approvers of
the watch-list. What is done is kept in the gallery itself, with the entry.
"""

import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App
from rich.table import Table

from weinao.cli import showing
from weinao.cli.read import Json
from weinao.clock import now_ms

if TYPE_CHECKING:
    from edge.perception.gate.gallery import Entry, Gallery

app = App(name="gate", help="Whose faces a gate knows: enrol, watch, list, forget.")


@app.command
def init(gallery: Path, /) -> None:
    """Make a key and an empty gallery in a folder.

    Args:
        gallery: The folder, which the agent's settings name, too.
    """
    from edge.perception.gate.gallery import KEY, Gallery, write_gallery
    from edge.perception.gate.seal import make_key
    from models.vision.faces import FaceFeature

    try:
        make_key(gallery / KEY)
    except FileExistsError:
        sys.exit(f"{gallery / KEY}: there is a gallery already; nothing was changed")
    write_gallery(gallery, Gallery(embedder=FaceFeature.name))


@app.command
def enrol(
    gallery: Path,
    person: str,
    /,
    *pictures: Path,
    consent: str,
    visitor_until: datetime | None = None,
    models: Path | None = None,
) -> None:
    """Enrol a resident, or a visitor for a time, who has agreed to it.

    Args:
        gallery: Its folder.
        person: Her pseudonym, as in the registry.
        pictures: One to five of her face, nobody else on them; they are not kept.
        consent: What she agreed to, when, and where her signature is.
        visitor_until: Makes her a visitor, until then (UTC).
        models: The folder of weights; the user's cache, if not said.
    """
    from edge.perception.gate.gallery import Entry
    from weinao.messages import Match

    templates = _templates(pictures, models)
    _change(
        gallery,
        lambda known: known.with_entry(
            Entry(
                person=person,
                kind=Match.VISITOR if visitor_until else Match.RESIDENT,
                templates=templates,
                consent=consent,
                valid_from=now_ms(),
                valid_to=_millis(visitor_until) if visitor_until else None,
            )
        ),
    )


@app.command
def watch(
    gallery: Path,
    person: str,
    /,
    *pictures: Path,
    reason: str,
    approver: str,
    second_approver: str,
    until: datetime,
    models: Path | None = None,
) -> None:
    """Put somebody on the watch-list, for a reason, until a day, signed for by two.

    Args:
        gallery: Its folder.
        person: The pseudonym, as in the registry's entry: without that one, nobody is reported.
        pictures: One to five of the face, nobody else on them; they are not kept.
        reason: Why.
        approver: Who decided it.
        second_approver: Who else.
        until: When it ends (UTC).
        models: The folder of weights; the user's cache, if not said.
    """
    from edge.perception.gate.gallery import Entry
    from weinao.messages import Match

    templates = _templates(pictures, models)
    _change(
        gallery,
        lambda known: known.with_entry(
            Entry(
                person=person,
                kind=Match.WATCHLIST,
                templates=templates,
                reason=reason,
                approver=approver,
                second_approver=second_approver,
                valid_from=now_ms(),
                valid_to=_millis(until),
            )
        ),
    )


@app.command
def forget(gallery: Path, person: str, /) -> None:
    """Take somebody out, with all templates: consent withdrawn, moved away, or no reason left.

    Args:
        gallery: Its folder.
        person: The pseudonym; exit with 1 if nobody of that name is in it.
    """

    def without(known: "Gallery") -> "Gallery":
        if all(one.person != person for one in known.entries):
            sys.exit(f"weinao gate: nobody called {person} is in {gallery}; `weinao gate list`")
        return known.without(person)

    _change(gallery, without)


@app.command(name="list")
def list_(gallery: Path, /, *, json: Json = False) -> None:
    """Show who is enrolled, on which grounds and until when; no templates.

    Args:
        gallery: Its folder.
        json: Print one JSON array.
    """
    from edge.perception.gate.gallery import GalleryError, read_gallery

    try:
        known = read_gallery(gallery)
    except GalleryError as error:
        sys.exit(f"weinao gate: {error}")
    if json:
        showing.write_json([_told(one) for one in known.entries])
        return
    table = Table(title=f"{len(known.entries)} enrolled with {known.embedder}")
    for column in ("person", "kind", "templates", "grounds", "until"):
        table.add_column(column)
    for one in known.entries:
        signed = f"{one.reason} ({one.approver}, {one.second_approver})"
        until = "" if one.valid_to is None else str(datetime.fromtimestamp(one.valid_to / 1e3, UTC))
        count = str(len(one.templates))
        table.add_row(one.person, one.kind, count, one.consent or signed, until)
    showing.console().print(table)


def _told(one: "Entry") -> dict[str, object]:
    return {
        "person": one.person,
        "kind": one.kind,
        "templates": len(one.templates),
        "consent": one.consent,
        "reason": one.reason,
        "approvers": [name for name in (one.approver, one.second_approver) if name],
        "valid_to": one.valid_to,
    }


def _change(folder: Path, change: "Callable[[Gallery], Gallery]") -> None:
    from edge.perception.gate.gallery import GalleryError, read_gallery, write_gallery

    try:
        write_gallery(folder, change(read_gallery(folder)))
    except GalleryError as error:
        sys.exit(f"weinao gate: {error}")


def _templates(pictures: Sequence[Path], models: Path | None) -> tuple[bytes, ...]:
    """Return one template a picture; each must show one face, and show it well."""
    import os

    from edge.perception.gate.enrolling import EnrolError, template_of
    from models.vision.base import VisionError
    from models.vision.centerface import CenterFace
    from models.vision.faces import embedder_in_folder
    from models.vision.store import default_folder

    if not pictures:
        sys.exit("weinao gate: expected at least one picture")
    folder = models or default_folder(os.environ)
    try:
        detector, embedder = CenterFace.in_folder(folder), embedder_in_folder(folder)
        return tuple(template_of(path, detector, embedder) for path in pictures)
    except (VisionError, EnrolError) as error:
        sys.exit(f"weinao gate: {error}")


def _millis(day: datetime) -> int:
    return round((day if day.tzinfo else day.replace(tzinfo=UTC)).timestamp() * 1_000)
