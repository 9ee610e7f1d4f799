"""The gate: appends what arrives, commits in groups, and only then acknowledges both ways.

    broker ─► append ─► commit (fdatasync) ─► PUBACK to the broker
                                           └► down/{device}/ack to the device

Knows no MQTT library: what it needs of one is a function for each of the two acknowledgements.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Protocol

import msgspec
from msgspec import Meta, Struct
from structlog.typing import FilteringBoundLogger

from pipeline.ingest import durable
from pipeline.ingest.durable import Durable, Sender
from pipeline.ingest.pace import Community
from pipeline.journal import JournalCorruptError, JournalReader, Record, oldest
from weinao import metrics, topics
from weinao.messages import Ack
from weinao.outage import Outage
from weinao.topics import Way

RECEIVED = metrics.Counter("weinao_ingest_messages_received_total", "Messages from the broker.")
BYTES = metrics.Counter("weinao_ingest_journal_bytes_total", "Bytes made durable.")
TICKS = metrics.Counter("weinao_ingest_ticks_total", "Ticks journalled.")
TURNED_AWAY = metrics.Counter(
    "weinao_ingest_messages_turned_away_total",
    "Messages of grids that live in another flow; their senders send them there again.",
)
ACKS = metrics.Counter("weinao_ingest_acks_total", "Acknowledgements sent to devices.")
FAILED = metrics.Counter("weinao_ingest_commits_failed_total", "Commits that the disk refused.")
COMMIT = metrics.Histogram(
    "weinao_ingest_commit_seconds", "One group commit.", buckets=metrics.LATENCY_BUCKETS_S
)
WAITED = metrics.Histogram(
    "weinao_ingest_wait_seconds",
    "From the arrival of the oldest message of a commit until it was durable.",
    buckets=metrics.LATENCY_BUCKETS_S,
)
UNCOMMITTED = metrics.Gauge(
    "weinao_ingest_uncommitted_seconds", "Age of the oldest message that is not durable yet."
)

PENDING_BYTES_MAX = 8 * 2**20
"""So much is committed at once, however few messages it is."""

Ticket = tuple[int, int, int]
"""What the broker wants back: the connection a message came by, its number there, its QoS."""


class Rhythm(Struct, frozen=True, kw_only=True):
    """When to commit.

    Args:
        linger_s_max: Nothing waits longer for its commit, however much arrives.
        messages_max: Nor do more than so many.
        tick_s: Between ticks of the community's clock.
        checkpoint_s: Between checkpoints, which only spare time at a start.
    """

    linger_s_max: Annotated[float, Meta(ge=0, le=1)] = 0.02
    messages_max: Annotated[int, Meta(ge=1, le=100_000)] = 2_000
    tick_s: Annotated[float, Meta(ge=0.05, le=60)] = 1.0
    checkpoint_s: Annotated[float, Meta(ge=0.1)] = 5.0


class Journal(Protocol):
    """What is written to: a folder, or a partition elsewhere."""

    @property
    def end(self) -> int:
        """How far it is durable."""

    @property
    def pending_bytes(self) -> int:
        """What waits for the next commit."""

    @property
    def last_at(self) -> int:
        """When the newest record was journalled, as far as is known."""

    def append(
        self, topic: str, payload: bytes, *, received_at: int, content_type: str = ""
    ) -> int:
        """Add a record to the next commit."""

    def commit(self) -> int:
        """Make everything appended durable and return the end.

        Raises:
            OSError: Nothing of this commit counts yet; call again to try again.
        """

    def close(self) -> None:
        """Let go; what was not committed is gone."""


class Gate:
    """One community's way into its journal.

    Args:
        journal: Open for writing.
        folder: The checkpoint is kept in it; the journal is read from it if it is there.
        community: Whose clock ticks.
        rhythm: When to commit.
        puback: Acknowledges a message to the broker.
        tell: Sends an acknowledgement to a device.
        now: The wall clock, in milliseconds.
        log: Bound to the community.
        elapsed: Seconds, of a clock that nobody sets.
    """

    def __init__(
        self,
        journal: Journal,
        folder: Path,
        community: str,
        *,
        rhythm: Rhythm,
        puback: Callable[[Ticket], object],
        tell: Callable[[Sender, Ack], object],
        now: Callable[[], int],
        log: FilteringBoundLogger,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._journal, self._community, self._rhythm = journal, community, rhythm
        self._tick_topic = topics.tick(community)
        self._puback, self._tell, self._elapsed = puback, tell, elapsed
        self._now = Community(now, elapsed, journal.last_at, log)
        self._checkpoint = folder / "acked.msgpack"
        self._durable = _resume(folder, self._checkpoint)
        self._disk, self._saving = Outage(log, "disk", now), Outage(log, "checkpoint", now)
        self._waiting: list[tuple[Record, Ticket]] = []
        self._first_at = 0.0
        self._tick_due = self._save_due = elapsed()
        self._dirty = False
        self._elsewhere: frozenset[str] = frozenset()
        self.failed = False
        """Whether the disk refused the last commit: call `commit` again, take nothing more in."""

        UNCOMMITTED.set_function(self._oldest_s)

    @property
    def waiting(self) -> int:
        """How many messages wait for a commit."""
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """Whether to commit before taking in more."""
        return (
            len(self._waiting) >= self._rhythm.messages_max
            or self._oldest_s() >= self._rhythm.linger_s_max
            or self._journal.pending_bytes >= PENDING_BYTES_MAX
        )

    @property
    def idle_s(self) -> float:
        """How long nothing is to be done if nothing arrives."""
        return max(0.0, self._tick_due - self._elapsed())

    def take(self, topic: str, payload: bytes, content_type: str, ticket: Ticket) -> None:
        """Add a message to the next commit."""
        if self._elsewhere and self._lives_elsewhere(topic):
            # The broker may forget it. Its sender is told nothing, and sends it again.
            self._puback(ticket)
            TURNED_AWAY.inc()
            return
        if not self._waiting:
            self._first_at = self._elapsed()
        now = self._now()
        offset = self._journal.append(topic, payload, received_at=now, content_type=content_type)
        record = Record(offset, now, topic, content_type, payload, len(payload))
        self._waiting.append((record, ticket))

    def turn_away(self, grids: frozenset[str]) -> None:
        """From now on, take in nothing of these grids, and of these alone."""
        self._elsewhere = grids

    def note_move(self, grid: str, way: Way, stay: int) -> bool:
        """Journal that a grid leaves or comes; False if the disk refused."""
        topic, note = topics.moves(self._community, grid, way), msgspec.json.encode({"stay": stay})
        self._journal.append(topic, note, received_at=self._now())
        return self.commit()

    def beat(self) -> None:
        """Let the community's clock tick when its time has come, and save a checkpoint."""
        at = self._elapsed()
        if at >= self._tick_due:
            self._tick_due += self._rhythm.tick_s
            if self._tick_due <= at:  # after a standstill, one tick says as much as many
                self._tick_due = at + self._rhythm.tick_s
            self._journal.append(self._tick_topic, b"", received_at=self._now())
            TICKS.inc()
            self._now.tell()
            self.commit()
        if self._dirty and at >= self._save_due and not self.failed:
            self._save_due = at + self._rhythm.checkpoint_s
            self._save()

    def commit(self) -> bool:
        """Make durable what waits, then acknowledge it; False if the disk refused."""
        pending_bytes = self._journal.pending_bytes
        try:
            with COMMIT.time():
                self._journal.commit()
        except OSError as error:
            self.failed = True
            self._disk.lost(error)
            FAILED.inc()
            return False
        self.failed = False
        self._disk.restored()
        BYTES.inc(pending_bytes)
        if self._waiting:
            self._acknowledge()
        return True

    def _acknowledge(self) -> None:
        WAITED.observe(self._oldest_s())
        RECEIVED.inc(len(self._waiting))
        senders: dict[Sender, None] = {}
        for record, ticket in self._waiting:
            self._puback(ticket)
            sender = self._durable.note(record)
            if sender is not None:
                senders[sender] = None
        self._waiting.clear()
        self._dirty = True
        for sender in senders:
            ack = self._durable.ack(sender)
            if ack is not None:
                self._tell(sender, ack)
                ACKS.inc()

    def _lives_elsewhere(self, topic: str) -> bool:
        found = topics.parse(topic)
        return found is not None and found.grid in self._elsewhere

    def _save(self) -> None:
        try:
            durable.save(self._durable.checkpoint(self._journal.end), self._checkpoint)
        except OSError as error:
            self._saving.lost(error)  # it only spares time at the next start
            return
        self._saving.restored()
        self._dirty = False

    def _oldest_s(self) -> float:
        return self._elapsed() - self._first_at if self._waiting else 0.0


def _resume(folder: Path, path: Path) -> Durable:
    checkpoint = durable.load(path)
    try:
        return _rebuild(folder, checkpoint)
    except JournalCorruptError:
        if checkpoint.offset == 0:
            raise
        # The checkpoint speaks of another journal; if it does not, the whole scan will say so.
        return _rebuild(folder, durable.Checkpoint())


def _rebuild(folder: Path, checkpoint: durable.Checkpoint) -> Durable:
    # What was trimmed since is forgotten, too; to forget is harmless.
    reader = JournalReader(folder, max(checkpoint.offset, oldest(folder)))
    if not (folder / "durable").exists():
        # Elsewhere. What came since the checkpoint is forgotten, and acknowledged when it comes.
        return Durable(checkpoint)
    if checkpoint.offset > reader.end:
        raise JournalCorruptError(f"{folder}: ends at {reader.end}, before its checkpoint")
    state = Durable(checkpoint)
    while records := reader.read(10_000):
        for record in records:
            state.note(record)
    reader.close()
    return state
