"""`weinao store`: the one process that owns the store."""

import asyncio
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from weinao import logging, metrics
from weinao.cli.clocks import ClockOption, told_time

if TYPE_CHECKING:
    from sinks.server import StoreServer
    from sinks.settings import StoreSettings
    from sinks.wire import Address

app = App(name="store", help="The store: keeps what was concluded, and can be asked.")

FILE = "store.duckdb"
SOCKET = "store.sock"


@app.command
def run(
    *,
    data: Path,
    settings: Path | None = None,
    listen: str | None = None,
    metrics_port: int | None = None,
    log_json: bool = False,
    clock: ClockOption = "",
) -> None:
    """Own the store of a data folder until told to end.

    Args:
        data: Folder of the system; the store and its socket are in it.
        settings: A file like `configs/store.toml`.
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
    addresses = [wire.address(data / SOCKET)]
    if listen or chosen.listen:
        addresses.append(wire.address(listen or chosen.listen))
    data.mkdir(parents=True, exist_ok=True)
    try:
        asyncio.run(_serve(data / FILE, addresses, chosen, told_time(clock)))
    except StoreError as error:
        sys.exit(f"weinao store: {error}")


async def _serve(
    path: Path, addresses: "list[Address]", chosen: "StoreSettings", now: Callable[[], int]
) -> None:
    log = logging.logger(store=str(path))
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = _server(path, chosen, now)
    await server.serve(
        addresses, stop, lambda: log.info("store.opened", listens=", ".join(map(str, addresses)))
    )
    log.info("store.closed")


def _server(path: Path, chosen: "StoreSettings", now: Callable[[], int]) -> "StoreServer":
    from sinks.duckdb_store import DuckDBStore
    from sinks.measures import Measures
    from sinks.server import StoreServer

    store = DuckDBStore(
        path,
        memory_bytes_max=chosen.memory_bytes_max,
        threads=chosen.threads,
        kept=Measures(now).kept,
    )
    return StoreServer(store, logging.logger(store=str(path)))


def _chosen(settings: Path | None) -> "StoreSettings":
    from sinks.settings import StoreSettings
    from weinao.settings import SettingsError, load

    if settings is None:
        return StoreSettings()
    try:
        return load(settings, StoreSettings)
    except SettingsError as error:
        sys.exit(str(error))
