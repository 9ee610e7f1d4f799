"""A bridge's tables: what each of their columns holds, and so must be."""

from pathlib import Path
from uuid import uuid4

from pipeline.columns.settings import Job, Table
from sinks.copying import Column, Target

_TIME = "timestamp with time zone"
_TYPES = {"number": "bigint", "at": _TIME, "score": "smallint", "start": _TIME, "n": "integer"}
OF_READINGS, OF_MEANS = frozenset(("number", "at", "score")), frozenset(("start", "n"))
"""What rows hold beside values and what is registered."""


class ColumnError(Exception):
    """A column is to hold what there is not; mend the settings."""


def targets(job: Job) -> list[Target]:
    """Return the tables of a job, with the types that their columns must have.

    Raises:
        ColumnError: A column is to hold what there is not.
    """
    return [
        Target(table.name, columns_of(job, table, own))
        for table, own in ((job.store.readings, OF_READINGS), (job.store.means, OF_MEANS))
        if table is not None
    ]


def identity(data: Path) -> str:
    """Return the name of a bridge's journal, given when it is first asked for."""
    path = data / "identity"
    if not path.exists():
        data.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".new")
        draft.write_text(uuid4().hex, encoding="ascii")
        draft.replace(path)
    return path.read_text(encoding="ascii")


def columns_of(job: Job, table: Table, own: frozenset[str]) -> tuple[Column, ...]:
    """Return the columns of a table.

    Raises:
        ColumnError: A column is to hold what there is not.
    """
    values = {value.name for value in job.reading.values}
    people = {job.people.device, job.people.grid, job.people.tags, *job.people.say.values()}
    columns = []
    for name, what in table.columns.items():
        if what in own:
            columns.append(Column(name, _TYPES[what]))
        elif what in values:
            columns.append(Column(name, "double precision"))
        elif what == "device" or what in people:
            columns.append(Column(name, "text"))
        else:
            known = ", ".join(sorted({"device", *own, *values, *people}))
            raise ColumnError(f"table {table.name}, column {name}: no {what!r}; there are {known}")
    return tuple(columns)
