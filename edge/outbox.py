"""The agent's durable queue: what is put is on the disk, and stays until the journal has it.

    put -> [alarm | status | routine | media] -> next_batch ... acknowledge -> gone
                         too full: the lowest lane, oldest first -> Thinned + ledger

A number is given in the transaction that makes its pack durable, so numbers are contiguous per
device and boot whatever is killed when. A pack leaves only on the journal's ack, or thinned by
name. Synchronous; whoever calls sees to it that one thread at a time does (`edge/commits.py`).
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from msgspec import Struct
from structlog.typing import FilteringBoundLogger

from edge.lanes import Lane
from edge.outbox_file import open_database
from edge.room import Room
from edge.settings import OutboxSettings, UplinkSettings
from edge.thinning import Done, thin
from weinao.codec import JSON, encode
from weinao.messages import Ack, AnyObservation, Pack, TimeQuality

BOOTS_MAX = 4_096
"""Rows of `issued` kept for audits; beyond it the oldest without a pack in the queue go."""
SHORT_BYTES_MIN = 2**20
"""So much may wait however short the disk is: what is on its way to a broker that is there, and an
alarm above all, is never given up for the disk's sake."""

_DAY_MS = 86_400_000
LEAP_MS = _DAY_MS
"""A clock that leaps so far ahead was wrong when the boot got its name: it gets another."""
_STARTS_PER_DAY_MAX = 10_000
_COUNTING_SINCE_DAY = 18_262  # 2020-01-01
_NEVER = -1


class Entry(Struct, frozen=True, kw_only=True):
    """What is to be made durable: observations of one kind and device, a mark, or both.

    Attributes:
        mark: Name and value of what a driver wants to know after a restart.
    """

    device: str
    lane: Lane = Lane.ROUTINE
    obs: tuple[AnyObservation, ...] = ()
    quality: TimeQuality = TimeQuality.SYNCED
    mark: tuple[str, str] | None = None


class Placed(Struct, frozen=True):
    """Where an entry came to stand; a `seq` of 0 means that it held no observations."""

    device: str
    boot: str
    seq: int


class Item(Struct, frozen=True):
    """A pack in the queue, ready for the wire; `again` if it has been on it before."""

    id: int
    lane: Lane
    again: bool
    device: str
    kind: str
    boot: str
    seq: int
    payload: bytes


class Mark(Struct, frozen=True):
    """A driver's mark, and the pack that it became durable with."""

    name: str
    value: str
    placed: Placed


class Depth(Struct, frozen=True):
    """How much waits.

    Attributes:
        oldest_put_at: When the oldest pack was put; None when nothing waits.
    """

    items: tuple[int, ...]
    bytes: int
    oldest_put_at: int | None

    @property
    def total(self) -> int:
        """Packs of all lanes."""
        return sum(self.items)


