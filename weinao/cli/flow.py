"""`weinao flow`: read the journal, let the brains conclude, hand the outcomes to the store."""

import os
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec
import stamina
from cyclopts import App

from weinao import logging, metrics
from weinao.cli import stores
from weinao.cli.clocks import ClockOption, told_time
from weinao.cli.minds import keep_rules, mind_of, policy_of, rules_of
from weinao.clock import now_ms
from weinao.outage import Outage
from weinao.outcomes import Outcome, Rejected

if TYPE_CHECKING:
    from pipeline.brain.respond.policy import Policy
    from pipeline.brain.thresholds import Thresholds
    from pipeline.flow.steps import Mind
    from pipeline.journal import JournalReader
    from sinks.store import Store

app = App(name="flow", help="The dataflow: journal in, outcomes out.")

Runner = Literal["bytewax", "plain"]

OUTCOMES = metrics.Counter("weinao_pipeline_outcomes_total", "Outcomes by type.", ["type"])
REJECTED = metrics.Counter("weinao_pipeline_rejected_total", "Dead letters by reason.", ["reason"])
LAG = metrics.Gauge("weinao_pipeline_journal_lag_bytes", "Journal not yet read.")
OFFSET = metrics.Gauge("weinao_pipeline_journal_offset_bytes", "Journal read so far.")
CONCLUDED = metrics.Histogram(
    "weinao_pipeline_conclude_seconds",
    "From the journal's record to its outcome in the store.",
    buckets=metrics.LATENCY_BUCKETS_S,
)


@app.command
def run(
    *,
    data: Path,
    grids: Sequence[str] = (),
    runner: Runner = "bytewax",
    workers: int = 1,
    epoch_s: float = 1.0,
    until_end: bool = False,
    store: Path | None = None,
    dsn: str | None = None,
    rules: Path | None = None,
    policy: Path | None = None,
    recovery: bool = True,
    metrics_port: int | None = None,
    log_json: bool = False,
    clock: ClockOption = "",
) -> None:
    """Run the flow of one set of grids until it is killed.

    Args:
        data: Folder of the system: the journal is read from it, the recovery store kept in it.
        grids: The grids of this flow; all that the journal names now, if none is given.
        runner: The engine, or the in-tree loop that needs none.
        workers: Threads of the engine.
        epoch_s: Seconds between snapshots; a crash reads again what came since.
        until_end: End with the journal instead of waiting for more.
        store: Write into this DuckDB file instead of to the store's process.
        dsn: Write into this PostgreSQL database instead, as libpq understands it; no password.
        rules: A file of thresholds, as configs/rules.toml; without it, the defaults.
        policy: How incidents are handled, as configs/policy.toml; without it, the one we ship.
        recovery: Go on where the last run stood; without it, read the journal from its start.
        metrics_port: Serve Prometheus metrics on this port; 0 picks one.
        log_json: Log lines as JSON.
        clock: Of a story that is played.
    """
    logging.configure(json=log_json)
    log = logging.logger(flow="safety", runner=runner)
    signal.signal(signal.SIGTERM, _end)
    in_force, handled = rules_of(rules, "flow run"), policy_of(policy, "flow run")
    keep_rules(rules, data)
    if metrics_port is not None:
        log.info("metrics.served", port=metrics.serve(metrics_port))
    journal = data / "journal"
    chosen = grids or grids_of(journal)
    outage, now = Outage(log, "store", now_ms), told_time(clock)
    # A file has one owner, whom all workers share; to the store's process each has its own way.
    owned = persistent(stores.to_write(data, store), outage, now) if store else None
    try:
        direct = stores.dsn_of(dsn) if dsn else ""
    except stores.WhereError as error:
        raise SystemExit(f"weinao flow run: {error}") from error
    log.info("flow.started", grids=len(chosen), workers=workers)
    try:
        run_flow(
            journal,
            chosen,
            lambda: owned or persistent(stores.to_write(data, dsn=direct), outage, now),
            rules=in_force,
            policy=handled,
            runner=runner,
            workers=workers,
            recovery=data / "recovery" if recovery else None,
            epoch_s=epoch_s,
            until_end=until_end,
        )
    except KeyboardInterrupt:
        log.info("flow.ended")


