"""The history of a grid that has moved: told anew from the journals, stay by stay.

What a flow left in `moves/` when a grid went only spares reading. Where it is missing, or another
brain made it, the journals of the earlier stays say the same; where one was trimmed, what was left
for other brains stands in its place.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from weinao import topics
from weinao.cli import flows
from weinao.outcomes import Outcome
from weinao.stays import lowered
from weinao.topics import Way

if TYPE_CHECKING:
    from pipeline.flow.mind import Mind
    from pipeline.flow.seat import Fetch, Handed
    from pipeline.journal import Record

Progress = Callable[[], dict[str, tuple[int, int]]]

ASK_S = 0.05
"""How long to wait before the store is asked again whether it has what came before."""


def fetching(data: Path, mind: "Mind", digest: str, progress: Progress) -> "Fetch":
    """Return what a flow asks for the state of a grid that comes.

    A grid's outcomes must reach the store stay by stay. They have when it comes live; a flow that
    reads its journal anew, into a new store, may be ahead of the others, and waits for them.

    Args:
        data: Folder of the system.
        mind: What decides.
        digest: Of the mind.
        progress: Of the store; waits while the store is away.
    """

    def fetch(grid: str, stay: int) -> "Handed":
        note = flows.ending(data, grid, stay)
        handed = flows.kept_state(data, grid, stay, mind) if note and note.mind == digest else None
        if handed is None:
            handed = told_anew(data, grid, mind, upto=stay)
            flows.keep_ending(data, flows.stays_of(data).of(grid)[stay], handed, digest)
        while handed.last is not None and progress().get(grid, (-1, -1)) < handed.last:
            time.sleep(ASK_S)
        return handed

    return fetch


def told_anew(
    data: Path,
    grid: str,
    mind: "Mind",
    write: Callable[[Sequence[Outcome]], object] = lambda _: None,
    *,
    upto: int,
) -> "Handed":
    """Run the brain of one grid through its stays, and return its state at the end of the last.

    Args:
        data: Folder of the system.
        grid: Whose.
        mind: What decides.
        write: Takes what was concluded, in order.
        upto: The number of the last stay; it need not have ended.
    """
    from pipeline.flow.bequests import beginning, seats_at
    from pipeline.flow.plain import Checkpoint, PlainRunner
    from pipeline.flow.seat import Handed
    from pipeline.journal import JournalReader

    ended: dict[int, Handed] = {}
    for stay, flow in enumerate(flows.stays_of(data).of(grid)[: upto + 1]):
        guests = frozenset({grid}) if stay else frozenset[str]()
        journal = flows.folder_of(data, flow) / "journal"
        begins = beginning(journal)
        seats = {name: it for name, it in seats_at(journal, begins).items() if name == grid}
        if grid in seats and seats[grid].stay > stay:
            continue  # so long ago that nobody asks for its end any more
        runner = PlainRunner(
            replace(mind, grids=frozenset({grid}), guests=guests),
            _only(stay, write),
            Checkpoint(begins, seats),
            fetch=lambda _, number: _ended(data, grid, number, ended),
            hand=lambda handed: ended.setdefault(handed.stay, handed),
        )
        reader = JournalReader(journal, begins)
        while stay not in ended and (records := reader.read(10_000)):
            runner.take(_of_stay(records, grid, stay))
        seat = runner.checkpoint(reader.offset).seats.get(grid)
        if seat is not None and seat.here and stay not in ended:
            ended[stay] = Handed(
                grid=grid, stay=stay, cut=reader.offset, last=seat.last, brain=seat.brain
            )
        reader.close()
    return _ended(data, grid, upto, ended)


def _ended(data: Path, grid: str, stay: int, told: "dict[int, Handed]") -> "Handed":
    """Return how a stay ended, as the journals tell it, or else as it was left.

    Raises:
        SystemExit: Nobody knows any more.
    """
    known = told.get(stay) or flows.left_state(data, grid, stay)
    if known is None:
        flow = flows.stays_of(data).of(grid)[stay]
        raise SystemExit(
            f"weinao: the journal of flow {flow} was trimmed behind the end of stay {stay} of"
            f" {grid}, and {data / flows.MOVES} has no word of it: restore either from a backup"
        )
    return known


def _only(
    stay: int, write: Callable[[Sequence[Outcome]], object]
) -> Callable[[Sequence[Outcome]], object]:
    def chosen(outcomes: Sequence[Outcome]) -> None:
        own = [one for one in outcomes if lowered(one.offset)[0] == stay]
        if own:
            write(own)

    return chosen


def _of_stay(records: "Sequence[Record]", grid: str, stay: int) -> "list[Record]":
    """Return what concerns a grid, no further than the end of a stay."""
    from pipeline.flow.steps import stay_of

    own = []
    for record in records:
        topic = topics.parse(record.topic)
        if topic is not None and topic.grid in (grid, ""):
            own.append(record)
            if topic.way is Way.DEPARTS and stay_of(record) == stay:
                break
    return own
