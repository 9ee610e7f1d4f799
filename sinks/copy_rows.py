"""Columns to rows as PostgreSQL's binary COPY has them, many at a time. Pure.

Who and where is the same in every row of a device: its row is made once, and only what changes is
written into copies of it. Devices whose texts are equally long share a shape, and are done at once.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sinks.copying import TYPES, Column

POSTGRES_EPOCH_US = 946_684_800_000_000
"""2000-01-01, in microseconds since 1970: what PostgreSQL counts from."""


class Layout:
    """Makes rows of one table.

    Args:
        columns: Of the table, in order.
        texts: For each column of type `text`, what it holds for each device.
        devices: How many there are.

    Raises:
        ValueError: A column has a type that is not among `TYPES`, or `text` without texts.
    """

    def __init__(
        self, columns: Sequence[Column], texts: Mapping[str, Sequence[str]], devices: int
    ) -> None:
        self._changing = [column for column in columns if column.type != "text"]
        for column in columns:
            if column.type not in TYPES and column.type != "text":
                raise ValueError(f"column {column.name}: no rows are made for type {column.type}")
            if column.type == "text" and column.name not in texts:
                raise ValueError(f"column {column.name}: it holds text, and its value is none")
        encoded = {name: [text.encode() for text in all_] for name, all_ in texts.items()}
        lengths: dict[tuple[int, ...], list[int]] = {}
        fixed = [column.name for column in columns if column.type == "text"]
        for device in range(devices):
            key = tuple(len(encoded[name][device]) for name in fixed)
            lengths.setdefault(key, []).append(device)
        self._shape = np.zeros(devices, dtype=np.int64)
        self._place = np.zeros(devices, dtype=np.int64)
        self._rows: list[NDArray[np.void]] = []
        for shape, (key, members) in enumerate(sorted(lengths.items())):
            self._shape[members] = shape
            self._place[members] = np.arange(len(members))
            self._rows.append(
                _templates(columns, dict(zip(fixed, key, strict=True)), encoded, members)
            )

    def blocks(
        self, device: NDArray[np.int64], values: Mapping[str, NDArray[Any]], bytes_max: int
    ) -> list[bytes]:
        """Return a row for each device, without head and end, in blocks of whole rows.

        Args:
            device: Number of the device of each row.
            values: Of each column that is no text, in the type of the column; times in
                microseconds since 1970.
            bytes_max: No block is larger.
        """
        if not len(device):
            return []
        shapes = self._shape[device]
        found: list[bytes] = []
        for shape in np.unique(shapes).tolist():
            which = slice(None) if len(self._rows) == 1 else shapes == shape
            rows = self._rows[shape][self._place[device[which]]]
            for column in self._changing:
                data = values[column.name][which]
                if column.type == "timestamp with time zone":
                    data = data - POSTGRES_EPOCH_US
                rows[column.name] = data
            step = bytes_max // rows.itemsize
            found += [rows[a : a + step].tobytes() for a in range(0, len(rows), step)]
        return found


def _templates(
    columns: Sequence[Column],
    lengths: Mapping[str, int],
    texts: Mapping[str, Sequence[bytes]],
    members: Sequence[int],
) -> NDArray[np.void]:
    """Return the rows of some devices, complete but for what changes."""
    fields: list[tuple[str, str]] = [("#", ">i2")]
    for column in columns:
        size = lengths.get(column.name)
        kind = TYPES[column.type] if size is None else f"V{size}"
        # A field of no bytes is no field to numpy; there is nothing to fill in, either.
        fields += [(f"#{column.name}", ">i4"), *([(column.name, kind)] if size != 0 else [])]
    rows: NDArray[np.void] = np.zeros(len(members), dtype=fields)
    rows["#"] = len(columns)
    for column in columns:
        size = lengths.get(column.name)
        rows[f"#{column.name}"] = np.dtype(TYPES[column.type]).itemsize if size is None else size
        if size:
            all_ = b"".join([texts[column.name][device] for device in members])
            rows[column.name] = np.frombuffer(all_, dtype=f"V{size}")
    return rows
