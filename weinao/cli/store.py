"""`weinao store`: the one process that owns the store."""

import asyncio
import signal
import sqlite3
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App
from structlog.typing import FilteringBoundLogger

from weinao import logging, metrics
from weinao.cli import stores
from weinao.cli.clocks import ClockOption, told_time
from weinao.cli.folders import alone
from weinao.cli.keeping import Notes
from weinao.cli.options import Port
from weinao.outage import Outage

if TYPE_CHECKING:
    from sinks.anteroom import Anteroom
    from sinks.server import OwnedStore
    from sinks.settings import StoreSettings
    from sinks.timescale_store import TimescaleStore
    from sinks.timescale_upkeep import Upkeep
    from sinks.wire import Address

ANTEROOM = "anteroom.sqlite"
"""Alarms, and what waits for the database; it belongs to the journal, not to the database."""

NOTE_S = 10.0
"""How often to look whether something waits for the database, for the journal's sake."""

app = App(name="store", help="The store: keeps what was concluded, and can be asked.")


@app.command
def run(
    *,
    data: Path,
    settings: Path | None = None,
    dsn: str | None = None,
    listen: str | None = None,
    metrics_port: Port | None = None,
    log_json: bool = False,
    clock: ClockOption = "",
) -> None:
    """Own the store of a data folder until told to end.

    Args:
        data: Folder of the system; the store and its socket are in it.
        settings: A file like `configs/store.toml`.
        dsn: A PostgreSQL database in the place of a file, as libpq understands it; no password.
        listen: A further address, `host:port`, beside the socket.
        metrics_port: Serve Prometheus metrics on this port; 0 picks one.
        log_json: Log lines as JSON.
        clock: Of a story that is played.
    """
    from sinks import wire
    from sinks.store import StoreError

    chosen = _chosen(settings)
    logging.configure(json=log_json or chosen.log.json, level=chosen.log.level)
    log = logging.logger(store=str(data))
    port = metrics_port if metrics_port is not None else chosen.metrics.port
    log.info("metrics.served", port=metrics.serve(port, chosen.metrics.address))
    addresses = [wire.address(data / stores.SOCKET)]
    if listen or chosen.listen:
        addresses.append(wire.address(listen or chosen.listen))
    data.mkdir(parents=True, exist_ok=True)
    try:
        asyncio.run(
            _own(data, addresses, chosen, stores.dsn_of(dsn, chosen, data), told_time(clock))
        )
    except (StoreError, stores.WhereError) as error:
        sys.exit(f"weinao store: {error}")


async def _own(
    data: Path,
    addresses: "list[Address]",
    chosen: "StoreSettings",
    dsn: str,
    now: Callable[[], int],
) -> None:
    from sinks.duckdb_log import TORN
    from sinks.measures import Measures

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    kept = Measures(now).kept
    log = logging.logger(store=str(data))
    notes = Notes(data, "store", must=False, outage=Outage(log, "bookmark", now), now=now)
    if not dsn:
        notes.say_of({})  # what a file has kept, it has
        file = stores.own_file(data, chosen, kept)
        if file.cut_bytes:
            log.error("store.cut", bytes=file.cut_bytes, kept=f"{stores.FILE}.wal{TORN}")
        await _serve(file, addresses, stop, logging.logger(store=str(data / stores.FILE)))
        return
    from sinks.anteroom import Anteroom
    from sinks.timescale_upkeep import Upkeep

    with alone(data / f"{ANTEROOM}.lock", "store run"):
        stores.note(data, dsn)
        store = stores.own_database(dsn, chosen, kept)
        log = logging.logger(store=store.name)
        anteroom = Anteroom(
            store,
            data / ANTEROOM,
            Outage(log, "database", now),
            patience_s=chosen.database.patience_s,
            waiting_bytes_max=chosen.database.waiting_bytes_max,
        )
        upkeep = Upkeep(dsn, chosen.database.keep)
        every_s = chosen.database.tend_s
        noting = asyncio.create_task(_note(anteroom, notes, stop))
        tending = asyncio.create_task(_tend(store, upkeep, stop, every_s=every_s, now=now, log=log))
        try:
            await _serve(anteroom, addresses, stop, log)
        finally:
            stop.set()
            upkeep.interrupt()
            await asyncio.gather(tending, noting)
            upkeep.close()


async def _serve(
    store: "OwnedStore",
    addresses: "list[Address]",
    stop: asyncio.Event,
    log: FilteringBoundLogger,
) -> None:
    from sinks.server import StoreServer

    server = StoreServer(store, log)
    await server.serve(
        addresses, stop, lambda: log.info("store.opened", listens=", ".join(map(str, addresses)))
    )
    log.info("store.closed")


async def _tend(
    store: "TimescaleStore",
    upkeep: "Upkeep",
    stop: asyncio.Event,
    *,
    every_s: float,
    now: Callable[[], int],
    log: FilteringBoundLogger,
) -> None:
    """Look after a database until told to stop; tell once what it is, and what is wrong with it."""
    from sinks.store import StoreUnavailableError
    from sinks.timescale_schema import NOTICES

    edition, failing = "", tuple[str, ...]()
    try:
        while not stop.is_set():
            try:
                if not edition:
                    edition = await asyncio.to_thread(store.open)
                    log.info("database.opened", edition=edition, notice=NOTICES[edition])
                done = await asyncio.to_thread(upkeep.step, now())
                if done.failing and done.failing != failing:
                    log.warning("jobs.failed", jobs=done.failing)
                failing = done.failing
            except StoreUnavailableError:
                pass  # the anteroom says so
            await _stopped(stop, every_s if edition else 1.0)
    finally:
        stop.set()  # a schema that is too new for us, above all


async def _note(anteroom: "Anteroom", notes: Notes, stop: asyncio.Event) -> None:
    """Say what of the journal is needed while something waits for the database."""
    while not stop.is_set():
        with suppress(sqlite3.ProgrammingError):  # closed meanwhile
            await asyncio.to_thread(lambda: notes.say_of(anteroom.waits_from()))
        await _stopped(stop, NOTE_S)


async def _stopped(stop: asyncio.Event, within_s: float) -> None:
    try:
        async with asyncio.timeout(within_s):
            await stop.wait()
    except TimeoutError:
        return


def _chosen(settings: Path | None) -> "StoreSettings":
    from sinks.settings import StoreSettings
    from weinao.settings import SettingsError, load

    if settings is None:
        return StoreSettings()
    try:
        return load(settings, StoreSettings)
    except SettingsError as error:
        sys.exit(f"weinao store run: {error}")
