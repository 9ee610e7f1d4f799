"""What is durable of each device: the state behind the acknowledgements that empty an outbox.

Rebuilt from the journal; a checkpoint only spares reading all of it. Pure but for two functions.
"""

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec import UNSET, Struct, UnsetType

from pipeline.journal import Record
from weinao import codec, topics
from weinao.messages import Ack, Id, Seq
from weinao.numbers import Numbers
from weinao.topics import Way

BOOTS_MAX = 64
"""Boots remembered for each device; of older ones nothing is acknowledged any more."""

Sender = tuple[str, str, str]
"""Grid, device and boot."""


class Checkpoint(Struct, frozen=True):
    """What is durable up to an offset: for each sender, the numbers that have come."""

    offset: int = 0
    numbers: dict[str, dict[str, dict[str, Numbers]]] = {}


class Durable:
    """What is durable of every device of a community."""

    def __init__(self, resume: Checkpoint) -> None:
        self._numbers = {
            grid: {device: dict(boots) for device, boots in devices.items()}
            for grid, devices in resume.numbers.items()
        }

    def note(self, record: Record) -> Sender | None:
        """Take in a durable record; return whom to tell, or None if it came from nobody known.

        What the flow will reject counts, too: it is kept, and must not be sent for ever.
        """
        head = _head(record)
        if head is None:
            return None
        grid, pack = head
        boots = self._numbers.setdefault(grid, {}).setdefault(pack.device, {})
        first = pack.seq if pack.thinned is UNSET else min(pack.thinned.first, pack.seq)
        try:
            boots[pack.boot] = boots.get(pack.boot, Numbers()).add(first, pack.seq)
        except OverflowError:
            return None
        if len(boots) > BOOTS_MAX:
            del boots[min(boots)]
        return grid, pack.device, pack.boot

    def ack(self, sender: Sender) -> Ack | None:
        """Return what to tell a sender; None if its boot is no longer remembered."""
        grid, device, boot = sender
        numbers = self._numbers[grid][device].get(boot)
        if numbers is None:
            return None
        return Ack(boot=boot, seq=numbers.upto, also=numbers.above)

    def checkpoint(self, offset: int) -> Checkpoint:
        """Return what is known, as of `offset`."""
        return Checkpoint(offset, self._numbers)


def load(path: Path) -> Checkpoint:
    """Read a checkpoint; one that cannot be read counts for nothing, the journal has it all."""
    try:
        return msgspec.msgpack.decode(path.read_bytes(), type=Checkpoint)
    except (OSError, msgspec.DecodeError):
        return Checkpoint()


def save(checkpoint: Checkpoint, path: Path) -> None:
    """Write a checkpoint so that a crash leaves either the old one or the new one."""
    draft = path.with_suffix(".new")
    with draft.open("wb") as file:
        file.write(msgspec.msgpack.encode(checkpoint))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def rebuild(resume: Checkpoint, records: Iterable[Record]) -> Durable:
    """Return what is durable, from a checkpoint and the records after it."""
    durable = Durable(resume)
    for record in records:
        durable.note(record)
    return durable


class _Thinned(Struct):
    first: Seq


class _Head(Struct):
    """As much of a pack as an acknowledgement needs, however wrong the rest may be."""

    device: Id
    boot: Id
    seq: Seq
    thinned: _Thinned | UnsetType = UNSET


_HEADS = {
    codec.JSON: msgspec.json.Decoder(_Head).decode,
    codec.MSGPACK: msgspec.msgpack.Decoder(_Head).decode,
}


def _head(record: Record) -> tuple[str, _Head] | None:
    topic = topics.parse(record.topic)
    decode = _HEADS.get(record.content_type or codec.JSON)
    if topic is None or topic.way is Way.TICK or decode is None:
        return None
    try:
        head = decode(record.payload)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    if topic.way is Way.UP and topic.name != head.device:
        return None
    return topic.grid, head
