"""The gate: appends what arrives, commits in groups, and only then acknowledges both ways.

    broker ─► append ─► commit (fdatasync) ─► PUBACK to the broker
                                           └► down/{device}/ack to the device

Knows no MQTT library: what it needs of one is a function for each of the two acknowledgements.
"""

from collections.abc import Callable
from pathlib import Path

from msgspec import Struct
from structlog.typing import FilteringBoundLogger

from pipeline.ingest import durable
from pipeline.ingest.durable import Durable, Sender
from pipeline.journal import JournalReader, JournalWriter, Record
from weinao import metrics, topics
from weinao.messages import Ack
from weinao.outage import Outage

RECEIVED = metrics.Counter("weinao_ingest_messages_received_total", "Messages from the broker.")
BYTES = metrics.Counter("weinao_ingest_journal_bytes_total", "Bytes made durable.")
TICKS = metrics.Counter("weinao_ingest_ticks_total", "Ticks journalled.")
ACKS = metrics.Counter("weinao_ingest_acks_total", "Acknowledgements sent to devices.")
FAILED = metrics.Counter("weinao_ingest_commits_failed_total", "Commits that the disk refused.")
COMMIT = metrics.Histogram(
    "weinao_ingest_commit_seconds", "One group commit.", buckets=metrics.LATENCY_BUCKETS_S
)
WAITED = metrics.Histogram(
    "weinao_ingest_wait_seconds",
    "From a message's arrival until it was durable.",
    buckets=metrics.LATENCY_BUCKETS_S,
)


class Rhythm(Struct, frozen=True, kw_only=True):
    """When to commit.

    Args:
        linger_s_max: Nothing waits longer for its commit, however much arrives.
        messages_max: Nor do more than so many.
        tick_s: Between ticks of the community's clock.
        checkpoint_s: Between checkpoints, which only spare time at a start.
    """

    linger_s_max: float = 0.02
    messages_max: int = 2_000
    tick_s: float = 1.0
    checkpoint_s: float = 5.0


class Gate:
    """One community's way into its journal.

    Args:
        journal: Open for writing.
        folder: Of the journal; the checkpoint is kept in it.
        community: Whose clock ticks.
        rhythm: When to commit.
        puback: Acknowledges a message to the broker.
        tell: Sends an acknowledgement to a device.
        now: The wall clock, in milliseconds.
        log: Bound to the community.
    """

    def __init__(
        self,
        journal: JournalWriter,
        folder: Path,
        community: str,
        *,
        rhythm: Rhythm,
        puback: Callable[[int, int], object],
        tell: Callable[[Sender, Ack], object],
        now: Callable[[], int],
        log: FilteringBoundLogger,
    ) -> None:
        self._journal, self._community, self._rhythm = journal, community, rhythm
        self._puback, self._tell, self._now = puback, tell, now
        self._checkpoint = folder / "acked.msgpack"
        self._durable = _resume(folder, self._checkpoint)
        self._disk = Outage(log, "disk", now)
        self._waiting: list[tuple[Record, int, int]] = []
        self._first_at = self._ticked_at = self._saved_at = 0
        self._dirty = self._failed = False

    @property
    def waiting(self) -> int:
        """How many messages wait for a commit."""
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """Whether to commit before taking in more."""
        waited_ms = self._now() - self._first_at
        return bool(self._waiting) and (
            self._failed
            or len(self._waiting) >= self._rhythm.messages_max
            or waited_ms >= self._rhythm.linger_s_max * 1_000
        )

    def take(self, topic: str, payload: bytes, content_type: str, mid: int, qos: int) -> None:
        """Add a message to the next commit."""
        now = self._now()
        if not self._waiting:
            self._first_at = now
        offset = self._journal.append(topic, payload, received_at=now, content_type=content_type)
        record = Record(offset, now, topic, content_type, payload, len(payload))
        self._waiting.append((record, mid, qos))
        RECEIVED.inc()

    def beat(self) -> None:
        """Let the community's clock tick when its time has come, and save a checkpoint."""
        now = self._now()
        if now - self._ticked_at >= self._rhythm.tick_s * 1_000:
            self._ticked_at = now
            self._journal.append(topics.tick(self._community), b"", received_at=now)
            TICKS.inc()
            self.commit()
        if self._dirty and now - self._saved_at >= self._rhythm.checkpoint_s * 1_000:
            self._saved_at, self._dirty = now, False
            durable.save(self._durable.checkpoint(self._journal.end), self._checkpoint)

    def commit(self) -> bool:
        """Make durable what waits, then acknowledge it; False if the disk refused."""
        before = self._journal.end
        try:
            with COMMIT.time():
                self._journal.commit()
        except OSError as error:
            self._failed = True
            self._disk.lost(error)
            FAILED.inc()
            return False
        self._failed = False
        self._disk.restored()
        BYTES.inc(self._journal.end - before)
        self._acknowledge()
        return True

    def _acknowledge(self) -> None:
        now = self._now()
        senders: dict[Sender, None] = {}
        for record, mid, qos in self._waiting:
            if qos:
                self._puback(mid, qos)
            sender = self._durable.note(record)
            if sender is not None:
                senders[sender] = None
            WAITED.observe((now - record.received_at) / 1_000)
        self._waiting.clear()
        self._dirty = self._dirty or bool(senders)
        for sender in senders:
            ack = self._durable.ack(sender)
            if ack is not None:
                self._tell(sender, ack)
                ACKS.inc()


def _resume(folder: Path, path: Path) -> Durable:
    checkpoint = durable.load(path)
    reader = JournalReader(folder, checkpoint.offset)
    if checkpoint.offset > reader.end:
        # The journal is another one than the checkpoint speaks of.
        checkpoint, reader = durable.Checkpoint(), JournalReader(folder)

    state = Durable(checkpoint)
    while records := reader.read(10_000):
        for record in records:
            state.note(record)
    reader.close()
    return state
