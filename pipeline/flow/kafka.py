"""A Kafka partition as the flow's journal, read with Bytewax's connector; the same steps follow."""

from typing import Any, cast

from bytewax.connectors.kafka import KafkaSource, KafkaSourceMessage
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition

from pipeline.ingest.kafka import Place
from pipeline.journal import Record


class KafkaJournal(FixedPartitionedSource[Record, int | None]):
    """Reads one partition, from where the recovery store says that everything is kept.

    Args:
        place: Where.
        batch_max: Records read at once.
        until_end: End with the partition instead of waiting for more.
    """

    def __init__(self, place: Place, *, batch_max: int = 1_000, until_end: bool = False) -> None:
        self._place = place
        self._source = KafkaSource(
            place.brokers,
            [place.topic],
            tail=not until_end,
            add_config=place.properties,
            batch_size=batch_max,
        )

    def list_parts(self) -> list[str]:
        # One of them; a flow that read others, too, would have no order among its records.
        return [f"{self._place.partition}-{self._place.topic}"]

    def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> "_Part":
        return _Part(self._source.build_part(step_id, for_part, resume_state))


class _Part(StatefulSourcePartition[Record, int | None]):
    def __init__(self, messages: StatefulSourcePartition[Any, int | None]) -> None:
        self._messages = messages

    def next_batch(self) -> list[Record]:
        return [record_of(message) for message in self._messages.next_batch()]

    def snapshot(self) -> int | None:
        return self._messages.snapshot()

    def close(self) -> None:
        self._messages.close()


def record_of(message: KafkaSourceMessage[bytes | None, bytes | None]) -> Record:
    """Return a message as the record that ingest wrote."""
    said = dict(message.headers)
    payload = message.value or b""
    return Record(
        cast("int", message.offset),
        int(said.get("at", b"0")),
        said.get("topic", b"").decode(errors="replace"),
        said.get("type", b"").decode(errors="replace"),
        payload,
        int(said["size"]) if "size" in said else len(payload),
    )