class Outbox:
    """The queue in its file.

    Args:
        path: Of the database; its folder is made.
        settings: Its bounds.
        resend: How many may be unacknowledged, and for how long.
        log: Names what had to be given up.
        now: Milliseconds UTC, at opening.
        rng: For the random part of `boot`.
        disk_free: Bytes free where the file is.
        content_type: What packs are encoded as.
    """

    def __init__(
        self,
        path: Path,
        settings: OutboxSettings,
        resend: UplinkSettings,
        *,
        log: FilteringBoundLogger,
        now: int,
        rng: Random,
        disk_free: Callable[[], int],
        content_type: str = JSON,
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._settings, self._resend = settings, resend
        self._log, self._disk_free, self._content_type = log, disk_free, content_type
        self._rng, self._put_at = rng, now
        self._room = Room(path)
        try:
            self._db, self.boot = _begun(path, log, now, rng)
        except sqlite3.OperationalError as error:
            if not self._room.give(error):
                raise
            self._db, self.boot = _begun(path, log, now, rng)
        self._room.keep(disk_free())
        self._seqs: dict[str, int] = {}
        self._sent: dict[int, tuple[Lane, int]] = {}
        self._reached = dict.fromkeys(Lane, 0)
        self._bytes_when_short: int | None = None
        self._next_id = 1 + _one(self._db, "SELECT coalesce(max(id), 0) FROM items")
        self._items = dict.fromkeys(Lane, 0)
        self._bytes = 0
        self.thinned = dict.fromkeys(Lane, 0)
        self._count()

    def put(self, entries: Sequence[Entry], now: int) -> list[Placed]:
        """Make entries durable in one transaction, and thin what no longer fits.

        Raises:
            sqlite3.OperationalError: The disk is full or failing; nothing was kept. Try again.
        """
        if now - self._put_at > LEAP_MS:
            self.boot, self._seqs = _next_boot(self._db, now, self._rng), {}
        self._put_at = now
        seqs, next_id = dict(self._seqs), self._next_id
        bytes_before = self._bytes
        try:
            with self._transaction():
                placed = [self._place(entry, now) for entry in entries]
                self._remember_issued({one.device for one in placed if one.seq})
                done = self._thin(bytes_before, now)
        except BaseException:
            self._seqs, self._next_id = seqs, next_id
            raise
        if done:
            self._send_anew(done)
        return placed

    def next_batch(self, limit: int, urgent: int, now: int) -> list[Item]:
        """Return what to send next, in lane order, oldest first; it counts as sent from then on.

        What was sent `resend_s` ago and not acknowledged comes again. At most `unacked_max` of
        the lanes below alarm are sent and unacknowledged at a time.

        Args:
            limit: How many at most.
            urgent: How many more, if they are alarms.
            now: Milliseconds UTC, of a clock that may step.
        """
        overdue = self._overdue(now)
        batch = self._take(Lane.ALARM, limit + urgent, overdue[Lane.ALARM], now)
        for lane in list(Lane)[1:]:
            room = limit - len(batch)
            batch += self._take(lane, room, overdue[lane], now)
        return batch

    def acknowledge(self, device: str, ack: Ack) -> int:
        """Forget what the journal holds, and return how many packs that were.

        Only packs are forgotten all of whose numbers the ack covers.
        """
        return self.acknowledge_all([(device, ack)])

    def acknowledge_all(self, acks: Iterable[tuple[str, Ack]]) -> int:
        """Do as `acknowledge`, for many in one transaction."""
        gone: list[tuple[int, int, int]] = []
        with self._transaction():
            for device, ack in acks:
                for first, last in [(1, ack.seq), *ack.also]:
                    gone += self._db.execute(
                        "DELETE FROM items WHERE device = ? AND boot = ? AND first >= ?"
                        " AND seq BETWEEN ? AND ? RETURNING id, lane, bytes",
                        (device, ack.boot, first, first, last),
                    )
            self._forget(gone)
        return len(gone)

    def rewind(self) -> None:
        """Count everything as unsent; after a connection ended nobody knows what arrived."""
        self._sent.clear()
        self._reached = dict.fromkeys(Lane, 0)

    def complete_to(self, now: int) -> int:
        """Return up to when nothing is missing from the journal that was put here.

        That is `now`, or the event time of the oldest unacknowledged pack that is no status.
        """
        oldest: int | None = _one(
            self._db, "SELECT min(at) FROM items INDEXED BY items_by_at WHERE lane <> 1"
        )
        return now if oldest is None else min(oldest, now)

    def depth(self) -> Depth:
        """Return how much waits."""
        oldest = [
            self._db.execute(
                "SELECT put_at FROM items WHERE lane = ? ORDER BY id LIMIT 1", (lane,)
            ).fetchone()
            for lane, count in self._items.items()
            if count
        ]
        return Depth(
            items=tuple(self._items.values()),
            bytes=self._bytes,
            oldest_put_at=min((row[0] for row in oldest if row), default=None),
        )

    def marks(self, prefix: str) -> list[Mark]:
        """Return the marks whose names begin so."""
        rows = self._db.execute(
            "SELECT name, value, device, boot, seq FROM marks WHERE substr(name, 1, ?) = ?",
            (len(prefix), prefix),
        )
        return [Mark(name, value, Placed(*placed)) for name, value, *placed in rows]

    def ledger(self) -> list[tuple[str, str, int, int, str, int]]:
        """Return what was given up: device, boot, first, last, lane, observations."""
        return self._db.execute(
            "SELECT device, boot, first, last, lane, observations FROM ledger"
        ).fetchall()

    def issued(self) -> dict[tuple[str, str], int]:
        """Return the highest number given out, by device and boot."""
        return {(d, b): s for d, b, s in self._db.execute("SELECT device, boot, seq FROM issued")}

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _place(self, entry: Entry, now: int) -> Placed:
        placed = Placed(entry.device, self.boot, 0)
        if entry.obs:
            placed = Placed(entry.device, self.boot, self._seqs.get(entry.device, 0) + 1)
            self._seqs[entry.device] = placed.seq
            self._insert(entry, placed.seq, now)
        if entry.mark:
            self._db.execute(
                "INSERT OR REPLACE INTO marks VALUES (?, ?, ?, ?, ?)",
                (*entry.mark, placed.device, placed.boot, placed.seq),
            )
        return placed

    def _insert(self, entry: Entry, seq: int, now: int) -> None:
        pack = Pack(
            v=1,
            device=entry.device,
            boot=self.boot,
            seq=seq,
            sent=now,
            time_quality=entry.quality,
            obs=entry.obs,
        )
        payload = encode(pack, self._content_type)
        kind = str(entry.obs[0].__struct_config__.tag)
        at = min(seen.at for seen in entry.obs)
        self._db.execute(
            "INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (self._next_id, entry.lane, entry.device, self.boot, seq, seq, kind, at, now,
             len(entry.obs), len(payload), payload),
        )  # fmt: skip
        self._next_id += 1
        self._items[entry.lane] += 1
        self._bytes += len(payload)

    def _remember_issued(self, devices: Iterable[str]) -> None:
        self._db.executemany(
            "INSERT OR REPLACE INTO issued VALUES (?, ?, ?)",
            [(device, self.boot, self._seqs[device]) for device in sorted(devices)],
        )

    def _thin(self, bytes_before: int, now: int) -> Done | None:
        """Bring the queue back within its bounds; while the disk is short it may not grow much."""
        bytes_max, reason = self._settings.bytes_max, "outbox full"
        free_bytes = self._disk_free()
        self._room.keep(free_bytes)
        if free_bytes >= self._settings.disk_free_bytes_min:
            self._bytes_when_short = None
        else:
            if self._bytes_when_short is None:
                self._bytes_when_short = max(bytes_before, SHORT_BYTES_MIN)
            bytes_max, reason = min(bytes_max, self._bytes_when_short), "disk short"
        items_over = sum(self._items.values()) - self._settings.items_max
        bytes_over = self._bytes - bytes_max
        if items_over <= 0 and bytes_over <= 0:
            return None
        done = thin(
            self._db,
            items_over=items_over,
            bytes_over=bytes_over,
            reason=reason,
            now=now,
            encode=lambda pack: encode(pack, self._content_type),
        )
        self._bytes -= done.bytes
        for lane, items in done.items.items():
            self._items[lane] -= items
        return done

    def _send_anew(self, done: Done) -> None:
        for lane, packs in done.packs.items():
            self.thinned[lane] += packs
        for id_ in done.gone:
            self._sent.pop(id_, None)
        for id_, lane in done.changed.items():
            if id_ <= self._reached[lane]:
                self._sent[id_] = (lane, _NEVER)

    def _take(self, lane: Lane, limit: int, overdue: list[int], now: int) -> list[Item]:
        items: list[Item] = []
        for id_ in overdue[: max(limit, 0)]:
            items += self._read("id = ?", (id_,), again=self._sent.pop(id_)[1] != _NEVER)
        room = limit - len(items)
        if lane is not Lane.ALARM:
            room = min(room, self._resend.unacked_max - len(self._sent) - len(items))
        if room > 0 and self._items[lane]:
            fresh = self._read(
                "lane = ? AND id > ? ORDER BY id LIMIT ?", (lane, self._reached[lane], room)
            )
            self._reached[lane] = fresh[-1].id if fresh else self._reached[lane]
            items += fresh
        for item in items:
            self._sent[item.id] = (lane, now)
        return items

    def _read(self, where: str, values: tuple[int, ...], *, again: bool = False) -> list[Item]:
        rows = self._db.execute(
            f"SELECT id, lane, device, kind, boot, seq, payload FROM items WHERE {where}",  # noqa: S608  # fixed texts
            values,
        )
        return [Item(id_, Lane(lane), again, *rest) for id_, lane, *rest in rows]

    def _overdue(self, now: int) -> dict[Lane, list[int]]:
        wait_ms = self._resend.resend_s * 1_000
        overdue: dict[Lane, list[int]] = {lane: [] for lane in Lane}
        for id_, (lane, at) in self._sent.items():
            # A clock that stepped back must not hold packs for as long as it stepped.
            if at <= now < at + wait_ms:
                break  # they stand in the order in which they were sent
            overdue[lane].append(id_)
        return overdue

    def _forget(self, gone: Iterable[tuple[int, int, int]]) -> None:
        for id_, lane, size in gone:
            self._sent.pop(id_, None)
            self._items[Lane(lane)] -= 1
            self._bytes -= size

    def _count(self) -> None:
        counted = "SELECT lane, count(*), sum(bytes) FROM items GROUP BY lane"
        for lane, items, size in self._db.execute(counted):
            self._items[Lane(lane)] = items
            self._bytes += size

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        items, size = dict(self._items), self._bytes
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException as error:
            self._items, self._bytes = items, size
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            self._room.give(error)  # whoever tries again will find it
            raise


