"""One file of a lake: sorted, narrow, and whole on the disk before anybody speaks of it."""

import os
from collections.abc import Mapping
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from sinks.lake import narrow, shape
from sinks.lake.catalogue import LakeFile, Where

ROW_GROUP_MAX = 131_072
"""Rows that have their own least and greatest values, by which a reader leaves them out."""

ZSTD_LEVEL = 9
"""More makes files hardly smaller, and takes longer: benchmarks/stores.py."""

DRAFT = ".draft"


def write(lake: Path, where: Where, name: str, table: pa.Table) -> LakeFile:
    """Write rows into a file, so that it is there whole or not at all.

    Args:
        lake: Its folder.
        where: The rows belong.
        name: Of the file, without its end.
        table: The rows, in any order, with the columns of their kind.
    """
    table = table.sort_by([(column, "ascending") for column in shape.order_of(where.kind)])
    made = narrow.narrow(table)
    path = lake / where.folder / f"{name}.parquet"
    _make_folder(path.parent, lake)
    draft = path.with_suffix(DRAFT)
    try:
        with draft.open("wb") as file:
            _encode(made, file, {**narrow.encodings(made), **_better(made)})
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    draft.replace(path)
    sync(path.parent)
    return LakeFile(
        path=str(path.relative_to(lake)),
        where=where,
        rows=table.num_rows,
        bytes=path.stat().st_size,
        since=pa.compute.min(table["event_at"]).as_py(),
        until=pa.compute.max(table["event_at"]).as_py(),
    )


def read(lake: Path, one: LakeFile) -> pa.Table:
    """Return the rows of a file, as they were before they were made narrow."""
    # As one file: what stands in the names of the folders is no column of ours.
    found = pq.ParquetFile(lake / one.path).read()
    return narrow.wide(found, shape.schemas()[one.where.kind])


def sync(folder: Path) -> None:
    """Make durable which files a folder has."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _encode(made: pa.Table, where: IO[bytes], encodings: Mapping[str, str]) -> None:
    pq.write_table(
        made,
        where,
        compression="zstd",
        compression_level=ZSTD_LEVEL,
        row_group_size=ROW_GROUP_MAX,
        store_decimal_as_integer=True,
        use_dictionary=[name for name in narrow.words(made) if name not in encodings],
        column_encoding=dict(encodings),
    )


def _better(made: pa.Table) -> dict[str, str]:
    """Return the encoding by which each column of `narrow.EITHER` is smaller in this file."""
    return {
        name: min(narrow.ENCODINGS, key=partial(_bytes, made.select([name]), name))
        for name in narrow.EITHER
    }


def _bytes(column: pa.Table, name: str, encoding: str) -> int:
    sink = BytesIO()
    _encode(column, sink, {name: encoding})
    return sink.tell()


def _make_folder(folder: Path, lake: Path) -> None:
    missing = [one for one in (folder, *folder.parents) if lake in one.parents and not one.exists()]
    for one in reversed(missing):
        one.mkdir(mode=0o700, exist_ok=True)
        sync(one.parent)
