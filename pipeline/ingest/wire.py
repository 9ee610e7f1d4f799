"""A paho client whose socket is read and written in large pieces.

paho asks the kernel three times for every packet, and once for every PUBACK; with a buffer between
the two a message costs about half as much.
"""

import socket
import ssl
from typing import TYPE_CHECKING

import paho.mqtt.client as mqtt

if TYPE_CHECKING:
    from paho.mqtt.client import SocketLike

READ_BYTES = 1 << 16


class BufferedSocket:
    """Has the methods that paho calls; what it sends leaves with `flush`."""

    def __init__(self, sock: "SocketLike") -> None:
        self._sock = sock
        self._unread, self._place = b"", 0
        self._unsent = bytearray()

    @property
    def unsent(self) -> int:
        """Bytes that wait for `flush`."""
        return len(self._unsent)

    def recv(self, size: int) -> bytes:
        """Return at most `size` bytes; empty once the peer has hung up.

        Raises:
            BlockingIOError: There is nothing just now.
        """
        if self._place >= len(self._unread):
            self._unread, self._place = self._sock.recv(max(size, READ_BYTES)), 0
        piece = self._unread[self._place : self._place + size]
        self._place += len(piece)
        return piece

    def pending(self) -> int:
        """Return how many bytes can be had without asking the kernel."""
        below = self._sock.pending() if isinstance(self._sock, ssl.SSLSocket) else 0
        return len(self._unread) - self._place + below

    def send(self, buffer: bytes | bytearray) -> int:
        """Keep data for `flush`."""
        self._unsent += buffer
        return len(buffer)

    def flush(self) -> None:
        """Send as much as the kernel takes."""
        try:
            while self._unsent:
                del self._unsent[: self._sock.send(self._unsent)]
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError:
            # The next read meets the same broken connection, and says so.
            self._unsent.clear()

    def close(self) -> None:
        """Hang up."""
        self._sock.close()

    def fileno(self) -> int:
        """Return what `select` waits for."""
        return self._sock.fileno()

    def setblocking(self, flag: bool) -> None:
        """Say whether `recv` may wait."""
        self._sock.setblocking(flag)


class BufferedClient(mqtt.Client):
    """A client that reads and writes through a buffer, without delay."""

    @property
    def unread(self) -> int:
        """Bytes that came and are not taken apart yet."""
        sock = self.socket()
        return sock.pending() if isinstance(sock, BufferedSocket) else 0

    @property
    def unsent(self) -> int:
        """Bytes that wait for `flush`."""
        sock = self.socket()
        return sock.unsent if isinstance(sock, BufferedSocket) else 0

    def flush(self) -> None:
        """Send what waits."""
        if self.want_write():
            self.loop_write()  # what a callback asked for
        sock = self.socket()
        if isinstance(sock, BufferedSocket):
            sock.flush()

    def _create_socket(self) -> "SocketLike":
        # paho offers no public way to put a socket of one's own in this place (2.2).
        sock = super()._create_socket()
        if isinstance(sock, socket.socket):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return BufferedSocket(sock)
