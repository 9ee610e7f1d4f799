"""Where a job's answers go: alerts to the broker at once, rows into a journal of their own.

Rows wait there for the database, however long it is away; alerts wait for nobody but the broker.
"""

import time
from collections.abc import Callable, Sequence

from pipeline.columns.job import Answers, Concluded
from pipeline.columns.settings import Message
from pipeline.columns.window import Means
from pipeline.journal import JournalWriter
from pipeline.mqtt.link import Link
from weinao import metrics

READINGS = metrics.Counter("weinao_bridge_readings_total", "New readings.")
COPIES = metrics.Counter("weinao_bridge_copies_total", "Readings that had come before.")
PARTIAL = metrics.Counter("weinao_bridge_partial_total", "Readings of packs left out.")
DEAD = metrics.Counter("weinao_bridge_dead_total", "Messages that could not be used.")
ALERTED = metrics.Histogram(
    "weinao_bridge_alerted_seconds",
    "From the journal to the moment when alerts have left.",
    buckets=metrics.LATENCY_BUCKETS_S,
)
ALERTS = metrics.Counter("weinao_bridge_alerts_total", "Alerts raised.")

COMMIT_S = 0.2
"""How long rows wait for others before they are made durable and the database is given them."""

SERVE_S = 0.05
"""How often the broker is listened to while there is nothing to say."""

Rows = Callable[[Answers], list[tuple[str, bytes]]]
"""Makes rows of answers: the name of a table, and a block of rows for it."""

Speak = Callable[[Means], list[Message]]
"""Tells a closed stretch as messages."""


class Out:
    """Hands answers on.

    Args:
        link: To the broker.
        speak: Tells closed stretches, where there is no database.
        rows: Makes rows of answers; None where there is no database.
        journal: Takes the rows.
        now: The wall clock, in milliseconds.
    """

    def __init__(
        self,
        link: Link,
        speak: Speak,
        rows: Rows | None,
        journal: JournalWriter | None,
        now: Callable[[], int],
    ) -> None:
        self._link, self._speak, self._rows, self._now = link, speak, rows, now
        self._journal = journal
        self._commit_at = self._serve_at = 0.0

    def write(self, concluded: Sequence[Concluded]) -> None:
        """Publish what is urgent, then the rest, and file rows."""
        for each in concluded:
            self._publish(each.answers.alerts, urgent=True)
            ALERTS.inc(len(each.answers.alerts))
        now = self._now()
        for each in concluded:
            ALERTED.observe((now - each.received_at) / 1_000)
            answers = each.answers
            self._publish(answers.passed)
            self._publish(answers.dead)
            DEAD.inc(len(answers.dead))
            READINGS.inc(len(answers.readings))
            COPIES.inc(answers.copies)
            PARTIAL.inc(answers.partial)
            if self._rows is None:
                for means in answers.means:
                    self._publish(self._speak(means))
            else:
                self._file(each.offset, self._rows(answers))
        self.serve()

    def serve(self) -> None:
        """Listen to the broker, and make rows durable when it is time."""
        at = time.monotonic()
        if at >= self._serve_at:
            self._serve_at = at + SERVE_S
            self._link.work(0)
        if self._journal is not None and self._journal.pending_bytes and at >= self._commit_at:
            self._journal.commit()
            self._commit_at = at + COMMIT_S

    def settle(self) -> None:
        """Return once the broker has all messages and the disk all rows."""
        if self._journal is not None:
            self._journal.commit()
        while self._link.unanswered:
            self._link.work(0.01)

    def _publish(self, messages: Sequence[Message], *, urgent: bool = False) -> None:
        for topic, payload in messages:
            while True:
                try:
                    self._link.publish(topic, payload, urgent=urgent)
                    break
                except BufferError:
                    self._link.work(0.01)
        self._link.flush()

    def _file(self, offset: int, blocks: Sequence[tuple[str, bytes]]) -> None:
        assert self._journal is not None
        for table, rows in blocks:
            self._journal.append(f"{offset}/{table}", rows, received_at=self._now())
