"""A Kafka partition as the journal: the same conclusions, and positions that hold over crashes.

The cluster is librdkafka's own mock: it speaks the protocol over sockets, but has nothing on disk,
replicates nothing, and never elects another leader by itself.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.brain.rules import RULES
from pipeline.flow.mind import Mind
from pipeline.flow.plain import PlainRunner
from pipeline.journal import PAYLOAD_BYTES_MAX, PAYLOAD_CUT_BYTES, JournalReader, JournalWriter
from sinks.duckdb_store import DuckDBStore
from tests.pipeline.community import GRID, START, Journal
from weinao import codec, topics
from weinao.cli.system import free_port
from weinao.codec import Arrival
from weinao.outcomes import Outcome

confluent_kafka = pytest.importorskip("confluent_kafka", reason="the extra `kafka` is missing")
engine = pytest.importorskip("pipeline.flow.engine", reason="Bytewax has no wheel for this Python")

from pipeline.flow.kafka import KafkaJournal  # noqa: E402  # neither may be there
from pipeline.ingest.kafka import (  # noqa: E402
    KafkaJournalWriter,
    KafkaUnavailableError,
    Place,
)

MIND = Mind(grids=frozenset({GRID}), rules=RULES)


@pytest.fixture
def brokers() -> Iterator[tuple[str, ...]]:
    # The cluster lives as long as the client that made it.
    cluster = confluent_kafka.Producer(
        {"bootstrap.servers": "none:1", "test.mock.num.brokers": 3, "log_level": 0}
    )
    found = cluster.list_topics(timeout=20).brokers.values()
    yield tuple(f"{one.host}:{one.port}" for one in found)
    del cluster


def place(brokers: tuple[str, ...], partition: int = 1) -> Place:
    quiet = {"log_level": "0"}
    return Place(brokers=brokers, topic="weinao.demo", partition=partition, properties=quiet)


def story(minutes: int) -> list[tuple[str, bytes, int]]:
    """Return a community that is registered, and then silent, as what ingest journals."""
    journal = Journal()
    for minute in range(minutes):
        journal.tick(START + minute * 60_000)
    said = []
    for entry in journal.entries:
        if isinstance(entry.item, Arrival):
            payload = codec.encode(entry.item.pack)
            said.append((topics.path(entry.item.topic), payload, entry.received_at))
        else:
            said.append((topics.tick("demo"), b"", entry.received_at))
    return said


def append(writer: JournalWriter | KafkaJournalWriter, said: list[tuple[str, bytes, int]]) -> None:
    for topic, payload, at in said:
        writer.append(topic, payload, received_at=at)
    writer.commit()


def flowing(where: Place, write: object, recovery: Path | None = None) -> None:
    source = KafkaJournal(where, batch_max=7, until_end=True)
    flow = engine.build_flow(MIND, source, engine.StoreSink(lambda: write))
    engine.run(flow, workers=1, recovery=recovery, epoch_s=0)


def told(outcomes: list[Outcome]) -> list[tuple[int, object]]:
    return [(one.index, one.value) for one in outcomes]


def test_a_partition_concludes_what_a_folder_does(brokers: tuple[str, ...], tmp_path: Path) -> None:
    said, found, expected = story(40), list[Outcome](), list[Outcome]()
    folder, partition = JournalWriter(tmp_path), KafkaJournalWriter(place(brokers))
    append(folder, said)
    append(partition, said)
    PlainRunner(MIND, expected.extend).take(JournalReader(tmp_path).read(10_000))

    flowing(place(brokers), found.extend)

    assert expected
    assert told(found) == told(expected)
    assert partition.end == len(said)
    assert {one.offset for one in found} <= set(range(len(said)))


def test_offsets_and_the_stores_positions_hold_over_a_crash(
    brokers: tuple[str, ...], tmp_path: Path
) -> None:
    said, expected = story(40), list[Outcome]()
    folder, writer = JournalWriter(tmp_path / "journal"), KafkaJournalWriter(place(brokers))
    append(folder, said)
    PlainRunner(MIND, expected.extend).take(JournalReader(tmp_path / "journal").read(10_000))
    store, recovery = DuckDBStore(tmp_path / "s.duckdb"), tmp_path / "recovery"
    sent: list[Outcome] = []

    def write(outcomes: list[Outcome]) -> None:
        sent.extend(outcomes)
        store.write(outcomes)

    half = len(said) // 2
    append(writer, said[:half])
    flowing(place(brokers), write, recovery)
    append(writer, said[half:])
    flowing(place(brokers), write, recovery)
    resumed = len(sent)
    flowing(place(brokers), write)  # the recovery store is lost: all is read again
    counts = store.counts()
    store.close()

    assert resumed == len(expected)
    assert len(sent) == 2 * len(expected)
    kept = [sum(n.values()) for table, n in counts.items() if table == "observations"]
    assert kept == [counts["distinct"]["observations"]]
    incidents = {one.value.id for one in expected if "incident" in repr(type(one.value)).lower()}
    assert counts["distinct"]["incidents"] == len(incidents) > 0


def test_partitions_are_journals_of_their_own(brokers: tuple[str, ...]) -> None:
    said = story(12)
    for partition in (0, 3):
        append(KafkaJournalWriter(place(brokers, partition)), said)
    first, second = list[Outcome](), list[Outcome]()

    flowing(place(brokers, 0), first.extend)
    flowing(place(brokers, 3), second.extend)

    assert first == second != []


def test_a_cluster_that_is_away_acknowledges_nothing() -> None:
    nowhere = place((f"127.0.0.1:{free_port()}",))
    writer = KafkaJournalWriter(nowhere, commit_s_max=0.5)
    writer.append("t", b"x", received_at=1)

    for _ in range(2):
        with pytest.raises(KafkaUnavailableError, match="not acknowledged"):
            writer.commit()

    assert writer.end == 0
    assert writer.pending_bytes == 1
    writer.close()


def test_a_payload_that_is_too_long_is_cut_and_its_size_stays_known(
    brokers: tuple[str, ...],
) -> None:
    writer, found = KafkaJournalWriter(place(brokers)), list[Outcome]()
    topic = topics.up("demo", GRID, "home", "pir-1")
    writer.append(topic, b"x" * (PAYLOAD_BYTES_MAX + 1), received_at=1)
    writer.commit()

    flowing(place(brokers), found.extend)

    [letter] = found
    assert letter.value.size == PAYLOAD_BYTES_MAX + 1
    assert len(letter.value.payload) <= PAYLOAD_CUT_BYTES
