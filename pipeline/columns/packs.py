"""Binary packs of vital signs to columns. Pure.

Copies are told by pack, by device and boot: exactly, and for a fraction of what it costs by
reading.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pipeline.columns.reading import Readings
from pipeline.columns.settings import Reading
from weinao import packed
from weinao.messages import OBS_PER_PACK_MAX
from weinao.numbers import Numbers

BOOTS_MAX = 8
"""Boots remembered of each device; then the oldest is forgotten."""

PLACES = 1 << 10
"""A reading's number is its pack's times this, and its place in it."""

assert PLACES >= OBS_PER_PACK_MAX

RECORD = np.dtype(
    [("at", "<i8"), *((name, "<u2") for name in packed.STEPS), ("walked", "<u4"), ("flags", "u1"),
     ("acvpu", "u1")]
)  # fmt: skip

assert RECORD.itemsize == packed.RECORD.size

Memory = dict[int, dict[str, Numbers]]
"""By device and boot, the packs that have come."""


class Taken(Struct, frozen=True):
    """What packs hold.

    Attributes:
        readings: What is new and whole.
        dead: Which payloads are no packs, or a stranger's.
        copies: Readings of packs that had come before.
        partial: Readings left out because a value was missing or impossible.
    """

    readings: Readings
    dead: list[int]
    copies: int
    partial: int


class Packs:
    """Takes packs.

    Args:
        reading: Which values a reading must have.
        number: Of each registered device, by name.
        resume: What an earlier one remembered.
    """

    def __init__(
        self, reading: Reading, number: Mapping[str, int], resume: Memory | None = None
    ) -> None:
        self._values, self._number = reading.values, number
        self._boots = {device: dict(boots) for device, boots in (resume or {}).items()}

    def memory(self) -> Memory:
        """Return what is remembered."""
        return {device: dict(boots) for device, boots in self._boots.items()}

    def take(self, payloads: Sequence[bytes]) -> Taken:
        """Take in packs, in order."""
        parts: list[bytes] = []
        whose: list[int] = []
        counts: list[int] = []
        bases: list[int] = []
        dead: list[int] = []
        copies = 0
        for place, payload in enumerate(payloads):
            try:
                count, device, boot, seq, _, _, start = packed.head(payload)
                who = self._number[device]
            except (ValueError, KeyError):
                dead.append(place)
                continue
            if not self._new(who, boot, seq):
                copies += count
                continue
            parts.append(payload[start:])
            whose.append(who)
            counts.append(count)
            bases.append(seq * PLACES)
        readings, partial = self._columns(b"".join(parts), whose, counts, bases)
        return Taken(readings, dead, copies, partial)

    def _new(self, device: int, boot: str, seq: int) -> bool:
        boots = self._boots.setdefault(device, {})
        known = boots.get(boot, Numbers())
        if seq in known:
            return False
        if boot not in boots and len(boots) >= BOOTS_MAX:
            del boots[min(boots)]
        try:
            boots[boot] = known.add(seq)
        except OverflowError:
            boots[boot] = Numbers(seq)  # it skips about; what it left out is given up
        return True

    def _columns(
        self, data: bytes, whose: list[int], counts: list[int], bases: list[int]
    ) -> tuple[Readings, int]:
        records = np.frombuffer(data, dtype=RECORD)
        many = np.array(counts, dtype=np.int64)
        begins = np.cumsum(many) - many
        place = np.arange(len(records)) - np.repeat(begins, many)
        values: dict[str, NDArray[np.float64]] = {}
        whole = np.ones(len(records), dtype=bool)
        for value in self._values:
            steps = records[value.name]
            values[value.name] = column = steps / packed.STEPS[value.name]
            whole &= (column >= value.min) & (column <= value.max) & (steps != packed.ABSENT)
        readings = Readings(
            np.repeat(np.array(whose, dtype=np.int64), many),
            np.repeat(np.array(bases, dtype=np.int64), many) + place,
            records["at"] * 1_000,
            values,
        )
        if whole.all():
            return readings, 0
        return readings.only(whole), int((~whole).sum())
