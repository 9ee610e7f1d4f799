"""Visits at home (入户走访): who is due, and the ledger of those that were made.

An entry goes the way of every observation, so the ledger is the journal's, and only grows. A phone
without network keeps its entries and brings them later, each under the id it was written with. The
rule where two do not agree:

    the same id again         it is the entry that is there already: nothing happens
    other words, same home    both stand, in the order of when they were written; neither replaces
                              the other, for both people were there
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from sinks.book import Book
from sinks.known import Known
from sinks.outbox import Outbox
from sinks.store import Filter, Store, every
from weinao.messages import Visit
from weinao.outcomes import Kept, Outcome
from weinao.registry import Household, Resident

_DAY_MS = 86_400_000
YEAR_MS = 366 * _DAY_MS
"""Nobody goes unvisited for longer than that by any rule; what is older needs no reading."""

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


def last_visits(store: Store, grid: str, now: int) -> dict[str, int]:
    """Return, for each home of a grid, when somebody was last met there, within a year."""
    since = now - YEAR_MS
    last: dict[str, int] = {}
    for home, said in _visits(
        every(store, "observations", Filter(grid=grid, kind="visit", since=since))
    ):
        if said.found != "not_home":
            last[home] = max(said.at, last.get(home, 0))
    return last


class Needs(Struct, frozen=True, kw_only=True):
    """What says how often a home should be visited.

    Attributes:
        last: When each home was last visited.
        risks: For each resident and home, the kinds of risks that stand.
        every_days: How often, by tag.
    """

    last: Mapping[str, int]
    risks: Mapping[str, Sequence[str]]
    every_days: Mapping[str, int]


def due(known: Known, grid: str, needs: Needs, now: int) -> list[Due]:
    """Return the homes of a grid in the order in which they are due."""
    found = [
        _due(known, grid, home, needs, now)
        for home in known.of(grid, Household)
        if known.residents_of.get((grid, home.id))
    ]
    return sorted(found, key=lambda one: (one.due_at, one.household))


def _due(known: Known, grid: str, home: Household, needs: Needs, now: int) -> Due:
    living, every_days = known.residents_of[grid, home.id], needs.every_days
    last_at = needs.last.get(home.id)
    tags = [tag for one in living for tag in _tags(one, now)]
    about = (home.id, *(one.id for one in living))
    stand = [kind for key in about for kind in needs.risks.get(key, ())]
    days = min(
        [
            every_days.get("default", 180),
            *(every_days[_group(tag)] for tag in tags if _group(tag) in every_days),
        ]
    )
    if stand:
        days = max(1, days // 2)
    return Due(
        grid=grid,
        household=home.id,
        building=home.building,
        unit=home.unit,
        residents=tuple(one.id for one in living),
        why=tuple(dict.fromkeys((*tags, *(f"risk:{kind}" for kind in stand)))),
        last_at=last_at,
        # Where nobody has been yet, somebody should go now.
        due_at=now if last_at is None else last_at + days * _DAY_MS,
    )


def _group(tag: str) -> str:
    return tag.partition(":")[0]


def _tags(resident: Resident, now: int) -> list[str]:
    return [one.tag for one in resident.tags if one.valid_to is None or now < one.valid_to]


def _visits(found: Iterable[Outcome]) -> Iterator[tuple[str, Visit]]:
    for one in found:
        said = one.value.observation if isinstance(one.value, Kept) else None
        if isinstance(said, Visit):
            yield said.household, said
