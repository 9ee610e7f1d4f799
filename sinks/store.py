"""What the pipeline asks of a store, and what readers ask. Knows nothing of the engine above it.

Whatever is stored can be read as the outcome that it was. Two orders exist: by `(at, id, grid)`
and then by position, for readers of history, and by commit, for those who follow what happens.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from weinao.outcomes import (
    PAYLOAD_KEPT_BYTES_MAX,
    Adjustment,
    AnyOutcome,
    Command,
    DueVisit,
    Hazard,
    HealthScore,
    Incident,
    Kept,
    Loss,
    Notice,
    Outcome,
    Reason,
    Rejected,
    Risk,
    Task,
)

READ_MAX = 5_000
"""Outcomes returned by one read; `every` goes on where one ended."""

EXPORTED_MAX = 300_000
"""Rows of one answer of `exported`: some 100 MB."""

OF_JOURNAL = "journal/"
"""Begins the name of a cursor that follows nothing: it is the identity of the journal of a flow,
whose places the positions are. Those of another journal would be taken for known, or for new."""

Cursor = tuple[int, str, str, int, int]
"""`(at, id, grid)` of the last outcome read, and its position."""

Position = tuple[int, int]
"""Journal offset, and index among what its record caused in one grid."""


READABLE = (
    "incidents", "observations", "deadletters", "losses", "hazards", "risks", "risk_changes",
    "scores", "tasks", "notices", "commands", "due_visits", "adjustments",
)  # fmt: skip
"""What is read with a `Filter`; each is a method of `Store`, too."""


class StoreError(Exception):
    """Something is wrong between us and a store."""


class StoreUnavailableError(StoreError):
    """Nothing is wrong with the request: try again later, in order."""


class StoreRefusedError(StoreError):
    """The request will never be taken: set it aside and go on."""


class TooMuchError(StoreRefusedError):
    """The answer would be too long: ask for less at once."""


class Filter(Struct, frozen=True, kw_only=True):
    """Which outcomes to read, and how many; what is None does not matter.

    Attributes:
        id: Of the outcome itself.
        kind: Of the hazard or observation; of a dead letter, its reason.
        state: Of an incident or a loss; of a hazard or a risk, its phase.
        incident: Which a task, a notice or a command is about.
        since: Oldest `at`, inclusive; a dead letter's is its arrival.
        until: Newest `at`, exclusive.
        after: Only what comes after this place in the order of reading.
        newest: Of all that fit, the newest `limit`, not the oldest.
        limit: At most this many; at most `READ_MAX`.
    """

    grid: str | None = None
    id: str | None = None
    kind: str | None = None
    state: str | None = None
    subject: str | None = None
    household: str | None = None
    device: str | None = None
    incident: str | None = None
    since: int | None = None
    until: int | None = None
    after: Cursor | None = None
    newest: bool = False
    limit: int = READ_MAX


class Followed(Struct, frozen=True):
    """An outcome with its place in the order of commits.

    Attributes:
        seq: From 1, without gaps within one store.
    """

    seq: int
    outcome: Outcome


class Store(Protocol):
    """Keeps outcomes, each exactly once, however often it is sent."""

    def write(self, batch: Sequence[Outcome]) -> int:
        """Keep what is new, together with how far each grid has come.

        The engine batches as it likes and, after a crash, sends again what it cannot prove was
        kept, in other batches. So each outcome is judged by its own position. What the store
        cannot hold becomes a dead letter in its place; the rest of the batch is kept.

        Args:
            batch: Of each grid, in order of position.

        Returns:
            How many outcomes were new.

        Raises:
            StoreUnavailableError: The store is away or busy. Send the batch again.
            StoreRefusedError: Not even a dead letter could be kept in the place of an outcome.
        """

    def progress(self) -> dict[str, Position]:
        """Return, for each grid, the position of the last outcome kept."""

    def incidents(self, wanted: Filter) -> list[Outcome]:
        """Return incidents, each as its latest change left it, by `(at, id, grid)`."""

    def observations(self, wanted: Filter) -> list[Outcome]:
        """Return observations that counted, by `(at, id, grid)`."""

    def deadletters(self, wanted: Filter) -> list[Outcome]:
        """Return what was set aside, in the order of arrival."""

    def losses(self, wanted: Filter) -> list[Outcome]:
        """Return the loss ledger: each gap as it stands, and what agents gave up."""

    def hazards(self, wanted: Filter) -> list[Outcome]:
        """Return what was found dangerous, each phase of it, by `(at, id, grid)`."""

    def risks(self, wanted: Filter) -> list[Outcome]:
        """Return latent dangers, each as its latest change left it, by `(at, id, grid)`."""

    def risk_changes(self, wanted: Filter) -> list[Outcome]:
        """Return every change of every latent danger, by `(at, id, grid)`."""

    def scores(self, wanted: Filter) -> list[Outcome]:
        """Return health scores, each day as it was last scored, by `(at, id, grid)`."""

    def tasks(self, wanted: Filter) -> list[Outcome]:
        """Return what people were asked to do, in the order in which they were asked."""

    def notices(self, wanted: Filter) -> list[Outcome]:
        """Return who was told what, by `(at, id, grid)`."""

    def commands(self, wanted: Filter) -> list[Outcome]:
        """Return what devices were told to do, by `(at, id, grid)`."""

    def due_visits(self, wanted: Filter) -> list[Outcome]:
        """Return by when each home should be visited, as it stands, by `(at, id, grid)`."""

    def adjustments(self, wanted: Filter) -> list[Outcome]:
        """Return which thresholds people's word has moved for whom, by `(at, id, grid)`."""

    def incident_changes(self, after: int = 0, limit: int = READ_MAX) -> list[Followed]:
        """Return every change of every incident, in the order of commits."""

    def outgoing(
        self, after: int = 0, limit: int = READ_MAX, wait_s: float = 0.0
    ) -> list[Followed]:
        """Return incident changes, tasks, notices and commands, in the order of commits.

        Within a grid, this is the order of positions.

        Args:
            after: The `seq` of the last one read; 0 for the beginning.
            limit: At most this many.
            wait_s: How long to wait for something new where somebody else may write it.
        """

    def exported(self, table: str, grid: str, after: Position, until: Position) -> bytes:
        """Return the rows of a table that follow from a stretch of a grid's journal.

        What stands up to `progress` never changes, but in tables that hold what stands now: there
        a row moves on to a later position.

        Args:
            table: A name of `sinks.rows.EXPORTED`.
            grid: Whose.
            after: Only what follows from later positions,
            until: and from no later ones than this.

        Returns:
            An Arrow stream of the table's columns, by position.

        Raises:
            TooMuchError: More than `EXPORTED_MAX` rows follow; ask for a shorter stretch.
        """

    def counts(self) -> dict[str, dict[str, int]]:
        """Return, for each table, its rows by kind; under `distinct`, its different ids."""

    def cursor(self, name: str) -> int:
        """Return where a follower stopped; 0 for one not met before."""

    def set_cursor(self, name: str, seq: int) -> None:
        """Remember where a follower stopped."""

    def close(self) -> None:
        """Let go of what is held open."""


