"""What the journal promises: exactly what was committed, in order, whatever a crash leaves."""

import errno
import os
import resource
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

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


CRASHES = st.tuples(
    st.just("crash"),
    st.lists(st.binary(max_size=40), min_size=1, max_size=4),
    st.integers(0, 400),
    st.integers(-1, 400),
)
STEPS = st.lists(
    st.tuples(st.just("commit"), st.lists(st.binary(max_size=40), max_size=5)) | CRASHES,
    max_size=12,
)


def crash(writer: JournalWriter, folder: Path, batch: list[bytes], cut: int, flip: int) -> None:
    """Leave what a crash in the middle of a commit may leave: a part, with a wrong byte or not."""
    for payload in batch:
        writer.append("a/topic", payload, received_at=0, content_type="x")
    torn = bytearray(b"".join(writer._pending)[:cut])
    if 0 <= flip < len(torn):
        torn[flip] ^= 0x5A
    segment = max(folder.glob("*.log"))
    writer.close()
    with segment.open("ab") as file:
        file.write(torn)


@given(STEPS, st.data())
def test_exactly_what_was_committed_is_read_whatever_a_crash_leaves(
    steps: list[tuple[Any, ...]], data: st.DataObject
) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        writer = JournalWriter(folder, segment_bytes_max=200)
        expected: list[bytes] = []
        for what, batch, *torn in steps:
            if what == "commit":
                for payload in batch:
                    writer.append("a/topic", payload, received_at=0, content_type="x")
                writer.commit()
                expected += batch
            else:
                crash(writer, folder, batch, *torn)
                writer = JournalWriter(folder, segment_bytes_max=200)
                # What was whole on the disk may count, in order; nothing else does.
                found = [record.payload for record in read(folder)]
                assert found[: len(expected)] == expected
                assert found[len(expected) :] == batch[: len(found) - len(expected)]
                expected = found
        writer.close()
        records = read(folder)
        start = data.draw(st.integers(0, max(0, len(records) - 1)))

        assert [record.payload for record in records] == expected
        assert not records or read(folder, records[start].offset, 2) == records[start:]


def test_nothing_is_read_before_it_is_durable(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path)
    writer.append("a", b"1", received_at=1)
    reader = JournalReader(tmp_path)
    assert reader.read(10) == []

    writer.commit()

    assert [record.payload for record in reader.read(10)] == [b"1"]
    assert reader.read(10) == []


def test_a_damaged_record_in_an_old_segment_is_named_after_all_before_it_was_read(
    tmp_path: Path,
) -> None:
    write(tmp_path, [[b"one" * 20, b"two" * 20], [b"three" * 20], [b"four"]], segment_bytes_max=100)
    oldest = min(tmp_path.glob("*.log"))
    second = read(tmp_path)[1].offset
    damaged = bytearray(oldest.read_bytes())
    damaged[second + 1] ^= 0xFF  # in the length
    oldest.write_bytes(bytes(damaged))
    reader = JournalReader(tmp_path)

    assert [record.payload for record in reader.read(10)] == [b"one" * 20]
    for _ in range(2):
        with pytest.raises(JournalCorruptError, match=rf"{oldest.name}.*offset {second} "):
            reader.read(10)
    reader.close()
    JournalWriter(tmp_path).close()  # and the writer goes on: its own segment is sound


@pytest.mark.parametrize("left", [0, 10, 30])
def test_what_was_durable_and_is_gone_is_named(tmp_path: Path, left: int) -> None:
    write(tmp_path, [[b"one" * 20]], segment_bytes_max=10**6)
    [segment] = tmp_path.glob("*.log")
    segment.write_bytes(segment.read_bytes()[:left])

    with pytest.raises(JournalCorruptError, match="offset 0 "):
        read(tmp_path)
    with pytest.raises(JournalCorruptError, match="durable up to"):
        JournalWriter(tmp_path)


def test_a_commit_that_the_disk_refuses_counts_for_nothing_until_it_succeeds(
    tmp_path: Path,
) -> None:
    writer, reader = JournalWriter(tmp_path), JournalReader(tmp_path)
    writer.append("a", b"1", received_at=1)
    writer.commit()
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    writer.append("a", b"2" * 100, received_at=2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (writer.end + 50, most))
    try:
        with pytest.raises(OSError, match="File too large"):
            writer.commit()
        assert [record.payload for record in reader.read(10)] == [b"1"]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    writer.append("a", b"3", received_at=3)
    writer.commit()

    assert [record.payload for record in reader.read(10)] == [b"2" * 100, b"3"]
    reader.close()
    writer.close()


def test_a_reader_follows_the_writer_into_new_segments(tmp_path: Path) -> None:
    writer, reader = JournalWriter(tmp_path, segment_bytes_max=1), JournalReader(tmp_path)
    seen: list[bytes] = []
    for number in range(5):
        writer.append("a", b"%d" % number, received_at=number)
        writer.commit()
        seen += [record.payload for record in reader.read(10)]
    writer.close()

    assert seen == [b"0", b"1", b"2", b"3", b"4"]
    assert len([*tmp_path.glob("*.log")]) == 5


def test_time_never_runs_backwards_in_a_journal(tmp_path: Path) -> None:
    for at in (5, 3):
        writer = JournalWriter(tmp_path, segment_bytes_max=1)
        writer.append("a", b"", received_at=at)
        writer.append("a", b"", received_at=at + 1)
        writer.commit()
        writer.close()

    assert [record.received_at for record in read(tmp_path)] == [5, 6, 6, 6]


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


def test_a_journal_leaves_the_others_room_on_the_disk(tmp_path: Path) -> None:
    disk = os.statvfs(tmp_path)
    writer = JournalWriter(tmp_path, free_bytes_min=2 * disk.f_bavail * disk.f_frsize)
    writer.append("t", b"kept back", received_at=1)

    with pytest.raises(OSError, match="belong to the others") as refused:
        writer.commit()
    writer.close()

    roomy = JournalWriter(tmp_path, free_bytes_min=1)
    roomy.append("t", b"kept", received_at=1)
    end = roomy.commit()
    roomy.close()
    assert refused.value.errno == errno.ENOSPC
    assert [record.payload for record in JournalReader(tmp_path).read(10)] == [b"kept"]
    assert end > 0
