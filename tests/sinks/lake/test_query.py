"""A question is answered from the lake alone."""

from pathlib import Path

import pytest

from sinks.duckdb_store import DuckDBStore
from sinks.lake import query
from sinks.lake.errors import LakeRefusedError, LakeUnavailableError
from sinks.lake.filling import fill
from sinks.lake.writer import Lake
from tests.sinks.lake.lakes import rows
from tests.sinks.made import (
    kept,
    outcome,
)


def test_a_question_reads_nothing_but_the_lake_and_changes_nothing(
    store: DuckDBStore, lake: Lake, tmp_path: Path
) -> None:
    store.write([outcome(1, 0, kept(0))])
    fill(lake, store)
    folder = tmp_path / "lake"
    (tmp_path / "secret.csv").write_text("a\n1\n")
    (tmp_path / "lake-of-another").mkdir()
    (tmp_path / "lake-of-another" / "secret.csv").write_text("a\n1\n")

    for question in (
        f"SELECT * FROM '{tmp_path}/secret.csv'",
        f"SELECT * FROM read_text('{tmp_path}/lake-of-another/secret.csv')",
        f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
        "SET enable_external_access = true",
        "INSERT INTO vitals VALUES (1)",
        "SELECT * FROM vitalz",
        "SELECT nothing FROM vitals",
    ):
        with pytest.raises(LakeRefusedError, match="cannot answer"):
            query.ask(folder, question)
    assert not (tmp_path / "out.csv").exists()
    assert rows(folder, "vitals", "count(*)") == [(1,)]
    assert rows(folder, "crowd") == []


def test_there_is_no_lake_where_nobody_has_written_one(tmp_path: Path) -> None:
    with pytest.raises(LakeUnavailableError, match="no lake there"):
        query.ask(tmp_path, "SELECT 1 FROM vitals")

    assert [*tmp_path.iterdir()] == []
