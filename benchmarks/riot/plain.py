"""The reference: both jobs as a careful for-loop, a message at a time, in plain Python."""

from collections import deque

import msgspec

from pipeline.journal import JournalReader
from riot.town import FIELDS, RANGES, WINDOW, Entry, Joined, Pack, bloom, metadata, places

BLOCK = 10
"""Values of an average, and of a regression."""

ROUND = 10_000
"""Messages of a count of distinct sensors, and of a second-order moment."""

STEP = (0.05, 0.02, 5.0, 1.0, 0.02)
"""How far a value drifts from one message to the next, for the Kalman filter: its variance,"""
NOISE = (4.0, 20.0, 9_000.0, 900.0, 2.0)
"""and that of its measurement."""


def etl(reader: JournalReader) -> tuple[int, list[bytes]]:
    """Return how many messages came, and what is published, in order."""
    decode, encode = msgspec.json.Decoder(Pack).decode, msgspec.json.encode
    known, bits = metadata(), bloom()
    last: dict[tuple[str, int], deque[float]] = {}
    published: list[bytes] = []
    count = 0
    while records := reader.read(1_000):
        for record in records:
            count += 1
            pack = decode(record.payload)
            if not all(bits[place] for place in places(pack.bn)):
                continue
            entries = []
            for number, entry in enumerate(pack.e):
                least, most = RANGES[number]
                seen = last.get((pack.bn, number))
                if seen is None:
                    seen = last[pack.bn, number] = deque(maxlen=WINDOW)
                value = entry.v
                if least <= value <= most:
                    seen.append(value)
                else:
                    value = sum(seen) / len(seen) if seen else 0.0
                entries.append(Entry(entry.n, entry.u, value))
            place, kind = known[pack.bn]
            note = f"{place}/{pack.bn}"
            joined = Joined(pack.bn, pack.bt, place, kind, note, tuple(entries))  # type: ignore[arg-type]
            published.append(encode(joined))
    return count, published


class Stats:
    """What STATS concludes, each in the order of the messages."""

    def __init__(self) -> None:
        self.averages: list[tuple[int, int, float]] = []
        self.filtered: list[float] = []
        self.slopes: list[float] = []
        self.distinct: list[int] = []
        self.moments: list[list[int]] = []


def stats(reader: JournalReader) -> tuple[int, Stats]:
    """Return how many messages came, and what follows."""
    decode, found, fields = msgspec.json.Decoder(Pack).decode, Stats(), range(len(FIELDS))
    sums: dict[tuple[str, int], tuple[int, float]] = {}
    states: dict[tuple[str, int], tuple[float, float]] = {}
    lines: dict[tuple[str, int], deque[float]] = {}
    sensors: set[str] = set()
    often: list[dict[int, int]] = [{} for _ in fields]
    count = 0
    middle = (BLOCK - 1) / 2
    spread = sum((n - middle) ** 2 for n in range(BLOCK))
    while records := reader.read(1_000):
        for record in records:
            count += 1
            pack = decode(record.payload)
            sensors.add(pack.bn)
            for number, entry in enumerate(pack.e):
                key, value = (pack.bn, number), entry.v
                many, total = sums.get(key, (0, 0.0))
                many, total = many + 1, total + value
                if many == BLOCK:
                    found.averages.append((count, number, total / BLOCK))
                    many, total = 0, 0.0
                sums[key] = many, total
                level, doubt = states.get(key, (value, NOISE[number]))
                doubt += STEP[number]
                gain = doubt / (doubt + NOISE[number])
                level += gain * (value - level)
                states[key] = level, (1 - gain) * doubt
                found.filtered.append(level)
                line = lines.get(key)
                if line is None:
                    line = lines[key] = deque(maxlen=BLOCK)
                line.append(level)
                if len(line) == BLOCK:
                    rise = sum((n - middle) * it for n, it in enumerate(line)) / spread
                    found.slopes.append(rise)
                whole = round(value)
                often[number][whole] = often[number].get(whole, 0) + 1
            if count % ROUND == 0:
                found.distinct.append(len(sensors))
                found.moments.append([sum(n * n for n in one.values()) for one in often])
                sensors, often = set(), [{} for _ in fields]
    return count, found
