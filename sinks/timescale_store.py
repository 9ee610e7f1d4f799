"""The store of a whole community: TimescaleDB, or PostgreSQL with less.

Rows and progress are committed together. Threads may share a store, and so may programs: each
writes its own grids, and where two write the same grid, whoever comes second sees what is kept
already. A connection is made when it is needed; until the database can be reached, everybody waits.

    write:  progress moves on, from where we know it to be  -> someone else was faster: look again
            what is followed gets the next numbers          -> in the order of commits, no gaps
            COPY, by table; what is keyed takes the place of its older row
            minutes become stale                            -> elsewhere, they are rolled up anew
            COMMIT
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial

from sinks import timescale_rows, timescale_schema
from sinks.positioned import PositionedStore
from sinks.rows import FOLLOWED, KEYED, Row, numbered
from sinks.store import READ_MAX, Followed, Position
from sinks.timescale_link import Connection, Link
from sinks.timescale_reads import TimescaleReads
from sinks.timescale_rows import Minute
from weinao.outcomes import Command, Incident, Notice, Outcome, Task

ANSWER_S_MAX = 20.0
"""How long a statement may take; less than a client of the store's process waits (30 s)."""

NEWS = "weinao_news"
"""The channel that tells of something new to follow."""

_PARTED = ("observations", "hazards", "deadletters")


class OvertakenError(Exception):
    """Somebody else has kept outcomes of a grid since we looked."""


class TimescaleStore(PositionedStore):
    """A `Store` in a PostgreSQL schema; nothing is connected before it is needed.

    Args:
        dsn: Where, as libpq understands it; the first schema of its search path is ours.
        read_only: Only read, and make nothing.
        answer_s_max: How long the database may take over one statement, before it counts as away.
        kept: Told, after each commit, what was new in it.

    Raises:
        StoreRefusedError: The DSN is none; or, at the first use, the schema was written by a newer
            version of weinao.
    """

    def __init__(
        self,
        dsn: str,
        *,
        read_only: bool = False,
        answer_s_max: float = ANSWER_S_MAX,
        kept: Callable[[Sequence[Outcome]], object] | None = None,
    ) -> None:
        link = partial(Link, dsn, answer_s_max, read_only=read_only)
        self._link = link(_see if read_only else self._learn)
        self._asked = TimescaleReads(link(_see if read_only else _prepare))
        self._news = link(lambda db: db.execute(f"LISTEN {NEWS}"))
        super().__init__(self._link.name)
        self._kept, self._made_for = kept, ""

    def open(self) -> str:
        """Connect now, make what is missing, and return the edition (`timescale_schema.NOTICES`).

        Raises:
            StoreUnavailableError: The database is away.
            StoreRefusedError: The schema was written by a newer version of weinao.
        """
        with self._link.use("cannot be opened") as db:
            return timescale_schema.edition(db)

    @property
    def _reads(self) -> TimescaleReads:
        return self._asked

    def progress(self) -> dict[str, Position]:
        return self._asked.progress()

    def incident_changes(self, after: int = 0, limit: int = READ_MAX) -> list[Followed]:
        return self._asked.followed(("incident_changes",), after, limit)

    def outgoing(
        self, after: int = 0, limit: int = READ_MAX, wait_s: float = 0.0
    ) -> list[Followed]:
        if wait_s <= 0:
            return self._asked.followed(FOLLOWED, after, limit)
        with self._news.use("nothing is heard") as db:
            # Listening already: what is committed from here on is told.
            found = self._asked.followed(FOLLOWED, after, limit)
            if found or not [*db.notifies(timeout=wait_s, stop_after=1)]:
                return found
        return self._asked.followed(FOLLOWED, after, limit)

    def set_cursor(self, name: str, seq: int) -> None:
        with self._writing, self._link.use(f"cursor {name}") as db:
            db.execute(
                "INSERT INTO cursors VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET seq = %s",
                [name, seq, seq],
            )

    def close(self) -> None:
        for link in (self._link, self._news):
            link.close()
        self._asked.close()

    def write(self, batch: Sequence[Outcome]) -> int:
        with self._writing:
            while True:
                # A connection made anew has learnt what came of the commit that broke the old one.
                with self._link.use(f"{len(batch)} outcomes kept back") as db:
                    try:
                        return self._write(batch)
                    except OvertakenError:
                        self._learn(db)

    def _learn(self, db: Connection) -> None:
        _prepare(db)
        self._made_for = timescale_schema.edition(db)
        reached = db.execute("SELECT grid, journal_offset, journal_index FROM progress").fetchall()
        self._progress = {grid: (offset, index) for grid, offset, index in reached}
        [(self._seq,)] = db.execute("SELECT seq FROM followed").fetchall()

    def _commit(self, new: Sequence[Outcome]) -> None:
        reached = {outcome.grid: outcome.position for outcome in new}
        count = sum(isinstance(made.value, Incident | Task | Notice | Command) for made in new)
        with self._link.use(f"{len(new)} outcomes kept back") as db:
            with db.transaction():
                self._advance(db, reached)
                last_seq = _count_on(db, count) if count else self._seq
                tables = timescale_rows.tables(numbered(new, last_seq - count))
                # In the order of names: two who make room in two tables must not meet half way.
                for name, rows in sorted(tables.items()):
                    if self._made_for == "plain" and name in _PARTED:
                        _make_room(db, name, rows)
                    _keep(db, name, rows)
                if self._made_for != "timescale":
                    _note_stale(db, timescale_rows.minutes(new))
                if count:
                    db.execute(f"NOTIFY {NEWS}")
            self._progress.update(reached)
            self._seq = max(self._seq, last_seq)
        if self._kept is not None:
            self._kept(new)

    def _advance(self, db: Connection, reached: dict[str, Position]) -> None:
        """Move progress on, from where we know it to be.

        Raises:
            OvertakenError: It is not there any more.
        """
        # In the order of names: two who hold rows that the other needs would wait for ever.
        moved = [
            (grid, *reached[grid], *self._progress.get(grid, (-1, -1))) for grid in sorted(reached)
        ]
        with db.cursor() as cursor:
            cursor.executemany(_ADVANCE, moved)
            if cursor.rowcount != len(moved):
                raise OvertakenError


