"""What both runners do: decode records, and bring each grid its entries in order. Pure."""

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct

from pipeline.brain.entries import Entry, Tick
from pipeline.flow.mind import Mind
from pipeline.flow.seat import Arrives, Begins, Departs, Item
from pipeline.journal import JournalReader, Record
from weinao import codec, topics
from weinao.outcomes import PAYLOAD_KEPT_BYTES_MAX, Reason, Rejected
from weinao.topics import Way


class MoveNote(Struct, frozen=True):
    """What the record of a grid's leaving or coming holds."""

    stay: int


class Begun(Record, frozen=True):
    """Stands before the first record of a segment: the journal may be cut here one day."""


def marked(records: list[Record], reader: JournalReader) -> list[Record]:
    """Return what was read with the beginnings of segments in it."""
    found: list[Record] = []
    for one in records:
        if reader.begins(one.offset):
            found.append(Begun(one.offset, one.received_at, "", "", b"", 0))
        found.append(one)
    return found


def by_grid(
    records: Sequence[Record], mind: Mind, known: set[str] | None = None
) -> list[tuple[str, list[Item]]]:
    """Decode records and return, for each grid that they concern, its entries in order.

    Args:
        records: Of one journal, in order.
        mind: What decides.
        known: The grids of this flow; who comes is added. Those of the mind, if None.
    """
    known = {*mind.grids} if known is None else known
    items: dict[str, list[Item]] = {}
    for record in records:
        for item in _items(record, mind, known):
            items.setdefault(item.grid, []).append(item)
    return sorted(items.items())


def stay_of(record: Record) -> int:
    """Return which stay a record ends or begins; our own ingest wrote it."""
    return _NOTES.decode(record.payload).stay


def grids_in(records: Iterable[Record]) -> frozenset[str]:
    """Return the grids that records name, for a replay that was not told them."""
    parsed = (topics.parse(record.topic) for record in records)
    return frozenset(topic.grid for topic in parsed if topic is not None and topic.grid)


def _items(record: Record, mind: Mind, known: set[str]) -> Iterable[Item]:
    if isinstance(record, Begun):
        return [Begins(grid=grid, offset=record.offset) for grid in sorted(known)]
    topic = topics.parse(record.topic)
    if topic is not None and topic.way is Way.TICK:
        return [Entry(grid, record.offset, record.received_at, Tick()) for grid in sorted(known)]
    if topic is not None and topic.way in (Way.DEPARTS, Way.ARRIVES):
        stay = stay_of(record)
        if topic.way is Way.DEPARTS:
            return [Departs(grid=topic.grid, offset=record.offset, stay=stay)]
        known.add(topic.grid)
        return [Arrives(grid=topic.grid, offset=record.offset, stay=stay)]
    item = codec.decode(
        record.topic,
        record.payload,
        received_at=record.received_at,
        content_type=record.content_type,
        size=record.size,
        limits=mind.limits,
    )
    grid = topic.grid if topic is not None and topic.grid in known else mind.nowhere
    if grid == mind.nowhere and not isinstance(item, Rejected):
        item = Rejected(
            reason=Reason.UNKNOWN_GRID,
            detail=f"expected one of {', '.join(sorted(known))}, got {item.topic.grid}",
            topic=record.topic,
            device=item.pack.device,
            payload=record.payload[:PAYLOAD_KEPT_BYTES_MAX],
            size=record.size,
            received_at=record.received_at,
        )
    return [Entry(grid, record.offset, record.received_at, item)]


_NOTES = msgspec.json.Decoder(MoveNote)
