"""What vital signs cost to keep, and what questions about them cost, in each store, in one run.

    python benchmarks/stores.py [--residents N] [--days N] [--json] [--png FILE]

The same readings of simulated bodies go into a DuckDB store, into TimescaleDB (and PostgreSQL,
where there is one), and from the first into a lake. Then each is asked the same questions, after
those of TSBS's use case `iot`, and must give the same answers. CPU time of this process and of the
database's own process for us; a ratio within the run is what counts, for the machine may be busy.

Bytes: of the DuckDB file; of the table with its indexes and roll-ups left out; of Parquet files. A
second part keeps easier and harder readings in a lake: whole numbers by a calm clock, and all signs
with two digits at irregular times over a slow network.

References:
    Timescale, Time Series Benchmark Suite (TSBS), use case `iot`: whose questions these are.
"""

import argparse
import json
import math
import os
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.world.body import Body
from sinks.duckdb_store import DuckDBStore
from sinks.lake import query
from sinks.lake.filling import fill
from sinks.lake.writer import Lake
from weinao.messages import Vitals
from weinao.outcomes import Kept, Outcome

if TYPE_CHECKING:
    import psycopg

ROOT = Path(__file__).parents[1]
T0 = 1_767_225_600_000
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
GRIDS = 3
BATCH = 5_000
PACK_BYTES = 230
"""Of the journal, that a reading takes as JSON."""

_WINDOWS = """
    SELECT grid, subject, event_at - event_at % 600000 AS t, bool_or(moving) AS moving,
        bool_or(worn) AS worn
    FROM {vitals} GROUP BY 1, 2, 3
"""
QUESTIONS = {
    "last_reading": (
        "SELECT DISTINCT ON (subject) subject, event_at, hr_bpm, spo2_pct FROM {vitals}"
        " ORDER BY subject, event_at DESC"
    ),
    "low_battery": (
        "SELECT subject, battery_pct FROM (SELECT DISTINCT ON (subject) subject, battery_pct"
        " FROM {vitals} WHERE battery_pct IS NOT NULL ORDER BY subject, event_at DESC) AS last"
        " WHERE battery_pct < 20 ORDER BY 1"
    ),
    "one_day_of_one": (
        "SELECT event_at, hr_bpm, resp_per_min FROM {vitals} WHERE subject = 'resident-0007'"
        f" AND event_at >= {T0 + DAY_MS} AND event_at < {T0 + 2 * DAY_MS} ORDER BY 1"
    ),
    "long_silence": (
        "SELECT subject, event_at, gap FROM (SELECT subject, event_at, event_at - lag(event_at)"
        " OVER (PARTITION BY subject ORDER BY event_at) AS gap FROM {vitals}) AS gaps"
        " WHERE gap > 7200000 ORDER BY 1, 2"
    ),
    "hourly_average": (
        "SELECT grid, event_at - event_at % 3600000 AS t, count(*), avg(hr_bpm)"
        " FROM {vitals} GROUP BY 1, 2 ORDER BY 1, 2"
    ),
    "high_periods": (
        "SELECT subject, event_at - event_at % 3600000 AS t, max(hr_bpm), min(spo2_pct)"
        " FROM {vitals} GROUP BY 1, 2 HAVING avg(hr_bpm) > 85.013 ORDER BY 1, 2"
    ),
    "long_activity": (
        f"SELECT subject, t - t % {4 * HOUR_MS} AS since, count(*) FROM ({_WINDOWS}) AS windows"
        " WHERE moving GROUP BY 1, 2 HAVING count(*) >= 6 ORDER BY 1, 2"
    ),
    "daily_activity": (
        f"SELECT grid, t - t % {DAY_MS} AS day, count(*) FILTER (WHERE moving), count(*)"
        f" FROM ({_WINDOWS}) AS windows GROUP BY 1, 2 ORDER BY 1, 2"
    ),
    "average_daily_activity": (
        "SELECT subject, avg(active) FROM (SELECT subject,"
        f" t - t % {DAY_MS} AS day, count(*) FILTER (WHERE moving) AS active"
        f" FROM ({_WINDOWS}) AS windows GROUP BY 1, 2) AS days GROUP BY 1 ORDER BY 1"
    ),
    "breakdown_frequency": (
        "SELECT grid, count(*) FROM (SELECT grid, subject, worn, lag(worn) OVER"
        f" (PARTITION BY subject ORDER BY t) AS before FROM ({_WINDOWS}) AS windows) AS changes"
        " WHERE before AND NOT worn GROUP BY 1 ORDER BY 1"
    ),
}
"""After last-loc, low-fuel, stationary-trucks, avg-load, high-load, long-driving-sessions,
daily-activity, avg-daily-driving-duration and breakdown-frequency; and a resident's day. No mean of
tenths is 85.013: in whatever order it was summed, it is above or below."""

