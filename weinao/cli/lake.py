"""`weinao lake`: Parquet files by kind, day and grid, for statistics, training and curiosity."""

import itertools
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import stamina
from cyclopts import App, Parameter
from rich.progress import Progress

from weinao import logging, metrics
from weinao.catalogue import Catalogue, Language, catalogue
from weinao.cli import showing, stores
from weinao.cli.belonging import journals_of
from weinao.cli.clocks import ClockOption, told_time
from weinao.cli.keeping import Notes, needed_by_flows
from weinao.cli.options import Names, Port, Span, Wait
from weinao.cli.read import FOLDER, instant
from weinao.outage import Outage

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

    from sinks.lake.filling import Filled
    from sinks.lake.status import Status
    from sinks.lake.writer import Lake

app = App(name="lake", help="Parquet files of all that is kept: write, merge, ask.")

Json = Annotated[bool, Parameter(name="--json", negative="")]

NAME = "lake"
"""Of its folder in that of the system."""

EVERY_S = 300.0
"""Seconds between two rounds: each makes a file a kind, day and grid."""

MERGE_FROM = 8
"""Files of one kind, day and grid from which on a running lake makes one of them."""

MERGE_EVERY = 30
"""How often it looks for these, in rounds."""

TRIES = 6
"""How often a store is asked that does not answer; what the lake has by then, it keeps."""

SHOWN_MAX = 1_000
"""Rows of an answer that people are shown; `--json` has all."""

ROWS = metrics.Counter("weinao_lake_rows_total", "Rows that came into the lake.")
BYTES = metrics.Counter("weinao_lake_written_bytes_total", "Bytes of files that they became.")
FILLED = metrics.Gauge("weinao_lake_filled_timestamp_seconds", "When it last held all there was.")


@app.command
def write(
    *,
    data: Path = FOLDER,
    lake: Path | None = None,
    grids: Names = (),
    json: Json = False,
) -> None:
    """Bring the lake to where the store stands; what is in it already is left alone.

    Args:
        data: Folder of the system, or what `weinao replay` has made of a journal.
        lake: Folder of the lake; by default the folder `lake` in that of the system.
        grids: Only these; all, if none is given.
        json: Print JSON.
    """
    from sinks.lake.filling import fill
    from sinks.lake.writer import Lake

    with _errors(), Lake(_folder(data, lake)) as filled, _progress() as progress:
        store = stores.to_read(data)
        task = progress.add_task("")

        def told(grid: str, at: int, end: int, rows: int) -> None:
            progress.update(task, completed=at, total=end, description=f"{grid}: +{rows}")

        try:
            done = _patiently(
                lambda: fill(filled, store, grids, told, journals=journals_of(data, store))
            )
        finally:
            store.close()
    _say(msgspec.to_builtins(done), json=json)


@app.command
def run(
    *,
    data: Path,
    lake: Path | None = None,
    every_s: Span = EVERY_S,
    metrics_port: Port | None = None,
    log_json: bool = False,
    clock: ClockOption = "",
) -> None:
    """Keep the lake where the store stands, until told to end.

    Args:
        data: Folder of the system.
        lake: Folder of the lake; by default the folder `lake` in that of the system.
        every_s: Seconds between two rounds; each makes at least a file a kind, day and grid.
        metrics_port: Serve Prometheus metrics on this port; 0 picks one.
        log_json: Log lines as JSON.
        clock: Of a story that is played.
    """
    from sinks.lake.filling import fill
    from sinks.lake.writer import Lake
    from sinks.store import StoreUnavailableError

    logging.configure(json=log_json)
    folder, now = _folder(data, lake), told_time(clock)
    log = logging.logger(lake=str(folder))
    if metrics_port is not None:
        log.info("metrics.served", port=metrics.serve(metrics_port))
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    outage, rounds = Outage(log, "store", now), 0
    notes = Notes(data, "lake", must=False, outage=Outage(log, "bookmark", now), now=now)
    with _errors(), Lake(folder) as filled:
        log.info("lake.opened", every_s=every_s)
        while not stop.is_set():
            try:
                read = needed_by_flows(data)
                store = stores.to_read(data)
                try:
                    journals = journals_of(data, store)
                    done = _patiently(partial(fill, filled, store, journals=journals))
                finally:
                    store.close()
                outage.restored()
                for flow, needs in read.items():
                    # What the flows had settled before, the store had, and the lake has now.
                    notes.say(flow, needs)
                ROWS.inc(done.rows)
                BYTES.inc(done.bytes)
                FILLED.set(now() / 1_000)
                if rounds % MERGE_EVERY == 0:
                    _merge(filled, now(), MERGE_FROM)
                rounds += 1
            except (StoreUnavailableError, OSError) as error:  # away, or the disk is full
                outage.lost(error)
            stop.wait(every_s)
        log.info("lake.closed")


