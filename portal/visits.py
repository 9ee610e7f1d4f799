"""Visits at home (入户走访): who is due, and the ledger of those that were made.

The ledger only grows. A phone without network keeps its entries and brings them later, each under
the id it was written with. The rule where two do not agree:

    the same id again         it is the entry that is there already: nothing happens
    other words, same home    both stand, in the order of when they were written; neither replaces
                              the other, for both people were there
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct, structs
from msgspec.structs import replace

from sinks.book import Book
from sinks.known import Known
from weinao.registry import Household, Resident

_DAY_MS = 86_400_000
FOUND = ("well", "needs_help", "not_home", "moved")
"""What a visit may find; keys of the catalogue."""


class Visit(Struct, frozen=True, kw_only=True):
    """One visit.

    Attributes:
        id: Made where it was written.
        at: When it was made, by the phone's clock, at latest when it arrived.
        found: One of `FOUND`.
        received_at: When the portal got it.
    """

    id: str
    staff: str
    grid: str
    household: str
    at: int
    found: str
    note: str
    received_at: int


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
    """The visits of one portal.

    Args:
        book: Where they are kept.
    """

    def __init__(self, book: Book) -> None:
        self._book = book

    def add(self, visit: Visit) -> bool:
        """Write an entry down; return whether it was new."""
        return bool(
            self._book.do(
                "INSERT OR IGNORE INTO visits VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                *structs.astuple(replace(visit, at=min(visit.at, visit.received_at))),
            )
        )

    def of(self, grid: str, household: str, limit: int = 20) -> list[Visit]:
        """Return the visits of a home, newest first."""
        rows = self._book.ask(
            "SELECT * FROM visits WHERE grid = ? AND household = ? ORDER BY at DESC, id LIMIT ?",
            grid, household, limit,
        )  # fmt: skip
        return [_visit(row) for row in rows]

    def last(self, grid: str) -> dict[str, int]:
        """Return, for each home of a grid, when somebody was last met there."""
        rows = self._book.ask(
            "SELECT household, max(at) FROM visits WHERE grid = ? AND found != 'not_home'"
            " GROUP BY household",
            grid,
        )
        return dict(rows)


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


def _visit(row: tuple[object, ...]) -> Visit:
    name, staff, grid, household, at, found, note, received_at = row
    assert isinstance(at, int)
    assert isinstance(received_at, int)
    return Visit(
        id=str(name),
        staff=str(staff),
        grid=str(grid),
        household=str(household),
        at=at,
        found=str(found),
        note=str(note),
        received_at=received_at,
    )