_ADVANCE = """
    INSERT INTO progress AS known VALUES (%s, %s, %s)
    ON CONFLICT (grid) DO UPDATE
    SET journal_offset = excluded.journal_offset, journal_index = excluded.journal_index
    WHERE (known.journal_offset, known.journal_index) = (%s, %s)
"""


def _see(db: Connection) -> None:
    timescale_schema.see_extension(db)
    timescale_schema.check_there(db)


def _prepare(db: Connection) -> None:
    timescale_schema.see_extension(db)
    timescale_schema.migrate(db)


def _count_on(db: Connection, count: int) -> int:
    """Take the next numbers; whoever else wants some waits until we have committed."""
    [(last,)] = db.execute("UPDATE followed SET seq = seq + %s RETURNING seq", [count]).fetchall()
    return int(last)


def _keep(db: Connection, table: str, rows: Sequence[Row]) -> None:
    with db.cursor() as cursor:
        if table in KEYED:
            cursor.executemany(_upsert(table), rows)
            return
        with cursor.copy(_copy(table)) as copy:
            copy.set_types(timescale_rows.types_of(table))
            for row in rows:
                copy.write_row(row)


def _make_room(db: Connection, table: str, rows: Sequence[Row]) -> None:
    at = timescale_rows.columns_of(table).index("event_at")
    db.execute("SELECT make_room(%s, %s)", [table, [*{row[at] for row in rows}]])


def _note_stale(db: Connection, minutes: Iterable[Minute]) -> None:
    with db.cursor() as cursor, cursor.copy("COPY stale FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(["text", "int8"])
        for minute in minutes:
            copy.write_row(minute)


@cache
def _copy(table: str) -> str:
    columns = ", ".join(timescale_rows.columns_of(table))
    return f"COPY {table} ({columns}) FROM STDIN (FORMAT BINARY)"


@cache
def _upsert(table: str) -> str:
    columns = timescale_rows.columns_of(table)
    marks = ", ".join(["%s"] * len(columns))
    newer = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in ("grid", "id"))
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608  # our own names
        f" ON CONFLICT (grid, id) DO UPDATE SET {newer}"
    )
