"""The journal: everything that arrived, in order, on disk before anybody is told that it is kept.

A folder of segments, each named by the place of its first byte; an offset is a place in all of
them laid end to end. A frame is `header, topic, content type, payload`, with a checksum. One writer
commits in groups; it publishes how far the journal is durable in `durable`, eight bytes that
readers map, so that no reader ever sees what a loss of power could still take back.
"""

import fcntl
import mmap
import os
import struct
import zlib
from bisect import bisect_right
from pathlib import Path

from msgspec import Struct

SEGMENT_BYTES_MAX = 64 * 2**20
PAYLOAD_BYTES_MAX = 262_144
"""A larger payload is cut to `PAYLOAD_CUT_BYTES` when written; its size stays known."""

PAYLOAD_CUT_BYTES = 65_536

_HEAD = struct.Struct("<IIqIHH")
"""Length of what follows, its checksum, received_at, size of the payload as it came, lengths of
topic and content type."""

_END = struct.Struct("<q")
_READ_BYTES = 1 << 18


class JournalError(Exception):
    """Something is wrong with a journal."""


class JournalCorruptError(JournalError):
    """A frame that was durable cannot be read. The disk is at fault: restore the segment."""


class JournalBusyError(JournalError):
    """Another process writes to this journal; there must be one."""


class Record(Struct, frozen=True):
    """One message as it arrived, or a tick.

    Attributes:
        offset: Its place in the journal.
        received_at: When it was journalled, milliseconds UTC; never decreases.
        size: Length of the payload as it came; more than `payload` has if that was cut.
    """

    offset: int
    received_at: int
    topic: str
    content_type: str
    payload: bytes
    size: int


