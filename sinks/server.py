"""The owner of a store: one process has the file, or the database, and all others ask it.

    connections -> one loop -+-> a thread that writes, one batch at a time, and commits
                             +-> a thread that reads whole commits, and holds up no write
                             +-> a thread for who follows, where that needs no database

An answer to `write` is sent after the commit. A question that waits for news costs nothing while it
waits.
"""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import duckdb
import msgspec
from structlog.typing import FilteringBoundLogger

from sinks import wire
from sinks.anteroom import Anteroom
from sinks.measures import WRITE_SECONDS
from sinks.store import Store, StoreError, StoreUnavailableError, TooMuchError
from sinks.wire import LENGTH_BYTES, Address, Answer, Request

WAIT_S_MAX = 60.0
"""How long a follower may wait for news; then it gets an empty answer and asks again."""


class OwnedStore(Store, Protocol):
    """A store that tells how far those who follow it may come."""

    @property
    def last_seq(self) -> int:
        """The `seq` of the newest outcome that can be followed, as far as we know."""


class StoreBrokenError(Exception):
    """The database can do nothing more in this process. Start it again."""


class StoreServer:
    """Answers questions to a store.

    Args:
        store: Owned from now on; the server closes it.
        log: For what a person may have to know.
    """

    def __init__(self, store: OwnedStore, log: FilteringBoundLogger) -> None:
        self._store, self._log = store, log
        self._writing: Executor = ThreadPoolExecutor(1, "writing")
        self._reading: Executor = ThreadPoolExecutor(1, "reading")
        self._news = asyncio.Event()
        self._broken: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._following = self._reading
        if isinstance(store, Anteroom):
            # A question that the database is slow to answer must not hold up an alarm.
            self._following = ThreadPoolExecutor(1, "following")
            store.news = partial(asyncio.get_running_loop().call_soon_threadsafe, self._tell)
        self._talking: set[asyncio.Task[None]] = set()

    async def serve(
        self, addresses: list[Address], stop: asyncio.Event, ready: Callable[[], object]
    ) -> None:
        """Answer until told to stop; then finish what is being written, and close the store.

        Args:
            addresses: Where to listen. A socket that a dead owner left behind is replaced: the
                store itself says whether there is a living one.
            stop: Set when it is time to end.
            ready: Called once the store can be asked.

        Raises:
            StoreBrokenError: The database failed for good.
            OSError: An address cannot be used.
        """
        servers = [await self._listen(address) for address in addresses]
        stopping: asyncio.Future[bool] = asyncio.ensure_future(stop.wait())
        try:
            ready()
            await asyncio.wait({stopping, self._broken}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            await self._hang_up(servers)
            self._writing.shutdown(wait=True)
            self._reading.shutdown(wait=True)
            self._following.shutdown(wait=True)
            self._store.close()
            for address in addresses:
                _unlink(address)
        if self._broken.done():
            self._broken.result()

    async def _listen(self, address: Address) -> asyncio.Server:
        if not address.path:
            return await asyncio.start_server(self._connected, address.host, address.port)
        _unlink(address)
        server = await asyncio.start_unix_server(self._connected, address.short_path())
        _close_to_others(address)
        return server

    async def _hang_up(self, servers: list[asyncio.Server]) -> None:
        for server in servers:
            server.close()
        for task in self._talking:
            task.cancel()
        await asyncio.gather(*self._talking, return_exceptions=True)

    async def _connected(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talking.add(task)
        try:
            while True:
                request = msgspec.msgpack.decode(await _receive(reader), type=Request)
                writer.write(await self._answer(request))
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # it left, or we do
        except ValueError as error:
            self._log.warning("request.refused", error=str(error))
        finally:
            self._talking.discard(task)
            writer.close()

    async def _answer(self, request: Request) -> bytes:
        try:
            value = await self._call(request)
            return wire.frame(Answer(value=msgspec.Raw(msgspec.msgpack.encode(value))))
        except StoreUnavailableError as error:
            self._check(error)
            return wire.frame(Answer(failed="unavailable", detail=str(error)))
        except TooMuchError as error:  # who asked will ask for less
            return wire.frame(Answer(failed="too_much", detail=str(error)))
        except StoreError as error:
            self._log.error("request.refused", ask=request.ask, error=str(error))
            return wire.frame(Answer(failed="refused", detail=str(error)))

    async def _call(self, request: Request) -> object:
        if request.ask == "write":
            batch = wire.unpack(request.batch)
            with WRITE_SECONDS.time():
                written = await self._in(self._writing, self._store.write, batch)
            self._tell()
            return written
        if request.ask == "outgoing":
            await self._news_after(request.after, min(request.wait_s, WAIT_S_MAX))
        # Who has no anteroom has accepted what it keeps, and no more.
        front = isinstance(self._store, Anteroom)
        asked = "progress" if request.ask == "accepted" and not front else request.ask
        call = getattr(self._store, asked)
        return await self._in(self._pool(request.ask), call, *_arguments(request))

    def _pool(self, ask: str) -> Executor:
        if ask in _FOLLOWING and self._following is not self._reading:
            return self._following
        return self._writing if ask == "set_cursor" else self._reading

    async def _in(self, pool: Executor, call: Callable[..., Any], *args: object) -> object:
        return await asyncio.get_running_loop().run_in_executor(pool, call, *args)

    async def _news_after(self, seq: int, wait_s: float) -> None:
        try:
            async with asyncio.timeout(wait_s):
                while self._store.last_seq <= seq:
                    await self._news.wait()
        except TimeoutError:
            return

    def _tell(self) -> None:
        """Wake all who wait, and let the next ones wait anew."""
        self._news.set()
        self._news = asyncio.Event()

    def _check(self, error: StoreUnavailableError) -> None:
        if isinstance(error.__cause__, duckdb.FatalException) and not self._broken.done():
            self._broken.set_exception(StoreBrokenError(str(error)))


_FOLLOWING = ("outgoing", "incident_changes", "cursor", "set_cursor", "accepted")


async def _receive(reader: StreamReader) -> bytes:
    head = await reader.readexactly(LENGTH_BYTES)
    return await reader.readexactly(wire.body_bytes(head))


def _arguments(request: Request) -> tuple[object, ...]:
    match request.ask:
        case "set_cursor":
            return request.name, request.seq
        case "cursor":
            return (request.name,)
        case "exported":
            return request.table, request.grid, request.since, request.until
        case "incident_changes" | "outgoing":
            return request.after, request.limit
        case "progress" | "accepted" | "counts":
            return ()
        case _:
            return (request.wanted,)


def _unlink(address: Address) -> None:
    if address.path:
        Path(address.path).unlink(missing_ok=True)


def _close_to_others(address: Address) -> None:
    """Let no other account of the machine ask."""
    Path(address.path).chmod(0o600)
