"""How much of her day a resident lets her family see; until she says more, hours without rooms.

Consent in the registry comes first: without it there are no readings that could be shown.
"""

from enum import StrEnum

from sinks.book import Book
from weinao.registry import Resident


class Level(StrEnum):
    """What her family sees of her movements."""

    ROOMS = "rooms"
    HOURS = "hours"
    NOTHING = "nothing"


class Sharing:
    """What residents of one community said.

    Args:
        book: Where it is kept.
    """

    def __init__(self, book: Book) -> None:
        self._book = book

    def of(self, resident: str) -> Level:
        """Return what somebody agreed to."""
        rows = self._book.ask("SELECT level FROM sharing WHERE resident = ?", resident)
        return Level(rows[0][0]) if rows else Level.HOURS

    def say(self, resident: str, level: Level, said_by: str, now: int) -> None:
        """Note what somebody agrees to from now on."""
        self._book.do(
            "INSERT OR REPLACE INTO sharing VALUES (?, ?, ?, ?)", resident, level, said_by, now
        )


def agreed(resident: Resident, purpose: str, now: int) -> bool:
    """Say whether a resident's consent for a purpose holds."""
    return any(
        one.purpose == purpose
        and one.valid_from <= now
        and (one.valid_to is None or now < one.valid_to)
        for one in resident.consents
    )
