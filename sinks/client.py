"""A store that another process owns."""

import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from sinks import wire
from sinks.store import (
    READ_MAX,
    Filter,
    Followed,
    Position,
    StoreRefusedError,
    StoreUnavailableError,
    TooMuchError,
)
from sinks.wire import LENGTH_BYTES, Address, Answer, Request
from weinao.outcomes import Outcome

T = TypeVar("T")


class StoreClient:
    """A `Store` over a socket. For one thread; it connects when asked, and again after a failure.

    A write that returns is committed. One that raises `StoreUnavailableError` may have been, too:
    it is sent again, and judged by its positions.

    Args:
        address: A path, or `host:port`.
        timeout_s: How long the owner may take to answer, before it counts as away.
    """

    def __init__(self, address: str | Path, *, timeout_s: float = 30.0) -> None:
        self._address, self._timeout_s = wire.address(address), timeout_s
        self._socket: socket.socket | None = None

    def write(self, batch: Sequence[Outcome]) -> int:
        return sum(
            self._ask(Request(ask="write", batch=part), int) for part in _parts(batch)
        )  # fmt: skip

    def progress(self) -> dict[str, Position]:
        return self._ask(Request(ask="progress"), dict[str, Position])

    def accepted(self) -> dict[str, Position]:
        """Return how far each grid has come, also what the owner keeps for an absent database."""
        return self._ask(Request(ask="accepted"), dict[str, Position])

    def incidents(self, wanted: Filter) -> list[Outcome]:
        return self._ask(Request(ask="incidents", wanted=wanted), list[Outcome])

    def observations(self, wanted: Filter) -> list[Outcome]:
        return self._ask(Request(ask="observations", wanted=wanted), list[Outcome])

    def deadletters(self, wanted: Filter) -> list[Outcome]:
        return self._ask(Request(ask="deadletters", wanted=wanted), list[Outcome])

    def losses(self, wanted: Filter) -> list[Outcome]:
        return self._ask(Request(ask="losses", wanted=wanted), list[Outcome])

    def hazards(self, wanted: Filter) -> list[Outcome]:
        return self._ask(Request(ask="hazards", wanted=wanted), list[Outcome])

    def risks(self, wanted: Filter) -> list[Outcome]:
        return self._ask(Request(ask="risks", wanted=wanted), list[Outcome])

    def risk_changes(self, wanted: Filter) -> list[Outcome]:
        return self._ask(Request(ask="risk_changes", wanted=wanted), list[Outcome])

    def scores(self, wanted: Filter) -> list[Outcome]:
        return self._ask(Request(ask="scores", wanted=wanted), list[Outcome])

    def tasks(self, wanted: Filter) -> list[Outcome]:
        return self._ask(Request(ask="tasks", wanted=wanted), list[Outcome])

    def notices(self, wanted: Filter) -> list[Outcome]:
        return self._ask(Request(ask="notices", wanted=wanted), list[Outcome])

    def commands(self, wanted: Filter) -> list[Outcome]:
        return self._ask(Request(ask="commands", wanted=wanted), list[Outcome])

    def due_visits(self, wanted: Filter) -> list[Outcome]:
        return self._ask(Request(ask="due_visits", wanted=wanted), list[Outcome])

    def adjustments(self, wanted: Filter) -> list[Outcome]:
        return self._ask(Request(ask="adjustments", wanted=wanted), list[Outcome])

    def incident_changes(self, after: int = 0, limit: int = READ_MAX) -> list[Followed]:
        return self._ask(
            Request(ask="incident_changes", after=after, limit=limit), list[Followed]
        )  # fmt: skip

    def outgoing(
        self, after: int = 0, limit: int = READ_MAX, wait_s: float = 0.0
    ) -> list[Followed]:
        return self._ask(
            Request(ask="outgoing", after=after, limit=limit, wait_s=wait_s), list[Followed]
        )

    def exported(self, table: str, grid: str, after: Position, until: Position) -> bytes:
        asked = Request(ask="exported", table=table, grid=grid, since=after, until=until)
        return self._ask(asked, bytes)

    def counts(self) -> dict[str, dict[str, int]]:
        return self._ask(Request(ask="counts"), dict[str, dict[str, int]])

    def cursor(self, name: str) -> int:
        return self._ask(Request(ask="cursor", name=name), int)

    def set_cursor(self, name: str, seq: int) -> None:
        self._ask(Request(ask="set_cursor", name=name, seq=seq), type(None))

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _ask(self, request: Request, shape: type[T]) -> T:
        sent = wire.frame(request)
        try:
            if self._socket is None:
                self._socket = _connect(self._address, self._timeout_s)
            self._socket.settimeout(self._timeout_s + request.wait_s)
            self._socket.sendall(sent)
            answer = msgspec.msgpack.decode(_receive(self._socket), type=Answer)
        except (OSError, ValueError) as error:
            # What comes later on this connection could be the answer to this question.
            self.close()
            raise StoreUnavailableError(f"store at {self._address} is away: {error}") from error
        if answer.failed == "unavailable":
            raise StoreUnavailableError(answer.detail)
        if answer.failed == "too_much":
            raise TooMuchError(answer.detail)
        if answer.failed == "refused":
            raise StoreRefusedError(answer.detail)
        return msgspec.msgpack.decode(answer.value, type=shape)


def _parts(batch: Sequence[Outcome]) -> Iterator[tuple[msgspec.Raw, ...]]:
    part: list[msgspec.Raw] = []
    size = 0
    for outcome in batch:
        packed = wire.pack(outcome)
        if part and size + len(packed) > wire.WRITE_BYTES_MAX:
            yield tuple(part)
            part, size = [], 0
        part.append(msgspec.Raw(packed))
        size += len(packed)
    if part:
        yield tuple(part)


def _connect(address: Address, timeout_s: float) -> socket.socket:
    if not address.path:
        made = socket.create_connection((address.host, address.port), timeout_s)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.settimeout(timeout_s)
        made.connect(address.short_path())
    except OSError:
        made.close()
        raise
    return made


def _receive(connection: socket.socket) -> bytes:
    return _exactly(connection, wire.body_bytes(_exactly(connection, LENGTH_BYTES)))


def _exactly(connection: socket.socket, size: int) -> bytes:
    received = bytearray()
    while len(received) < size:
        chunk = connection.recv(min(size - len(received), 1024**2))
        if not chunk:
            raise ConnectionResetError("it closed the connection")
        received += chunk
    return bytes(received)
