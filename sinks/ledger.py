"""The ledger of notices: what each person was told on which channel, and what became of it.

    waiting -> trying -> sent | failed | nowhere | unsure
            -> void

A notice enters once, whatever the store repeats, and so is delivered once. A try is written down,
durably, before it is made: what has no end after a crash was perhaps made, perhaps not.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from sinks.book import Book
from weinao.outcomes import Notice

MIGRATIONS = Path(__file__).parent / "migrations" / "notices"

DONE = ("sent", "failed", "nowhere", "unsure", "void")


class Try(Struct, frozen=True, kw_only=True):
    """One try on one channel.

    Attributes:
        channel: Its name; addresses stand in no ledger.
        ended_at: None while it lasts.
        result: `sent`, `refused`, `timeout`, `busy` or `crashed`; empty while it lasts.
        detail: More of it, in a word, as `http_500`.
    """

    n: int
    channel: str
    began_at: int
    ended_at: int | None = None
    result: str = ""
    detail: str = ""


class Entry(Struct, frozen=True, kw_only=True):
    """A notice and what became of it.

    Attributes:
        state: `waiting`, `trying`, or one of `DONE`.
        channel: The one that took it, or that failed last.
    """

    id: str
    grid: str
    incident: str
    recipient: str
    step: str
    severity: int
    at: int
    not_before: int
    state: str
    channel: str
    detail: str
    taken_at: int
    done_at: int | None
    tries: tuple[Try, ...] = ()


class Ledger:
    """The ledger in a book.

    Args:
        book: Made with `MIGRATIONS`.
    """

    def __init__(self, book: Book) -> None:
        self.book = book

    def take(self, grid: str, notice: Notice, now: int) -> bool:
        """Enter a notice; return whether it was new."""
        return bool(
            self.book.do(
                "INSERT OR IGNORE INTO notices (id, grid, incident, recipient, step, severity, at,"
                " not_before, body, taken_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                notice.id, grid, notice.incident, notice.recipient, notice.step,
                int(notice.severity), notice.at, notice.not_before,
                msgspec.json.encode(notice).decode(), now,
            )
        )  # fmt: skip

    def due(self, now: int, limit: int, but: Sequence[str] = ()) -> list[tuple[str, Notice]]:
        """Return what may be told now, with its grid: the gravest first, then the oldest.

        Args:
            now: The clock.
            limit: At most so many.
            but: Ids of notices that are being delivered.
        """
        rows = self.book.ask(
            "SELECT grid, body FROM notices WHERE state IN ('waiting', 'trying')"
            " AND not_before <= ? AND id NOT IN (SELECT value FROM json_each(?))"
            " ORDER BY severity DESC, at, id LIMIT ?",
            now, msgspec.json.encode([*but]).decode(), limit,
        )  # fmt: skip
        return [(grid, msgspec.json.decode(body, type=Notice)) for grid, body in rows]

    def due_since(self, now: int) -> int | None:
        """Return since when what waits longest may be told; None where nothing waits."""
        [[since]] = self.book.ask(
            "SELECT min(max(at, not_before)) FROM notices"
            " WHERE state IN ('waiting', 'trying') AND not_before <= ?",
            now,
        )
        return None if since is None else int(since)

    def tries(self, notice: str) -> tuple[Try, ...]:
        """Return the tries of a notice, in order."""
        rows = self.book.ask(
            "SELECT n, channel, began_at, ended_at, result, detail FROM tries WHERE notice = ?"
            " ORDER BY n",
            notice,
        )
        return tuple(
            Try(n=n, channel=name, began_at=began, ended_at=ended, result=result, detail=detail)
            for n, name, began, ended, result, detail in rows
        )

    def begin(self, notice: str, channel: str, now: int) -> int:
        """Write down that a try is about to be made; return its number."""
        with self.book.together():
            [[n]] = self.book.ask("SELECT count(*) + 1 FROM tries WHERE notice = ?", notice)
            self.book.do(
                "INSERT INTO tries (notice, n, channel, began_at) VALUES (?, ?, ?, ?)",
                notice, n, channel, now,
            )  # fmt: skip
            self.book.do("UPDATE notices SET state = 'trying' WHERE id = ?", notice)
        return int(n)

    def end(self, notice: str, n: int, result: tuple[str, str], now: int) -> None:
        """Write down how a try ended: its result, and a word more."""
        self.book.do(
            "UPDATE tries SET ended_at = ?, result = ?, detail = ? WHERE notice = ? AND n = ?"
            " AND ended_at IS NULL",
            now, *result, notice, n,
        )  # fmt: skip

    def done(self, notice: str, state: str, channel: str, detail: str, now: int) -> None:
        """Write down what became of a notice in the end."""
        assert state in DONE, state
        self.book.do(
            "UPDATE notices SET state = ?, channel = ?, detail = ?, done_at = ? WHERE id = ?",
            state, channel, detail, now, notice,
        )  # fmt: skip

    def interrupted(self) -> list[tuple[str, Notice, int]]:
        """Return what a crash cut off in the middle of a try: grid, notice, number of the try."""
        rows = self.book.ask(
            "SELECT grid, body, n FROM notices JOIN tries ON notice = id"
            " WHERE state = 'trying' AND ended_at IS NULL ORDER BY at, id"
        )
        return [(grid, msgspec.json.decode(body, type=Notice), n) for grid, body, n in rows]

    def entries(
        self, *, incident: str = "", failed: bool = False, limit: int = 50
    ) -> Iterator[Entry]:
        """Yield the newest entries, oldest first.

        Args:
            incident: Only about this one; empty for all.
            failed: Only what reached nobody.
            limit: At most so many.
        """
        rows = self.book.ask(
            "SELECT id, grid, incident, recipient, step, severity, at, not_before, state, channel,"
            " detail, taken_at, done_at FROM notices WHERE (? = '' OR incident = ?)"
            " AND (NOT ? OR state IN ('failed', 'nowhere', 'unsure'))"
            " ORDER BY at DESC, id DESC LIMIT ?",
            incident, incident, failed, limit,
        )  # fmt: skip
        for row in reversed(rows):
            named = dict(zip(Entry.__struct_fields__, row, strict=False))
            yield Entry(**named, tries=self.tries(row[0]))
