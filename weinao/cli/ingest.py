"""`weinao ingest`: from the broker into the journal."""

import random
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from weinao import logging, metrics, settings
from weinao.cli import flows
from weinao.cli.clocks import ClockOption, told_time
from weinao.cli.ending import Ended
from weinao.cli.kafka import place_of
from weinao.cli.moving import Moving, listens_to_all
from weinao.cli.options import Address, Name, Names, Port, host_and_port
from weinao.stays import FIRST, settled

if TYPE_CHECKING:
    from pipeline.ingest.gate import Gate, Journal
    from pipeline.ingest.kafka import Place
    from pipeline.ingest.listener import Listener
    from pipeline.ingest.listening import Listening
    from pipeline.ingest.settings import IngestSettings
    from pipeline.ingest.swift import SwiftListener


RETRY_S = 0.5
"""How long to wait before the disk is asked again."""

IDLE_S_MAX = 0.1
"""How long a signal to end may have to wait, and a grid that is to leave or come."""


def ingest(
    *,
    data: Path,
    community: Name = "demo",
    grids: Names = (),
    flow: Name = FIRST,
    journal: str | None = None,
    kafka: Path | None = None,
    broker: Address | None = None,
    config: Path | None = None,
    metrics_port: Port | None = None,
    log_json: bool = False,
    clock: ClockOption = "",
) -> None:
    """Journal everything the broker brings, and acknowledge only what is durable.

    Args:
        data: Folder of the system; the journal is kept in it.
        community: Whose messages.
        grids: Only these grids, and those that the plan gives to this flow; all, if it is the
            first flow and none is given.
        flow: Whose journal this is; the first flow's is in `data`, others have their own folder.
        journal: Where the journal is, if not in the folder: kafka://HOST:PORT/TOPIC/PARTITION.
        kafka: A TOML file of what else librdkafka is told of it: TLS, SASL.
        broker: HOST:PORT of its MQTT 5 listener; overrules the settings.
        config: Settings; `configs/ingest.toml` shows them all.
        metrics_port: Serve Prometheus metrics on this port; 0 picks one.
        log_json: Log lines as JSON.
        clock: Of a story that is played.
    """
    logging.configure(json=log_json)
    log = logging.logger(community=community, **({} if flow == FIRST else {"flow": flow}))
    now = told_time(clock)
    from msgspec.structs import replace

    from pipeline.ingest.gate import Gate
    from pipeline.ingest.settings import IngestSettings
    from pipeline.journal import JournalError

    try:
        chosen = settings.load(config, IngestSettings) if config else IngestSettings()
    except settings.SettingsError as error:
        sys.exit(f"weinao ingest: {error}")
    if 0 < chosen.keep.free_bytes_wanted <= chosen.free_bytes_min:
        sys.exit(
            f"{config}: keep.free_bytes_wanted is {chosen.keep.free_bytes_wanted}, and must be more"
            f" than free_bytes_min, {chosen.free_bytes_min}: nothing would be trimmed before"
            " nothing is acknowledged"
        )
    place = chosen.broker
    if broker is not None:
        host, port = host_and_port(broker)
        place = replace(place, host=host, port=port)
    ended = Ended()
    if metrics_port is not None:
        log.info("metrics.served", port=metrics.serve(metrics_port))
    folder, given = flows.folder_of(data, flow) / "journal", tuple(grids)
    settle(data, flow, given, "ingest")
    moving = Moving(data, flow, log)
    everything = listens_to_all(flow, given)
    place_at = place_of(journal, kafka, "ingest") if journal else None
    try:
        written = _opened(place_at, folder, chosen)
    except JournalError as error:
        sys.exit(f"weinao ingest: {error}")
    listener = _client(chosen)(
        place,
        community,
        () if everything else moving.at_first(given),
        session=() if everything else ("flow", flow),
        take=lambda *message: gate.take(*message),  # noqa: PLW0108  # it is made below
        rng=random.Random(),  # noqa: S311  # spreads reconnects, guards nothing
        now=now,
        log=log,
    )
    gate = Gate(
        written,
        folder,
        community,
        rhythm=chosen.rhythm,
        puback=listener.puback,
        tell=listener.tell,
        now=now,
        log=log,
    )
    trimmer = None
    if place_at is None:
        from pipeline.trimming import Trimmer

        trimmer = Trimmer(folder, chosen.keep, now=now, log=log, elapsed=time.monotonic)
    log.info("ingest.started", journal_end=written.end)
    while not ended:
        moving.step(gate, listener)
        _turn(listener, gate)
        if trimmer is not None and (gate.failed or not gate.waiting):
            trimmer.step(written.end)
    gate.commit()
    listener.close()
    log.info("ingest.ended")


def _client(chosen: "IngestSettings") -> "type[Listener | SwiftListener]":
    if chosen.client == "mqtt5":
        from pipeline.ingest.swift import SwiftListener

        return SwiftListener
    from pipeline.ingest.listener import Listener

    return Listener


def _opened(place: "Place | None", folder: Path, chosen: "IngestSettings") -> "Journal":
    if place is not None:
        from pipeline.ingest.kafka import KafkaJournalWriter

        folder.mkdir(parents=True, exist_ok=True)  # for the checkpoint
        return KafkaJournalWriter(place)
    from pipeline.journal import JournalWriter

    return JournalWriter(
        folder,
        segment_bytes_max=chosen.segment_bytes_max,
        free_bytes_min=chosen.free_bytes_min,
    )


def settle(data: Path, flow: str, grids: tuple[str, ...], command: str) -> None:
    """Enter grids that live nowhere yet into the plan, as living in this flow.

    The first flow alone needs no plan.

    Raises:
        SystemExit: One lives in another flow.
    """
    if flow != FIRST or flows.seen_at(data):
        flows.change(data, lambda stays: settled(stays, flow, grids))
    stays = flows.stays_of(data)
    for grid in grids:
        if flow not in stays.of(grid):
            raise SystemExit(
                f"weinao {command}: grid {grid} lives in flow {stays.home(grid)}, not in {flow};"
                f" to move it: weinao flow move {grid} --to {flow} --data {data}"
            )


def _turn(listener: "Listening", gate: "Gate") -> None:
    """Take in what is there, and commit as soon as there is no more, or enough."""
    if gate.failed:
        # Nothing is acknowledged, and nothing more is taken in.
        time.sleep(RETRY_S)
        gate.commit()
        return
    before = gate.waiting
    listener.work(0 if before else min(gate.idle_s, IDLE_S_MAX))
    if gate.waiting and (gate.waiting == before or gate.full):
        gate.commit()
        listener.flush()
    if not gate.failed:
        gate.beat()
