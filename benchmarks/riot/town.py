"""The seeded readings of a town's sensors, as SenML, and what both sides know of them.

Five values a message, as in RIoTBench's city data. Some are out of range, some sensors are unknown.
"""

import random
import zlib
from pathlib import Path

import msgspec
from msgspec import Struct

from pipeline.journal import JournalWriter

FIELDS = ("temperature", "humidity", "light", "dust", "airquality_raw")
RANGES = ((-12.5, 43.1), (0.0, 100.0), (0.0, 26_282.0), (83.36, 3_322.67), (12.0, 49.0))
"""What RIoTBench lets through of its city data."""

_USUAL = ((18.0, 6.0), (55.0, 15.0), (900.0, 300.0), (400.0, 90.0), (28.0, 4.0))
_UNITS = ("Cel", "%RH", "lx", "ug/m3", "per")

SENSORS = 500
STRANGERS = 25
START = 1_767_225_600_000
BLOOM_BITS = 1 << 14
BLOOM_HASHES = 4
WINDOW = 5
"""Values whose mean stands in for one that is missing."""


class Entry(Struct, frozen=True):
    """One value of a SenML pack (RFC 8428)."""

    n: str
    u: str
    v: float


class Pack(Struct, frozen=True):
    """What one sensor said at one time: `bn` is its name, `bt` the time, ms."""

    bn: str
    bt: int
    e: tuple[Entry, Entry, Entry, Entry, Entry]


class Joined(Struct, frozen=True):
    """What ETL publishes: SenML again, with what is known of the sensor."""

    bn: str
    bt: int
    place: str
    kind: str
    note: str
    e: tuple[Entry, Entry, Entry, Entry, Entry]


def metadata() -> dict[str, tuple[str, str]]:
    """Return place and kind of every sensor that is known."""
    return {f"s-{n:04d}": (f"street-{n % 40}", f"kind-{n % 7}") for n in range(SENSORS)}


def bloom() -> bytes:
    """Return a Bloom filter of the sensors that are known, a byte a bit."""
    bits = bytearray(BLOOM_BITS)
    for name in metadata():
        for place in places(name):
            bits[place] = 1
    return bytes(bits)


def places(name: str) -> list[int]:
    """Return where a name stands in the filter."""
    first, second = zlib.crc32(name.encode()), zlib.adler32(name.encode()) | 1
    return [(first + n * second) % BLOOM_BITS for n in range(BLOOM_HASHES)]


def write(folder: Path, messages: int, seed: int = 7) -> int:
    """Write a journal of so many messages; return its bytes."""
    rng, encode = random.Random(seed), msgspec.json.encode
    journal = JournalWriter(folder)
    for number in range(messages):
        name = f"s-{rng.randrange(SENSORS + STRANGERS):04d}"
        at = START + number * 10
        values = [
            round(rng.gauss(usual, spread), 2) if rng.random() > 0.02 else -999.0
            for usual, spread in _USUAL
        ]
        entries = tuple(
            Entry(field, unit, value)
            for field, unit, value in zip(FIELDS, _UNITS, values, strict=True)
        )
        journal.append("city", encode(Pack(name, at, entries)), received_at=at)  # type: ignore[arg-type]
        if number % 5_000 == 0:
            journal.commit()
    journal.commit()
    journal.close()
    return journal.end
