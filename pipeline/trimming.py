"""What of a journal goes, and when: decided here by values alone, done by `Trimmer`.

    older than `days`, and nobody needs it                -> goes
    more than `bytes_max`, or the disk is nearly full     -> goes, if those who must have it have
                                                             read it; others are passed over
    not read yet by those who must                        -> stays, whatever happens

A journal may begin only where its flow has left word of all that was before (`bequests/`), so that
another brain can begin there, too. Segments go from the oldest on, each durably before the next.
"""

import os
import shutil
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct
from structlog.typing import FilteringBoundLogger

from pipeline import journal, readers
from pipeline.readers import BEQUESTS, Bookmark, footholds
from weinao import metrics
from weinao.outage import Outage

LOOK_S = 10.0
"""How often to look whether something may go; a segment fills in minutes, not in seconds."""

SIZE = metrics.Gauge("weinao_ingest_journal_size_bytes", "The journal on the disk.")
OLDEST = metrics.Gauge(
    "weinao_ingest_journal_oldest_timestamp_seconds", "When its oldest record was journalled."
)
BEHIND = metrics.Gauge(
    "weinao_ingest_reader_behind_bytes", "Journal that a reader still needs.", ["reader"]
)
HELD = metrics.Gauge(
    "weinao_ingest_journal_held_bytes", "Journal that should go, and that a reader still needs."
)
FREE = metrics.Gauge("weinao_ingest_disk_free_bytes", "Free on the disk of the journal.")
TRIMMED = metrics.Counter("weinao_ingest_journal_trimmed_bytes_total", "Journal that has gone.")
PASSED_OVER = metrics.Counter(
    "weinao_ingest_readers_passed_over_total", "Times that went what a reader said it needs."
)

_DAY_MS = 86_400_000


class Keep(Struct, frozen=True, kw_only=True):
    """How much of a journal is kept, once those who must have read it.

    Args:
        days: So long; 0 for no such bound. What rules learn from weeks, a changed brain can learn
            again only from what is kept.
        bytes_max: At most so much; 0 for no such bound.
        free_bytes_wanted: The oldest goes early where less than this of the disk is free; it must
            be more than `free_bytes_min`, below which nothing is acknowledged.
    """

    days: Annotated[float, Meta(ge=0, le=36_500)] = 30.0
    bytes_max: Annotated[int, Meta(ge=0)] = 0
    free_bytes_wanted: Annotated[int, Meta(ge=0)] = 1024 * 2**20


class Segment(Struct, frozen=True):
    """A part of the journal that goes whole or not at all.

    Attributes:
        base: Where it begins,
        end: and where the next does.
        until: When the first record of the next was journalled, milliseconds UTC.
    """

    base: int
    end: int
    until: int


class Verdict(Struct, frozen=True, kw_only=True):
    """What may go.

    Attributes:
        begins: Where the journal is to begin from now on.
        held: Bytes that should go by the bounds, and stay.
        by: Who holds them.
        over: Readers that said they need what goes.
    """

    begins: int
    held: int = 0
    by: tuple[str, ...] = ()
    over: tuple[str, ...] = ()


def judge(
    closed: Sequence[Segment],
    marks: Sequence[Bookmark],
    keep: Keep,
    footholds: frozenset[int],
    *,
    size: int,
    free_bytes: int,
    now: int,
) -> Verdict:
    """Return what of a journal may go.

    Args:
        closed: All segments but the one that is written to, the oldest first.
        marks: What readers have said. While nobody must read it, nobody has: nothing goes.
        keep: The bounds.
        footholds: Where another brain could begin.
        size: Of the whole journal, bytes.
        free_bytes: Of the disk.
        now: Milliseconds UTC.
    """
    first = closed[0].base if closed else 0
    old = [one.end for one in closed if keep.days and one.until < now - keep.days * _DAY_MS]
    excess = max(
        size - keep.bytes_max if keep.bytes_max else 0, keep.free_bytes_wanted - free_bytes
    )
    heavy = [one.end for one in closed if one.base - first < excess]
    soft, hard = max(old, default=first), max(heavy, default=first)
    must = min((readers.needs_from(one) for one in marks if one.must), default=first)
    may = min((readers.needs_from(one) for one in marks if not one.must), default=must)
    allowed = max(min(soft, must, may), min(hard, must))
    begins = max((base for base in footholds if first < base <= allowed), default=first)
    wanted = max(soft, hard)
    return Verdict(
        begins=begins,
        held=max(0, wanted - begins),
        by=tuple(sorted(one.reader for one in marks if begins <= readers.needs_from(one) < wanted)),
        over=tuple(sorted(one.reader for one in marks if readers.needs_from(one) < begins)),
    )


