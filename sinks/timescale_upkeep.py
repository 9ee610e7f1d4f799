"""What a PostgreSQL store needs done beside writing: roll-ups, and dropping what is old.

With TimescaleDB's full licence the database has jobs for it, which are told how long to keep what.
Elsewhere whoever owns the store calls `step` now and then; two who do so do not harm each other.
"""

from msgspec import Struct

from sinks import timescale_schema
from sinks.settings import KeepSettings
from sinks.timescale_link import Connection, Link

DAY_MS = 86_400_000
DROP_EVERY_MS = 3_600_000
"""How often it is looked for what is old: parts are a day long, or longer."""

NOTES_MAX = 1_000
"""Notes of stale minutes that are taken in one transaction."""

ANSWER_S_MAX = 300.0
"""How long one transaction may take: nobody waits for it, and a minute may hold many residents."""

LOCK_S_MAX = 2
"""How long dropping may wait for readers, with writers waiting behind it; then, another time."""


class Done(Struct, frozen=True, kw_only=True):
    """What a step did.

    Attributes:
        rolled_up: Notes of stale minutes that were done with.
        dropped: Parts of tables.
        failing: Jobs of the database whose last run failed, each with its number.
    """

    rolled_up: int = 0
    dropped: int = 0
    failing: tuple[str, ...] = ()


class Upkeep:
    """Does what is due, over a connection of its own.

    Args:
        dsn: Of the store.
        keep: How long things are kept.
    """

    def __init__(self, dsn: str, keep: KeepSettings) -> None:
        self._keep = keep
        self._link = Link(dsn, ANSWER_S_MAX, self._greet)
        self._made_for = ""
        self._dropped_at: int | None = None

    def step(self, now: int) -> Done:
        """Do what is due.

        Args:
            now: The wall clock, in milliseconds.

        Raises:
            StoreUnavailableError: The database is away or busy; what was done stays done.
        """
        with self._link.use("not tended") as db:
            if self._made_for == "timescale":
                return Done(failing=_failing(db))
            return Done(rolled_up=self._roll_up(db), dropped=self._drop(db, now))

    def interrupt(self) -> None:
        """End a step that another thread is at; what it has not committed is not done."""
        self._link.interrupt()

    def close(self) -> None:
        """Let go of the connection."""
        self._link.close()

    def _greet(self, db: Connection) -> None:
        timescale_schema.see_extension(db)
        timescale_schema.migrate(db)
        self._made_for = timescale_schema.edition(db)
        keep = self._keep
        days = (
            keep.observations_days, keep.hazards_days, keep.deadletters_days, keep.rolled_up_days,
            keep.compress_after_days,
        )  # fmt: skip
        db.execute(
            "SELECT tell_jobs(%s::bigint, %s::bigint, %s::bigint, %s::bigint, %s::bigint)",
            [count * DAY_MS for count in days],
        )

    def _roll_up(self, db: Connection) -> int:
        total = 0
        while True:
            [(done,)] = db.execute("SELECT roll_up(%s)", [NOTES_MAX]).fetchall()
            total += int(done)
            if done < NOTES_MAX:
                return total

    def _drop(self, db: Connection, now: int) -> int:
        if self._dropped_at is not None and now - self._dropped_at < DROP_EVERY_MS:
            return 0
        dropped = 0
        for table, days in self._keep.by_table().items():
            if days > 0:
                with db.transaction():
                    db.execute(f"SET LOCAL lock_timeout = '{LOCK_S_MAX}s'")
                    [(count,)] = db.execute(
                        "SELECT drop_old(%s, %s::bigint)", [table, now - days * DAY_MS]
                    ).fetchall()
                dropped += int(count)
        self._dropped_at = now
        return dropped


def _failing(db: Connection) -> tuple[str, ...]:
    rows = db.execute(
        "SELECT proc_name || ' ' || job_id FROM timescaledb_information.job_stats"
        " JOIN timescaledb_information.jobs USING (job_id)"
        " WHERE last_run_status = 'Failed' ORDER BY job_id"
    ).fetchall()
    return tuple(name for (name,) in rows)
