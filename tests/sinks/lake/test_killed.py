"""A writer that is killed leaves nothing lost and nothing twice."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from sinks import arrow
from sinks.duckdb_store import DuckDBStore
from sinks.lake import query, shape
from sinks.lake.catalogue import Catalogue
from sinks.lake.filling import fill
from sinks.lake.writer import Lake
from sinks.rows import EXPORTED
from tests.sinks.lake.lakes import STANDING
from tests.sinks.made import (
    ONE_OF_EACH,
    T0,
    kept,
    outcome,
)

ROOT = Path(__file__).parents[3]
DAY_MS = 86_400_000
KILLS = int(os.environ.get("WEINAO_TEST_KILLS", "6"))
"""More of them take longer; each is another instant."""

WRITER = """
import sys
from pathlib import Path
from sinks.duckdb_store import DuckDBStore
from sinks.lake import filling
from sinks.lake.writer import Lake

filling.STRETCH, filling.ROWS_WANTED = 4, 80
store = DuckDBStore(Path(sys.argv[1]), read_only=True)
with Lake(Path(sys.argv[2])) as lake:
    print("begun", flush=True)
    filling.fill(lake, store)
    for small in lake.to_merge():
        lake.merge(small, now=0)
    lake.clean(now=1, reading_ms_max=0)
    print("done", flush=True)
"""


def test_a_killed_writer_leaves_nothing_lost_and_nothing_twice(tmp_path: Path) -> None:
    rng = random.Random(20)
    path, folder = tmp_path / "store.duckdb", tmp_path / "lake"
    begun = False
    for turn in range(KILLS):
        with closing(DuckDBStore(path)) as store:
            first = turn * 20
            store.write([
                outcome(first + n, index, value)
                for n in range(20)
                for index, value in enumerate((*ONE_OF_EACH, kept(n, at=T0 + n * DAY_MS // 4)))
            ])  # fmt: skip
        begun |= _killed(path, folder, rng.uniform(0.0, 0.6))
        with closing(DuckDBStore(path, read_only=True)) as store:
            if (folder / "catalogue.sqlite").exists():
                _holds_what_it_says(folder, store)

    with closing(DuckDBStore(path)) as store, Lake(folder) as lake:
        fill(lake, store)
        _holds_what_it_says(folder, store)
        assert lake.reached() == store.progress()
        lake.clean(now=1, reading_ms_max=0)  # a writer killed after it merged had no time for it
        known = {str(folder / one.path) for one in Catalogue(folder).files()}
        assert {str(one) for one in folder.rglob("*.parquet")} == known
    assert begun, "no writer came as far as to be killed at work"


def _killed(store: Path, folder: Path, after_s: float) -> bool:
    """Run a writer, and kill it after a while; say whether it was at work then."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(store), str(folder)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        time.sleep(after_s)
        os.kill(process.pid, signal.SIGKILL)
        return process.stdout.read() == ""


def _holds_what_it_says(folder: Path, store: DuckDBStore) -> None:
    """Each row up to where the catalogue says that the lake is, once; and no other."""
    with closing(Catalogue(folder)) as catalogue:
        reached = catalogue.reached().get("grid-1", (-1, -1))
    for table in EXPORTED:
        if table in STANDING:
            continue
        exported = arrow.from_bytes(store.exported(table, "grid-1", (-1, -1), reached))
        for kind, part in shape.by_kind(table, exported).items():
            expected = sorted(part.select(["journal_offset", "journal_index", "id"]).to_pylist(),
                              key=str)  # fmt: skip
            answer = query.ask(folder, f"SELECT journal_offset, journal_index, id FROM {kind}")
            assert answer is not None
            assert sorted(answer.to_arrow_table().to_pylist(), key=str) == expected, kind
