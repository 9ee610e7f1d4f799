"""What the journal promises: exactly what was committed, in order, whatever a crash leaves."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.journal import (
    PAYLOAD_BYTES_MAX,
    PAYLOAD_CUT_BYTES,
    JournalBusyError,
    JournalCorruptError,
    JournalReader,
    JournalWriter,
    Record,
)

BATCHES = st.lists(st.lists(st.binary(max_size=40), max_size=5), max_size=8)


def write(folder: Path, batches: list[list[bytes]], segment_bytes_max: int = 200) -> None:
    writer = JournalWriter(folder, segment_bytes_max=segment_bytes_max)
    for batch in batches:
        for payload in batch:
            writer.append("a/topic", payload, received_at=len(payload), content_type="x")
        writer.commit()
    writer.close()


def read(folder: Path, offset: int = 0, records_max: int = 3) -> list[Record]:
    reader = JournalReader(folder, offset)
    records: list[Record] = []
    while batch := reader.read(records_max):
        records += batch
    reader.close()
    return records


@given(BATCHES, BATCHES)
def test_what_was_committed_is_read_in_order_over_restarts(
    first: list[list[bytes]], second: list[list[bytes]]
) -> None:
    with TemporaryDirectory() as name:
        write(Path(name), first)
        write(Path(name), second)

        records = read(Path(name))

    assert [record.payload for record in records] == [p for b in [*first, *second] for p in b]
    times = [record.received_at for record in records]
    assert times == sorted(times)


@given(BATCHES.filter(any), st.data())
def test_it_can_be_read_from_any_record_on(batches: list[list[bytes]], data: st.DataObject) -> None:
    with TemporaryDirectory() as name:
        write(Path(name), batches)
        records = read(Path(name))
        if records:
            start = data.draw(st.integers(0, len(records) - 1))

            assert read(Path(name), records[start].offset) == records[start:]


@given(BATCHES, st.lists(st.binary(min_size=1, max_size=30), min_size=1, max_size=3), st.data())
def test_a_torn_tail_is_cut_and_nothing_else(
    batches: list[list[bytes]], tail: list[bytes], data: st.DataObject
) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name) / "journal"
        write(folder, batches, segment_bytes_max=10**6)
        end = sum(file.stat().st_size for file in folder.glob("*.log"))
        promised = (folder / "durable").read_bytes()
        write(folder, [tail], segment_bytes_max=10**6)
        # The crash came before the commit: the tail is there in part, its end was never published.
        [segment] = folder.glob("*.log")
        torn = bytearray(segment.read_bytes())[
            : data.draw(st.integers(end, segment.stat().st_size - 1))
        ]
        if len(torn) > end and data.draw(st.booleans()):
            torn[data.draw(st.integers(end, len(torn) - 1))] ^= 0xFF
        segment.write_bytes(bytes(torn))
        (folder / "durable").write_bytes(promised)

        write(folder, [[b"after"]], segment_bytes_max=10**6)
        payloads = [record.payload for record in read(folder)]

    committed = [p for b in batches for p in b]
    assert payloads[: len(committed)] == committed
    assert payloads[len(committed) : -1] == tail[: len(payloads) - len(committed) - 1]
    assert payloads[-1] == b"after"


def test_nothing_is_read_before_it_is_durable(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path)
    writer.append("a", b"1", received_at=1)
    reader = JournalReader(tmp_path)
    assert reader.read(10) == []

    writer.commit()

    assert [record.payload for record in reader.read(10)] == [b"1"]
    assert reader.read(10) == []


def test_a_damaged_record_is_named_and_not_skipped(tmp_path: Path) -> None:
    write(tmp_path, [[b"one"], [b"two"]], segment_bytes_max=10**6)
    [segment] = tmp_path.glob("*.log")
    damaged = bytearray(segment.read_bytes())
    damaged[-1] ^= 0xFF
    segment.write_bytes(bytes(damaged))

    with pytest.raises(JournalCorruptError, match="offset"):
        read(tmp_path)
    with pytest.raises(JournalCorruptError, match="durable up to"):
        JournalWriter(tmp_path)


def test_there_is_one_writer(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path)

    with pytest.raises(JournalBusyError):
        JournalWriter(tmp_path)
    writer.close()

    JournalWriter(tmp_path).close()


def test_a_huge_payload_is_cut_and_its_size_kept(tmp_path: Path) -> None:
    write(tmp_path, [[b"x" * (PAYLOAD_BYTES_MAX + 1)], [b"next"]])

    huge, after = read(tmp_path)

    assert (len(huge.payload), huge.size) == (PAYLOAD_CUT_BYTES, PAYLOAD_BYTES_MAX + 1)
    assert after.payload == b"next"


def test_a_reader_may_come_before_the_writer(tmp_path: Path) -> None:
    reader = JournalReader(tmp_path / "journal")
    assert reader.read(10) == []

    write(tmp_path / "journal", [[b"1"]])

    assert len(reader.read(10)) == 1
    shutil.rmtree(tmp_path / "journal")
