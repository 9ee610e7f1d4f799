"""The journal: everything that arrived, in order, on disk before anybody is told that it is kept.

A folder of segments, each named by the place of its first byte; an offset is a place in all of
them laid end to end. A frame is `header, topic, content type, payload`, with a checksum. One writer
commits in groups; it publishes how far the journal is durable in `durable`, eight bytes that
readers map, so that no reader ever sees what a loss of power could still take back.
"""

import errno
import fcntl
import mmap
import os
import struct
import time
import zlib
from bisect import bisect_right
from itertools import pairwise
from pathlib import Path

from msgspec import Struct

SEGMENT_BYTES_MAX = 64 * 2**20
PAYLOAD_BYTES_MAX = 262_144
"""A larger payload is cut to `PAYLOAD_CUT_BYTES` when written; its size stays known."""

PAYLOAD_CUT_BYTES = 65_536

_HEAD = struct.Struct("<IIqIHH")
"""Length of what follows, its checksum, received_at, size of the payload as it came, lengths of
topic and content type. The checksum covers all that follows it."""

_REST = struct.Struct("<qIHH")

_END = struct.Struct("<q")
_FRAME_BYTES_MAX = _HEAD.size + 2 * 65_535 + PAYLOAD_BYTES_MAX
_READ_BYTES = 1 << 18
_READ_ALL = 1 << 62

LOOK_S = 0.001
"""How often a reader that waits looks whether there is more."""


class JournalError(Exception):
    """Something is wrong with a journal."""


class JournalCorruptError(JournalError):
    """A record that was durable cannot be read. The disk is at fault: restore the segment."""


class JournalBusyError(JournalError):
    """Another process writes to this journal; there must be one."""


