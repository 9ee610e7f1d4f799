"""Rows of the store's tables as Arrow, and as bytes that travel. Pure."""

from collections.abc import Sequence

import pyarrow as pa

from sinks.rows import BOOLEANS, COLUMNS, FLOATS, INTEGERS, Row


def columns_exported(table: str) -> tuple[str, ...]:
    """Return what is exported of a table: all but what only this one store counts."""
    return tuple(name for name in COLUMNS[table] if name != "seq")


def type_of(column: str) -> pa.DataType:
    """Return what a column holds."""
    return _TYPES.get(column, pa.string())


def table_of_rows(columns: Sequence[str], rows: Sequence[Row]) -> pa.Table:
    """Return rows as an Arrow table."""
    by_column = zip(*rows, strict=True) if rows else [()] * len(columns)
    arrays = [
        pa.array(values, type_of(column))
        for column, values in zip(columns, by_column, strict=True)
    ]  # fmt: skip
    return pa.table(arrays, names=list(columns))


def to_bytes(table: pa.Table) -> bytes:
    """Return a table as an Arrow stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    stream: bytes = sink.getvalue().to_pybytes()
    return stream


def from_bytes(stream: bytes) -> pa.Table:
    """Return the table in an Arrow stream."""
    with pa.ipc.open_stream(pa.py_buffer(stream)) as reader:
        return reader.read_all()


_TYPES = {
    **dict.fromkeys(INTEGERS, pa.int64()),
    **dict.fromkeys(FLOATS, pa.float64()),
    **dict.fromkeys(BOOLEANS, pa.bool_()),
    "payload": pa.binary(),
}
