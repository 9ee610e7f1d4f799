"""A Kafka partition as the journal: what `Gate` needs to write, for a district.

A partition is one journal: total order, an offset for each record. Committed is what all replicas
in sync have (`acks=all`); with `min.insync.replicas` of two, no single machine can take it back.
"""

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from msgspec import Struct

from pipeline.journal import PAYLOAD_BYTES_MAX, PAYLOAD_CUT_BYTES

COMMIT_S_MAX = 10.0
"""How long a commit may take before it counts as failed; nothing is acknowledged meanwhile."""

PURGE_S_MAX = 5.0


class Place(Struct, frozen=True, kw_only=True):
    """Where a journal is.

    Attributes:
        brokers: `host:port`, those to ask first.
        topic: Its topic.
        partition: Its partition: one flow, one partition.
        properties: What else librdkafka is told, TLS and SASL above all.
    """

    brokers: tuple[str, ...]
    topic: str
    partition: int
    properties: dict[str, str] = {}


class KafkaUnavailableError(OSError):
    """The cluster did not take a commit; call `commit` again to try again."""


class KafkaJournalWriter:
    """Appends to a partition; what was appended is durable once `commit` has returned.

    Args:
        place: Where.
        commit_s_max: How long a commit may take.
    """

    def __init__(self, place: Place, *, commit_s_max: float = COMMIT_S_MAX) -> None:
        self._place, self._commit_s_max = place, commit_s_max
        self._pending: list[tuple[bytes, list[tuple[str, str | bytes | None]], int]] = []
        self._last_at = 0
        self.pending_bytes = self.end = 0
        self._producer = Producer(
            {
                "bootstrap.servers": ",".join(place.brokers),
                "enable.idempotence": True,
                "acks": "all",
                "linger.ms": 0,  # the gate has grouped already
                "message.timeout.ms": int(commit_s_max * 1_000),
                **place.properties,
            }
        )

    @property
    def last_at(self) -> int:
        """When the newest record of this program was journalled; 0 before the first."""
        return self._last_at

    def append(
        self, topic: str, payload: bytes, *, received_at: int, content_type: str = ""
    ) -> int:
        """Add a record to the next commit; its offset is known after that alone."""
        size = len(payload)
        if size > PAYLOAD_BYTES_MAX:
            payload = payload[:PAYLOAD_CUT_BYTES]
        self._last_at = max(self._last_at, received_at)
        headers: list[tuple[str, str | bytes | None]] = [("topic", topic.encode(errors="replace"))]
        if content_type:
            headers.append(("type", content_type.encode(errors="replace")))
        if size != len(payload):
            headers.append(("size", str(size).encode()))
        headers.append(("at", str(self._last_at).encode()))
        self._pending.append((payload, headers, self._last_at))
        self.pending_bytes += len(payload)
        return self.end + len(self._pending) - 1

    def commit(self) -> int:
        """Make everything appended durable and return the end of the journal.

        Raises:
            KafkaUnavailableError: Not all of it is; what is will be there twice after another
                try, and is refused by its numbers then, like whatever is sent twice.
        """
        delivered: list[int] = []

        def told(error: KafkaError | None, message: Message) -> None:
            if error is None:
                delivered.append(message.offset() or 0)

        try:
            for payload, headers, at in self._pending:
                self._producer.produce(
                    self._place.topic, payload, partition=self._place.partition,
                    headers=headers, timestamp=at, on_delivery=told,
                )  # fmt: skip
            self._producer.flush(self._commit_s_max)
        except (KafkaException, BufferError) as error:
            self._give_up()
            raise KafkaUnavailableError(f"{self._name}: {error}") from error
        if len(delivered) < len(self._pending):
            missing = len(self._pending) - len(delivered)
            self._give_up()
            raise KafkaUnavailableError(f"{self._name}: {missing} records are not acknowledged")
        if delivered:
            self.end = max(delivered) + 1
        self._pending.clear()
        self.pending_bytes = 0
        return self.end

    def close(self) -> None:
        """Let go; what was not committed is gone."""
        self._give_up()

    @property
    def _name(self) -> str:
        return f"{self._place.topic}/{self._place.partition}"

    def _give_up(self) -> None:
        """Forget what the client has not sent, so that it does not come after what follows it."""
        self._producer.purge()
        self._producer.flush(PURGE_S_MAX)