class JournalGoneError(JournalError):
    """What is asked for was there once, and was trimmed. Begin where the journal begins now."""


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
        free_bytes_min: So much of the disk is left to the others; short of it, nothing is
            committed, nothing acknowledged, and senders keep what they have.

    Raises:
        JournalBusyError: Another writer has it.
        JournalCorruptError: The last segment is damaged below its durable end.
    """

    def __init__(
        self,
        folder: Path,
        *,
        segment_bytes_max: int = SEGMENT_BYTES_MAX,
        free_bytes_min: int = 0,
    ) -> None:
        if not folder.exists():
            folder.mkdir(parents=True)
            _sync(folder.parent)
        self._folder, self._segment_bytes_max = folder, segment_bytes_max
        self._free_bytes_min = free_bytes_min
        self._lock = _lock(folder)
        self._pending: list[bytes] = []
        try:
            self._durable = _map_end(folder, writable=True)
            self.identity = _identify(folder)
            self._base = max(_bases(folder), default=0)
            self._fd = self._open_segment(self._base)
            self._last_at, self.end = self._recover()
        except BaseException:
            os.close(self._lock)
            raise
        self._appended = self.end
        _END.pack_into(self._durable, 0, self.end)

    @property
    def pending_bytes(self) -> int:
        """What waits for the next commit."""
        return self._appended - self.end

    @property
    def last_at(self) -> int:
        """When the newest record was journalled, milliseconds UTC; 0 for none."""
        return self._last_at

    def append(
        self, topic: str, payload: bytes, *, received_at: int, content_type: str = ""
    ) -> int:
        """Add a record to the next commit and return its offset."""
        size = len(payload)
        if size > PAYLOAD_BYTES_MAX:
            payload = payload[:PAYLOAD_CUT_BYTES]
        name = topic.encode(errors="replace")[:65_535]
        kind = content_type.encode(errors="replace")[:65_535]
        self._last_at = max(self._last_at, received_at)
        body = b"".join((name, kind, payload))
        rest = (self._last_at, size, len(name), len(kind))
        checksum = zlib.crc32(body, zlib.crc32(_REST.pack(*rest)))
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
        self._check_room()
        if self.end - self._base >= self._segment_bytes_max:
            self._roll()
        blob = b"".join(self._pending)
        place, written = self.end - self._base, 0
        while written < len(blob):
            written += os.pwrite(self._fd, memoryview(blob)[written:], place + written)
        # After a failure everything is written anew: the kernel may have dropped what it could
        # not write, and would report success for an empty sync.
        os.fdatasync(self._fd)
        self._pending.clear()
        self.end += len(blob)
        _END.pack_into(self._durable, 0, self.end)
        return self.end

    def close(self) -> None:
        """Let go of the folder; what was not committed is gone."""
        os.close(self._fd)
        self._durable.close()
        os.close(self._lock)

    def _check_room(self) -> None:
        if not self._free_bytes_min:
            return
        disk = os.fstatvfs(self._fd)
        left = disk.f_bavail * disk.f_frsize - self.pending_bytes
        if left < self._free_bytes_min:
            raise OSError(
                errno.ENOSPC,
                f"{self._folder}: {left} bytes would be left on the disk,"
                f" at least {self._free_bytes_min} belong to the others",
            )

    def _roll(self) -> None:
        fd = self._open_segment(self.end)
        os.close(self._fd)
        self._fd, self._base = fd, self.end

    def _open_segment(self, base: int) -> int:
        fd = os.open(self._folder / _name(base), os.O_RDWR | os.O_CREAT, 0o600)
        _sync(self._folder)
        return fd

    def _recover(self) -> tuple[int, int]:
        """Cut what a crash left half written; return the last time and the end."""
        length = os.fstat(self._fd).st_size
        last_at, place = _last_frame(os.pread(self._fd, length, 0))
        end = self._base + place
        promised = _END.unpack_from(self._durable, 0)[0]
        if end < promised:
            raise JournalCorruptError(
                f"{self._folder / _name(self._base)}: durable up to {promised}, readable only up"
                f" to {end}; restore the segment from a backup"
            )
        if place < length:
            os.ftruncate(self._fd, place)
        # What a killed writer left whole may never have reached the disk.
        os.fsync(self._fd)
        if place == 0 and self._base > 0:
            before = max(base for base in _bases(self._folder) if base < self._base)
            last_at, _ = _last_frame((self._folder / _name(before)).read_bytes())
        return last_at, end


class JournalReader:
    """Reads what is durable, from any record's offset on, while the writer goes on writing.

    Args:
        folder: Of the journal; it may be empty or absent still.
        offset: Of the first record to read, or the end; None for the oldest that there is.
    """

    def __init__(self, folder: Path, offset: int | None = None) -> None:
        self._folder = folder
        self.offset = oldest(folder) if offset is None else offset
        self._durable: mmap.mmap | None = None
        self._bases: list[int] = []
        self._file: tuple[int, int] | None = None

    @property
    def end(self) -> int:
        """How far the journal is durable."""
        if self._durable is None:
            try:
                if (self._folder / "durable").stat().st_size < _END.size:
                    return 0
            except FileNotFoundError:
                return 0
            self._durable = _map_end(self._folder, writable=False)
        return int(_END.unpack_from(self._durable, 0)[0])

    def read(self, records_max: int, bytes_max: int = _READ_ALL) -> list[Record]:
        """Return the next records, at most so many; none if there are no further ones yet.

        Args:
            records_max: At most so many.
            bytes_max: End with the record, or a little behind it, that reaches so many bytes.

        Raises:
            JournalCorruptError: A durable record cannot be read.
            JournalGoneError: They were trimmed.
        """
        records: list[Record] = []
        end, enough = self.end, self.offset + bytes_max
        while len(records) < records_max and self.offset < min(end, enough):
            if not self._read_some(records, records_max, end):
                break
        return records

    def begins(self, offset: int) -> bool:
        """Return whether one that was read is the first of a segment, and not of the journal."""
        place = bisect_right(self._bases, offset) - 1
        return offset > 0 and place >= 0 and self._bases[place] == offset

    def begun_before(self, offset: int) -> int:
        """Return where the last segment begins of which something before an offset was read."""
        if not self._bases:
            self._look_for_segments()
        return max((base for base in self._bases if base < offset), default=0)

    def wait(self, seconds: float) -> bool:
        """Return once there is something to read, or after a while; return whether there is."""
        deadline = time.monotonic() + seconds
        while self.end <= self.offset:
            if time.monotonic() >= deadline:
                return False
            time.sleep(LOOK_S)
        return True

    def close(self) -> None:
        """Let go of the files."""
        if self._file is not None:
            os.close(self._file[1])
            self._file = None
        if self._durable is not None:
            self._durable.close()
            self._durable = None

    def _read_some(self, records: list[Record], records_max: int, end: int) -> bool:
        """Read on in one segment; False where a damaged record follows what was read already."""
        base, fd, limit = self._segment(end)
        data = b""
        for size in (_READ_BYTES, _FRAME_BYTES_MAX):
            data = os.pread(fd, min(size, limit - self.offset), self.offset - base)
            if self._unpack(data, records, records_max):
                return True
        if not data and self._look_for_segments():
            return True
        if records:
            return False
        raise JournalCorruptError(
            f"{self._folder / _name(base)}: the record at offset {self.offset} is damaged;"
            " restore the segment from a backup"
        )

    def _unpack(self, data: bytes, records: list[Record], records_max: int) -> int:
        """Take the whole and sound records at the start of `data`; return how many bytes."""
        place, header, length_of = 0, _HEAD.size, len(data)
        while len(records) < records_max and place + header <= length_of:
            length, checksum, received_at, size, name, kind = _HEAD.unpack_from(data, place)
            start = place + header
            stop = start + length
            if stop > length_of or zlib.crc32(data[place + 8 : stop]) != checksum:
                break
            topic, content = start + name, start + name + kind
            records.append(
                Record(
                    self.offset + place,
                    received_at,
                    data[start:topic].decode(errors="replace"),
                    data[topic:content].decode(errors="replace"),
                    data[content:stop],
                    size,
                )
            )
            place = stop
        self.offset += place
        return place

    def _segment(self, end: int) -> tuple[int, int, int]:
        """Return base and file of the segment that holds the offset, and where to stop in it."""
        if not self._bases:
            self._look_for_segments()
        index = bisect_right(self._bases, self.offset) - 1
        if index < 0:
            raise self._gone()
        base = self._bases[index]
        if self._file is None or self._file[0] != base:
            if self._file is not None:
                os.close(self._file[1])
                self._file = None
            try:
                self._file = (base, os.open(self._folder / _name(base), os.O_RDONLY))
            except FileNotFoundError:
                raise self._gone() from None
        limit = self._bases[index + 1] if index + 1 < len(self._bases) else end
        return base, self._file[1], min(limit, end)

    def _look_for_segments(self) -> bool:
        """Return whether there are others than were known."""
        known, self._bases = self._bases, _bases(self._folder)
        return self._bases != known

    def _gone(self) -> JournalGoneError:
        return JournalGoneError(
            f"{self._folder}: begins at offset {oldest(self._folder)};"
            f" what was at {self.offset} was trimmed"
        )


def retain(folder: Path, offset: int, bytes_min: int = 0) -> int:
    """Delete segments that end before `offset`, all but the last `bytes_min`; return what went.

    Args:
        folder: Of the journal.
        offset: Nobody reads before this any more.
        bytes_min: So much is kept in any case, for whoever looks back.
    """
    bases = _bases(folder)
    gone = 0
    for base, following in pairwise(bases):
        length = following - base
        if following > min(offset, bases[-1] - bytes_min):
            break
        remove(folder, base)
        gone += length
    return gone


def remove(folder: Path, base: int) -> None:
    """Delete the oldest segment, durably: what is left is never a journal with a hole."""
    (folder / _name(base)).unlink(missing_ok=True)
    _sync(folder)


def oldest(folder: Path) -> int:
    """Return the offset of the oldest record that a journal still has; 0 for an empty one."""
    return min(_bases(folder), default=0)


def segments(folder: Path) -> list[int]:
    """Return where each segment of a journal begins, the oldest first."""
    return _bases(folder)


def begun_at(folder: Path, base: int) -> int:
    """Return when the first record of a segment was journalled; 0 for an empty one."""
    with (folder / _name(base)).open("rb") as file:
        head = file.read(_HEAD.size)
    return int(_HEAD.unpack(head)[2]) if len(head) == _HEAD.size else 0


def identity_of(folder: Path) -> int:
    """Return the number that tells this journal from any other; 0 if it was never given one."""
    try:
        found = (folder / "identity").read_bytes()
    except FileNotFoundError:
        return 0
    return int(_END.unpack(found)[0]) if len(found) == _END.size else 0


def _name(base: int) -> str:
    return f"{base:020d}.log"


def _bases(folder: Path) -> list[int]:
    return sorted(int(path.stem) for path in folder.glob("*.log"))


def _sync(folder: Path) -> None:
    """Make durable which files a folder has."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _lock(folder: Path) -> int:
    fd = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(fd)
        raise JournalBusyError(f"{folder}: another process writes to this journal") from error
    return fd


