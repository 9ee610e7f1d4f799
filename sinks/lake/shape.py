"""What a lake holds of each kind, and how the store's rows become that. Pure.

Observations are told by kind, each field in a column of its own; lists within one are JSON. All
else has the columns that it has in the store. A day is one of UTC, as in the roll-ups.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from typing import Any, get_args

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import inspect

from sinks import arrow, readings, rows
from weinao.messages import AnyObservation, Observation
from weinao.outcomes import Kept

DAY_MS = 86_400_000

ABOUT = (
    "event_at", "arrived_at", "received_at", "journal_offset", "journal_index", "id", "device",
    "subject", "household",
)  # fmt: skip
"""What is told of every observation; `grid` and `date` stand in the names of the folders."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@cache
def observed() -> dict[str, type[Observation]]:
    """Return the kinds of observations by their names."""
    return {str(one.__struct_config__.tag): one for one in get_args(AnyObservation)}


@cache
def schemas() -> dict[str, pa.Schema]:
    """Return the columns of each kind, as they are read."""
    about = [(name, arrow.type_of(name)) for name in ABOUT]
    kinds = {name: pa.schema([*about, *_fields(kind).items()]) for name, kind in observed().items()}
    others = {
        table: pa.schema(
            [
                (name, arrow.type_of(name))
                for name in arrow.columns_exported(table)
                if name != "grid"
            ]
        )
        for table in rows.EXPORTED
        if table != "observations"
    }
    return {**kinds, **others}


def order_of(kind: str) -> tuple[str, ...]:
    """Return by what the rows of a file are sorted: what is asked for together lies together."""
    place = ("journal_offset", "journal_index")
    return ("device", "event_at", *place) if kind in observed() else ("event_at", "id", *place)


def by_kind(table: str, exported: pa.Table) -> dict[str, pa.Table]:
    """Return rows that a store has exported as those of the lake, by kind."""
    if table != "observations":
        return {table: exported.drop_columns(["grid"])} if exported.num_rows else {}
    found: dict[str, list[pa.Table]] = {}
    empty = pc.equal(exported["body"], readings.IN_COLUMNS)
    for kind in ("vitals", "home"):
        told = exported.filter(pc.and_(empty, pc.equal(exported["kind"], kind)))
        if told.num_rows:
            found.setdefault(kind, []).append(told.select(schemas()[kind].names))
    for kind, part in _decoded(exported.filter(pc.invert(empty))):
        found.setdefault(kind, []).append(part)
    return {kind: pa.concat_tables(parts) for kind, parts in found.items()}


def by_day(table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """Yield the rows of each day, the day as ISO 8601."""
    numbers = pc.floor(pc.divide(pc.cast(table["event_at"], pa.float64()), float(DAY_MS)))
    numbers = pc.cast(numbers, pa.int64())
    for number in sorted(pc.unique(numbers).to_pylist()):
        yield day_of(number * DAY_MS), table.filter(pc.equal(numbers, number))


def day_of(at: int) -> str:
    """Return the day of an instant."""
    return (_EPOCH + timedelta(milliseconds=at)).date().isoformat()


def _decoded(exported: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """Yield, by kind, observations that columns do not tell whole."""
    found: dict[str, list[dict[str, object]]] = {}
    for row in exported.to_pylist():
        value = _kept(row)
        kind = str(value.observation.__struct_config__.tag)
        said = {name: tell(value.observation) for name, tell in _tellers(kind)}
        about = {name: row[name] for name in ABOUT if name != "arrived_at"}
        found.setdefault(kind, []).append({**about, "arrived_at": value.received_at, **said})
    for kind, those in found.items():
        yield kind, pa.Table.from_pylist(those, schema=schemas()[kind])


def _kept(row: dict[str, Any]) -> Kept:
    if row["arrived_at"] is not None:
        return rows.observation(tuple(row[name] for name in rows.OBSERVATION))
    value = rows.whole(row["body"])
    assert isinstance(value, Kept)
    return value


@cache
def _tellers(kind: str) -> Sequence[tuple[str, Callable[[Observation], object]]]:
    return [(name, _teller(name)) for name in _fields(observed()[kind])]


def _teller(name: str) -> Callable[[Observation], object]:
    def tell(said: Observation) -> object:
        value = getattr(said, name)
        if isinstance(value, Enum):
            return value.value
        if value is None or isinstance(value, str | int | float):
            return value
        return msgspec.json.encode(value).decode()

    return tell


def _fields(kind: type[Observation]) -> dict[str, pa.DataType]:
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    return {field.name: _type(field.type) for field in info.fields if field.name != "at"}


def _type(told: inspect.Type) -> pa.DataType:
    if isinstance(told, inspect.Metadata):
        return _type(told.type)
    if isinstance(told, inspect.UnionType):
        told, *others = (one for one in told.types if not isinstance(one, inspect.NoneType))
        return pa.string() if others else _type(told)
    if isinstance(told, inspect.BoolType):
        return pa.bool_()
    if isinstance(told, inspect.IntType):
        return pa.int64()
    return pa.float64() if isinstance(told, inspect.FloatType) else pa.string()
