"""What is durable of each device: the state behind the acknowledgements that empty an outbox.

Rebuilt from the journal; a checkpoint only spares reading all of it. To forget is harmless: what
comes of a forgotten boot is acknowledged as a range of its own. To claim too much never is.
"""

import os
import zlib
from pathlib import Path

import msgspec
from msgspec import UNSET, Struct, UnsetType

from pipeline.journal import Record
from weinao import codec, packed, topics
from weinao.messages import Ack, Id, Seq
from weinao.numbers import Numbers
from weinao.topics import Way

BOOTS_MAX = 64
"""Boots remembered for each device; then the oldest is forgotten, one without gaps first."""

DEVICES_MAX = 50_000
"""Devices remembered for each grid; then the one that was heard first is forgotten."""

_CHECKSUM_BYTES = 4

Sender = tuple[str, str, str]
"""Grid, device and boot."""


class Checkpoint(Struct, frozen=True):
    """What is durable up to an offset: by grid, device and boot, the numbers that have come."""

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
        """Take in a durable record; return whom to tell, or None if it names nobody.

        What the flow will reject counts, too: it is kept, and must not be sent for ever.
        """
        found = _head(record)
        if found is None:
            return None
        grid, head = found
        devices = self._numbers.setdefault(grid, {})
        if head.device not in devices and len(devices) >= DEVICES_MAX:
            del devices[next(iter(devices))]
        boots = devices.setdefault(head.device, {})
        first = head.seq if head.thinned is UNSET else min(head.thinned.first, head.seq)
        try:
            boots[head.boot] = boots.get(head.boot, Numbers()).add(first, head.seq)
        except OverflowError:
            # It skips about. What is told of this one number is true, and all that is remembered.
            boots[head.boot] = Numbers().add(first, head.seq)
        if len(boots) > BOOTS_MAX:
            del boots[_least_needed(boots, head.boot)]
        return grid, head.device, head.boot

    def ack(self, sender: Sender) -> Ack | None:
        """Return what to tell a sender; None if it has been forgotten in the meantime."""
        grid, device, boot = sender
        numbers = self._numbers.get(grid, {}).get(device, {}).get(boot)
        if numbers is None:
            return None
        return Ack(boot=boot, seq=numbers.upto, also=numbers.above)

    def checkpoint(self, offset: int) -> Checkpoint:
        """Return what is known, as of `offset`; it may be saved, not kept."""
        return Checkpoint(offset, self._numbers)


def load(path: Path) -> Checkpoint:
    """Read a checkpoint; one that cannot be trusted counts for nothing, the journal has it all."""
    try:
        data = path.read_bytes()
        if zlib.crc32(data[_CHECKSUM_BYTES:]).to_bytes(_CHECKSUM_BYTES) != data[:_CHECKSUM_BYTES]:
            return Checkpoint()
        return msgspec.msgpack.decode(data[_CHECKSUM_BYTES:], type=Checkpoint)
    except (OSError, msgspec.DecodeError):
        return Checkpoint()


def save(checkpoint: Checkpoint, path: Path) -> None:
    """Write a checkpoint so that a crash leaves either the old one or the new one.

    Raises:
        OSError: The old one still stands.
    """
    data = msgspec.msgpack.encode(checkpoint)
    draft = path.with_suffix(".new")
    with draft.open("wb") as file:
        file.write(zlib.crc32(data).to_bytes(_CHECKSUM_BYTES) + data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


class _Thinned(Struct):
    first: Seq


class _Head(Struct):
    """As much of a pack as an acknowledgement needs, however wrong the rest may be."""

    device: Id
    boot: Id
    seq: Seq
    thinned: _Thinned | UnsetType = UNSET


def _packed_head(data: bytes) -> _Head:
    _, device, boot, seq, *_ = packed.head(data)
    return msgspec.convert({"device": device, "boot": boot, "seq": seq}, _Head)


_HEADS = {
    codec.JSON: msgspec.json.Decoder(_Head).decode,
    codec.MSGPACK: msgspec.msgpack.Decoder(_Head).decode,
    codec.PACKED: _packed_head,
}


def _head(record: Record) -> tuple[str, _Head] | None:
    topic = topics.parse(record.topic)
    decode = _HEADS.get(record.content_type or codec.JSON)
    if topic is None or topic.way in topics.OURS or decode is None:
        return None
    try:
        head = decode(record.payload)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    if topic.way is Way.UP and topic.name != head.device:
        # The topic is what a broker checks: nobody may empty another device's outbox.
        return None
    return topic.grid, head


def _least_needed(boots: dict[str, Numbers], but: str) -> str:
    others = [boot for boot in boots if boot != but]
    return min(others, key=lambda boot: (bool(boots[boot].above), boot))