def _begun(
    path: Path, log: FilteringBoundLogger, now: int, rng: Random
) -> tuple[sqlite3.Connection, str]:
    db = open_database(path, log, now)
    try:
        return db, _next_boot(db, now, rng)
    except BaseException:
        db.close()
        raise


def _next_boot(db: sqlite3.Connection, now: int, rng: Random) -> str:
    """Count this start, and return its name, which sorts after all earlier ones.

    A new file cannot know how often the agent started before it, so it counts from a number that
    grows with the date faster than an agent can start. Where the clock was wrong when it was new,
    the number is made good as soon as the clock is right: a boot that sorts among those that are
    forgotten long ago is refused, with all the alarms in it.
    """
    row = db.execute("SELECT counter FROM starts").fetchone()
    base = max(now // _DAY_MS - _COUNTING_SINCE_DAY, 0) * _STARTS_PER_DAY_MAX
    counter = max(base, 0 if row is None else row[0]) + 1
    db.execute("BEGIN IMMEDIATE")
    db.execute("DELETE FROM starts")
    db.execute("INSERT INTO starts VALUES (?)", (counter,))
    db.execute(
        "DELETE FROM issued WHERE (device, boot) IN (SELECT device, boot FROM issued"
        " EXCEPT SELECT device, boot FROM items ORDER BY boot DESC LIMIT -1 OFFSET ?)",
        (BOOTS_MAX,),
    )
    db.execute("COMMIT")
    return f"{counter:08d}-{rng.getrandbits(24):06x}"


def _one(db: sqlite3.Connection, query: str) -> Any:  # noqa: ANN401  # as the query has it
    return db.execute(query).fetchone()[0]
