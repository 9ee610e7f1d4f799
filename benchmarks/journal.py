"""The journal alone: what it costs to make a message durable, and to read it again, in one run.

    python benchmarks/journal.py [--messages N] [--json]

Messages come in groups, and each group is durable (`fdatasync`) before the next is taken. Beside
it, in the same run: a bare file, which only writes the bytes and asks for `fdatasync` as often, and
SQLite with its log (`synchronous = FULL`), one transaction a group. CPU time of this process a
message; what the disk takes is told as seconds a group.
"""

import argparse
import json
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from pipeline.journal import JournalReader, JournalWriter
from weinao import codec, topics
from weinao.messages import Pack, Vitals

AT = 1_767_225_600_000


def message(number: int) -> tuple[str, bytes]:
    """Return a topic, and what a wearable says there."""
    device = f"band-{number % 1_000:04d}"
    said = Vitals(at=AT + number, hr_bpm=60 + number % 30, spo2_pct=97, resp_per_min=15, worn=True)
    pack = Pack(v=1, device=device, boot="1", seq=number // 1_000 + 1, sent=said.at, obs=(said,))
    return topics.up("demo", "grid-1", "vitals", device), codec.encode(pack)


def measured(
    groups: list[list[tuple[str, bytes]]], take: Callable[[list[tuple[str, bytes]]], object]
) -> dict[str, float]:
    """Let groups be taken one by one; return CPU microseconds a message, and seconds a group."""
    waits, begun = [], time.process_time()
    for group in groups:
        since = time.perf_counter()
        take(group)
        waits.append(time.perf_counter() - since)
    count = sum(len(group) for group in groups)
    return {
        "cpu_us": (time.process_time() - begun) * 1e6 / count,
        "messages_per_s": count / sum(waits),
        "group_ms_p50": float(np.median(waits)) * 1e3,
        "group_ms_p99": float(np.percentile(waits, 99)) * 1e3,
    }


def written(folder: Path, groups: list[list[tuple[str, bytes]]]) -> dict[str, dict[str, float]]:
    """Return what each way to keep the same groups costs."""
    journal = JournalWriter(folder / "journal")

    def by_journal(group: list[tuple[str, bytes]]) -> None:
        for topic, payload in group:
            journal.append(topic, payload, received_at=AT, content_type=codec.JSON)
        journal.commit()

    bare = os.open(folder / "bare", os.O_WRONLY | os.O_CREAT)

    def by_bare_file(group: list[tuple[str, bytes]]) -> None:
        os.write(bare, b"".join(payload for _, payload in group))
        os.fdatasync(bare)

    base = sqlite3.connect(folder / "sqlite", isolation_level=None)
    base.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")
    base.execute("CREATE TABLE kept (id INTEGER PRIMARY KEY, at INT, topic TEXT, payload BLOB)")

    def by_sqlite(group: list[tuple[str, bytes]]) -> None:
        base.execute("BEGIN")
        rows = ((AT, topic, payload) for topic, payload in group)
        base.executemany("INSERT INTO kept (at, topic, payload) VALUES (?, ?, ?)", rows)
        base.execute("COMMIT")

    ways = {"journal": by_journal, "bare_file": by_bare_file, "sqlite": by_sqlite}
    found = {name: measured(groups, take) for name, take in ways.items()}
    journal.close()
    os.close(bare)
    base.close()
    return found


def read_us(folder: Path) -> float:
    """Return CPU microseconds a message to read a journal, checksums and all."""
    reader, count, begun = JournalReader(folder), 0, time.process_time()
    while records := reader.read(1_000):
        count += len(records)
    return (time.process_time() - begun) * 1e6 / count


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--group", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    told = [message(number) for number in range(chosen.messages)]
    groups = [told[at : at + chosen.group] for at in range(0, len(told), chosen.group)]
    with tempfile.TemporaryDirectory(dir=".") as name:  # on a disk: /tmp may be memory
        ways = written(Path(name), groups)
        reading = read_us(Path(name) / "journal")
    figures = {f"{way}_{what}": it for way, found in ways.items() for what, it in found.items()}
    figures |= {
        "read_cpu_us": reading,
        "cpu_vs_bare_file": figures["journal_cpu_us"] / figures["bare_file_cpu_us"],
        "cpu_vs_sqlite": figures["journal_cpu_us"] / figures["sqlite_cpu_us"],
        "rate_vs_sqlite": figures["journal_messages_per_s"] / figures["sqlite_messages_per_s"],
    }
    if chosen.json:
        print(json.dumps(figures))
    else:
        for label, value in figures.items():
            print(f"{label:28} {value:12.2f}")


if __name__ == "__main__":
    main()
