"""A bridge's answers as rows: what each column of its tables holds."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipeline.columns.job import Answers
from pipeline.columns.people import Devices
from pipeline.columns.settings import Job, Table
from pipeline.columns.window import Means
from sinks.copy_rows import Layout
from weinao.cli.bridge_tables import OF_MEANS, OF_READINGS, columns_of

BLOCK_BYTES_MAX = 240_000
"""A record of the journal holds a block whole."""

Rows = Callable[[Answers], list[tuple[str, bytes]]]


def laid_out(job: Job, devices: Devices) -> Rows:
    """Return what makes rows of answers.

    Raises:
        ColumnError: A column is to hold what there is not.
    """
    store = job.store
    readings = _layout(job, store.readings, OF_READINGS, devices)
    means = _layout(job, store.means, OF_MEANS, devices)

    def rows(answers: Answers) -> list[tuple[str, bytes]]:
        found: list[tuple[str, bytes]] = []
        if store.readings is not None and readings is not None and len(answers.readings):
            held = _held(answers)
            values = {
                name: held[what] for name, what in store.readings.columns.items() if what in held
            }
            blocks = readings.blocks(answers.readings.device, values, BLOCK_BYTES_MAX)
            found += [(store.readings.name, block) for block in blocks]
        if store.means is not None and means is not None:
            for each in answers.means:
                held = _averaged(each)
                values = {
                    name: held[what] for name, what in store.means.columns.items() if what in held
                }
                blocks = means.blocks(each.device, values, BLOCK_BYTES_MAX)
                found += [(store.means.name, block) for block in blocks]
        return found

    return rows


def _layout(job: Job, table: Table | None, own: frozenset[str], devices: Devices) -> Layout | None:
    if table is None:
        return None
    columns = columns_of(job, table, own)
    texts = {
        column.name: _texts(table.columns[column.name], job, devices)
        for column in columns
        if column.type == "text"
    }
    return Layout(columns, texts, len(devices.rows))


def _texts(what: str, job: Job, devices: Devices) -> list[str]:
    column = job.people.device if what == "device" else what
    return [row[column] for row in devices.rows]


def _held(answers: Answers) -> dict[str, NDArray[np.generic]]:
    readings = answers.readings
    return {
        **readings.values, "number": readings.number, "at": readings.at, "score": answers.points,
    }  # fmt: skip


def _averaged(means: Means) -> dict[str, NDArray[np.generic]]:
    start = np.full(len(means.device), means.start, dtype=np.int64)
    return {**means.values, "start": start, "n": means.count}
