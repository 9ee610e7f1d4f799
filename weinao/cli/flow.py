"""`weinao flow`: read the journal, let the brains conclude, hand the outcomes to the store."""

import gc
import os
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import stamina
from cyclopts import App
from msgspec import Struct
from msgspec.structs import replace
from structlog.typing import FilteringBoundLogger

from weinao import logging, metrics
from weinao.cli import belonging, flows, stores
from weinao.cli.clocks import ClockOption, told_time
from weinao.cli.folders import alone
from weinao.cli.histories import Progress, fetching
from weinao.cli.ingest import settle
from weinao.cli.kafka import place_of
from weinao.cli.keeping import FLOW, Notes, Start
from weinao.cli.minds import keep_rules, mind_of, policy_of, rules_of
from weinao.cli.options import Count, Name, Names, Port, Runner, Wait
from weinao.cli.telling import Tell, reached, telling, told_of
from weinao.clock import now_ms
from weinao.outage import Outage
from weinao.outcomes import Outcome, Rejected
from weinao.stays import FIRST

if TYPE_CHECKING:
    from pipeline.brain.bequest import Bequest
    from pipeline.brain.respond.policy import Policy
    from pipeline.brain.thresholds import Thresholds
    from pipeline.flow.mind import Mind
    from pipeline.flow.seat import Fetch, Handed
    from pipeline.ingest.kafka import Place as KafkaPlace
    from pipeline.journal import JournalReader
    from sinks.store import Store

app = App(name="flow", help="The dataflow: journal in, outcomes out.")
app.command("weinao.cli.move:move", name="move", help="Let a grid live in another flow.")

# What is waited for is said by `Outage`: one line when it goes, one when it comes.
stamina.instrumentation.set_on_retry_hooks(())

EPOCH_S = 10.0
"""Seconds between snapshots. One takes 0.04 s of CPU and 340 kB for each 500 residents; what a
crash reads again in return is ten seconds of the journal, which takes less than one."""

COLLECT = (50_000, 20, 20)
"""When Python looks for garbage in circles (`gc.set_threshold`). A brain makes none: its states are
frozen values, and go when nobody holds them. To look as often as Python does by itself was a fifth
of the cost of a reading (`benchmarks/scale.py`)."""

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
    grids: Names = (),
    flow: Name = FIRST,
    runner: Runner = "bytewax",
    workers: Count = 1,
    epoch_s: Wait = EPOCH_S,
    until_end: bool = False,
    journal: str | None = None,
    kafka: Path | None = None,
    store: Path | None = None,
    dsn: str | None = None,
    rules: Path | None = None,
    policy: Path | None = None,
    recovery: bool = True,
    metrics_port: Port | None = None,
    log_json: bool = False,
    clock: ClockOption = "",
) -> None:
    """Run the flow of one set of grids until it is killed.

    Args:
        data: Folder of the system: the journal is read from it, the recovery store kept in it.
        grids: The grids of this flow; those that the plan gives to it, and where there is no plan
            all that the journal names now, if none is given.
        flow: Its name, where there are several; its journal and recovery store are its own.
        runner: The engine, or the in-tree loop that needs none.
        workers: Threads of the engine.
        epoch_s: Seconds between snapshots; a crash reads again what came since.
        until_end: End with the journal instead of waiting for more.
        journal: Where the journal is, if not in the folder: kafka://HOST:PORT/TOPIC/PARTITION.
        kafka: A TOML file of what else librdkafka is told of it: TLS, SASL.
        store: Write into this DuckDB file instead of to the store's process.
        dsn: Write into this PostgreSQL database instead, as libpq understands it; no password.
        rules: A file of thresholds, as configs/rules.toml; without it, the defaults.
        policy: How incidents are handled, as configs/policy.toml; without it, the one we ship.
        recovery: Go on where the last run stood; without it, read the journal from its start.
        metrics_port: Serve Prometheus metrics on this port; 0 picks one.
        log_json: Log lines as JSON.
        clock: Of a story that is played.
    """
    from pipeline.journal import JournalError
    from sinks.store import StoreError

    logging.configure(json=log_json)
    log = logging.logger(flow="safety" if flow == FIRST else flow, runner=runner)
    signal.signal(signal.SIGTERM, _end)
    in_force, handled = rules_of(rules, "flow run"), policy_of(policy, "flow run")
    if metrics_port is not None:
        log.info("metrics.served", port=metrics.serve(metrics_port))
    folder = flows.folder_of(data, flow)
    settle(data, flow, tuple(grids), "flow run")
    stays = flows.stays_of(data)
    chosen = {*grids, *stays.ever_in(flow)} or {*grids_of(folder / "journal")}
    elsewhere = place_of(journal, kafka, "flow run") if journal else None
    if elsewhere and (runner == "plain" or not chosen):
        raise SystemExit("weinao flow run: a journal in Kafka needs --grids, and the engine")
    outage, now = Outage(log, "store", now_ms), told_time(clock)
    try:
        # A file has one owner, whom all workers share; to the store's process each has its own way.
        file = stores.to_write(data, store) if store else None
        direct = stores.dsn_of(dsn) if dsn else ""
        in_front = bool(direct or stores.dsn_of(data=data))
    except (StoreError, stores.WhereError) as error:
        raise SystemExit(f"weinao flow run: {error}") from error
    owned = persistent(file, outage, now) if file else None

    def asked() -> "AbstractContextManager[Store]":
        return nullcontext(file) if file else closing(stores.to_write(data, dsn=direct))

    place = Place(data=data, flow=flow, guests=stays.begun_elsewhere(flow) & chosen)
    with alone(folder / "flow.lock", "flow run") if recovery else nullcontext():
        keep_rules(rules, data)
        identity = 0 if elsewhere else belonging.check(data, flow, asked, "flow run", outage)
        log.info("flow.started", grids=len(chosen), workers=workers)
        try:
            run_flow(
                folder / "journal",
                sorted(chosen),
                lambda: owned or persistent(stores.to_write(data, dsn=direct), outage, now),
                rules=in_force,
                policy=handled,
                runner=runner,
                workers=workers,
                recovery=folder / "recovery" if recovery else None,
                identity=identity,
                epoch_s=epoch_s,
                until_end=until_end,
                place=place,
                progress=reached(asked),
                tell=telling(asked),
                elsewhere=elsewhere,
                # What waits in front of a database that is away cannot be asked for.
                kept=None if in_front else reached(asked),
            )
        except KeyboardInterrupt:
            log.info("flow.ended")
        except JournalError as error:
            raise SystemExit(f"weinao flow run: {error}") from error