@app.command
def compact(
    *,
    data: Path = FOLDER,
    lake: Path | None = None,
    reading_s: Wait = 3_600,
    json: Json = False,
    clock: ClockOption = "",
) -> None:
    """Make one file of many of one kind, day and grid, and remove those that were merged before.

    Args:
        data: Folder of the system.
        lake: Folder of the lake; by default the folder `lake` in that of the system.
        reading_s: How long merged files stay for those who may be reading them.
        json: Print JSON.
        clock: Of a story that is played.
    """
    from sinks.lake.catalogue import read
    from sinks.lake.writer import Lake

    folder = _folder(data, lake)
    with _errors(), read(folder):
        pass  # where there is no lake, none is made
    with _errors(), Lake(folder) as filled, _progress() as progress:
        figures = _merge(filled, told_time(clock)(), 2, reading_s, progress)
    _say(figures, json=json)


@app.command
def query(
    question: str,
    /,
    *,
    data: Path = FOLDER,
    lake: Path | None = None,
    grid: str | None = None,
    since: str | None = None,
    until: str | None = None,
    json: Json = False,
) -> None:
    """Ask the lake in SQL (DuckDB's), as in "SELECT date, avg(hr_bpm) FROM vitals GROUP BY date".

    There is a table for each kind of observation (vitals, home, motion, …), and hazards,
    incident_changes, risk_changes, scores, tasks, notices, commands, due_visits, adjustments,
    losses and deadletters. A question reads the lake and nothing else, and changes nothing.

    Args:
        question: One SELECT.
        data: Folder of the system.
        lake: Folder of the lake; by default the folder `lake` in that of the system.
        grid: Only of this grid; other files are not opened.
        since: Only since: an ISO 8601 time, or a while ago as in 90m, 24h, 7d; likewise.
        until: Only before; likewise.
        json: Print one JSON array, a row a line.
    """
    import duckdb

    from sinks.lake.query import Narrowed, ask, refused

    part = Narrowed(grid, instant(since, "lake query"), instant(until, "lake query", "--until"))
    with _errors(), _reader_may_leave():
        try:
            found = ask(_folder(data, lake), question, part)
            if found is None:
                sys.exit("weinao lake: that asks for nothing: begin with SELECT")
            (_write_json if json else _print)(found)
        except duckdb.Error as error:
            raise refused(error) from error


@app.command
def status(
    *, data: Path = FOLDER, lake: Path | None = None, json: Json = False, lang: Language = "zh"
) -> None:
    """Say what the lake holds, how far it has come, and how small it is.

    Args:
        data: Folder of the system.
        lake: Folder of the lake; by default the folder `lake` in that of the system.
        json: Print JSON.
        lang: Language of the table.
    """
    from sinks.lake.status import status as status_of
    from sinks.store import StoreError

    with _errors():
        try:
            store = stores.to_read(data)
            progress = store.progress()
            store.close()
        except (StoreError, stores.WhereError):
            progress = None
        found = status_of(_folder(data, lake), progress)
    if json:
        _say(msgspec.to_builtins(found), json=True)
    else:
        _print_status(found, catalogue(lang))


