"""A link that can be cut: a TCP relay on loopback, between an agent and its broker."""

import asyncio
import threading
from contextlib import suppress


class Link:
    """Relays bytes to a target until it is cut; connections then break, and none are taken.

    Runs in a thread of its own.

    Args:
        host: Of the target.
        port: Of the target.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._up = True
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._relay, "127.0.0.1", 0)
        )
        self.port: int = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def cut(self) -> None:
        """Break what is connected, and take nobody until mended."""
        self._up = False
        self._loop.call_soon_threadsafe(self._hang_up)

    def mend(self) -> None:
        """Take connections again."""
        self._up = True

    def close(self) -> None:
        """End the relay."""
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)

    def _hang_up(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            if not self._up:
                return
            far_reader, far_writer = await asyncio.open_connection(*self._target)
            self._writers.add(far_writer)
            await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
        except OSError:
            pass  # the broker is away: the agent finds its connection closed
        finally:
            writer.transport.abort()
            self._writers.discard(writer)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(65_536):
            writer.write(chunk)
            await writer.drain()
    writer.transport.abort()
