"""A store and an empty lake beside it."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sinks.duckdb_store import DuckDBStore
from sinks.lake.writer import Lake


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DuckDBStore]:
    with closing(DuckDBStore(tmp_path / "store.duckdb")) as made:
        yield made


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    with Lake(tmp_path / "lake") as made:
        yield made
