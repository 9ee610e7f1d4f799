"""What PostgreSQL's binary COPY looks like around its rows, and what a column of them is. Pure."""

from msgspec import Struct

HEAD = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
"""What a COPY begins with: its signature, no flags, no extension."""

END = b"\xff\xff"
"""What it ends with."""

TYPES = {
    "bigint": ">i8",
    "integer": ">i4",
    "smallint": ">i2",
    "double precision": ">f8",
    "real": ">f4",
    "timestamp with time zone": ">i8",
}
"""How a value of each type lies in a row."""


class Column(Struct, frozen=True):
    """One column of a table.

    Args:
        name: Its name in the database.
        type: Its type there; `text` for what is the same in every row of a device.
    """

    name: str
    type: str


class Target(Struct, frozen=True):
    """A table, and the columns that rows for it have.

    Args:
        name: Of the table.
        columns: In order.
    """

    name: str
    columns: tuple[Column, ...]


class Block(Struct, frozen=True):
    """Rows that one record of a journal led to.

    Args:
        position: Where in the journal the record stands.
        table: Which table they go to.
        rows: As `Layout.blocks` made them.
    """

    position: int
    table: str
    rows: bytes
