"""Rows as the lake tells them: column by column, narrow in the file, and never rounded."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks import arrow
from sinks.duckdb_store import DuckDBStore
from sinks.lake import narrow, shape
from sinks.lake.filling import fill
from sinks.lake.writer import Lake
from tests.sinks.lake.lakes import in_lake
from tests.sinks.made import (
    OF_EVERY_KIND,
    as_before_schema_4,
    kept,
    outcome,
)
from weinao.outcomes import Kept


@pytest.mark.parametrize("said", OF_EVERY_KIND, ids=lambda said: type(said).__name__)
def test_an_observation_of_every_kind_is_told_column_by_column(
    said: Any, store: DuckDBStore, lake: Lake, tmp_path: Path
) -> None:
    value = Kept(
        id="d-1:00000001-c0ffee:7.0", device="d-1", at=said.at, received_at=said.at + 40,
        subject="resident-1", household="home-1", observation=said,
    )  # fmt: skip
    store.write([outcome(1, 0, value)])

    fill(lake, store)

    kind = str(said.__struct_config__.tag)
    [row] = in_lake(tmp_path / "lake")[kind]
    assert row["id"] == value.id
    assert (row["event_at"], row["arrived_at"]) == (said.at, said.at + 40)
    told = {name for name in shape.schemas()[kind].names if name not in shape.ABOUT}
    assert told == {name for name in said.__struct_fields__ if name != "at"}
    for name in told:
        value = getattr(said, name)
        if value is None or isinstance(value, str | int | float):
            assert row[name] == value, name


def test_rows_that_an_older_store_kept_come_into_the_lake_as_others_do() -> None:
    seen = [outcome(1, index, kept(index)) for index in range(1, 4)]
    old = pa.Table.from_pylist(
        [as_before_schema_4(made, whole=True) for made in seen],
        schema=pa.schema(
            [(name, arrow.type_of(name)) for name in arrow.columns_exported("observations")]
        ),
    )

    found = shape.by_kind("observations", old)

    assert {kind: part.num_rows for kind, part in found.items()} == {
        "home": 1, "motion": 1, "vitals": 1,
    }  # fmt: skip
    assert found["vitals"]["hr_bpm"].to_pylist() == [63.5]
    assert found["motion"]["arrived_at"].to_pylist() == [seen[1].value.received_at]


numbers = st.one_of(
    st.none(),
    st.integers(-2000, 2000).map(lambda n: n / 10),
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.integers(-(2**40), 2**40).map(float),
)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 4_102_444_800_000), st.integers(-(2**40), 2**40), st.integers(0, 2**40),
            st.sampled_from(["d:b:1.0", "d:b:01.0", "e:b:1.0", "d:b:9007199254740993.000", "x", "",
                             "d:b:12.34", "d::1.0"]),
            numbers, numbers, st.none() | st.booleans(),
        ),
        min_size=1,
    )
)  # fmt: skip
def test_what_is_made_narrow_is_made_wide_again_as_it_was(those: list[Any]) -> None:
    names = ("event_at", "late", "offset", "id", "hr_bpm", "spo2_pct", "worn")
    rows = [dict(zip(names, one, strict=True)) for one in those]
    schema = shape.schemas()["vitals"]
    table = pa.Table.from_pylist(
        [
            {
                **row,
                "arrived_at": row["event_at"] + row["late"],
                "received_at": row["event_at"] + row["offset"],
                "journal_offset": row["offset"],
                "journal_index": 0,
                "device": "d",
                "subject": "r",
                "household": "h",
            }
            for row in rows
        ],
        schema=schema,
    )

    assert narrow.wide(narrow.narrow(table), schema).to_pylist() == table.to_pylist()


def test_no_field_is_named_like_a_column_that_only_files_have() -> None:
    assert not {name for schema in shape.schemas().values() for name in schema.names} & narrow.MADE


def test_numbers_of_one_digit_are_narrow_and_others_are_not_rounded() -> None:
    table = pa.table({"tenths": [36.7, None, 37.0], "thirds": [1 / 3, 2.0, 0.1], "halves": [0.5,
                      2.0**40, 3.25], "count": pa.array([1, 2, 300], pa.int64())})  # fmt: skip

    made = narrow.narrow(table)

    assert [str(field.type) for field in made.schema] == [
        "decimal32(9, 1)", "double", "float", "int16",
    ]  # fmt: skip
