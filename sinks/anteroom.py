"""In front of a database: alarms go on at once, and what it cannot take now waits on our disk.

    write -+-> alarms -> told (SQLite, durable) -> who follows is woken: the database has no part
           +-> the database, if it answers in time
           +-> else waiting (SQLite, durable) -> the database, in order, once it is back

The flow goes on meanwhile, so that it finds the next alarm; when no more may wait, it waits itself,
and the journal grows. What is sent twice is judged by its position, as in the database.
"""

import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import msgspec

from sinks import wire
from sinks.store import (
    OF_JOURNAL,
    READ_MAX,
    Filter,
    Followed,
    Position,
    Store,
    StoreRefusedError,
    StoreUnavailableError,
)
from weinao.metrics import Gauge
from weinao.outage import Outage
from weinao.outcomes import Command, Incident, Notice, Outcome, Task

PATIENCE_S = 1.0
"""How long the database may take over a batch before it has to wait, so that the next alarm need
not; a tenth of what an alarm may take to reach a person."""

WAITING_BYTES_MAX = 4 * 2**30
"""So much may wait, compressed: about an hour at 5,000 readings a second. Then the flow waits."""

ASK_S = 1.0
"""How often to ask a database that is away whether it is back."""

BEGIN_S_MAX = 5.0
"""How long a question may wait, at the start, until the database was asked for the first time."""

LOOK_S = 0.2
"""How often to look whether somebody else has written alarms."""

WAITING = Gauge("weinao_sinks_waiting_bytes", "Outcomes that wait for the database, compressed.")


