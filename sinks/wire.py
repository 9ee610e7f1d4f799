"""How a store's owner and its clients talk: frames of four bytes of length, then MessagePack.

One question, one answer, in order, on each connection. Outcomes travel one by one inside a frame,
so that one that cannot be read costs no other.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Raw, Struct

from sinks.store import (
    READ_MAX,
    Filter,
    Position,
    StoreRefusedError,
    TooMuchError,
    set_aside,
)
from weinao.outcomes import Outcome, Reason, Rejected

FRAME_BYTES_MAX = 256 * 1024**2
"""A longer frame is refused; a batch is cut before it comes to that."""

WRITE_BYTES_MAX = 32 * 1024**2
"""How much of a batch goes into one frame."""

LENGTH_BYTES = 4

SOCKET_PATH_BYTES_MAX = 107
"""What the kernel takes as the path of a socket (`sun_path` of unix(7), without its end)."""

Question = Literal[
    "write",
    "progress",
    "incidents",
    "observations",
    "deadletters",
    "losses",
    "hazards",
    "risks",
    "risk_changes",
    "scores",
    "tasks",
    "notices",
    "commands",
    "due_visits",
    "adjustments",
    "incident_changes",
    "outgoing",
    "exported",
    "accepted",
    "counts",
    "cursor",
    "set_cursor",
]


class Request(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A call of one method of `Store`, with those of the arguments that it takes."""

    ask: Question
    batch: tuple[Raw, ...] = ()
    wanted: Filter = Filter()
    after: int = 0
    limit: int = READ_MAX
    wait_s: float = 0.0
    name: str = ""
    seq: int = 0
    table: str = ""
    grid: str = ""
    since: Position = (-1, -1)
    until: Position = (-1, -1)


class Answer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the method returned, or which error of the store it raised."""

    failed: Literal["", "unavailable", "refused", "too_much"] = ""
    detail: str = ""
    value: Raw = Raw(b"\xc0")  # None


class Address(Struct, frozen=True):
    """Where an owner listens: a socket in the file system, or a port of this machine."""

    path: str = ""
    port: int = 0
    host: str = "127.0.0.1"

    def __str__(self) -> str:
        return self.path or f"{self.host}:{self.port}"

    def short_path(self) -> str:
        """Return the path as the kernel takes it: absolute or from here, whichever is shorter.

        Raises:
            OSError: It is too long either way.
        """
        short = min(self.path, os.path.relpath(self.path), key=len)
        if len(os.fsencode(short)) > SOCKET_PATH_BYTES_MAX:
            raise OSError(f"the path is longer than {SOCKET_PATH_BYTES_MAX} bytes: use another")
        return short


def address(text: str | Path) -> Address:
    """Read `host:port`, or else a path."""
    host, colon, port = str(text).rpartition(":")
    if colon and port.isdigit() and "/" not in host:
        return Address(port=int(port), host=host or "127.0.0.1")
    return Address(path=str(text))


def frame(message: Struct) -> bytes:
    """Return a message as it travels.

    Raises:
        TooMuchError: It is longer than `FRAME_BYTES_MAX`.
    """
    body = msgspec.msgpack.encode(message)
    if len(body) > FRAME_BYTES_MAX:
        raise TooMuchError(
            f"a message of {len(body)} bytes, at most {FRAME_BYTES_MAX}: ask for less at once"
        )
    return len(body).to_bytes(LENGTH_BYTES) + body


def body_bytes(head: bytes) -> int:
    """Return the length of the frame that begins with `head`.

    Raises:
        ValueError: No frame of ours is so long; whoever speaks is no part of this.
    """
    length = int.from_bytes(head)
    if length > FRAME_BYTES_MAX:
        raise ValueError(f"a frame of {length} bytes, at most {FRAME_BYTES_MAX}")
    return length


def pack(outcome: Outcome) -> bytes:
    """Encode an outcome; one that cannot be becomes a dead letter in its place."""
    try:
        return msgspec.msgpack.encode(outcome)
    except (ValueError, TypeError, OverflowError) as error:
        return msgspec.msgpack.encode(set_aside(outcome, error))


def unpack(raws: Sequence[Raw]) -> list[Outcome]:
    """Decode outcomes; one that cannot be becomes a dead letter in its place.

    Raises:
        StoreRefusedError: Not even the place of one can be read.
    """
    return [_unpack(raw) for raw in raws]


class _Placed(Struct, frozen=True):
    grid: str
    offset: int
    index: int
    received_at: int


_outcome = msgspec.msgpack.Decoder(Outcome).decode
_placed = msgspec.msgpack.Decoder(_Placed).decode


def _unpack(raw: Raw) -> Outcome:
    try:
        return _outcome(raw)
    except msgspec.MsgspecError as error:
        return _unreadable(raw, error)


def _unreadable(raw: Raw, error: Exception) -> Outcome:
    try:
        placed = _placed(raw)
    except msgspec.MsgspecError as again:
        raise StoreRefusedError(f"an outcome without a place in the journal: {again}") from error
    letter = Rejected(
        reason=Reason.UNSTORABLE,
        detail=f"outcome cannot be read by the store: {error}"[:500],
        topic="",
        payload=bytes(raw)[:4_096],
        size=len(bytes(raw)),
        received_at=placed.received_at,
    )
    return Outcome(
        grid=placed.grid,
        offset=placed.offset,
        index=placed.index,
        received_at=placed.received_at,
        value=letter,
    )
