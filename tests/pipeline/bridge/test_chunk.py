"""Many messages as one record, whole in a record of the journal."""

from pathlib import Path

import mqtt5
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.bridge import chunk
from pipeline.bridge.intake import Intake
from pipeline.journal import PAYLOAD_BYTES_MAX, JournalReader, JournalWriter
from weinao import logging

MESSAGES = st.lists(st.tuples(st.text(max_size=20), st.binary(max_size=50)), max_size=30)


@given(MESSAGES)
def test_messages_come_out_as_they_went_in(messages: list[tuple[str, bytes]]) -> None:
    packed = chunk.pack([topic for topic, _ in messages], [payload for _, payload in messages])

    assert chunk.payloads(packed) == [payload for _, payload in messages]
    assert chunk.topics(packed) == [topic for topic, _ in messages]


@given(MESSAGES, st.data())
def test_what_is_cut_short_is_refused_or_lacks_its_end(
    messages: list[tuple[str, bytes]], data: st.DataObject
) -> None:
    packed = chunk.pack([topic for topic, _ in messages], [payload for _, payload in messages])
    cut = packed[: data.draw(st.integers(0, 4 + 6 * len(messages) - 1))]

    with pytest.raises(chunk.ChunkError):
        chunk.payloads(cut)


class Brought:
    """A link that brings what it is given, and notes what is acknowledged."""

    def __init__(self, packets: list[mqtt5.PublishPacket]) -> None:
        self.connection, self.acked, self._packets = 1, [], [packets]

    def work(self, _wait_s: float) -> list[mqtt5.PublishPacket]:
        return self._packets.pop() if self._packets else []

    def ack(self, numbers: list[int]) -> None:
        self.acked += numbers

    def flush(self) -> None:
        return


def test_every_message_is_kept_whole_whatever_its_size_and_none_is_acknowledged_before(
    tmp_path: Path,
) -> None:
    sizes = [0, 1, 150, chunk.MESSAGE_BYTES_MAX, 100_000, *[1] * 5_000, 59_000, 59_000, 59_000]
    topics = ["t" if n % 2 else "t" * 60_000 for n in range(4)] + ["t"] * (len(sizes) - 4)
    packets = [
        mqtt5.PublishPacket(
            topic, b"x" * size, qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=number
        )
        for number, (topic, size) in enumerate(zip(topics, sizes, strict=True), 1)
    ]  # fmt: skip
    link = Brought(packets)
    journal = JournalWriter(tmp_path)
    seen: list[int] = []
    link.ack = lambda numbers: seen.append(journal.end) or link.acked.extend(numbers)  # type: ignore[func-returns-value]
    Intake(link, journal, "bridge/t", now=lambda: 1, log=logging.logger()).turn(0)  # type: ignore[arg-type]

    records = JournalReader(tmp_path).read(1_000)
    assert all(record.size == len(record.payload) <= PAYLOAD_BYTES_MAX for record in records)
    came = [payload for record in records for payload in chunk.payloads(record.payload)]
    assert [len(one) for one in came] == [min(size, chunk.MESSAGE_BYTES_MAX) for size in sizes]
    assert link.acked == [*range(1, len(sizes) + 1)]
    assert seen == [journal.end]
    journal.close()