def run_flow(
    journal: Path,
    grids: Sequence[str],
    open_write: Callable[[], Callable[[Sequence[Outcome]], object]],
    *,
    rules: "Thresholds | None" = None,
    policy: "Policy | None" = None,
    runner: Runner,
    workers: int,
    recovery: Path | None,
    epoch_s: float,
    until_end: bool,
) -> None:
    """Run the flow of these grids in this process, under one runner or the other.

    Args:
        journal: Its folder.
        grids: Of this flow.
        open_write: Opens the way to the store; the engine does so once a worker.
        rules: With their thresholds; None for those we ship.
        policy: How incidents are handled; None for the one we ship.
        runner: The engine, or the in-tree loop.
        workers: Threads of the engine.
        recovery: Where to go on from; None to read from the start, and keep nothing.
        epoch_s: Seconds between snapshots.
        until_end: End with the journal.
    """
    from pipeline.journal import JournalReader

    mind = mind_of(grids, rules, policy)
    if recovery is not None:
        recovery = _recovery_of(recovery, mind)

    def open_at(offset: int) -> JournalReader:
        return JournalReader(journal, offset)

    if runner == "plain":
        checkpoint = recovery / "plain.pickle" if recovery else None
        run_plain(mind, open_at, open_write(), checkpoint, epoch_s, until_end=until_end)
        return
    from pipeline.flow import engine

    source = engine.JournalSource(open_at, until_end=until_end, progress=_progress)
    flow = engine.build_flow(mind, source, engine.StoreSink(open_write, workers))
    folder = recovery / "bytewax" if recovery else None
    engine.run(flow, workers=workers, recovery=folder, epoch_s=epoch_s)


def grids_of(journal: Path) -> tuple[str, ...]:
    """Return the grids that a journal names."""
    from pipeline.flow.steps import grids_in
    from pipeline.journal import JournalReader

    reader = JournalReader(journal, 0)
    found: frozenset[str] = frozenset()
    while records := reader.read(10_000):
        found |= grids_in(records)
    return tuple(sorted(found))


def persistent(
    store: "Store", outage: Outage, now: Callable[[], int] = now_ms
) -> Callable[[Sequence[Outcome]], None]:
    """Return a write that waits, in order, for as long as the store is away."""
    from sinks.store import StoreUnavailableError

    def write(outcomes: Sequence[Outcome]) -> None:
        for attempt in stamina.retry_context(
            on=StoreUnavailableError, attempts=None, timeout=None, wait_initial=0.05, wait_max=1.0
        ):
            with attempt:
                try:
                    store.write(outcomes)
                except StoreUnavailableError as error:
                    outage.lost(error)
                    raise
        outage.restored()
        _count(outcomes, now())

    return write


def _recovery_of(folder: Path, mind: "Mind") -> Path:
    """Return where this brain, and no other, goes on; what others left there is removed.

    What a brain remembers fits only the code and the settings that made it. A changed one reads the
    journal again: the store knows what it has.
    """
    from pipeline import brain
    from weinao import messages

    sources = [
        *sorted(Path(brain.__file__).parent.rglob("*.py")),
        *sorted(Path(messages.__file__).parent.glob("*.py")),
    ]
    settings = (mind.rules, mind.silence, mind.policy, mind.limits)
    made_of = [path.read_bytes() for path in sources] + [msgspec.json.encode(settings)]
    digest = blake2b(b"".join(made_of), digest_size=8).hexdigest()
    for other in folder.glob("*") if folder.exists() else ():
        if other.name != digest:
            shutil.rmtree(other, ignore_errors=True)
    return folder / digest


def run_plain(
    mind: "Mind",
    open_at: "Callable[[int], JournalReader]",
    write: Callable[[Sequence[Outcome]], object],
    checkpoint: Path | None,
    epoch_s: float,
    *,
    until_end: bool,
) -> int:
    """Run the in-tree loop; return how many outcomes followed."""
    from pipeline.flow import plain

    if checkpoint is not None:
        checkpoint.parent.mkdir(parents=True, exist_ok=True)
    resume = plain.load(checkpoint) if checkpoint else None
    reader = open_at(resume.offset if resume else 0)
    loop = plain.PlainRunner(mind, write, resume)
    saved_at, count = time.monotonic(), 0
    while True:
        records = reader.read(1_000)
        count += loop.take(records)
        _progress(reader)
        if checkpoint is not None and time.monotonic() - saved_at >= epoch_s:
            plain.save(loop.checkpoint(reader.offset), checkpoint)
            saved_at = time.monotonic()
        if not records:
            if until_end:
                return count
            time.sleep(0.002)


def _count(outcomes: Sequence[Outcome], now: int) -> None:
    for outcome in outcomes:
        OUTCOMES.labels(outcome.value.__struct_config__.tag).inc()
        CONCLUDED.observe(max(0, now - outcome.received_at) / 1_000)
        if isinstance(outcome.value, Rejected):
            REJECTED.labels(outcome.value.reason.value).inc()


def _progress(reader: "JournalReader") -> None:
    OFFSET.set(reader.offset)
    LAG.set(max(0, reader.end - reader.offset))


def _end(*_: object) -> None:
    # The engine stops by kill, never by the end of its input: what is kept is kept already.
    os._exit(0)
