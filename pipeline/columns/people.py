"""Who wears what, by the number that a device has in every column. Pure."""

import csv
from collections.abc import Iterable

from msgspec import Struct

from pipeline.columns.settings import People


class PeopleError(Exception):
    """The people's file cannot be used; the message says what is wrong in it."""


class Devices(Struct, frozen=True):
    """Registered devices, numbered from 0.

    Attributes:
        number: Of each device, by name.
        rows: Of the file, each by column; in order of number.
    """

    number: dict[str, int]
    rows: tuple[dict[str, str], ...]
    settings: People

    def grid(self, device: int) -> str:
        """Return the grid of a device."""
        return self.rows[device][self.settings.grid]

    def tagged(self, tag: str) -> list[bool]:
        """Return who has a tag."""
        column = self.settings.tags
        return [tag in row[column].split(";") for row in self.rows]


def read(lines: Iterable[str], settings: People) -> Devices:
    """Read the people's file.

    Raises:
        PeopleError: A column is missing, or a device is there twice.
    """
    table = csv.DictReader(lines)
    wanted = {settings.device, settings.grid, settings.tags, *settings.say.values()}
    missing = sorted(wanted - set(table.fieldnames or ()))
    if missing:
        raise PeopleError(
            f"{settings.file}: no column {', '.join(missing)};"
            f" there are {', '.join(table.fieldnames or ()) or 'none'}"
        )
    rows: list[dict[str, str]] = []
    number: dict[str, int] = {}
    for row in table:
        name = row[settings.device]
        if name in number:
            raise PeopleError(f"{settings.file}: line {table.line_num}: {name} is there twice")
        if None in row.values() or None in row:
            raise PeopleError(
                f"{settings.file}: line {table.line_num}: expected {len(table.fieldnames or ())}"
                " columns"
            )
        number[name] = len(rows)
        rows.append(row)
    return Devices(number, tuple(rows), settings)
