"""What both runners do: decode records, and bring each grid its entries in order. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from pipeline.brain.entries import Entry, Tick
from pipeline.brain.grid import GridBrain, Snapshot
from pipeline.brain.identify.base import Rule
from pipeline.brain.identify.silence import Silence
from pipeline.brain.respond.policy import Policy
from pipeline.journal import Record
from weinao import codec, topics
from weinao.codec import DEFAULT, Limits
from weinao.outcomes import PAYLOAD_KEPT_BYTES_MAX, Reason, Rejected
from weinao.topics import Way

NOWHERE = "_"
"""The key of what cannot be brought to any grid of this flow."""


class Mind(Struct, frozen=True, kw_only=True):
    """All that decides, as values: what makes a brain, and what a message may be.

    Args:
        grids: The grids of this flow; what names another is set aside.
        rules: In the order in which their hazards appear.
    """

    grids: frozenset[str]
    rules: tuple[Rule[Any], ...]
    silence: Silence = Silence()
    policy: Policy = Policy()
    limits: Limits = DEFAULT

    def brain(self, grid: str, resume: Snapshot | None) -> GridBrain:
        """Make the brain of one grid."""
        return GridBrain(grid, self.rules, silence=self.silence, policy=self.policy, resume=resume)


def by_grid(records: Sequence[Record], mind: Mind) -> list[tuple[str, list[Entry]]]:
    """Decode records and return, for each grid that they concern, its entries in order."""
    entries: dict[str, list[Entry]] = {}
    for record in records:
        for entry in _entries(record, mind):
            entries.setdefault(entry.grid, []).append(entry)
    return sorted(entries.items())


def grids_in(records: Iterable[Record]) -> frozenset[str]:
    """Return the grids that records name, for a replay that was not told them."""
    parsed = (topics.parse(record.topic) for record in records)
    return frozenset(topic.grid for topic in parsed if topic is not None and topic.grid)


def _entries(record: Record, mind: Mind) -> Iterable[Entry]:
    topic = topics.parse(record.topic)
    if topic is not None and topic.way is Way.TICK:
        return [
            Entry(grid, record.offset, record.received_at, Tick()) for grid in sorted(mind.grids)
        ]
    item = codec.decode(
        record.topic,
        record.payload,
        received_at=record.received_at,
        content_type=record.content_type,
        size=record.size,
        limits=mind.limits,
    )
    grid = topic.grid if topic is not None and topic.grid in mind.grids else NOWHERE
    if grid == NOWHERE and not isinstance(item, Rejected):
        item = Rejected(
            reason=Reason.UNKNOWN_GRID,
            detail=f"expected one of {', '.join(sorted(mind.grids))}, got {item.topic.grid}",
            topic=record.topic,
            device=item.pack.device,
            payload=record.payload[:PAYLOAD_KEPT_BYTES_MAX],
            size=record.size,
            received_at=record.received_at,
        )
    return [Entry(grid, record.offset, record.received_at, item)]