_OF_STORE = "(SELECT * FROM observations WHERE kind = 'vitals') AS vitals"

Ask = Callable[[str], list[Any]]


def readings(residents: int, days: int) -> Iterator[Outcome]:
    """Yield what bands say: every ten minutes, every minute in exercise, at times nothing."""
    rng = random.Random(11)
    said: list[tuple[int, int, Vitals]] = []
    for number in range(residents):
        body, phase, battery = Body(rng), rng.randrange(600_000), rng.uniform(15, 100)
        at, end = T0 + phase, T0 + days * DAY_MS
        while at < end:
            hour = (at // HOUR_MS + 8) % 24
            moving = 8 <= hour < 21 and rng.random() < 0.15
            worn = rng.random() > 0.01
            read = body.read(at, moving=moving, asleep=hour >= 23 or hour < 6)
            battery = battery - 0.15 if battery > 5 else 100.0
            said.append((
                at, number,
                Vitals(
                    at=at, hr_bpm=read.hr_bpm if worn else None,
                    spo2_pct=read.spo2_pct if worn else None,
                    resp_per_min=read.resp_per_min if worn else None,
                    skin_temp_c=read.skin_temp_c, worn=worn, moving=moving,
                    battery_pct=round(battery),
                ),
            ))  # fmt: skip
            quiet = 12 * HOUR_MS if rng.random() < 0.0005 else 0
            at += quiet + (MINUTE_MS if moving else 10 * MINUTE_MS) + round(rng.gauss(0, 300))
    said.sort(key=lambda one: one[:2])
    yield from _placed(said, rng, residents, late=4.0)


def _placed(
    said: list[tuple[int, int, Vitals]], rng: random.Random, residents: int, late: float
) -> Iterator[Outcome]:
    offset, seqs = 0, dict.fromkeys(range(residents), 0)
    for at, number, vitals in said:
        seqs[number] += 1
        offset += PACK_BYTES + rng.randrange(12)
        received_at = at + 40 + round(rng.lognormvariate(late, 0.6))
        device = f"band-{number:04d}"
        kept = Kept(
            id=f"{device}:{1_767_000_000 + number:08x}-{number * 7919:06x}:{seqs[number]}.0",
            device=device, at=at, received_at=received_at, subject=f"resident-{number:04d}",
            household=f"home-{number // 2:04d}", observation=vitals,
        )  # fmt: skip
        yield Outcome(
            grid=f"grid-{number % GRIDS + 1}", offset=offset, index=0, received_at=received_at,
            value=kept,
        )  # fmt: skip


def easier(residents: int, count: int) -> Iterator[Outcome]:
    """Yield whole numbers, each minute by a calm clock: what a cheap band says."""
    rng, bodies = random.Random(12), [Body(random.Random(n)) for n in range(residents)]
    said = []
    for n in range(count):
        at, number = T0 + n // residents * MINUTE_MS, n % residents
        read = bodies[number].read(at, moving=False, asleep=False)
        vitals = Vitals(at=at, hr_bpm=round(read.hr_bpm or 0), spo2_pct=round(read.spo2_pct or 0))
        said.append((at, number, vitals))
    yield from _placed(said, rng, residents, late=3.0)


def harder(residents: int, count: int) -> Iterator[Outcome]:
    """Yield all signs with two digits, at any time, over a network that takes seconds."""
    rng, bodies = random.Random(13), [Body(random.Random(n)) for n in range(residents)]
    said = []
    for n in range(count):
        at = T0 + n * 60_000 // residents + rng.randrange(3_600_000)
        number = rng.randrange(residents)
        read = bodies[number].read(T0 + n, moving=rng.random() < 0.3, asleep=False)
        said.append((at, number, Vitals(
            at=at, hr_bpm=round((read.hr_bpm or 0) + rng.random(), 2),
            spo2_pct=round(min(100.0, (read.spo2_pct or 0) + rng.random()), 2),
            resp_per_min=round((read.resp_per_min or 0) + rng.random(), 2),
            temp_c=round(36.5 + rng.gauss(0, 0.3), 2),
            skin_temp_c=round((read.skin_temp_c or 0) + rng.random(), 2),
            sbp_mmhg=round(rng.gauss(125, 12), 1), dbp_mmhg=round(rng.gauss(78, 8), 1),
            steps=rng.randrange(200), worn=True, moving=rng.random() < 0.3,
            battery_pct=round(rng.uniform(0, 100), 1),
        )))  # fmt: skip
    said.sort(key=lambda one: one[:2])
    yield from _placed(said, rng, residents, late=8.0)


def batches(outcomes: Iterator[Outcome]) -> Iterator[list[Outcome]]:
    """Yield outcomes a batch at a time."""
    batch: list[Outcome] = []
    for outcome in outcomes:
        batch.append(outcome)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def into_lake(folder: Path, outcomes: Iterator[Outcome]) -> dict[str, float]:
    """Keep outcomes in a lake, by way of a store; return what they take there."""
    with closing(DuckDBStore(folder / "store.duckdb")) as store, Lake(folder / "lake") as lake:
        for batch in batches(outcomes):
            store.write(batch)
        begun = time.process_time()
        filled = fill(lake, store)
        cpu_us = (time.process_time() - begun) * 1e6 / filled.rows
        for small in lake.to_merge():
            lake.merge(small, now=0)
        lake.clean(now=1, reading_ms_max=0)
    size = sum(path.stat().st_size for path in (folder / "lake").rglob("*.parquet"))
    return {"bytes_a_reading": size / filled.rows, "fill_cpu_us_a_reading": cpu_us}


def databases(stack: ExitStack) -> Iterator[tuple[str, str, Any]]:
    """Yield name, DSN and server of what there is on this machine, as the tests start it."""
    sys.path.insert(0, str(ROOT))
    import pytest

    from tests.sinks import postgres

    for name, make in (("timescaledb", postgres.apache), ("postgresql", postgres.plain)):
        try:
            server = make()
        except pytest.skip.Exception as error:
            print(f"{name}: {error}", file=sys.stderr)
            continue
        stack.callback(server.remove)
        yield name, server.dsn, server
    if dsn := os.environ.get("WEINAO_TEST_TSL_DSN"):
        yield "timescaledb_tsl", postgres.fresh(dsn, f"bench-{os.getpid()}"), None


def fill_database(dsn: str, residents: int, days: int) -> dict[str, float]:
    """Write the readings into a database; return what they cost and take there."""
    import psycopg

    from sinks import timescale_schema
    from sinks.timescale_store import TimescaleStore

    count, cpu = 0, 0.0
    with closing(TimescaleStore(dsn)) as store:
        store.open()
        for batch in batches(readings(residents, days)):
            begun = time.process_time()
            store.write(batch)
            cpu += time.process_time() - begun
            count += len(batch)
    with psycopg.connect(dsn, autocommit=True) as db:
        timescale_schema.see_extension(db)
        db.execute("VACUUM ANALYZE observations")
        figures = {"write_cpu_us_a_reading": cpu * 1e6 / count}
        table, indexes = _sizes(db)
        figures |= {
            "bytes_a_reading": (table + indexes) / count,
            "of_these_indexes": indexes / count,
        }
        if timescale_schema.edition(db) == "timescale":
            db.execute("SELECT compress_chunk(c) FROM show_chunks('observations') AS c")
            figures["bytes_a_reading_compressed"] = sum(_sizes(db)) / count
            db.execute("SELECT decompress_chunk(c) FROM show_chunks('observations') AS c")
    return figures


def _sizes(db: "psycopg.Connection[Any]") -> tuple[int, int]:
    from sinks import timescale_schema

    if timescale_schema.edition(db) == "plain":
        parts = "SELECT relid FROM pg_partition_tree('observations') WHERE isleaf"
        row = db.execute(
            f"SELECT sum(pg_table_size(relid)), sum(pg_indexes_size(relid)) FROM ({parts}) AS p"
        ).fetchone()
        return int(row[0]), int(row[1])
    row = db.execute(
        "SELECT coalesce(sum(table_bytes + toast_bytes), 0), coalesce(sum(index_bytes), 0)"
        " FROM chunks_detailed_size('observations')"
    ).fetchone()
    return int(row[0]), int(row[1])


def ask_all(ask: Ask, cpu_s: Callable[[], float]) -> tuple[dict[str, float], dict[str, list[Any]]]:
    """Return the CPU milliseconds of each question, the best of three, and the answers."""
    costs, answers = {}, {}
    for name, question in QUESTIONS.items():
        best = float("inf")
        for _ in range(3):
            begun = cpu_s()
            answers[name] = ask(question)
            best = min(best, (cpu_s() - begun) * 1e3)
        costs[name] = round(best, 2)
    return costs, answers


def same(ours: list[Any], theirs: list[Any]) -> bool:
    """Say whether two answers are equal, sums of floats in whatever order."""
    return len(ours) == len(theirs) and all(
        _near(one, other)
        for mine, yours in zip(ours, theirs, strict=True)
        for one, other in zip(mine, yours, strict=True)
    )


def _near(one: Any, other: Any) -> bool:  # noqa: ANN401  # whatever a database answers
    if one is None or isinstance(one, str | bool):
        return bool(one == other)
    return other is not None and math.isclose(one, other, rel_tol=1e-9)


def measure(residents: int, days: int) -> dict[str, Any]:
    """Return everything that is measured."""
    costs: dict[str, dict[str, float]] = {}
    answers: dict[str, dict[str, list[Any]]] = {}
    storage: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        storage["lake"] = into_lake(folder, readings(residents, days))
        size = (folder / "store.duckdb").stat().st_size
        with closing(DuckDBStore(folder / "store.duckdb", read_only=True)) as store:
            count = sum(store.counts()["observations"].values())
            db = store._db.cursor()  # noqa: SLF001  # asked as nobody else may
            db.execute("SET threads = 1")
            costs["duckdb"], answers["duckdb"] = ask_all(
                lambda q: db.sql(q.format(vitals=_OF_STORE)).fetchall(), time.process_time
            )
        storage["duckdb"] = {"bytes_a_reading": size / count}
        costs["lake"], answers["lake"] = ask_all(
            lambda q: _asked(folder / "lake", q), time.process_time
        )
        for base, dsn, _ in databases(stack):
            storage[base] = fill_database(dsn, residents, days)
            costs[base], answers[base] = _ask_database(dsn)
        for case, made in (("easier", easier), ("harder", harder)):
            (folder / case).mkdir()
            storage[f"lake_{case}"] = into_lake(folder / case, made(residents, count // 2))
    for base, found in answers.items():
        for question, rows in found.items():
            assert same(rows, answers["duckdb"][question]), (base, question)
    reference = "timescaledb" if "timescaledb" in costs else "duckdb"
    return {
        "readings": count,
        "residents": residents,
        "days": days,
        "load_1min": round(os.getloadavg()[0], 1),
        "storage": {base: {k: round(v, 2) for k, v in f.items()} for base, f in storage.items()},
        "query_cpu_ms": costs,
        "rows_in_answers": {name: len(rows) for name, rows in answers["duckdb"].items()},
        "cpu_vs_" + reference: {
            base: {
                name: round(ms / max(costs[reference][name], 0.01), 3) for name, ms in of.items()
            }
            for base, of in costs.items()
        },
    }


def _asked(lake: Path, question: str) -> list[Any]:
    text = question.format(vitals="vitals")
    found = query.ask(lake, text, threads=1)
    assert found is not None
    rows: list[Any] = found.fetchall()
    return rows


def _ask_database(dsn: str) -> tuple[dict[str, float], dict[str, list[Any]]]:
    import psycopg

    from sinks import timescale_schema

    with psycopg.connect(dsn, autocommit=True) as db:
        timescale_schema.see_extension(db)
        db.execute("SET max_parallel_workers_per_gather = 0")
        # In nanoseconds; a backend has one thread. One that runs elsewhere is not counted.
        backend = Path(f"/proc/{db.info.backend_pid}/schedstat")

        def cpu_s() -> float:
            theirs = int(backend.read_text().split()[0]) / 1e9 if backend.exists() else 0.0
            return time.process_time() + theirs

        def ask(question: str) -> list[Any]:
            # As the store asks: its indexes hold the hash of a name.
            hashed = r"WHERE hashtext(subject) = hashtext(\1) AND subject = \1"
            asked = re.sub("WHERE subject = ('[^']*')", hashed, question)
            return db.execute(asked.format(vitals=_OF_STORE).replace("%", "%%"), ()).fetchall()

        return ask_all(ask, cpu_s)


def draw(found: dict[str, Any], path: Path) -> None:
    """Draw bytes and CPU time into a PNG file."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 6.5), layout="constrained")
    sizes, costs = figure.subplots(1, 2, width_ratios=(1, 2))
    names = [*found["storage"]]
    values = [found["storage"][name]["bytes_a_reading"] for name in names]
    sizes.barh(names, values, color="tab:blue")
    for height, value in enumerate(values):
        sizes.text(value, height, f" {value:.1f}", va="center")
    sizes.set_xscale("log")
    sizes.set_xlabel("bytes a reading, indexes included")
    questions, bases = [*QUESTIONS], [*found["query_cpu_ms"]]
    width = 0.8 / len(bases)
    for n, base in enumerate(bases):
        heights = [y + (n - len(bases) / 2 + 0.5) * width for y in range(len(questions))]
        spent = [found["query_cpu_ms"][base][name] for name in questions]
        costs.barh(heights, spent, width, label=base)
    costs.set_yticks(range(len(questions)), questions)
    costs.invert_yaxis()
    costs.set_xscale("log")
    costs.set_xlabel("CPU ms a question, one thread")
    costs.legend()
    figure.suptitle(
        f"{found['readings']:,} vital signs of {found['residents']} residents over"
        f" {found['days']} days"
    )
    figure.savefig(path, dpi=110, format="png")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--residents", type=int, default=150)
    parser.add_argument("--days", type=int, default=8)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--png", type=Path)
    chosen = parser.parse_args()
    found = measure(chosen.residents, chosen.days)
    if chosen.png:
        draw(found, chosen.png)
    if chosen.json:
        print(json.dumps(found))
    else:
        print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