class Place(Struct, frozen=True, kw_only=True):
    """One flow among several.

    Attributes:
        data: Folder of the system.
        flow: Its name.
        guests: Those of its grids that began in another flow.
    """

    data: Path
    flow: str
    guests: frozenset[str]


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
    place: Place | None = None,
    progress: Progress = dict,
    tell: Tell = dict,
    identity: int = 0,
    elsewhere: "KafkaPlace | None" = None,
    kept: Progress | None = None,
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
        place: Among several flows, whose grids may leave and come; None for the only one.
        progress: Of the store.
        tell: What people were told of grids, as the store has it.
        identity: Of the journal; what was recovered of another counts for nothing.
        elsewhere: Where the journal is, if it is in Kafka.
        kept: How far the store has come, where it can be asked for all that it has taken.
    """
    from pipeline.flow.bequests import Bequests
    from pipeline.flow.seat import nobody

    gc.set_threshold(*COLLECT)
    mind = mind_of(grids, rules, policy)
    digest = digest_of(mind)
    fetch: Fetch = nobody
    hand: Callable[[Handed], object] = _nothing
    if place is not None:
        data, flow, nowhere = place.data, place.flow, mind.nowhere
        nowhere += "" if flow == FIRST else f"-{flow}"
        mind = replace(mind, guests=place.guests, nowhere=nowhere)
        fetch = fetching(data, mind, digest, progress)
        hand = partial(flows.keep_ending, data, flow, mind=digest)
    if recovery is not None:
        recovery = _recovery_of(recovery, f"{digest}-{identity:x}" if identity else digest)
    log = logging.logger(flow=place.flow if place else FIRST)
    if recovery is not None and elsewhere is None:
        _discard_spoilt(recovery, journal, mind, kept, log)
    # Who keeps no recovery looks back only: it holds nothing, and leaves no word.
    lives = place if recovery is not None and elsewhere is None else None
    leave: Callable[[Bequest], object] = _nothing
    notes = None
    if lives is not None:
        leave = Bequests(journal, Outage(log, "bequests", now_ms)).keep
        outage = Outage(log, "bookmark", now_ms)
        notes = Notes(lives.data, FLOW, must=True, outage=outage, now=now_ms)
    start = Start(journal, log, notes, place.flow if place else FIRST)
    if place is not None:
        start.told = partial(told_of, mind, tell)
    if runner == "plain":
        checkpoint = recovery / "plain.msgpack" if recovery else None
        run_plain(
            mind, start, open_write(), checkpoint, epoch_s,
            until_end=until_end, fetch=fetch, hand=hand, leave=leave,
        )  # fmt: skip
        return
    from pipeline.flow import engine

    source: Any = engine.JournalSource(
        start.open_at, until_end=until_end, progress=_progress, settled=start.settled
    )
    if elsewhere is not None:
        from pipeline.flow.kafka import KafkaJournal

        source = KafkaJournal(elsewhere, until_end=until_end)
    sink = engine.StoreSink(open_write, workers, hand, leave)
    built = engine.build_flow(mind, source, sink, fetch, begun=start.seats)
    folder = recovery / "bytewax" if recovery else None
    engine.run(built, workers=workers, recovery=folder, epoch_s=epoch_s)


def grids_of(journal: Path) -> tuple[str, ...]:
    """Return the grids that a journal names."""
    from pipeline.flow.steps import grids_in
    from pipeline.journal import JournalReader

    reader = JournalReader(journal)
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


def digest_of(mind: "Mind") -> str:
    """Return what tells a brain from others: of the code and the settings that made it."""
    from pipeline import brain
    from pipeline.flow import seat
    from weinao import messages

    sources = [
        *sorted(Path(brain.__file__).parent.rglob("*.py")),
        *sorted(Path(messages.__file__).parent.glob("*.py")),
        *(Path(seat.__file__).with_name(name) for name in ("seat.py", "frozen.py", "engine.py")),
    ]
    settings = (mind.rules, mind.silence, mind.policy, mind.limits)
    made_of = [path.read_bytes() for path in sources] + [msgspec.json.encode(settings)]
    return blake2b(b"".join(made_of), digest_size=8).hexdigest()


def _recovery_of(folder: Path, name: str) -> Path:
    """Return where this brain with this journal goes on; what others left there is removed.

    What a brain remembers fits only the code and the settings that made it. A changed one reads the
    journal again, from where it begins now, with what was handed down there: the store knows what
    it has.
    """
    for other in folder.glob("*") if folder.exists() else ():
        if other.name != name:
            shutil.rmtree(other, ignore_errors=True)
    return folder / name


def _discard_spoilt(
    recovery: Path, journal: Path, mind: "Mind", kept: Progress | None, log: FilteringBoundLogger
) -> None:
    """Remove what a flow cannot go on from: it begins anew where the journal does."""
    from pipeline.flow import recovering

    try:
        recovering.check(recovery, journal, mind, kept() if kept else None)
    except recovering.SpoiltError as error:
        log.warning("recovery.discarded", folder=str(recovery), error=str(error))
        shutil.rmtree(recovery)


def run_plain(
    mind: "Mind",
    start: Start,
    write: Callable[[Sequence[Outcome]], object],
    checkpoint: Path | None,
    epoch_s: float,
    *,
    until_end: bool,
    fetch: "Fetch",
    hand: "Callable[[Handed], object]",
    leave: "Callable[[Bequest], object]",
) -> int:
    """Run the in-tree loop; return how many outcomes followed."""
    from pipeline.flow import plain
    from pipeline.flow.steps import marked

    if checkpoint is not None:
        checkpoint.parent.mkdir(parents=True, exist_ok=True)
    resume = plain.load(checkpoint, mind) if checkpoint else None
    reader = start.open_at(resume.offset if resume else None)
    resume = resume or plain.Checkpoint(reader.offset, start.seats)
    loop = plain.PlainRunner(mind, write, resume, fetch=fetch, hand=hand, leave=leave)
    saved_at, count = time.monotonic(), 0
    while True:
        records = marked(reader.read(1_000), reader)
        count += loop.take(records)
        _progress(reader)
        if checkpoint is not None and time.monotonic() - saved_at >= epoch_s:
            plain.save(loop.checkpoint(reader.offset), checkpoint)
            start.settled(reader, reader.offset)
            saved_at = time.monotonic()
        if not records:
            if until_end:
                return count
            time.sleep(0.002)


def _nothing(_: object) -> None:
    return


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
