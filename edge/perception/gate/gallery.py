"""Whose faces this gate knows: entries with their grounds, sealed, and compared as one matrix.

A resident or a visitor is here because she agreed; somebody on the watch-list because two people
signed for it, with a reason and an end. Whoever's time is over is not compared any more.

References:
    人脸识别技术应用安全管理办法 (2025): consent that is separate, informed and can be withdrawn.
    pipeline/brain/identify/gate.py: the scale of the score on the wire.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from edge.perception.gate.seal import SealError, read_key, read_sealed, write_sealed
from models.vision.base import Floats
from weinao.messages import Match

FILE, KEY = "gallery.sealed", "gallery.key"
TEMPLATES_MAX = 10_000
"""Compared in 2 ms; `benchmarks/gate.py`. Beyond it nobody is added."""
TEMPLATES_EACH_MAX = 5
"""Of one person; the oldest gives way."""
WIRE_MATCH = 0.57
"""What an embedder's `match_at` becomes on the wire: there, 0.57 means a match to the rules."""


class GalleryError(Exception):
    """The gallery cannot be used, or an entry must not stand in it."""


class Entry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One person, and on which grounds she is here.

    Attributes:
        person: Her pseudonym; the registry knows more, this device does not.
        templates: Each the float16 numbers of one direction.
        consent: Of residents and visitors: what was agreed to, where that is kept, and when.
        reason: Of the watch-list, likewise the two below.
        valid_from: Milliseconds UTC.
        valid_to: Milliseconds UTC; None for a resident who has not withdrawn.
    """

    person: str
    kind: Match
    templates: tuple[bytes, ...]
    consent: str = ""
    reason: str = ""
    approver: str = ""
    second_approver: str = ""
    valid_from: int = 0
    valid_to: int | None = None

    def check(self) -> None:
        """Refuse an entry without its grounds.

        Raises:
            GalleryError: Something is missing; the message says what.
        """
        missing = []
        if self.kind is Match.UNKNOWN:
            missing.append("a kind")
        if not self.person.strip():
            missing.append("a pseudonym")
        if self.kind is Match.WATCHLIST:
            missing += [] if self.reason.strip() else ["a reason"]
            if not self.approver.strip() or not self.second_approver.strip():
                missing.append("two approvers")
            elif self.approver.strip() == self.second_approver.strip():
                missing.append("a second approver who is not the first")
        elif not self.consent.strip():
            missing.append("consent")
        if self.kind is not Match.RESIDENT and self.valid_to is None:
            missing.append("an end")
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            missing.append("an end after its beginning")
        if missing:
            raise GalleryError(f"{self.kind} {self.person or '?'}: needs {', '.join(missing)}")


class Gallery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All entries.

    Attributes:
        embedder: Whose directions the templates are; others do not compare.
    """

    v: int = 1
    embedder: str
    entries: tuple[Entry, ...] = ()

    def with_entry(self, entry: Entry) -> "Gallery":
        """Return the gallery with an entry; that person's earlier one gives its templates to it.

        Raises:
            GalleryError: The entry lacks its grounds, or the gallery is full.
        """
        entry.check()
        others = tuple(one for one in self.entries if one.person != entry.person)
        before = [one for one in self.entries if one.person == entry.person]
        kept = [template for one in before for template in one.templates]
        templates = tuple((*kept, *entry.templates)[-TEMPLATES_EACH_MAX:])
        if sum(len(one.templates) for one in others) + len(templates) > TEMPLATES_MAX:
            raise GalleryError(f"the gallery is full: {TEMPLATES_MAX} templates")
        return replace(self, entries=(*others, replace(entry, templates=templates)))

    def without(self, person: str) -> "Gallery":
        """Return the gallery without a person, whose templates are gone with her entry."""
        return replace(self, entries=tuple(one for one in self.entries if one.person != person))


def packed(direction: Floats) -> bytes:
    """Return a direction as a template; half precision changes a cosine by less than 0.001."""
    return direction.astype(np.float16).tobytes()


def read_gallery(folder: Path) -> Gallery:
    """Open a gallery.

    Raises:
        GalleryError: It or its key is missing, damaged or not its own.
    """
    try:
        content = read_sealed(folder / FILE, read_key(folder / KEY))
        return msgspec.msgpack.decode(content, type=Gallery)
    except (SealError, msgspec.DecodeError) as error:
        raise GalleryError(str(error)) from error


def write_gallery(folder: Path, gallery: Gallery) -> None:
    """Seal a gallery in its folder.

    Raises:
        GalleryError: Its key is missing.
    """
    try:
        key = read_key(folder / KEY)
    except SealError as error:
        raise GalleryError(str(error)) from error
    write_sealed(folder / FILE, msgspec.msgpack.encode(gallery), key)


class GalleryFile:
    """A gallery's folder, watched: who is forgotten must not be known to a running gate.

    Args:
        folder: Of the gallery and its key.

    Raises:
        GalleryError: It cannot be opened.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stamp = self._now()
        self.gallery = read_gallery(folder)

    def changed(self) -> bool:
        """Read the gallery again if it was written since, and say so.

        Raises:
            GalleryError: It can no longer be opened, and so nobody may be compared any more.
        """
        stamp = self._now()
        if stamp == self._stamp:
            return False
        self._stamp, self.gallery = stamp, read_gallery(self._folder)
        return True

    def _now(self) -> tuple[int, int, int]:
        try:
            found = (self._folder / FILE).stat()
        except OSError as error:
            raise GalleryError(
                f"{self._folder / FILE}: {error.strerror}; `weinao gate init` makes one"
            ) from error
        return found.st_ino, found.st_mtime_ns, found.st_size


class Nearest(Struct, frozen=True):
    """Who of the gallery is nearest to a face; `entry` is None where the gallery is empty."""

    entry: Entry | None
    score: float


class Comparing:
    """A gallery, ready to be compared with.

    Args:
        gallery: Its templates become one matrix.
    """

    def __init__(self, gallery: Gallery) -> None:
        rows = [
            (entry, np.frombuffer(template, np.float16).astype(np.float32))
            for entry in gallery.entries
            for template in entry.templates
        ]
        self._owners = [entry for entry, _ in rows]
        matrix = np.array([row for _, row in rows], np.float32).reshape(
            len(rows), -1 if rows else 1
        )
        lengths = np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-9)
        self._matrix = np.ascontiguousarray(matrix / lengths, np.float32)
        self._from = np.array([entry.valid_from for entry in self._owners], np.int64)
        self._to = np.array(
            [np.iinfo(np.int64).max if entry.valid_to is None else entry.valid_to
             for entry in self._owners], np.int64,
        )  # fmt: skip

    def nearest(self, directions: Floats, at: int) -> Sequence[Nearest]:
        """Return, for each direction, who is nearest of those whose entry holds at a time."""
        if not len(self._owners) or not len(directions):
            return [Nearest(None, 0.0)] * len(directions)
        holds = (self._from <= at) & (at < self._to)
        if not holds.any():
            return [Nearest(None, 0.0)] * len(directions)
        scores = self._matrix @ directions.T
        scores[~holds] = -2
        best = scores.argmax(axis=0)
        return [
            Nearest(self._owners[row], float(scores[row, column]))
            for column, row in enumerate(best)
        ]


def on_the_wire(score: float, match_at: float) -> float:
    """Return a cosine on the scale of messages, whatever the embedder: 0.57 is its threshold."""
    if score <= match_at:
        return max(score, 0.0) / match_at * WIRE_MATCH
    return min(WIRE_MATCH + (score - match_at) / (1 - match_at) * (1 - WIRE_MATCH), 1.0)
