"""The intake: from the broker into the bridge's journal, and only then is it acknowledged."""

import time
from collections.abc import Callable

import mqtt5
from structlog.typing import FilteringBoundLogger

from pipeline.bridge import chunk
from pipeline.journal import JournalWriter
from pipeline.mqtt.link import Link
from weinao import metrics
from weinao.outage import Outage

RECEIVED = metrics.Counter("weinao_bridge_messages_received_total", "Messages from the broker.")
COMMIT = metrics.Histogram(
    "weinao_bridge_commit_seconds", "One group commit.", buckets=metrics.LATENCY_BUCKETS_S
)
FAILED = metrics.Counter("weinao_bridge_commits_failed_total", "Commits that the disk refused.")

PENDING_BYTES_MAX = 1 << 20
"""So much is committed at once; until then, all that the broker has to give now."""

GATHER_S = 0.001
"""How long a commit waits for more to come with it: woken for every packet, we would do little
else. As long again for each `GATHER_MESSAGES` that have come, while there are more."""

GATHER_MESSAGES = 100


class Intake:
    """Takes messages in groups: read, append, commit, acknowledge.

    Args:
        link: Subscribed to what is to be journalled.
        journal: Open for writing.
        topic: What the records are filed under.
        now: The wall clock, in milliseconds.
        log: Bound to the job.
    """

    def __init__(
        self,
        link: Link,
        journal: JournalWriter,
        topic: str,
        *,
        now: Callable[[], int],
        log: FilteringBoundLogger,
    ) -> None:
        self._link, self._journal, self._topic, self._now = link, journal, topic, now
        self._disk = Outage(log, "disk", now)
        self.failed = False
        """Whether the disk refused the last commit: nothing more is taken in until it takes it."""

        self._waiting: list[int] = []
        self._connection = 0

    def turn(self, wait_s: float) -> None:
        """Take in what is there, make it durable, and acknowledge it."""
        if self.failed:
            self._commit()
            return
        came = self._link.work(wait_s)
        if not came:
            return
        connection, size, rounds = self._link.connection, 0, 0
        more = came
        while more and size < PENDING_BYTES_MAX and rounds <= len(came) // GATHER_MESSAGES:
            size += sum([len(packet.payload) for packet in more])
            rounds += 1
            time.sleep(GATHER_S)
            more = self._link.work(0)
            if self._link.connection != connection:
                return  # all of it comes again
            came += more
        self._append(came)
        self._commit()

    def _append(self, came: list[mqtt5.PublishPacket]) -> None:
        RECEIVED.inc(len(came))
        self._connection = self._link.connection
        self._waiting = [packet.packet_id for packet in came if packet.packet_id]
        topics: list[str] = []
        payloads: list[bytes] = []
        size = 0
        for packet in came:
            payload, topic = packet.payload[: chunk.MESSAGE_BYTES_MAX], packet.topic
            more = len(payload) + len(topic) + chunk.OVERHEAD_BYTES
            if payloads and size + more > chunk.BYTES_MAX:
                self._file(topics, payloads)
                topics, payloads, size = [], [], 0
            topics.append(topic)
            payloads.append(payload)
            size += more
        if payloads:
            self._file(topics, payloads)

    def _file(self, topics: list[str], payloads: list[bytes]) -> None:
        self._journal.append(
            self._topic,
            chunk.pack(topics, payloads),
            received_at=self._now(),
            content_type=chunk.CONTENT_TYPE,
        )

    def _commit(self) -> None:
        try:
            with COMMIT.time():
                self._journal.commit()
        except OSError as error:
            self.failed = True
            self._disk.lost(error)
            FAILED.inc()
            return
        self.failed = False
        self._disk.restored()
        if self._connection == self._link.connection:
            self._link.ack(self._waiting)
            self._link.flush()
        self._waiting = []