class Anteroom:
    """An owned store whose alarms do not wait for its database.

    Args:
        store: The database.
        path: Of the file in which alarms and what waits are kept.
        outage: Told when the database goes and comes.
        patience_s: How long a batch may take.
        waiting_bytes_max: How much may wait.
    """

    def __init__(
        self,
        store: Store,
        path: Path,
        outage: Outage,
        *,
        patience_s: float = PATIENCE_S,
        waiting_bytes_max: int = WAITING_BYTES_MAX,
    ) -> None:
        self._store, self._outage = store, outage
        self._patience_s, self._waiting_bytes_max = patience_s, waiting_bytes_max
        self._lock, self._stop = threading.RLock(), threading.Event()
        self._db = _opened(path)
        self._keeping = ThreadPoolExecutor(1, "keeping")
        self._reached = {g: (o, i) for g, o, i in self._db.execute("SELECT * FROM reached")}
        self._seq = _one(self._db, "SELECT coalesce(max(seq), 0) FROM told")
        self._seen = _one(self._db, "SELECT seq FROM adopted")
        self._bytes = _one(self._db, "SELECT coalesce(sum(length(batch)), 0) FROM waiting")
        WAITING.set(self._bytes)
        self._draining, self._asked = False, threading.Event()
        self._losses = 0
        self._ready = bool(_one(self._db, "SELECT ready FROM adopted"))
        self.news: Callable[[], object] = lambda: None
        """Called, from any thread, when there is something new to follow."""

        if _one(self._db, "SELECT count(*) FROM waiting"):
            self._drain_soon()
        self._adopting = threading.Thread(target=self._adopt_on, name="adopting", daemon=True)
        self._adopting.start()

    @property
    def last_seq(self) -> int:
        """The `seq` of the newest alarm."""
        return self._seq

    def write(self, batch: Sequence[Outcome]) -> int:
        self._check_ready()
        self._tell(batch)
        if not self._draining:
            try:
                return self._kept(self._keeping.submit(self._store.write, batch), self._losses)
            except StoreUnavailableError as error:
                with self._lock:  # nobody may take it for back before something waits for it
                    self._lost(error)
                    self._let_wait(batch)
                return len(batch)
        self._let_wait(batch)
        return len(batch)

    def outgoing(
        self, after: int = 0, limit: int = READ_MAX, wait_s: float = 0.0
    ) -> list[Followed]:
        del wait_s  # whoever serves us waits for `news`
        return self._told("SELECT seq, outcome FROM told WHERE seq > ? ORDER BY seq", after, limit)

    def incident_changes(self, after: int = 0, limit: int = READ_MAX) -> list[Followed]:
        asked = "SELECT seq, outcome FROM told WHERE seq > ? AND kind = 'incident' ORDER BY seq"
        return self._told(asked, after, limit)

    def progress(self) -> dict[str, Position]:
        return self._store.progress()

    def accepted(self) -> dict[str, Position]:
        """Return how far each grid has come, what waits for the database included."""
        self._check_ready()
        with self._lock:
            return dict(self._reached)

    def waits_from(self) -> dict[str, int]:
        """Return, for each grid, from which journal offset on something waits for the database.

        So much of the journal is kept: whoever loses this file can have it concluded again.
        """
        with self._lock:
            return dict(self._db.execute("SELECT grid, journal_offset FROM held").fetchall())

    def cursor(self, name: str) -> int:
        self._check_ready()
        with self._lock:
            found = self._db.execute("SELECT seq FROM cursors WHERE name = ?", [name]).fetchone()
        return int(found[0]) if found else self._adopted_cursor(name)

    def set_cursor(self, name: str, seq: int) -> None:
        if name.startswith(OF_JOURNAL):
            # Whose positions the database has must be known also to who has nothing but it.
            self._store.set_cursor(name, seq)
        with self._lock, _ours(self._db) as db:
            db.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?)", [name, seq])

    def incidents(self, wanted: Filter) -> list[Outcome]:
        return self._store.incidents(wanted)

    def observations(self, wanted: Filter) -> list[Outcome]:
        return self._store.observations(wanted)

    def deadletters(self, wanted: Filter) -> list[Outcome]:
        return self._store.deadletters(wanted)

    def losses(self, wanted: Filter) -> list[Outcome]:
        return self._store.losses(wanted)

    def hazards(self, wanted: Filter) -> list[Outcome]:
        return self._store.hazards(wanted)

    def risks(self, wanted: Filter) -> list[Outcome]:
        return self._store.risks(wanted)

    def risk_changes(self, wanted: Filter) -> list[Outcome]:
        return self._store.risk_changes(wanted)

    def scores(self, wanted: Filter) -> list[Outcome]:
        return self._store.scores(wanted)

    def tasks(self, wanted: Filter) -> list[Outcome]:
        return self._store.tasks(wanted)

    def notices(self, wanted: Filter) -> list[Outcome]:
        return self._store.notices(wanted)

    def commands(self, wanted: Filter) -> list[Outcome]:
        return self._store.commands(wanted)

    def due_visits(self, wanted: Filter) -> list[Outcome]:
        return self._store.due_visits(wanted)

    def adjustments(self, wanted: Filter) -> list[Outcome]:
        return self._store.adjustments(wanted)

    def counts(self) -> dict[str, dict[str, int]]:
        return self._store.counts()

    def exported(self, table: str, grid: str, after: Position, until: Position) -> bytes:
        return self._store.exported(table, grid, after, until)

    def close(self) -> None:
        self._stop.set()
        self._keeping.shutdown(wait=True)
        self._adopting.join()
        with self._lock:
            self._db.close()
        self._store.close()

    def _kept(self, written: "Future[int]", losses: int) -> int:
        try:
            count = written.result(self._patience_s)
        except TimeoutError as error:
            # It goes on; what it keeps now, it will skip when it comes again.
            slow = f"the database has not kept a batch within {self._patience_s} s"
            raise StoreUnavailableError(slow) from error
        self._restored(losses)
        return count

    def _check_ready(self) -> None:
        """Refuse what cannot be judged before the database was asked, once at least.

        Raises:
            StoreUnavailableError: It has never told us what it has, or we have just begun.
        """
        if not (self._asked.wait(BEGIN_S_MAX) and self._ready):
            raise StoreUnavailableError("the database has not told yet what it has")

    def _tell(self, batch: Sequence[Outcome]) -> None:
        """Pass on the alarms among what is new, and remember how far each grid has come."""
        with self._lock:
            new = [*_after(self._reached, batch)]
            alarms = [one for one in new if isinstance(one.value, _FOLLOWED)]
            reached = self._reached | {one.grid: one.position for one in new}
            if alarms:
                rows = [(str(one.value.__struct_config__.tag), wire.pack(one)) for one in alarms]
                places = [(grid, *reached[grid]) for grid in {one.grid for one in new}]
                with _ours(self._db) as db:
                    db.executemany("INSERT INTO told (kind, outcome) VALUES (?, ?)", rows)
                    db.executemany("INSERT OR REPLACE INTO reached VALUES (?, ?, ?)", places)
                    self._seq = _one(db, "SELECT max(seq) FROM told")
            self._reached = reached
        if alarms:
            self.news()

    def _let_wait(self, batch: Sequence[Outcome]) -> None:
        packed = msgspec.msgpack.encode([msgspec.Raw(wire.pack(one)) for one in batch])
        content = zlib.compress(packed, 1)
        with self._lock:
            if self._bytes + len(content) > self._waiting_bytes_max:
                raise StoreUnavailableError(
                    f"{self._bytes} bytes wait for the database, at most {self._waiting_bytes_max}"
                )
            with _ours(self._db) as db:
                db.execute("INSERT INTO waiting (batch) VALUES (?)", [content])
                # In a batch, each grid's outcomes are in order: the first that comes is kept.
                firsts = [(one.grid, one.offset) for one in batch]
                db.executemany("INSERT OR IGNORE INTO held VALUES (?, ?)", firsts)
            self._bytes += len(content)
            WAITING.set(self._bytes)
            if not self._draining:
                self._drain_soon()

    def _drain_soon(self) -> None:
        self._draining = True
        self._keeping.submit(self._drain)

    def _drain(self) -> None:
        """Bring the database what waits, oldest first, until nothing does.

        It goes on whatever refuses, the database or our own disk: nobody else would begin again.
        """
        while not self._stop.is_set():
            try:
                if not self._drained_one():
                    return
            except StoreUnavailableError as error:  # of the database, or of our own disk
                self._lost(error)
                self._stop.wait(ASK_S)

    def _drained_one(self) -> bool:
        """Bring the database the oldest of what waits; False once there is none.

        Raises:
            StoreUnavailableError: It is away, or nothing can be written down here.
        """
        with self._lock:
            with _ours(self._db) as db:
                found = db.execute(
                    "SELECT n, batch FROM waiting WHERE NOT refused ORDER BY n LIMIT 1"
                ).fetchone()
                if found is None:
                    db.execute("DELETE FROM held")
            if found is None:
                self._draining = False
                self._restored(self._losses)
                return False
        number, content = found
        raws = msgspec.msgpack.decode(zlib.decompress(content), type=list[msgspec.Raw])
        try:
            self._store.write(wire.unpack(raws))
        except StoreRefusedError:
            # A mistake of ours. It stays where it is, for a person, and blocks nothing.
            self._done("UPDATE waiting SET refused = 1 WHERE n = ?", number, 0)
        else:
            self._done("DELETE FROM waiting WHERE n = ?", number, len(content))
        return True

    def _lost(self, error: Exception) -> None:
        with self._lock:
            self._losses += 1
            self._outage.lost(error)

    def _restored(self, losses: int) -> None:
        """Note an answer to a question asked after so many failures: a later one outweighs it."""
        with self._lock:
            if self._losses == losses:
                self._outage.restored()

    def _done(self, statement: str, number: int, size: int) -> None:
        with self._lock:
            with _ours(self._db) as db:
                db.execute(statement, [number])
            self._bytes -= size
            WAITING.set(self._bytes)

    def _adopt_on(self) -> None:
        """Take over the alarms that others have written into the database, also before our time."""
        while not self._stop.is_set():
            losses = self._losses
            try:
                while self._adopt():
                    pass
            except StoreUnavailableError as error:
                self._lost(error)
            else:
                # While something waits, only what becomes of that says whether it is back.
                with self._lock:
                    if not self._draining:
                        self._restored(losses)
            self._asked.set()
            self._stop.wait(LOOK_S)

    def _adopt(self) -> bool:
        """Take over the next alarms; False once there are no more."""
        if self._draining:
            return False  # what is in the database is older than what we know
        found = self._store.outgoing(self._seen)
        if found:
            self._tell([one.outcome for one in found])
            self._seen = found[-1].seq
        elif not self._asked.is_set() or not self._ready:
            # What made no alarm before our time must not make one now.
            progress = self._store.progress()
            with self._lock:
                self._reached = progress | self._reached_beyond(progress)
            self._ready = True
        else:
            return False
        with self._lock, _ours(self._db) as db:
            db.execute("UPDATE adopted SET seq = ?, ready = ?", [self._seen, self._ready])
        return bool(found)

    def _reached_beyond(self, progress: dict[str, Position]) -> dict[str, Position]:
        return {g: it for g, it in self._reached.items() if it > progress.get(g, (-1, -1))}

    def _adopted_cursor(self, name: str) -> int:
        """Return where a follower stopped before our time: we have taken over the numbers, too."""
        seq = self._store.cursor(name)
        self.set_cursor(name, seq)
        return seq

    def _told(self, statement: str, after: int, limit: int) -> list[Followed]:
        with self._lock:
            rows = self._db.execute(
                f"{statement} LIMIT ?", [after, min(limit, READ_MAX)]
            ).fetchall()
        outcomes = wire.unpack([msgspec.Raw(content) for _, content in rows])
        return [Followed(seq, one) for (seq, _), one in zip(rows, outcomes, strict=True)]


