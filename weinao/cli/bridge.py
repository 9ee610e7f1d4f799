"""`weinao bridge`: readings of somebody else's devices, taken as they come."""

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from weinao import logging, metrics, settings
from weinao.cli.options import Address, Port, host_and_port
from weinao.clock import now_ms
from weinao.mishaps import told

if TYPE_CHECKING:
    from pipeline.columns.people import Devices
    from pipeline.columns.settings import Job
    from pipeline.mqtt.broker import Broker

app = App(name="bridge", help="Readings of somebody else's devices, scored and stored.")

EPOCH_S = 5.0
"""How much a crash of the flow makes it read again."""

JOURNAL_KEEP_BYTES = 8 * 2**30
"""What of the journal is kept after it has been read."""

ROWS_BYTES_MAX = 16 * 2**30
"""How many rows wait for a database that is away; then the flow waits, too."""

COPY_BYTES_MAX = 4 * 2**20
IDLE_S = 0.02

LOOK_S = 2.0
"""How often it is looked at how much waits for the database."""


@app.command
def run(
    *,
    config: Path,
    data: Path,
    broker: Address = "127.0.0.1:1883",
    dsn: str | None = None,
    people: Path | None = None,
    metrics_port: Port | None = None,
    log_json: bool = False,
) -> None:
    """Run the whole bridge until it is killed: intake and flow.

    Args:
        config: What to do, as configs/bridge.toml.
        data: Folder for its journals; made when absent, gone on with when not.
        broker: HOST:PORT of an MQTT 5 listener.
        dsn: A PostgreSQL database for the rows, as libpq understands it; no password, which belongs
            into PGPASSFILE.
        people: Who wears what, instead of the file that the settings name.
        metrics_port: This and the next port serve Prometheus metrics: intake and flow.
        log_json: Log lines as JSON.
    """
    from weinao.cli.supervisor import Program, Supervisor, arguments

    _job(config, people)  # says now what is wrong with it
    common = ["--config", config, "--data", data, *(["--log-json"] if log_json else [])]
    common += ["--people", people] if people else []
    log = logging.logger(bridge=config.stem)
    logging.configure(json=log_json)
    supervisor = Supervisor(
        data / "logs",
        lambda name: log.warning(
            "program.restarted", name=name, last_words=supervisor.last_words(name)
        ),
    )

    def port(further: int) -> tuple[str, ...]:
        return () if metrics_port is None else ("--metrics-port", str(metrics_port + further))

    rows = ["--dsn", dsn] if dsn is not None else []
    flow_arguments = arguments("bridge", "flow", *common, "--broker", broker, *rows, *port(1))
    supervisor.start(Program("flow", flow_arguments))
    try:
        _intake(config, data, broker, metrics_port, supervisor.look)
    finally:
        supervisor.close()


@app.command
def intake(
    *,
    config: Path,
    data: Path,
    broker: Address = "127.0.0.1:1883",
    metrics_port: Port | None = None,
    log_json: bool = False,
) -> None:
    """Bring messages from the broker into the bridge's journal, and acknowledge what is durable.

    Args:
        config: What to do, as configs/bridge.toml.
        data: Folder for the journals.
        broker: HOST:PORT of an MQTT 5 listener.
        metrics_port: Serve Prometheus metrics on this port; 0 picks one.
        log_json: Log lines as JSON.
    """
    logging.configure(json=log_json)
    _intake(config, data, broker, metrics_port, lambda: None)


