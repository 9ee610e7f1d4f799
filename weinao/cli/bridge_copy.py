"""Bring the rows that a bridge's flow has filed into the database, each once."""

import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from pipeline.journal import JournalReader, oldest, retain
from sinks.copier import Copier, DatabaseAwayError
from sinks.copying import Block, Target
from weinao import metrics
from weinao.clock import now_ms
from weinao.outage import Outage

ROWS_BYTES = metrics.Gauge("weinao_bridge_rows_waiting_bytes", "Rows that wait for the database.")

COPY_BYTES_MAX = 2 * 2**20
"""So much is added in one transaction; one record's rows are never parted."""

LOOK_S = 0.05
RETRY_S = 0.5


def start(
    folder: Path, dsn: str, identity: str, targets: Sequence[Target], log: FilteringBoundLogger
) -> None:
    """Copy rows beside what this process does, which ends if that cannot go on.

    The thread wakes a few times a second and hands whole blocks to the database's library; it does
    not trade the interpreter with the flow at each reading.
    """

    def work() -> None:
        try:
            copy(folder, dsn, identity, targets, log)
        except BaseException:
            log.exception("bridge.copy.failed")
            os._exit(1)

    threading.Thread(target=work, name="copy", daemon=True).start()


def copy(
    folder: Path, dsn: str, identity: str, targets: Sequence[Target], log: FilteringBoundLogger
) -> None:
    """Copy rows for as long as the process lives.

    Args:
        folder: Of the rows' journal, open for writing already.
        dsn: Of the database.
        identity: Of the journal that the rows' positions belong to.
        targets: Its tables.
        log: Bound to the bridge.
    """
    reader = JournalReader(folder, oldest(folder))
    copier = Copier(dsn, identity, targets)
    outage = Outage(log, "database", now_ms)
    waiting: list[Block] = []
    while True:
        blocks = [*waiting, *read(reader)]
        caught_up = reader.offset >= reader.end
        ready = blocks if caught_up else whole(blocks)
        while ready:
            try:
                copier.write(ready)
                outage.restored()
                break
            except DatabaseAwayError as error:
                outage.lost(error)
                time.sleep(RETRY_S)
        waiting = blocks[len(ready) :]
        ROWS_BYTES.set(reader.end - reader.offset)
        if not waiting:
            retain(folder, reader.offset)
        if caught_up:
            time.sleep(LOOK_S)


def read(reader: JournalReader) -> list[Block]:
    """Return the next blocks, about as many as one transaction takes."""
    blocks: list[Block] = []
    size = 0
    while size < COPY_BYTES_MAX and (records := reader.read(1)):
        position, _, table = records[0].topic.partition("/")
        blocks.append(Block(int(position), table, records[0].payload))
        size += len(records[0].payload)
    return blocks


def whole(blocks: Sequence[Block]) -> Sequence[Block]:
    """Return the blocks of records of which none can be missing: all but the last record's."""
    return [block for block in blocks if block.position != blocks[-1].position]
