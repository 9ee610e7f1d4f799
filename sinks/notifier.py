"""Follows the store and publishes; its place is kept in the store, after the broker's PUBACK.

A crash between the two publishes a batch again; nothing is ever skipped but what no broker takes:
a message over the limit, named in the log.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from structlog.typing import FilteringBoundLogger

from sinks.announce import Message, messages
from sinks.store import Followed, Store
from weinao.metrics import LATENCY_BUCKETS_S, Counter, Gauge, Histogram

PUBLISHED = Counter(
    "weinao_sinks_published_total", "Messages acknowledged by the broker, by the word they end in.",
    ["what"],
)  # fmt: skip
UNPUBLISHED = Counter(
    "weinao_sinks_unpublished_total", "Outcomes not published: too long, or void by then.", ["why"]
)
PUBLISH_SECONDS = Histogram(
    "weinao_sinks_publish_seconds",
    "From the journal to the broker's PUBACK, of each outcome published.",
    buckets=LATENCY_BUCKETS_S,
)
CURSOR = Gauge("weinao_sinks_notify_seq", "The last outcome published, in the order of commits.")


class Channel(Protocol):
    """Where messages go.

    Attributes:
        bytes_max: The longest payload that it takes.
    """

    bytes_max: int

    def publish(self, messages: Sequence[Message]) -> None:
        """Return once all have been taken over; otherwise raise."""


class Notifier:
    """Publishes what the store's followers read, batch by batch.

    Args:
        store: Followed, and asked to remember how far.
        channel: Where to.
        community: Part of each topic.
        name: Of the cursor.
        batch_max: Outcomes published before the cursor moves.
        now: The wall clock, in milliseconds.
    """

    def __init__(
        self,
        store: Store,
        channel: Channel,
        *,
        community: str,
        name: str = "notify",
        batch_max: int = 200,
        now: Callable[[], int],
        log: FilteringBoundLogger,
    ) -> None:
        self._store, self._channel = store, channel
        self._community, self._name, self._batch_max = community, name, batch_max
        self._now, self._log = now, log
        self._seq: int | None = None

    def step(self, wait_s: float = 0.0) -> int:
        """Publish the next batch, if there is one within `wait_s`; return how many outcomes.

        Raises:
            StoreUnavailableError: The store is away. Call again later.
            BrokerUnavailableError: The broker is. Connect, and call again.
        """
        if self._seq is None:
            self._seq = self._store.cursor(self._name)
        found = self._store.outgoing(self._seq, self._batch_max, wait_s)
        if not found:
            return 0
        said = [message for item in found for message in self._messages(item)]
        if said:
            self._channel.publish(said)
        # It is said: a store that cannot note that now must not make us say it over and over.
        self._seq = found[-1].seq
        self._count(found, said)
        self._store.set_cursor(self._name, self._seq)
        return len(found)

    def _messages(self, item: Followed) -> list[Message]:
        bytes_max = self._channel.bytes_max - _HEAD_BYTES
        said = messages(item.outcome, self._community, self._now(), bytes_max)
        if not said:
            UNPUBLISHED.labels("void").inc()
        fitting = [message for message in said if len(message.payload) <= bytes_max]
        for message in said:
            if message not in fitting:
                UNPUBLISHED.labels("too_long").inc()
                self._log.error(
                    "message.refused", topic=message.topic, id=message.id,
                    size_bytes=len(message.payload), size_bytes_max=bytes_max,
                )  # fmt: skip
        return fitting

    def _count(self, found: Sequence[Followed], said: Sequence[Message]) -> None:
        now = self._now()
        for message in said:
            PUBLISHED.labels(message.topic.rsplit("/", 1)[1]).inc()
        for item in found:
            PUBLISH_SECONDS.observe(max(0, now - item.outcome.received_at) / 1_000)
        CURSOR.set(found[-1].seq)


_HEAD_BYTES = 400
"""What a packet holds beside its payload, at most: topic and properties."""
