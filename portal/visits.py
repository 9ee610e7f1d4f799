"""Visits at home (入户走访): who is due, as the brain says, and the ledger of those that were made.

An entry goes the way of every observation, so the ledger is the journal's, and only grows. A phone
without network keeps its entries and brings them later, each under the id it was written with. The
rule where two do not agree:

    the same id again         it is the entry that is there already: nothing happens
    other words, same home    both stand, in the order of when they were written; neither replaces
                              the other, for both people were there
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from sinks.book import Book
from sinks.known import Known
from sinks.outbox import Outbox
from sinks.store import Filter, Store, every
from weinao.messages import Visit
from weinao.outcomes import DueVisit, Kept, Outcome
from weinao.registry import Household

FOUND = ("well", "needs_help", "not_home", "moved")
"""What a visit may find; keys of the catalogue."""


class Due(Struct, frozen=True, kw_only=True):
    """A home that staff should look in on.

    Attributes:
        why: Tags that ask for it, and `risk:KIND` for risks that stand.
        last_at: The last visit; None for none known.
        due_at: By when.
    """

    grid: str
    household: str
    building: str
    unit: str
    residents: tuple[str, ...]
    why: tuple[str, ...]
    last_at: int | None
    due_at: int


class Ledger:
    """Hands entries on, each once.

    Args:
        book: Where the ids are noted of what was handed on,
        outbox: and by which way it goes to the journal.
    """

    def __init__(self, book: Book, outbox: Outbox) -> None:
        self._book, self._outbox = book, outbox

    def add(self, grid: str, visit: Visit, now: int) -> str:
        """Hand an entry on; return its id as an observation, empty for one that came before."""
        visit = replace(visit, at=min(visit.at, now))
        with self._book.together():
            new = self._book.do("INSERT OR IGNORE INTO visits_said VALUES (?, ?)", visit.entry, now)
            return self._outbox.sense(grid, visit) if new else ""


def visits_of(store: Store, grid: str, household: str, limit: int = 20) -> list[Visit]:
    """Return the visits of a home, newest first."""
    wanted = Filter(grid=grid, kind="visit", household=household, newest=True, limit=limit)
    return [said for _, said in _visits(store.observations(wanted))][::-1]


def dues(store: Store, known: Known, grid: str) -> list[Due]:
    """Return the homes of a grid in the order in which they are due, as the store has it."""
    found = [
        _due(known, grid, one.value)
        for one in every(store, "due_visits", Filter(grid=grid))
        if isinstance(one.value, DueVisit)
    ]
    shown = [one for one in found if one is not None]
    return sorted(shown, key=lambda one: (one.due_at, one.household))


def _due(known: Known, grid: str, said: DueVisit) -> Due | None:
    home = known.record(grid, Household, said.household)
    if home is None or said.due_at is None:
        return None
    living = known.residents_of.get((grid, home.id), ())
    return Due(
        grid=grid,
        household=home.id,
        building=home.building,
        unit=home.unit,
        residents=tuple(one.id for one in living),
        why=said.why,
        last_at=said.last_at,
        due_at=said.due_at,
    )


def _visits(found: Iterable[Outcome]) -> Iterator[tuple[str, Visit]]:
    for one in found:
        said = one.value.observation if isinstance(one.value, Kept) else None
        if isinstance(said, Visit):
            yield said.household, said