def every(store: Store, table: str, wanted: Filter) -> Iterator[Outcome]:
    """Yield all that fits, oldest first, a read at a time.

    Args:
        store: To read.
        table: A name of `READABLE`.
        wanted: `limit` is how many to read at once.
    """
    while True:
        found: list[Outcome] = getattr(store, table)(wanted)
        yield from found
        if len(found) < wanted.limit:
            return
        wanted = replace(wanted, after=place(found[-1]))


def place(outcome: Outcome) -> Cursor:
    """Return where an outcome stands among those of its table."""
    return moment(outcome), identity(outcome), outcome.grid, *outcome.position


def moment(outcome: Outcome) -> int:
    """Return the `at` of an outcome; of what has none, when its cause was journalled."""
    value = outcome.value
    if isinstance(value, Rejected):
        return value.received_at
    return outcome.received_at if isinstance(value, Task) else value.at


def identity(outcome: Outcome) -> str:
    """Return what tells an outcome from the others of its table."""
    value = outcome.value
    if isinstance(value, Rejected):
        return f"{outcome.grid}:{outcome.offset:020d}.{outcome.index:06d}"
    if isinstance(value, Loss):
        # What an agent gave up stays named, even when the gap around it is closed.
        thinned = ".thinned" if value.state == "thinned" else ""
        return f"{value.device}:{value.boot}:{value.first:016d}{thinned}"
    return value.id


def table_of(value: AnyOutcome) -> str:
    """Return the name of the table that holds such outcomes."""
    return _TABLES[type(value)]


def set_aside(outcome: Outcome, error: object) -> Outcome:
    """Return the dead letter that takes the place of an outcome no store can hold."""
    kind = table_of(outcome.value)
    received_at = max(0, min(outcome.received_at, _INSTANT_MAX))
    kept = repr(outcome.value).encode("utf-8", "backslashreplace")
    detail = f"cannot be stored among {kind}: {error}".encode("utf-8", "backslashreplace")
    letter = Rejected(
        reason=Reason.UNSTORABLE,
        detail=detail.decode()[:500],
        topic="",
        payload=kept[:PAYLOAD_KEPT_BYTES_MAX],
        size=len(kept),
        received_at=received_at,
    )
    return replace(outcome, received_at=received_at, value=letter)


_INSTANT_MAX = 2**63 - 1

_TABLES: dict[type[AnyOutcome], str] = {
    Kept: "observations",
    Hazard: "hazards",
    Risk: "risks",
    HealthScore: "scores",
    Incident: "incidents",
    Task: "tasks",
    Notice: "notices",
    Command: "commands",
    DueVisit: "due_visits",
    Adjustment: "adjustments",
    Loss: "losses",
    Rejected: "deadletters",
}
