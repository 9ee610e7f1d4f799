"""What residents report, and how they follow it: by a number and a key on their receipt.

The report itself goes to the journal as an observation; here is only what lets its reporter find
it again. Without the key, a number opens nothing.
"""

import secrets
from typing import Literal, get_args

from msgspec import Struct

from portal.secret import hashed
from sinks.book import Book

Category = Literal[
    "help", "fire", "gas", "missing", "leak", "falling_object", "fire_lane", "stranger", "other"
]
CATEGORIES: tuple[str, ...] = get_args(Category)

_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without those that people mistake for each other."""

_NUMBER_LETTERS, _KEY_LETTERS = 6, 16


class Receipt(Struct, frozen=True, kw_only=True):
    """What a reporter keeps.

    Attributes:
        observation: Id of the report as the journal has it.
        account: Who reported; empty for nobody in particular.
        rating: As the reporter gave it; of somebody without a name it is kept here alone.
    """

    number: str
    observation: str
    grid: str
    account: str
    category: str
    text: str
    place: str
    photo: str
    at: int
    rating: int | None = None


class Reports:
    """The receipts of one portal.

    Args:
        book: Where they are kept.
    """

    def __init__(self, book: Book) -> None:
        self._book = book

    def keep(self, receipt: Receipt) -> str:
        """Keep a receipt; return the key that opens it, which is not kept."""
        key = _letters(_KEY_LETTERS)
        self._book.do(
            "INSERT INTO reports VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)",
            receipt.number, hashed(key), receipt.observation, receipt.grid, receipt.account,
            receipt.category, receipt.text, receipt.place, receipt.photo, receipt.at,
        )  # fmt: skip
        return key

    def find(self, number: str, key: str) -> Receipt | None:
        """Return the receipt that a number and a key open together."""
        found = self._book.ask(
            f"SELECT {_COLUMNS} FROM reports WHERE receipt = ? AND hash = ?",  # noqa: S608
            number.strip().upper(),
            hashed(key.strip().upper()),
        )
        return _receipt(found[0]) if found else None

    def of(self, account: str) -> list[Receipt]:
        """Return what somebody reported under their name, newest first."""
        found = self._book.ask(
            f"SELECT {_COLUMNS} FROM reports WHERE account = ? AND account != ''"  # noqa: S608  # ours
            " ORDER BY at DESC LIMIT 50",
            account,
        )
        return [_receipt(row) for row in found]

    def with_photo(self, photo: str) -> Receipt | None:
        """Return the report that a photo belongs to."""
        found = self._book.ask(
            f"SELECT {_COLUMNS} FROM reports WHERE photo = ?",  # noqa: S608  # ours
            photo,
        )
        return _receipt(found[0]) if found else None

    def rate(self, number: str, rating: int) -> bool:
        """Note how well a report was handled, once; return whether it was noted."""
        return bool(
            self._book.do(
                "UPDATE reports SET rating = ? WHERE receipt = ? AND rating IS NULL",
                rating,
                number,
            )
        )


def new_number() -> str:
    """Return the number of a new receipt."""
    return _letters(_NUMBER_LETTERS)


_COLUMNS = "receipt, observation, grid, account, category, text, place, photo, at, rating"


def _letters(count: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(count))


def _receipt(row: tuple[object, ...]) -> Receipt:
    number, observation, grid, account, category, text, place, photo, at, rating = row
    assert isinstance(at, int)
    return Receipt(
        number=str(number),
        observation=str(observation),
        grid=str(grid),
        account=str(account),
        category=str(category),
        text=str(text),
        place=str(place),
        photo=str(photo),
        at=at,
        rating=rating if isinstance(rating, int) else None,
    )
