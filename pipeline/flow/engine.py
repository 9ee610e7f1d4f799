"""The flow: the only place where the brain meets Bytewax. It decides nothing.

journal -> by_grid (decode) -> brain (one seat a grid) -> outcomes, and the state of who leaves

Fat items, few keys: one item a batch and grid. The engine's clock and its wake-ups stay unused;
time comes out of the journal.
"""

import shutil
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from bytewax.operators import StatefulBatchLogic
from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition
from bytewax.recovery import RecoveryConfig, init_db_dir

from pipeline.brain.bequest import Bequest
from pipeline.flow.frozen import freeze, thaw
from pipeline.flow.mind import Mind
from pipeline.flow.seat import Fetch, Handed, Item, Seat, SeatState, nobody
from pipeline.flow.steps import by_grid, marked
from pipeline.journal import JournalReader, Record
from weinao.outcomes import Outcome

Write = Callable[[Sequence[Outcome]], object]
Hand = Callable[[Handed], object]
Leave = Callable[[Bequest], object]
Concluded = list[Outcome] | Handed | Bequest

WAIT_S = 0.02
"""How long the source waits for the journal before the engine has its turn again: a round of the
engine costs more than twenty looks at the journal."""

BATCH_BYTES = 1 << 18
"""Bytes of journal read at once, about: a pack holds one reading or hundreds, and all that follows
from a batch is in memory at one time."""

EPOCHS_BACK = 2
"""How many snapshots are held back before the journal under the older may go."""

RECOVERY_PARTITIONS = 2
"""Fixed when the recovery folder is made; bounds how many workers may write to it at once."""


class GridLogic(StatefulBatchLogic[list[Item], Concluded, bytes | None]):
    """A `Seat` as Bytewax wants it: keeps it, decides nothing.

    The engine does not say which key a logic is for; the first entry does. It holds snapshots of
    all keys, and copies of them, until their epoch is over: so they are packed one by one.
    """

    def __init__(
        self, mind: Mind, fetch: Fetch, begun: dict[str, SeatState], resume: bytes | None
    ) -> None:
        self._mind, self._fetch, self._begun = mind, fetch, begun
        self._seat: Seat | None = None
        if resume is not None:
            state = thaw(resume, SeatState, mind.rules)
            self._seat = Seat(state.grid, mind, fetch, state)

    def on_batch(self, values: list[list[Item]]) -> tuple[Iterable[Concluded], bool]:
        seat = self._seat = self._seat or self._new(values[0][0].grid)
        concluded = [*seat.take(item for items in values for item in items)]
        return concluded, StatefulBatchLogic.RETAIN

    def snapshot(self) -> bytes | None:
        return None if self._seat is None else freeze(self._seat.snapshot())

    def _new(self, grid: str) -> Seat:
        return Seat(grid, self._mind, self._fetch, self._begun.pop(grid, None))


class JournalSource(FixedPartitionedSource[Record, int]):
    """Reads the journal from where the recovery store says that everything is kept.

    Args:
        open_at: Opens a reader at an offset; at None, where nothing was read before.
        batch_max: Records read at once.
        until_end: End with the journal instead of waiting for more.
        progress: Told the reader now and then, for metrics.
        settled: Told the reader, and an offset before which nothing will be read again.
    """

    def __init__(
        self,
        open_at: Callable[[int | None], JournalReader],
        *,
        batch_max: int = 1_000,
        until_end: bool = False,
        progress: Callable[[JournalReader], None] | None = None,
        settled: Callable[[JournalReader, int], object] = lambda *_: None,
    ) -> None:
        self._open_at, self._batch_max = open_at, batch_max
        self._until_end, self._progress, self._settled = until_end, progress, settled

    def list_parts(self) -> list[str]:
        return ["journal"]

    def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> "_Part":
        reader = self._open_at(resume_state)
        if resume_state is not None:
            self._settled(reader, resume_state)
        return _Part(
            reader,
            self._batch_max,
            until_end=self._until_end,
            progress=self._progress,
            settled=self._settled,
        )


class StoreSink(FixedPartitionedSink[Concluded, None]):
    """Writes outcomes; `write` returns once they are kept, and is asked again after a crash.

    Args:
        open_write: Called once for each partition, on the worker that owns it.
        partitions: Of which each has its own way to the store.
        hand: Given the state of a grid that leaves, once all outcomes before it are kept.
        leave: Given what another brain must know where a segment begins, likewise.
    """

    def __init__(
        self,
        open_write: Callable[[], Write],
        partitions: int = 1,
        hand: Hand = lambda _: None,
        leave: Leave = lambda _: None,
    ) -> None:
        self._open_write, self._partitions = open_write, partitions
        self._hand, self._leave = hand, leave

    def list_parts(self) -> list[str]:
        return [f"store-{number}" for number in range(self._partitions)]

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> "_SinkPart":
        return _SinkPart(self._open_write(), self._hand, self._leave)