@app.command
def flow(
    *,
    config: Path,
    data: Path,
    broker: Address = "127.0.0.1:1883",
    dsn: str | None = None,
    people: Path | None = None,
    metrics_port: Port | None = None,
    log_json: bool = False,
) -> None:
    """Read the bridge's journal, publish alerts, and bring rows to the database.

    Args:
        config: What to do, as configs/bridge.toml.
        data: Folder of the journals.
        broker: HOST:PORT of an MQTT 5 listener.
        dsn: A PostgreSQL database for the rows, as libpq understands it; no password. Without it,
            means are published.
        people: Who wears what, instead of the file that the settings name.
        metrics_port: Serve Prometheus metrics on this port; 0 picks one.
        log_json: Log lines as JSON.
    """
    logging.configure(json=log_json)
    log = logging.logger(bridge=config.stem)
    job, devices = _job(config, people)
    _serve(metrics_port)
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    from pipeline.bridge.out import Out
    from pipeline.columns.job import Worker, spoken
    from pipeline.columns.moved import moved
    from pipeline.flow import bridge, engine
    from pipeline.journal import JournalReader, JournalWriter, retain
    from pipeline.mqtt.link import Link
    from weinao.cli import bridge_copy
    from weinao.cli.bridge_rows import laid_out
    from weinao.cli.bridge_tables import identity, targets
    from weinao.ids import derived

    names = tuple(devices.number)
    link = Link(
        _place(broker),
        derived("bridge-out", config.stem, str(data.absolute())),
        (),
        rng=random.Random(),  # noqa: S311  # spreads reconnects, guards nothing
        now=now_ms,
        log=log,
    )
    out = Out(
        link,
        lambda means: spoken(job, devices, means),
        laid_out(job, devices) if dsn is not None else None,
        JournalWriter(data / "rows") if dsn is not None else None,
        now_ms,
    )
    settled: list[int] = []

    def make(resume: bridge.Snapshot | None) -> Worker:
        memory = moved(resume.memory, resume.devices, names) if resume else None
        return Worker(job, devices, memory)

    def settle() -> None:
        out.settle()
        # The epoch that ends here is kept soon; the one before it is kept already.
        settled.append(reading[0].offset if reading else 0)
        if len(settled) > 2:  # noqa: PLR2004
            retain(data / "journal", settled.pop(0), JOURNAL_KEEP_BYTES)

    reading: list[JournalReader] = []

    def open_at(offset: int | None) -> JournalReader:
        reading[:] = [JournalReader(data / "journal", offset)]
        return reading[0]

    looked_at = 0.0

    def progress(_: JournalReader) -> None:
        nonlocal looked_at
        out.serve()
        while dsn is not None and time.monotonic() - looked_at > LOOK_S:
            if _size(data / "rows") <= ROWS_BYTES_MAX:
                looked_at = time.monotonic()
            else:
                time.sleep(IDLE_S)
                out.serve()

    source = engine.JournalSource(open_at, batch_max=8, progress=progress)
    sink = bridge.OutSink(out.write, settle)
    if dsn is not None:
        bridge_copy.start(data / "rows", dsn, identity(data), targets(job), log)
    log.info("bridge.flow.started", devices=len(names))
    engine.run(
        bridge.build_flow(make, names, source, sink),
        workers=1,
        recovery=data / "recovery",
        epoch_s=EPOCH_S,
    )


def _intake(
    config: Path,
    data: Path,
    broker: str,
    metrics_port: Port | None,
    look: Callable[[], object],
) -> None:
    from pipeline.bridge.intake import Intake
    from pipeline.journal import JournalError, JournalWriter
    from pipeline.mqtt.link import Link
    from weinao.cli.ending import Ended
    from weinao.ids import derived

    log = logging.logger(bridge=config.stem)
    job = settings.load(config, _shape())
    _serve(metrics_port)
    try:
        journal = JournalWriter(data / "journal")
    except JournalError as error:
        sys.exit(f"weinao bridge: {error}")
    link = Link(
        _place(broker),
        derived("bridge-in", config.stem, str(data.absolute())),
        (job.topic,),
        rng=random.Random(),  # noqa: S311  # spreads reconnects, guards nothing
        now=now_ms,
        log=log,
        on_up=lambda: log.info("bridge.subscribed", topic=job.topic),
    )
    taking = Intake(link, journal, f"bridge/{config.stem}", now=now_ms, log=log)
    ended, looked_at = Ended(), 0.0
    log.info("bridge.intake.started", journal_bytes=journal.end)
    while not ended:
        taking.turn(0.1)
        if taking.failed:
            time.sleep(0.5)
        if time.monotonic() - looked_at > 0.5:  # noqa: PLR2004
            looked_at = time.monotonic()
            look()
    link.close()


def _shape() -> "type[Job]":
    from pipeline.columns.settings import Job

    return Job


def _job(config: Path, people: Path | None) -> "tuple[Job, Devices]":
    from pipeline.columns.people import PeopleError, read
    from pipeline.columns.settings import problems

    try:
        job = settings.load(config, _shape())
        place = people or config.parent / job.people.file
        with place.open(newline="", encoding="utf-8-sig") as file:
            devices = read(file, job.people)
        settings.refuse(problems(job), str(config))
    except OSError as error:
        sys.exit(
            f"weinao bridge: {told(error)}: expected a CSV file of who wears what, as `people` of"
            f" {config} says, or another by --people"
        )
    except UnicodeDecodeError:
        sys.exit(f"weinao bridge: {place}: no text in UTF-8; a spreadsheet saves it as CSV UTF-8")
    except (settings.SettingsError, PeopleError) as error:
        sys.exit(f"weinao bridge: {error}")
    return job, devices


def _place(broker: str) -> "Broker":
    from pipeline.mqtt.broker import Broker

    host, port = host_and_port(broker)
    return Broker(host=host, port=port)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*.log"))


def _serve(port: int | None) -> None:
    if port is not None:
        logging.logger().info("metrics.served", port=metrics.serve(port))


def _end(*_: object) -> None:
    os._exit(0)  # crash-only: what is safe is safe already