_FOLLOWED = Incident | Task | Notice | Command

_SCHEMA = """
CREATE TABLE IF NOT EXISTS told
    (seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, outcome BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS waiting
    (n INTEGER PRIMARY KEY AUTOINCREMENT, batch BLOB NOT NULL, refused INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS held (grid TEXT PRIMARY KEY, journal_offset INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS reached
    (grid TEXT PRIMARY KEY, journal_offset INTEGER NOT NULL, journal_index INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS cursors (name TEXT PRIMARY KEY, seq INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS adopted (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER, ready);
INSERT OR IGNORE INTO adopted VALUES (1, 0, 0);
"""


def _opened(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, check_same_thread=False)
    path.chmod(0o600)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.executescript(_SCHEMA)
    return db


def _one(db: sqlite3.Connection, question: str) -> int:
    [(found,)] = db.execute(question).fetchall()
    return int(found)


@contextmanager
def _ours(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Do something whole or not at all; what our own disk refuses, everybody waits for."""
    try:
        with db:
            yield db
    except sqlite3.Error as error:
        raise StoreUnavailableError(
            f"nothing can be kept in front of the database: {error}"
        ) from error


def _after(reached: dict[str, Position], batch: Iterable[Outcome]) -> Iterator[Outcome]:
    """Yield what is beyond where its grid has come."""
    known = dict(reached)
    for one in batch:
        if one.position > known.get(one.grid, (-1, -1)):
            known[one.grid] = one.position
            yield one