def _identify(folder: Path) -> int:
    """Return who a journal is; who has no number yet is given one, by chance, once."""
    if not identity_of(folder):
        draft = folder / "identity.new"
        with draft.open("wb") as file:
            file.write(_END.pack(int.from_bytes(os.urandom(8)) >> 1 | 1))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(folder / "identity")
        _sync(folder)
    return identity_of(folder)


def _map_end(folder: Path, *, writable: bool) -> mmap.mmap:
    flags = os.O_RDWR | os.O_CREAT if writable else os.O_RDONLY
    fd = os.open(folder / "durable", flags, 0o600)
    try:
        if writable and os.fstat(fd).st_size < _END.size:
            # Written, not only lengthened: a hole in a mapped file would kill us on a full disk.
            os.pwrite(fd, bytes(_END.size), 0)
            os.fsync(fd)
        return mmap.mmap(fd, _END.size, access=mmap.ACCESS_WRITE if writable else mmap.ACCESS_READ)
    finally:
        os.close(fd)


def _last_frame(data: bytes) -> tuple[int, int]:
    """Return the time and the end of the last of the whole and sound frames at the start."""
    last_at = place = 0
    while place + _HEAD.size <= len(data):
        length, checksum, received_at, *_ = _HEAD.unpack_from(data, place)
        stop = place + _HEAD.size + length
        if stop > len(data) or zlib.crc32(data[place + 8 : stop]) != checksum:
            break
        last_at, place = received_at, stop
    return last_at, place
