"""What goes of a journal, what never does, and what a crash in the middle of it leaves."""

import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from pipeline import journal
from pipeline.ingest.gate import Gate, Rhythm
from pipeline.journal import JournalReader, JournalWriter
from pipeline.readers import Bookmark, bookmarks, footholds, put
from pipeline.trimming import Keep, Segment, Trimmer, Verdict, judge

ROOT = Path(__file__).parents[2]
DAY = 86_400_000
NOW = 100 * DAY
ROOMY = 1 << 50
THIRTY_DAYS = Keep(free_bytes_wanted=0)
KILLS = int(os.environ.get("WEINAO_TEST_KILLS", "6"))


def segments(*days_old: float) -> list[Segment]:
    return [
        Segment(100 * place, 100 * (place + 1), round(NOW - days * DAY))
        for place, days in enumerate(days_old)
    ]


def judged(
    closed: Sequence[Segment],
    *marks: Bookmark,
    keep: Keep = THIRTY_DAYS,
    free: int = ROOMY,
    footholds: frozenset[int] | None = None,
) -> Verdict:
    ends = frozenset(one.end for one in closed)
    size = 100 * (len(closed) + 1)
    return judge(
        closed,
        marks,
        keep,
        ends if footholds is None else footholds,
        size=size,
        free_bytes=free,
        now=NOW,
    )


def flow(needs: int) -> Bookmark:
    return Bookmark(reader="flow", needs=needs, must=True)


LAKE = Bookmark(reader="lake", needs=100)


def test_what_is_old_and_read_goes() -> None:
    assert judged(segments(50, 40, 20), flow(300)).begins == 200


def test_nothing_goes_that_its_flow_has_not_read_however_full_the_disk() -> None:
    keep = Keep(days=1, bytes_max=1, free_bytes_wanted=10**9)

    verdict = judged(segments(50, 40, 20), flow(100), keep=keep, free=0)

    assert (verdict.begins, verdict.held, verdict.by) == (100, 200, ("flow",))


def test_nothing_goes_while_nobody_has_said_that_it_reads() -> None:
    keep = Keep(days=1, bytes_max=1, free_bytes_wanted=10**9)

    assert judged(segments(50, 40), LAKE, keep=keep, free=0).begins == 0
    assert judged(segments(50, 40), keep=keep, free=0).begins == 0


def test_others_are_waited_for_by_age_and_passed_over_when_the_disk_is_short() -> None:
    waits = judged(segments(50, 40, 35), flow(300), LAKE)
    short = judged(segments(50, 40, 35), flow(300), LAKE, keep=Keep(free_bytes_wanted=250), free=0)

    assert (waits.begins, waits.held, waits.by, waits.over) == (100, 200, ("lake",), ())
    assert (short.begins, short.over) == (300, ("lake",))


def test_no_more_goes_than_the_disk_needs() -> None:
    keep = Keep(days=0, free_bytes_wanted=150)

    assert judged(segments(3, 2, 1), flow(300), keep=keep, free=0).begins == 200
    assert judged(segments(3, 2, 1), flow(300), keep=keep, free=100).begins == 100
    assert judged(segments(3, 2, 1), flow(300), keep=keep, free=150).begins == 0


def test_a_journal_begins_only_where_another_brain_could() -> None:
    verdict = judged(segments(50, 40, 35), flow(300), footholds=frozenset({100, 400}))

    assert (verdict.begins, verdict.held) == (100, 200)
    assert judged(segments(50, 40), flow(200), footholds=frozenset()).begins == 0


