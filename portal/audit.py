"""Who looked at whom, and why: a log in which each line holds the hash of the line before it."""

from collections.abc import Sequence
from hashlib import sha256

import msgspec
from msgspec import Struct

from sinks.book import Book

START = "0" * 64


class Entry(Struct, frozen=True):
    """One look, or one act.

    Attributes:
        n: From 1, without gaps.
        about: The id of a person, an incident or an account.
        purpose: Why, as the actor chose from a list.
    """

    n: int
    at: int
    actor: str
    role: str
    action: str
    about: str
    purpose: str
    hash: str


class Audit:
    """The log of one portal.

    Args:
        book: Where it is kept.
    """

    def __init__(self, book: Book) -> None:
        self._book = book

    def note(
        self, *, at: int, actor: str, role: str, action: str, about: str, purpose: str = ""
    ) -> Entry:
        """Add a line; it is durable when this returns."""
        with self._book.together():
            last = self._book.ask("SELECT n, hash FROM audit ORDER BY n DESC LIMIT 1")
            n, before = last[0] if last else (0, START)
            entry = Entry(n + 1, at, actor, role, action, about, purpose, "")
            entry = msgspec.structs.replace(entry, hash=_hash(entry, before))
            self._book.do(
                "INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                *msgspec.structs.astuple(entry),
            )
        return entry

    def newest(self, limit: int = 200, about: str | None = None) -> list[Entry]:
        """Return the newest lines, newest first."""
        where = "" if about is None else "WHERE about = ?"
        rows = self._book.ask(
            f"SELECT * FROM audit {where} ORDER BY n DESC LIMIT ?",  # noqa: S608  # our own words
            *(() if about is None else (about,)),
            limit,
        )
        return [Entry(*row) for row in rows]

    def broken_at(self) -> int | None:
        """Return the first line that is not as it was written; None if all are."""
        entries = [Entry(*row) for row in self._book.ask("SELECT * FROM audit ORDER BY n")]
        return broken_at(entries)


def broken_at(entries: Sequence[Entry]) -> int | None:
    """Return the number of the first line that was changed, or before which one is missing."""
    before = START
    for number, entry in enumerate(entries, 1):
        if entry.n != number or entry.hash != _hash(entry, before):
            return number
        before = entry.hash
    return None


def _hash(entry: Entry, before: str) -> str:
    content = msgspec.json.encode((before, *msgspec.structs.astuple(entry)[:-1]))
    return sha256(content).hexdigest()