class JournalWriter:
    """Appends; what was appended is durable once `commit` has returned.

    Args:
        folder: Made when absent.
        segment_bytes_max: A segment that has reached this is followed by the next.

    Raises:
        JournalBusyError: Another writer has it.
        JournalCorruptError: The last segment is damaged below its durable end.
    """

    def __init__(self, folder: Path, *, segment_bytes_max: int = SEGMENT_BYTES_MAX) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._segment_bytes_max = folder, segment_bytes_max
        self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._lock)
            raise JournalBusyError(f"{folder}: another process writes to this journal") from error
        self._durable = _map_end(folder, writable=True)
        bases = _bases(folder) or [0]
        self._base = bases[-1]
        self._fd = self._open_segment(self._base)
        self._last_at, self.end = self._recover()
        self._pending: list[bytes] = []
        self._appended = self.end
        _END.pack_into(self._durable, 0, self.end)

    def append(
        self, topic: str, payload: bytes, *, received_at: int, content_type: str = ""
    ) -> int:
        """Add a record to the next commit and return its offset."""
        size = len(payload)
        if size > PAYLOAD_BYTES_MAX:
            payload = payload[:PAYLOAD_CUT_BYTES]
        name, kind = topic.encode()[:65_535], content_type.encode()[:65_535]
        self._last_at = max(self._last_at, received_at)
        body = b"".join((name, kind, payload))
        rest = (self._last_at, size, len(name), len(kind))
        checksum = zlib.crc32(body, zlib.crc32(struct.pack("<qIHH", *rest)))
        self._pending += (_HEAD.pack(len(body), checksum, *rest), body)
        offset = self._appended
        self._appended += _HEAD.size + len(body)
        return offset

    def commit(self) -> int:
        """Make everything appended durable and return the end of the journal.

        Raises:
            OSError: Nothing of this commit counts yet; call again to try again.
        """
        if not self._pending:
            return self.end
        blob = b"".join(self._pending)
        place = self.end - self._base
        written = 0
        while written < len(blob):
            written += os.pwrite(self._fd, memoryview(blob)[written:], place + written)
        os.fdatasync(self._fd)
        self._pending.clear()
        self.end += len(blob)
        _END.pack_into(self._durable, 0, self.end)
        if self.end - self._base >= self._segment_bytes_max:
            os.close(self._fd)
            self._base = self.end
            self._fd = self._open_segment(self._base)
        return self.end

    def close(self) -> None:
        """Let go of the folder; what was not committed is gone."""
        os.close(self._fd)
        self._durable.close()
        os.close(self._lock)

    def _open_segment(self, base: int) -> int:
        fd = os.open(self._folder / _name(base), os.O_RDWR | os.O_CREAT, 0o600)
        folder = os.open(self._folder, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
        return fd

    def _recover(self) -> tuple[int, int]:
        """Cut what a crash left half written; return the last time and the end."""
        length = os.fstat(self._fd).st_size
        data = os.pread(self._fd, length, 0)
        at, place, last_at = 0, 0, 0
        while (found := _frame(data, place)) is not None:
            last_at, place = found[0], found[1]
            at = place
        promised = _END.unpack_from(self._durable, 0)[0]
        if self._base + at < promised <= self._base + length:
            raise JournalCorruptError(
                f"{self._folder / _name(self._base)}: durable up to {promised}, readable only up"
                f" to {self._base + at}"
            )
        if at < length:
            os.ftruncate(self._fd, at)
            os.fsync(self._fd)
        if last_at == 0 and self._base > 0:
            last_at = _last_time(self._folder, self._base)
        return last_at, self._base + at


class JournalReader:
    """Reads what is durable, from any record's offset on, while the writer goes on writing.

    Args:
        folder: Of the journal; it may be empty or absent still.
        offset: Of the first record to read, or the end.
    """

    def __init__(self, folder: Path, offset: int = 0) -> None:
        self._folder, self.offset = folder, offset
        self._durable: mmap.mmap | None = None
        self._file: tuple[int, int] | None = None

    @property
    def end(self) -> int:
        """How far the journal is durable."""
        if self._durable is None:
            if not (self._folder / "durable").exists():
                return 0
            self._durable = _map_end(self._folder, writable=False)
        return int(_END.unpack_from(self._durable, 0)[0])

    def read(self, records_max: int) -> list[Record]:
        """Return the next records, at most so many; none if there are no further ones yet.

        Raises:
            JournalCorruptError: A durable record cannot be read.
        """
        records: list[Record] = []
        while len(records) < records_max and self.offset < self.end:
            before = self.offset
            self._read_some(records, records_max)
            if self.offset == before:
                break
        return records

    def close(self) -> None:
        """Let go of the files."""
        if self._file is not None:
            os.close(self._file[1])
            self._file = None
        if self._durable is not None:
            self._durable.close()
            self._durable = None

    def _read_some(self, records: list[Record], records_max: int) -> None:
        base, fd, limit = self._segment()
        wanted = min(_READ_BYTES, limit - self.offset)
        data = os.pread(fd, wanted, self.offset - base)
        place = 0
        while len(records) < records_max:
            if place + _HEAD.size > len(data):
                break
            length, checksum, received_at, size, name, kind = _HEAD.unpack_from(data, place)
            start, stop = place + _HEAD.size, place + _HEAD.size + length
            if stop > len(data):
                if place == 0:
                    data = os.pread(fd, _HEAD.size + length, self.offset - base)
                    if len(data) < _HEAD.size + length:
                        raise self._corrupt(base)
                    continue
                break
            if zlib.crc32(data[start:stop], zlib.crc32(data[place + 8 : start])) != checksum:
                raise self._corrupt(base)
            records.append(
                Record(
                    self.offset,
                    received_at,
                    data[start : start + name].decode(errors="replace"),
                    data[start + name : start + name + kind].decode(errors="replace"),
                    data[start + name + kind : stop],
                    size,
                )
            )
            self.offset += stop - place
            place = stop

    def _segment(self) -> tuple[int, int, int]:
        """Return base and file of the segment that holds the offset, and where to stop in it."""
        bases = _bases(self._folder)
        index = bisect_right(bases, self.offset) - 1
        if index < 0:
            raise JournalCorruptError(f"{self._folder}: no segment holds offset {self.offset}")
        base = bases[index]
        if self._file is None or self._file[0] != base:
            if self._file is not None:
                os.close(self._file[1])
            self._file = (base, os.open(self._folder / _name(base), os.O_RDONLY))
        limit = bases[index + 1] if index + 1 < len(bases) else self.end
        return base, self._file[1], min(limit, self.end)

    def _corrupt(self, base: int) -> JournalCorruptError:
        return JournalCorruptError(
            f"{self._folder / _name(base)}: the record at offset {self.offset} is damaged;"
            " restore the segment from a backup"
        )


def _name(base: int) -> str:
    return f"{base:020d}.log"


def _bases(folder: Path) -> list[int]:
    return sorted(int(path.stem) for path in folder.glob("*.log"))


def _map_end(folder: Path, *, writable: bool) -> mmap.mmap:
    flags = os.O_RDWR | os.O_CREAT if writable else os.O_RDONLY
    fd = os.open(folder / "durable", flags, 0o600)
    try:
        if writable and os.fstat(fd).st_size < _END.size:
            os.ftruncate(fd, _END.size)
        return mmap.mmap(fd, _END.size, access=mmap.ACCESS_WRITE if writable else mmap.ACCESS_READ)
    finally:
        os.close(fd)


def _frame(data: bytes, place: int) -> tuple[int, int] | None:
    """Return time and end of the frame at `place`; None where there is no whole one."""
    start = place + _HEAD.size
    if start > len(data):
        return None
    length, checksum, received_at, *_ = _HEAD.unpack_from(data, place)
    if start + length > len(data):
        return None
    if zlib.crc32(data[start : start + length], zlib.crc32(data[place + 8 : start])) != checksum:
        return None
    return received_at, start + length


def _last_time(folder: Path, base: int) -> int:
    """Return the time of the last record before the segment at `base`."""
    before = _bases(folder)[_bases(folder).index(base) - 1]
    data = (folder / _name(before)).read_bytes()
    place, last_at = 0, 0
    while (found := _frame(data, place)) is not None:
        last_at, place = found
    return last_at
