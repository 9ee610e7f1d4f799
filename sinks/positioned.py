"""What stores that keep rows and progress in one transaction have in common: how they judge.

Each outcome is judged by its own position. A batch that cannot be kept whole is halved until what
is unfit stands alone; that becomes a dead letter, and blocks nothing.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from threading import RLock
from typing import Protocol

from sinks.rows import EXPORTED
from sinks.store import Filter, Followed, Position, StoreRefusedError, set_aside
from weinao.outcomes import Outcome


class UnfitError(StoreRefusedError):
    """The content of a batch is what keeps it from being kept. Nothing of it was."""


class Reads(Protocol):
    """The questions that a database answers."""

    def rows(self, table: str, wanted: Filter) -> list[Outcome]:
        """Return the outcomes of a table that fit, by `(at, id, grid)` and position."""

    def followed(self, tables: Sequence[str], after: int, limit: int) -> list[Followed]:
        """Return what came after `after` in some tables, in the order of commits."""

    def exported(self, table: str, grid: str, after: Position, until: Position) -> bytes:
        """Return rows of a table by position, as an Arrow stream."""

    def counts(self) -> dict[str, dict[str, int]]:
        """Return the rows of each table by kind, and how many different ids there are."""

    def cursor(self, name: str) -> int:
        """Return where a follower stopped; 0 for one not met before."""


class PositionedStore(ABC):
    """A `Store` over a database; what is left to say is how to commit.

    Args:
        name: Of the database, for messages.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._writing = RLock()
        self._progress: dict[str, Position] = {}
        self._seq = 0

    @property
    def last_seq(self) -> int:
        """The `seq` of the newest outcome that can be followed; 0 when there is none."""
        return self._seq

    @property
    @abstractmethod
    def _reads(self) -> Reads:
        """Return who answers."""

    @abstractmethod
    def _commit(self, new: Sequence[Outcome]) -> None:
        """Keep outcomes, all of them new, with the progress that they are.

        Raises:
            UnfitError: Something in them cannot be kept.
            StoreUnavailableError: The database is away or busy.
        """

    def write(self, batch: Sequence[Outcome]) -> int:
        with self._writing:
            return self._write(batch)

    def incidents(self, wanted: Filter) -> list[Outcome]:
        return self._reads.rows("incidents", wanted)

    def observations(self, wanted: Filter) -> list[Outcome]:
        return self._reads.rows("observations", wanted)

    def deadletters(self, wanted: Filter) -> list[Outcome]:
        return self._reads.rows("deadletters", wanted)

    def losses(self, wanted: Filter) -> list[Outcome]:
        return self._reads.rows("losses", wanted)

    def hazards(self, wanted: Filter) -> list[Outcome]:
        return self._reads.rows("hazards", wanted)

    def risks(self, wanted: Filter) -> list[Outcome]:
        return self._reads.rows("risks", wanted)

    def risk_changes(self, wanted: Filter) -> list[Outcome]:
        return self._reads.rows("risk_changes", wanted)

    def scores(self, wanted: Filter) -> list[Outcome]:
        return self._reads.rows("scores", wanted)

    def tasks(self, wanted: Filter) -> list[Outcome]:
        return self._reads.rows("tasks", wanted)

    def notices(self, wanted: Filter) -> list[Outcome]:
        return self._reads.rows("notices", wanted)

    def commands(self, wanted: Filter) -> list[Outcome]:
        return self._reads.rows("commands", wanted)

    def due_visits(self, wanted: Filter) -> list[Outcome]:
        return self._reads.rows("due_visits", wanted)

    def adjustments(self, wanted: Filter) -> list[Outcome]:
        return self._reads.rows("adjustments", wanted)

    def exported(self, table: str, grid: str, after: Position, until: Position) -> bytes:
        if table not in EXPORTED:
            raise StoreRefusedError(f"{table!r} is not exported; there are {', '.join(EXPORTED)}")
        return self._reads.exported(table, grid, after, until)

    def counts(self) -> dict[str, dict[str, int]]:
        return self._reads.counts()

    def cursor(self, name: str) -> int:
        return self._reads.cursor(name)

    def _write(self, batch: Sequence[Outcome]) -> int:
        new = self._new(batch)
        if not new:
            return 0
        try:
            self._commit(new)
        except UnfitError as error:
            return self._isolate(new, error)
        return len(new)

    def _new(self, batch: Sequence[Outcome]) -> list[Outcome]:
        reached = dict(self._progress)
        new: list[Outcome] = []
        for outcome in batch:
            if outcome.position > reached.get(outcome.grid, (-1, -1)):
                reached[outcome.grid] = outcome.position
                new.append(outcome)
        return new

    def _isolate(self, new: Sequence[Outcome], error: UnfitError) -> int:
        """Keep the halves of a batch that cannot be kept whole; of one outcome, a dead letter."""
        if len(new) > 1:
            half = len(new) // 2
            return self._write(new[:half]) + self._write(new[half:])
        letter = set_aside(new[0], error)
        try:
            self._commit([letter])
        except UnfitError as again:
            raise StoreRefusedError(
                f"{self.name}: not even a dead letter can be kept of {new[0].grid!r}"
                f" at {new[0].position}: {again}"
            ) from error
        return 1