class Trimmer:
    """Lets go of what nobody needs, a segment at a time; for the one who writes the journal.

    Args:
        folder: Of the journal.
        keep: The bounds.
        now: Milliseconds UTC, by the clock of the journal.
        log: Bound to the journal.
        elapsed: Seconds, of a clock that nobody sets.
    """

    def __init__(
        self,
        folder: Path,
        keep: Keep,
        *,
        now: Callable[[], int],
        log: FilteringBoundLogger,
        elapsed: Callable[[], float],
    ) -> None:
        self._folder, self._keep, self._now, self._log = folder, keep, now, log
        self._elapsed, self._due = elapsed, elapsed()
        self._outage = Outage(log, "trimming", now)
        self._begun_at: dict[int, int] = {}
        self._told_held: tuple[str, ...] | None = None
        self._told_over: tuple[str, ...] = ()

    def step(self, end: int) -> int:
        """Let one segment go if its time has come; return how many bytes went.

        What the disk refuses is said once, and tried again.

        Args:
            end: How far the journal is durable.
        """
        if self._elapsed() < self._due:
            return 0
        self._due = self._elapsed() + LOOK_S
        try:
            gone = self._step(end)
        except OSError as error:
            self._outage.lost(error)
            return 0
        self._outage.restored()
        if gone:
            self._due = self._elapsed()  # there may be more
        return gone

    def _step(self, end: int) -> int:
        verdict = self._judged(end)
        self._tell(verdict)
        bases = journal.segments(self._folder)
        if not bases or bases[0] >= verdict.begins:
            _sweep(self._folder, bases[0] if bases else 0)
            return 0
        gone = bases[1] - bases[0]
        journal.remove(self._folder, bases[0])
        self._begun_at.pop(bases[0], None)
        TRIMMED.inc(gone)
        return gone

    def _judged(self, end: int) -> Verdict:
        bases = journal.segments(self._folder)
        for base in bases:
            if base not in self._begun_at:
                self._begun_at[base] = journal.begun_at(self._folder, base)
        closed = [
            Segment(base, following, self._begun_at[following])
            for base, following in pairwise(bases)
            if self._begun_at[following]
        ]
        marks = readers.bookmarks(self._folder)
        first = bases[0] if bases else 0
        SIZE.set(end - first)
        OLDEST.set(self._begun_at[first] / 1_000 if bases else 0)
        for one in marks:
            BEHIND.labels(one.reader).set(readers.behind(one, end))
        disk = os.statvfs(self._folder)
        free_bytes = disk.f_bavail * disk.f_frsize
        FREE.set(free_bytes)
        self._begun_at = {base: at for base, at in self._begun_at.items() if at}
        return judge(
            closed,
            marks,
            self._keep,
            footholds(self._folder),
            size=end - first,
            free_bytes=free_bytes,
            now=self._now(),
        )

    def _tell(self, verdict: Verdict) -> None:
        """Say once that something is held, or that somebody is passed over, and once its end."""
        HELD.set(verdict.held)
        holders = verdict.by if verdict.held else None
        if holders != self._told_held:
            if holders is not None:
                self._log.warning("journal.held", by=holders, bytes=verdict.held)
            else:
                self._log.info("journal.released")
            self._told_held = holders
        new = tuple(one for one in verdict.over if one not in self._told_over)
        if new:
            PASSED_OVER.inc(len(new))
            self._log.warning("readers.passed_over", readers=new, begins=verdict.begins)
        self._told_over = verdict.over


def _sweep(folder: Path, begins: int) -> None:
    """Remove what was left for places that are gone."""
    for base in footholds(folder):
        if base < begins:
            shutil.rmtree(folder / BEQUESTS / f"{base:020d}", ignore_errors=True)