@given(
    st.lists(st.floats(0, 60), max_size=9),
    st.integers(0, 1_200),
    st.none() | st.integers(0, 1_200),
    st.builds(
        Keep,
        days=st.integers(0, 60),
        bytes_max=st.integers(0, 1_000),
        free_bytes_wanted=st.integers(0, 1_000),
    ),
    st.integers(0, 1_000),
    st.frozensets(st.integers(0, 10).map(lambda n: 100 * n)),
)
def test_whatever_the_bounds_what_must_be_read_is_there_and_begins_where_one_can(  # noqa: PLR0917  # drawn
    ages: list[float],
    needs: int,
    lake: int | None,
    keep: Keep,
    free: int,
    footholds: frozenset[int],
) -> None:
    closed = segments(*sorted(ages, reverse=True))
    marks = [flow(needs), Bookmark(reader="lake", needs=lake)]

    verdict = judged(closed, *marks, keep=keep, free=free, footholds=footholds)

    assert verdict.begins <= max(needs, 0)
    assert verdict.begins == 0 or verdict.begins in footholds
    assert verdict.begins <= 100 * len(closed), "what is written to stays"
    short = keep.free_bytes_wanted > free or 0 < keep.bytes_max < 100 * (len(closed) + 1)
    if not short:
        assert verdict.begins <= (ROOMY if lake is None else lake)


def filled(folder: Path, count: int = 40) -> JournalWriter:
    writer = JournalWriter(folder, segment_bytes_max=200)
    for number in range(count):
        writer.append("a", b"%03d" % number * 20, received_at=number * DAY)
        writer.commit()
    for base in journal.segments(folder):
        (folder / "bequests" / f"{base:020d}").mkdir(parents=True)
    return writer


def trimmer(folder: Path, keep: Keep, now: int) -> Trimmer:
    tick = iter(range(0, 10**9, 60))
    log = structlog.get_logger()
    return Trimmer(folder, keep, now=lambda: now, log=log, elapsed=lambda: float(next(tick)))


def payloads(folder: Path) -> list[bytes]:
    reader = JournalReader(folder)
    found: list[bytes] = []
    while records := reader.read(3):
        found += [one.payload for one in records]
    return found


def test_what_goes_is_the_oldest_and_its_writer_and_a_reader_go_on(tmp_path: Path) -> None:
    writer = filled(tmp_path)
    reader = JournalReader(tmp_path)
    everything = [one.payload for one in reader.read(100)]
    put(tmp_path, flow(writer.end))
    trim = trimmer(tmp_path, Keep(days=10, free_bytes_wanted=0), now=40 * DAY)

    gone = [trim.step(writer.end) for _ in range(30)]
    writer.append("a", b"more", received_at=41 * DAY)
    writer.commit()

    left = payloads(tmp_path)
    assert sum(gone) > 0
    assert left == [*everything[-len(left) + 1 :], b"more"]
    assert 10 <= len(left) - 1 <= 14, "days that are kept, and what shares their segment"
    assert [one.payload for one in reader.read(10)] == [b"more"]
    assert {int(one.name) for one in (tmp_path / "bequests").iterdir()} == {
        *journal.segments(tmp_path)
    }
    writer.close()
    JournalWriter(tmp_path).close()  # and starts again


def test_what_is_free_and_what_is_held_is_counted(tmp_path: Path) -> None:
    writer = filled(tmp_path)
    put(tmp_path, flow(0))

    trimmer(tmp_path, Keep(days=10, free_bytes_wanted=0), now=40 * DAY).step(writer.end)

    free, held = (
        REGISTRY.get_sample_value(f"weinao_ingest_{name}_bytes")
        for name in ("disk_free", "journal_held")
    )
    assert free == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.2)
    assert held is not None
    assert 0 < held <= writer.end
    assert (
        REGISTRY.get_sample_value("weinao_ingest_reader_behind_bytes", {"reader": "flow"})
        == writer.end
    )
    writer.close()


def test_a_note_that_cannot_be_read_keeps_everything(tmp_path: Path) -> None:
    writer = filled(tmp_path)
    put(tmp_path, flow(writer.end))
    (tmp_path / "readers" / "copy.json").write_bytes(b"{")
    trim = trimmer(tmp_path, Keep(days=10, free_bytes_wanted=0), now=40 * DAY)

    assert [trim.step(writer.end) for _ in range(5)] == [0] * 5
    assert [one.needs for one in bookmarks(tmp_path)] == [0, writer.end]
    writer.close()