def build_flow(
    mind: Mind,
    journal: FixedPartitionedSource[Record, Any],
    outcomes: FixedPartitionedSink[Concluded, None],
    fetch: Fetch = nobody,
    *,
    begun: dict[str, SeatState] | None = None,
) -> Dataflow:
    """Wire the flow. Every end is a parameter, so a test differs from a deployment only there.

    Args:
        mind: What decides.
        journal: Where records come from,
        outcomes: and where what follows goes.
        fetch: Asked for the state of a grid that comes from another flow.
        begun: What seats remember that begin where the journal was cut; it may be filled when the
            journal is opened, and each is taken out by its seat.
    """
    flow = Dataflow("safety")
    records = op.input("journal", flow, journal)
    sort = partial(by_grid, mind=mind, known={*mind.grids})
    items = op.flat_map_batch("by_grid", records, sort)
    seats = {} if begun is None else begun
    concluded = op.stateful_batch("brain", items, partial(GridLogic, mind, fetch, seats))
    op.output("outcomes", concluded, outcomes)
    return flow


def run(flow: Dataflow, *, workers: int, recovery: Path | None, epoch_s: float) -> None:
    """Run a flow in this process until it ends, if it does.

    Args:
        flow: As `build_flow` made it.
        workers: Threads; more than one only where a test asks for it (they share one interpreter).
        recovery: Folder of the recovery store, made when absent; None to start afresh each time.
        epoch_s: Seconds between snapshots; a crash reads again what came since.
    """
    # The entry points of `python -m bytewax.run`; the package offers them under no other name.
    from bytewax._bytewax import cluster_main, run_main  # noqa: PLC0415

    config = None
    if recovery is not None:
        _make_recovery(recovery)
        config = RecoveryConfig(recovery, timedelta(0))
    epoch = timedelta(seconds=epoch_s)
    if workers == 1:
        run_main(flow, epoch_interval=epoch, recovery_config=config)
    else:
        cluster_main(
            flow, [], 0,
            worker_count_per_proc=workers, epoch_interval=epoch, recovery_config=config,
        )  # fmt: skip


def _make_recovery(folder: Path) -> None:
    """Make a recovery store, whole or not at all; one without all its parts counts for none."""
    if len([*folder.glob("part-*.sqlite3")]) == RECOVERY_PARTITIONS:
        return
    # Whoever began it was killed. Nothing is lost: the journal is read from its start.
    draft = folder.with_name(folder.name + ".new")
    for stale in (folder, draft):
        shutil.rmtree(stale, ignore_errors=True)
    draft.mkdir(parents=True)
    init_db_dir(draft, RECOVERY_PARTITIONS)
    draft.rename(folder)


class _Part(StatefulSourcePartition[Record, int]):
    def __init__(
        self,
        reader: JournalReader,
        batch_max: int,
        *,
        until_end: bool,
        progress: Callable[[JournalReader], None] | None,
        settled: Callable[[JournalReader, int], object],
    ) -> None:
        self._reader, self._batch_max, self._until_end = reader, batch_max, until_end
        self._progress, self._settled = progress, settled
        self._sealed = [reader.offset]

    def next_batch(self) -> list[Record]:
        if len(self._sealed) > EPOCHS_BACK:
            # All workers have stored the last epoch before we are asked for more; one for caution.
            self._settled(self._reader, self._sealed.pop(0))
        if not self._until_end:
            self._reader.wait(WAIT_S)
        records = marked(self._reader.read(self._batch_max, BATCH_BYTES), self._reader)
        if self._progress is not None:
            self._progress(self._reader)
        if not records and self._until_end:
            raise StopIteration
        return records

    def snapshot(self) -> int:
        self._sealed.append(self._reader.offset)
        return self._reader.offset


class _SinkPart(StatefulSinkPartition[Concluded, None]):
    def __init__(self, write: Write, hand: Hand, leave: Leave) -> None:
        self._write, self._hand, self._leave = write, hand, leave

    def write_batch(self, values: list[Concluded]) -> None:
        outcomes: list[Outcome] = []
        later: list[Handed | Bequest] = []
        for value in values:
            if isinstance(value, list):
                outcomes += value
            else:
                later.append(value)
        if outcomes:
            self._write(outcomes)
        for one in later:
            if isinstance(one, Handed):
                self._hand(one)
            else:
                self._leave(one)

    def snapshot(self) -> None:
        return None
