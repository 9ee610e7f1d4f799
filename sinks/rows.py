"""Outcomes as rows, one table a kind: what is the same in every database. Pure."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from sinks import readings
from sinks.store import identity, moment, table_of
from weinao.outcomes import (
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
    Rejected,
    Risk,
    Task,
)

Row = tuple[Any, ...]

Fields = Callable[[Any], Row]
"""Tells the columns of an outcome that its table has after the common ones."""

FOLLOWED = ("incident_changes", "tasks", "notices", "commands")
"""The tables that `outgoing` reads; their rows are counted in one sequence."""

KEYED = ("incidents", "losses", "risks", "scores", "due_visits")
"""The tables that hold what stands now: a newer row takes the place of the older one."""


EXPORTED = (
    "observations", "hazards", "incident_changes", "risk_changes", "scores", "tasks", "notices",
    "commands", "due_visits", "adjustments", "losses", "deadletters",
)  # fmt: skip
"""The tables that together hold everything; of what stands now, those that keep no history."""

HISTORIES = {"incidents": "incident_changes", "risks": "risk_changes"}
"""Where every change is kept of what stands now in another table."""

PLACE = ("grid", "journal_offset", "journal_index", "received_at")
KEY = (*PLACE, "event_at", "id")
_TASK = ("seq", *KEY, "kind", "incident", "body")
_INCIDENT = ("seq", *KEY, "kind", "severity", "state", "subject", "household", "body")
_RISK = (*KEY, "kind", "phase", "confidence", "subject", "household", "body")
COLUMNS: dict[str, tuple[str, ...]] = {
    "observations": (*KEY, *readings.COLUMNS),
    "hazards": (
        *KEY, "kind", "phase", "severity", "confidence", "subject", "household", "body"
    ),
    "risks": _RISK,
    "risk_changes": _RISK,
    "scores": (
        *KEY, "day", "subject", "household", "score", "low", "high", "coverage", "body"
    ),
    "incidents": _INCIDENT,
    "incident_changes": _INCIDENT,
    "tasks": _TASK,
    "notices": _TASK,
    "commands": _TASK,
    "due_visits": (*KEY, "household", "body"),
    "adjustments": (*KEY, "kind", "subject", "household", "incident", "body"),
    "losses": (*KEY, "device", "boot", "first_seq", "last_seq", "state", "body"),
    "deadletters": (*KEY, "reason", "detail", "topic", "device", "size", "payload"),
}  # fmt: skip
"""The columns of each table, in the order of a row."""

INTEGERS = frozenset((
    "seq", "journal_offset", "journal_index", "received_at", "event_at", "severity", "first_seq",
    "last_seq", "size", "arrived_at", "steps",
))  # fmt: skip
FLOATS = frozenset((
    "confidence", "value", "score", "low", "high", "coverage", *readings.HOT, *readings.SELDOM,
))  # fmt: skip
BOOLEANS = frozenset(readings.FLAGS)
"""What the columns hold; all others hold text, but for `payload`, which holds bytes."""


class Numbered(Struct, frozen=True):
    """An outcome on its way to its table; `seq` is 0 for what nobody follows."""

    seq: int
    outcome: Outcome


def numbered(outcomes: Iterable[Outcome], last_seq: int) -> list[Numbered]:
    """Count what is followed, onwards from `last_seq`."""
    found: list[Numbered] = []
    for outcome in outcomes:
        followed = isinstance(outcome.value, Incident | Task | Notice | Command)
        last_seq += followed
        found.append(Numbered(last_seq if followed else 0, outcome))
    return found


def by_table(
    outcomes: Iterable[Numbered], fields: Mapping[type[AnyOutcome], Fields]
) -> dict[str, list[Row]]:
    """Return outcomes as rows of `COLUMNS`, by the name of the table they go to.

    Of a table that holds what stands now, only the last row of each key.

    Args:
        outcomes: In order of position.
        fields: How to tell the columns of an outcome after the common ones; `FIELDS`, or like it.

    Raises:
        ValueError: Something in an outcome cannot be kept, or not without changing it.
    """
    rows: dict[str, list[Row]] = {}
    for item in outcomes:
        name = table_of(item.outcome.value)
        row = _row(item, fields)
        rows.setdefault(name, []).append(row)
        if (history := HISTORIES.get(name)) is not None:
            rows.setdefault(history, []).append(row)
    for name in rows.keys() & set(KEYED):
        rows[name] = list({_key_of(name, row): row for row in rows[name]}.values())
    return rows


def body(value: AnyOutcome) -> str:
    """Return an outcome as JSON.

    Raises:
        ValueError: JSON has no word for something in it.
    """
    encoded = msgspec.json.encode(value)
    # JSON has no word for NaN and infinity and writes null, which then is no number any more, or
    # one that is said to be unknown. Observations, which are kept otherwise, never hold them: every
    # range excludes them when a message is decoded.
    if b":null" in encoded and _decode(encoded) != value:
        raise ValueError("it holds a number that JSON has no word for")
    return encoded.decode()


def observation(row: Row) -> Kept:
    """Return the observation in a row of `OBSERVATION`."""
    at, id_ = row[len(PLACE) : len(PLACE) + 2]
    return readings.kept(id_, at, row[len(PLACE) + 2 :])


def whole(text: str) -> AnyOutcome:
    """Return the outcome that a body holds."""
    found: AnyOutcome = _decode(text)
    return found


_decode = msgspec.json.Decoder(AnyOutcome).decode

OBSERVATION = (*KEY, *readings.COLUMNS)
"""The columns that `observation` needs, in its order."""


def _key_of(name: str, row: Row) -> tuple[str, str]:
    kept = COLUMNS[name]
    return row[kept.index("grid")], row[kept.index("id")]


def _row(item: Numbered, fields: Mapping[type[AnyOutcome], Fields]) -> Row:
    made = item.outcome
    key = (
        made.grid, made.offset, made.index, made.received_at, moment(made), identity(made)
    )  # fmt: skip
    row: Row = (*key, *fields[type(made.value)](made.value))
    return (item.seq, *row) if item.seq else row


def _hazard(value: Hazard) -> Row:
    return (
        value.kind.value, value.phase.value, int(value.severity), value.confidence,
        value.subject, value.household, body(value),
    )  # fmt: skip


def _risk(value: Risk) -> Row:
    return (
        value.kind.value, value.phase.value, value.confidence, value.subject, value.household,
        body(value),
    )  # fmt: skip


def _score(value: HealthScore) -> Row:
    return (
        value.day, value.subject, value.household, value.score, value.low, value.high,
        value.coverage, body(value),
    )  # fmt: skip


def _incident(value: Incident) -> Row:
    return (
        value.kind.value, int(value.severity), value.state.value, value.subject, value.household,
        body(value),
    )  # fmt: skip


def _adjustment(value: Adjustment) -> Row:
    return (value.rule, value.subject, value.household, value.incident, body(value))


def _loss(value: Loss) -> Row:
    return (value.device, value.boot, value.first, value.last, value.state, body(value))


def rejected(value: Rejected) -> Row:
    """Return a dead letter as its columns."""
    return (
        value.reason.value, value.detail, value.topic, value.device, value.size, value.payload
    )  # fmt: skip


FIELDS: dict[type[AnyOutcome], Fields] = {
    Kept: readings.row,
    Hazard: _hazard,
    Risk: _risk,
    HealthScore: _score,
    Incident: _incident,
    Task: lambda task: (task.want.value, task.incident, body(task)),
    Notice: lambda notice: (notice.step, notice.incident, body(notice)),
    Command: lambda command: (command.do, command.incident, body(command)),
    DueVisit: lambda due: (due.household, body(due)),
    Adjustment: _adjustment,
    Loss: _loss,
    Rejected: rejected,
}
"""For each kind of outcome, how to tell its columns after the common ones."""
