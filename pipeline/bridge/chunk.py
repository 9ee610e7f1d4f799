"""Many messages as one record of the journal: a frame costs more than a message does. Pure.

`count, lengths of payloads, lengths of topics, payloads, topics`.
"""

import struct
from array import array
from collections.abc import Sequence
from itertools import accumulate, pairwise

CONTENT_TYPE = "application/x-weinao-chunk"

BYTES_MAX = 200_000
"""No chunk is larger, so that each is whole in a record of the journal."""

OVERHEAD_BYTES = 6
"""What a message adds to its topic and payload."""

MESSAGE_BYTES_MAX = 60_000
"""A longer message is cut; nobody's reading is so long, and it ends as a dead letter."""

_COUNT = struct.Struct("<I")


class ChunkError(Exception):
    """A record is no chunk: it was written by something else."""


def pack(topics: Sequence[str], payloads: Sequence[bytes]) -> bytes:
    """Return the messages as one payload."""
    names = [topic.encode(errors="replace") for topic in topics]
    return b"".join((
        _COUNT.pack(len(payloads)),
        array("I", map(len, payloads)).tobytes(),
        array("H", map(len, names)).tobytes(),
        *payloads,
        *names,
    ))  # fmt: skip


def payloads(data: bytes) -> list[bytes]:
    """Return the payloads of a chunk, in order.

    Raises:
        ChunkError: It is none.
    """
    count, lengths, start = _lengths(data)
    ends = [*accumulate(lengths, initial=start)]
    return [data[a:b] for a, b in pairwise(ends)] if count else []


def topics(data: bytes) -> list[str]:
    """Return the topics of a chunk, in order.

    Raises:
        ChunkError: It is none.
    """
    count, lengths, start = _lengths(data)
    names = array("H")
    names.frombytes(data[_COUNT.size + 4 * count : start])
    ends = [*accumulate(names, initial=start + sum(lengths))]
    return [data[a:b].decode(errors="replace") for a, b in pairwise(ends)]


def _lengths(data: bytes) -> "tuple[int, array[int], int]":
    """Return how many messages there are, how long each payload is, and where the first begins."""
    if len(data) < _COUNT.size:
        raise ChunkError(f"{len(data)} bytes are no chunk")
    (count,) = _COUNT.unpack_from(data)
    start = _COUNT.size + 6 * count
    lengths = array("I")
    if start > len(data):
        raise ChunkError(f"{len(data)} bytes hold no chunk of {count} messages")
    lengths.frombytes(data[_COUNT.size : _COUNT.size + 4 * count])
    return count, lengths, start
