"""Columns as narrow as their values allow, and back: nothing is rounded. Pure.

    whole numbers    the smallest integer that holds them
    other numbers    decimals where they are decimals, else single, else double precision
    instants         when something arrived is told by how much later than its event that was
    ids              device, boot, number and place, where an id is made of these

A device's readings lie together, in the order of time. So numbers are told by their differences
(DELTA_BINARY_PACKED); what is measured is split into its bytes, of which the upper ones are all
alike (BYTE_STREAM_SPLIT); of instants and offsets it depends on how regular they are, and the
smaller is taken; words are told by dictionaries. Then comes zstd.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

DECIMALS_MAX = 3
"""Digits after the point that are looked for: no sensor of ours says more."""

DECIMAL_DIGITS = 9
"""What 32 bits hold for certain."""

_ID = r"^(?P<device>.+):(?P<boot>[^:]+):(?P<seq>[1-9][0-9]{0,15})\.(?P<part>0|[1-9][0-9]{0,5})$"
_PARTS = ("boot", "seq", "part")

MADE = frozenset(("arrived_late_ms", "received_late_ms", "id_boot", "id_seq", "id_part"))
"""Columns that only files have; no field of an observation may be named so."""

_DIFFERENCES = frozenset(
    ("event_at", "journal_offset", "journal_index", "id_seq", "id_part", "size")
)
EITHER = ("event_at", "journal_offset")
"""Columns of which only trying tells the better encoding."""

ENCODINGS = ("DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT")
_INTEGERS = (pa.int8(), pa.int16(), pa.int32(), pa.int64())


def narrow(table: pa.Table) -> pa.Table:
    """Return a table as it stands in a file."""
    columns = {name: table[name].combine_chunks() for name in table.column_names}
    if "arrived_at" in columns:
        _tell_later(columns)
        _tell_parts(columns)
    return pa.table({name: _narrowed(values) for name, values in columns.items()})


def wide(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return what a file holds as it was before it was made narrow.

    A field that came into the messages after the file was written is empty in it.
    """
    columns: dict[str, Any] = {}
    for field in schema:
        if field.name not in {*table.column_names, "arrived_at", "received_at"}:
            columns[field.name] = pa.nulls(table.num_rows, field.type)
            continue
        values = _widened(table, field.name)
        if pa.types.is_decimal(values.type):
            values = pc.divide(_unscaled(values), float(10**values.type.scale))
        columns[field.name] = values.cast(field.type)
    return pa.table(columns, schema=schema)


def sql(names: list[str], name: str, type_: str) -> str:
    """Return how SQL says a column of a file as it was before it was made narrow.

    Args:
        names: All columns of the kind.
        name: The column.
        type_: Its type in SQL.
    """
    observed = "arrived_at" in names
    if name == "arrived_at" and observed:
        return "CAST(event_at + arrived_late_ms AS BIGINT) AS arrived_at"
    if name == "received_at" and observed:
        return "CAST(event_at + arrived_late_ms + received_late_ms AS BIGINT) AS received_at"
    if name == "id" and observed:
        made = "device || ':' || id_boot || ':' || id_seq || '.' || id_part"
        return f"coalesce(id, {made}) AS id"
    quoted = f'"{name}"'  # some are reserved words
    return quoted if type_ == "VARCHAR" else f"CAST({quoted} AS {type_}) AS {quoted}"


def encodings(table: pa.Table) -> dict[str, str]:
    """Return the encoding of each column of a narrow table that needs no dictionary."""
    found: dict[str, str] = {}
    for field in table.schema:
        if pa.types.is_integer(field.type):
            differs = field.name in _DIFFERENCES
            found[field.name] = ENCODINGS[0] if differs else ENCODINGS[1]
        elif pa.types.is_floating(field.type) or pa.types.is_decimal(field.type):
            found[field.name] = ENCODINGS[1]
    return found


def words(table: pa.Table) -> list[str]:
    """Return the columns of a narrow table that a dictionary suits."""
    return [field.name for field in table.schema if pa.types.is_string(field.type)]


