"""A store's owner in a thread of the test, as the real process runs it."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sinks import wire
from sinks.anteroom import Anteroom
from sinks.duckdb_store import DuckDBStore
from sinks.server import StoreServer
from sinks.store import StoreUnavailableError
from weinao import logging


def until_ready(made: Anteroom) -> Anteroom:
    """Wait until an anteroom knows what its database has."""
    deadline = time.monotonic() + 60
    while True:
        try:
            made.accepted()
        except StoreUnavailableError:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        else:
            return made


@contextmanager
def served(folder: Path) -> Iterator[Path]:
    """Run an owner of `folder/weinao.duckdb`, and give the path of its socket."""
    path = folder / "store.sock"
    ready, loop = threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()

    async def run() -> None:
        server = StoreServer(DuckDBStore(folder / "weinao.duckdb"), logging.logger())
        await server.serve([wire.address(path)], stop, ready.set)

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    assert ready.wait(60)
    try:
        yield path
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(60)
        loop.close()
    assert not thread.is_alive()