def _patiently(work: "Callable[[], Filled]") -> "Filled":
    """Do it again a few times while the store is away: new rows may wait for its database."""
    from sinks.store import StoreUnavailableError

    for attempt in stamina.retry_context(
        on=StoreUnavailableError, attempts=TRIES, wait_initial=0.1, wait_max=1.0
    ):
        with attempt:
            return work()
    raise AssertionError("it was done, or it failed")


def _merge(
    lake: "Lake", now: int, at_least: int, reading_s: float = 3_600, told: Progress | None = None
) -> dict[str, int]:
    waiting = lake.to_merge(at_least)
    task = told.add_task("merge", total=len(waiting)) if told else None
    figures = {"merged": 0, "into": 0, "bytes_before": 0, "bytes_after": 0}
    for small in waiting:
        made = lake.merge(small, now)
        figures["merged"] += len(small)
        figures["into"] += len(made)
        figures["bytes_before"] += sum(one.bytes for one in small)
        figures["bytes_after"] += sum(one.bytes for one in made)
        if told and task is not None:
            told.advance(task)
    return {**figures, "removed": lake.clean(now, round(reading_s * 1_000))}


def _folder(data: Path, lake: Path | None) -> Path:
    return lake or data / NAME


def _progress() -> Progress:
    return showing.progress()


@contextmanager
def _errors() -> Iterator[None]:
    from sinks.lake.errors import LakeError
    from sinks.store import StoreError

    try:
        yield
    except (LakeError, StoreError, stores.WhereError) as error:
        sys.exit(f"weinao lake: {error}")
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        sys.exit(f"weinao lake: {error}; what was written before stays")


@contextmanager
def _reader_may_leave() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        # Who reads has read enough. Nothing more may be written, not even at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(figures: dict[str, Any], *, json: bool) -> None:
    if json:
        showing.write_json(figures)
    else:
        showing.console().print(figures)


def _write_json(found: "duckdb.DuckDBPyRelation") -> None:
    # Sums of whole numbers come as decimals; they are numbers here.
    encode = msgspec.json.Encoder(decimal_format="number").encode
    out, opening = sys.stdout.buffer, b"[\n"
    for batch in found.to_arrow_reader(10_000):
        for row in batch.to_pylist():
            out.write(opening + encode(row))
            opening = b",\n"
    out.write(b"[]\n" if opening == b"[\n" else b"\n]\n")
    out.flush()


def _print(found: "duckdb.DuckDBPyRelation") -> None:
    from rich.table import Table
    from rich.text import Text

    reader = found.to_arrow_reader(SHOWN_MAX)
    table, rows = Table(*reader.schema.names, header_style="bold"), 0
    for row in itertools.islice((row for batch in reader for row in batch.to_pylist()), SHOWN_MAX):
        table.add_row(*(Text("" if value is None else str(value)) for value in row.values()))
        rows += 1
    # A file or a pipe has no width; wide enough that nothing is cut.
    console = showing.console(40 * len(table.columns))
    console.print(table)
    if rows == SHOWN_MAX:
        console.print(f"… {SHOWN_MAX} rows; --json has all")


def _print_status(found: "Status", words: Catalogue) -> None:
    from rich.table import Table

    table = Table(title=words.say("lake", "title"), header_style="bold")
    for name in ("kind", "rows", "files", "bytes", "bytes_per_row", "first", "last"):
        table.add_column(words.say("lake", name))
    for kind, one in found.kinds.items():
        table.add_row(
            kind, str(one.rows), str(one.files), str(one.bytes), f"{one.bytes_per_row:.1f}",
            one.first, one.last,
        )  # fmt: skip
    console = showing.console(160)
    console.print(table)
    for grid, place in found.reached.items():
        key = "abreast" if place.behind_bytes == 0 else "behind"
        if place.behind_bytes is None:
            key = "alone"
        console.print(words.say("lake", key, grid=grid, offset=place.offset,
                                behind=place.behind_bytes or 0))  # fmt: skip