def _tell_later(columns: dict[str, Any]) -> None:
    arrived, received = columns.pop("arrived_at"), columns.pop("received_at")
    columns["arrived_late_ms"] = pc.subtract(arrived, columns["event_at"])
    columns["received_late_ms"] = pc.subtract(received, arrived)


def _tell_parts(columns: dict[str, Any]) -> None:
    id_ = columns["id"]
    parts = pc.extract_regex(id_, pattern=_ID)
    fits = pc.equal(pc.struct_field(parts, "device"), columns["device"])
    fits = pc.fill_null(fits, fill_value=False)
    columns["id"] = pc.if_else(fits, pa.scalar(None, pa.string()), id_)
    for name in _PARTS:
        part = pc.if_else(fits, pc.struct_field(parts, name), pa.scalar(None, pa.string()))
        columns[f"id_{name}"] = part if name == "boot" else part.cast(pa.int64())


def _widened(table: pa.Table, name: str) -> Any:  # noqa: ANN401  # pyarrow ships no types
    observed = "arrived_late_ms" in table.column_names
    if name in ("arrived_at", "received_at") and observed:
        at = pc.add(table["event_at"].cast(pa.int64()), table["arrived_late_ms"].cast(pa.int64()))
        return (
            at if name == "arrived_at" else pc.add(at, table["received_late_ms"].cast(pa.int64()))
        )
    if name == "id" and observed:
        numbered = pc.binary_join_element_wise(
            table["id_seq"].cast(pa.string()), table["id_part"].cast(pa.string()), "."
        )
        made = pc.binary_join_element_wise(table["device"], table["id_boot"], numbered, ":")
        return pc.coalesce(table["id"].cast(pa.string()), made)
    return table[name]


def _narrowed(values: Any) -> Any:  # noqa: ANN401  # as above
    if pa.types.is_integer(values.type):
        return _as_integers(values)
    return _as_decimals(values) if pa.types.is_floating(values.type) else values


def _as_integers(values: Any) -> Any:  # noqa: ANN401  # as above
    ends = pc.min_max(values).as_py()
    least, most = ends["min"] or 0, ends["max"] or 0
    for type_ in _INTEGERS:
        half = 1 << (type_.bit_width - 1)
        if -half <= least and most < half:
            return values.cast(type_)
    return values


def _as_decimals(values: Any) -> Any:  # noqa: ANN401  # as above
    if values.null_count == len(values):
        return values
    known = pc.fill_null(values, 0.0).to_numpy(zero_copy_only=False)
    for digits in range(DECIMALS_MAX + 1):
        scaled = np.rint(known * 10**digits)
        if np.abs(scaled).max() >= 10**DECIMAL_DIGITS:
            break
        if np.array_equal(scaled / 10**digits, known):
            return _decimals(scaled.astype(np.int32), digits, values)
    single = values.cast(pa.float32(), safe=False)
    return single if single.cast(pa.float64()).equals(values) else values


def _decimals(scaled: "np.ndarray[Any, np.dtype[np.int32]]", digits: int, values: Any) -> Any:  # noqa: ANN401  # as above
    type_ = pa.decimal32(DECIMAL_DIGITS, digits)
    valid = pc.is_valid(values).buffers()[1] if values.null_count else None
    return pa.Array.from_buffers(type_, len(scaled), [valid, pa.py_buffer(scaled)])


def _unscaled(values: Any) -> Any:  # noqa: ANN401  # as above
    """Return decimals as whole numbers of their last digit, as double precision."""
    parts = []
    for chunk in values.chunks:
        narrow_ = chunk.cast(pa.decimal32(DECIMAL_DIGITS, values.type.scale))
        whole = np.frombuffer(narrow_.buffers()[1], np.int32, len(narrow_), narrow_.offset * 4)
        missing = pc.is_null(narrow_).to_numpy(zero_copy_only=False)
        parts.append(pa.array(whole.astype(np.float64), mask=missing))
    return pa.chunked_array(parts, pa.float64())
