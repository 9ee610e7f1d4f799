"""`weinao ingest`: from the broker into the journal."""

import random
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from weinao import logging, metrics, settings
from weinao.clock import now_ms

if TYPE_CHECKING:
    from pipeline.ingest.gate import Gate
    from pipeline.ingest.listener import Listener


class _Ended(Exception):  # noqa: N818  # a signal, not an error
    """Somebody asked us to end."""


def ingest(
    *,
    data: Path,
    community: str = "demo",
    grids: Sequence[str] = (),
    broker: str | None = None,
    config: Path | None = None,
    metrics_port: int | None = None,
    log_json: bool = False,
) -> None:
    """Journal everything the broker brings, and acknowledge only what is durable.

    Args:
        data: Folder of the system; the journal is kept in it.
        community: Whose messages.
        grids: Only these grids; all, if none is given.
        broker: HOST:PORT of its MQTT 5 listener; overrules the settings.
        config: Settings; `configs/ingest.toml` shows them all.
        metrics_port: Serve Prometheus metrics on this port; 0 picks one.
        log_json: Log lines as JSON.
    """
    logging.configure(json=log_json)
    log = logging.logger(community=community)
    from msgspec.structs import replace

    from pipeline.ingest.gate import Gate
    from pipeline.ingest.listener import Listener
    from pipeline.ingest.settings import IngestSettings
    from pipeline.journal import JournalWriter

    chosen = settings.load(config, IngestSettings) if config else IngestSettings()
    place = chosen.broker
    if broker is not None:
        host, _, port = broker.rpartition(":")
        place = replace(place, host=host, port=int(port))
    signal.signal(signal.SIGTERM, _end)
    if metrics_port is not None:
        log.info("metrics.served", port=metrics.serve(metrics_port))
    folder = data / "journal"
    journal = JournalWriter(folder, segment_bytes_max=chosen.segment_bytes_max)
    listener = Listener(
        place,
        community,
        tuple(grids),
        take=lambda *message: gate.take(*message),  # noqa: PLW0108  # it is made below
        rng=random.Random(),  # noqa: S311  # spreads reconnects, guards nothing
        now=now_ms,
        log=log,
    )
    gate = Gate(
        journal,
        folder,
        community,
        rhythm=chosen.rhythm,
        puback=listener.puback,
        tell=listener.tell,
        now=now_ms,
        log=log,
    )
    log.info("ingest.started", journal_bytes=journal.end)
    try:
        while True:
            _turn(listener, gate)
    except (_Ended, KeyboardInterrupt):
        gate.commit()
        listener.close()
        log.info("ingest.ended")


def _turn(listener: "Listener", gate: "Gate") -> None:
    """Take in what is there, and commit as soon as there is no more, or enough."""
    before = gate.waiting
    listener.work(0 if before else 0.005)
    if gate.waiting and (gate.waiting == before or gate.full):
        while not gate.commit():
            # The disk refuses. Nothing is acknowledged, and nothing more is taken in.
            time.sleep(0.5)
    gate.beat()


def _end(*_: object) -> None:
    raise _Ended