def test_a_reader_that_holds_is_named_once_and_once_when_it_lets_go(tmp_path: Path) -> None:
    writer = filled(tmp_path)
    put(tmp_path, flow(0))
    trim = trimmer(tmp_path, Keep(days=10, free_bytes_wanted=0), now=40 * DAY)

    with structlog.testing.capture_logs() as said:
        for _ in range(3):
            trim.step(writer.end)
        put(tmp_path, flow(writer.end))
        for _ in range(30):
            trim.step(writer.end)

    assert [(one["event"], one.get("by")) for one in said] == [
        ("journal.held", ("flow",)),
        ("journal.released", None),
    ]
    writer.close()


def test_ingest_starts_on_a_trimmed_journal_even_without_its_checkpoint(tmp_path: Path) -> None:
    writer = filled(tmp_path)
    put(tmp_path, flow(writer.end))
    trim = trimmer(tmp_path, Keep(days=10, free_bytes_wanted=0), now=40 * DAY)
    while trim.step(writer.end):
        pass

    Gate(
        writer, tmp_path, "demo", rhythm=Rhythm(), puback=lambda _: None, tell=lambda *_: None,
        now=lambda: 0, log=structlog.get_logger(),
    )  # fmt: skip

    assert journal.oldest(tmp_path) > 0
    writer.close()


WRITER = """
import sys, time
from pathlib import Path
import structlog
from pipeline.journal import JournalWriter, segments
from pipeline.readers import Bookmark, put
from pipeline.trimming import Keep, Trimmer
folder = Path(sys.argv[1])
writer = JournalWriter(folder, segment_bytes_max=2_000)
at = int(sys.argv[2])
trim = Trimmer(folder, Keep(days=0, bytes_max=20_000, free_bytes_wanted=0), now=lambda: 0,
               log=structlog.get_logger(), elapsed=iter(range(0, 10**9, 60)).__next__)
while True:
    for _ in range(20):
        writer.append("a", at.to_bytes(8) * 8, received_at=at)
        writer.commit()
        print(at, flush=True)
        at += 1
    for base in segments(folder):
        (folder / "bequests" / f"{base:020d}").mkdir(parents=True, exist_ok=True)
    put(folder, Bookmark(reader="flow", needs=max(0, writer.end - 6_000), must=True))
    for _ in range(3):
        trim.step(writer.end)
"""


@pytest.mark.slow
def test_a_writer_killed_while_it_trims_has_lost_nothing_that_is_needed(tmp_path: Path) -> None:
    rng = random.Random(5)
    said, trimmed = 0, 0
    for _ in range(KILLS):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(said + 1)],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        ) as process:  # fmt: skip
            assert process.stdout is not None
            lines = [process.stdout.readline().strip() for _ in range(rng.randrange(1, 100))]
            os.kill(process.pid, signal.SIGKILL)
            lines += process.stdout.read().splitlines()
        said = max([said + 1, *(int(line) for line in lines if line.isdigit())])
        JournalWriter(tmp_path, segment_bytes_max=2_000).close()  # recovers

        reader = JournalReader(tmp_path)
        found = []
        while records := reader.read(100):
            found += records
        numbers = [int.from_bytes(one.payload[:8]) for one in found]
        trimmed = max(trimmed, journal.oldest(tmp_path))
        said = max(said, numbers[-1])
        # No hole, nothing said to be durable is missing at the end, and what is needed is there.
        assert numbers == [*range(numbers[0], numbers[-1] + 1)]
        for mark in bookmarks(tmp_path):
            assert mark.needs is not None
            assert journal.oldest(tmp_path) <= mark.needs
        assert journal.oldest(tmp_path) in {0, *footholds(tmp_path)}
    assert trimmed, "no writer came as far as to trim"
