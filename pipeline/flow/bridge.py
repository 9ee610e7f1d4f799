"""A bridge's job in Bytewax. It decides nothing.

    journal of messages ─► job (one state) ─► out: alerts to the broker, rows to their own journal

The item is a record of the journal, which holds as many messages as came together. There is one
key: nothing is fused, so nothing is gained by parting the columns.
"""

from collections.abc import Callable, Iterable, Sequence

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import FixedPartitionedSource
from bytewax.operators import StatefulBatchLogic
from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition
from msgspec import Struct

from pipeline.bridge import chunk
from pipeline.columns.job import Concluded, Memory, Worker
from pipeline.journal import Record

KEY = "job"


class Snapshot(Struct, frozen=True):
    """What a job remembers, and of which devices."""

    devices: tuple[str, ...]
    memory: Memory


Make = Callable[[Snapshot | None], Worker]
Write = Callable[[Sequence[Concluded]], object]


class JobLogic(StatefulBatchLogic[Record, Concluded, Snapshot]):
    """A `Worker` as Bytewax wants it."""

    def __init__(self, make: Make, devices: tuple[str, ...], resume: Snapshot | None) -> None:
        self._worker, self._devices = make(resume), devices

    def on_batch(self, values: list[Record]) -> tuple[Iterable[Concluded], bool]:
        concluded = [
            Concluded(
                record.offset,
                record.received_at,
                self._worker.answer(chunk.payloads(record.payload)),
            )
            for record in values
        ]
        return concluded, StatefulBatchLogic.RETAIN

    def snapshot(self) -> Snapshot:
        return Snapshot(self._devices, self._worker.memory())


class OutSink(FixedPartitionedSink[Concluded, None]):
    """Hands answers on.

    Args:
        write: Takes them, in order.
        settle: Called at the end of an epoch; returns once all that was written is safe.
    """

    def __init__(self, write: Write, settle: Callable[[], object]) -> None:
        self._write, self._settle = write, settle

    def list_parts(self) -> list[str]:
        return ["out"]

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> "_OutPart":
        return _OutPart(self._write, self._settle)


class _OutPart(StatefulSinkPartition[Concluded, None]):
    def __init__(self, write: Write, settle: Callable[[], object]) -> None:
        self._write, self._settle = write, settle

    def write_batch(self, values: list[Concluded]) -> None:
        self._write(values)

    def snapshot(self) -> None:
        self._settle()


def build_flow(
    make: Make,
    devices: tuple[str, ...],
    journal: FixedPartitionedSource[Record, int],
    out: OutSink,
) -> Dataflow:
    """Wire the flow."""
    flow = Dataflow("bridge")
    records = op.input("journal", flow, journal)
    keyed = op.map("key", records, lambda record: (KEY, record))
    concluded = op.stateful_batch("job", keyed, lambda resume: JobLogic(make, devices, resume))
    op.output("out", concluded, out)
    return flow
