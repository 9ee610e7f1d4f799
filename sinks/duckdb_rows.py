"""Outcomes as rows of the DuckDB tables, and back. Pure: nothing here opens a file."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
import pyarrow as pa
from msgspec import Struct

from sinks.store import identity, moment, table_of
from weinao.messages import Home, Vitals
from weinao.outcomes import (
    Adjustment,
    AnyOutcome,
    Command,
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

Row = tuple[Any, ...]

FOLLOWED = ("incident_changes", "tasks", "notices", "commands")
"""The tables that `outgoing` reads; their rows are counted in one sequence."""

KEYED = ("incidents", "losses", "risks", "scores")
"""The tables that hold what stands now: a newer row takes the place of the older one."""


HISTORIES = {"incidents": "incident_changes", "risks": "risk_changes"}
"""Where every change is kept of what stands now in another table."""


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


def tables(outcomes: Iterable[Numbered]) -> dict[str, pa.Table]:
    """Return outcomes as Arrow tables, by the name of the table they go to.

    Raises:
        ValueError: Something in an outcome cannot be kept, or not without changing it.
    """
    rows: dict[str, list[Row]] = {}
    for item in outcomes:
        name = table_of(item.outcome.value)
        row = _row(item)
        rows.setdefault(name, []).append(row)
        if (history := HISTORIES.get(name)) is not None:
            rows.setdefault(history, []).append(row)
    return {name: _arrow(name, found) for name, found in rows.items()}


def columns(table: str) -> tuple[str, ...]:
    """Return the columns that `outcome` needs, in its order."""
    return _LETTER if table == "deadletters" else _BODY


def outcome(table: str, row: Row) -> Outcome:
    """Return the outcome that a row of `columns(table)` holds."""
    grid, offset, index, received_at = row[:4]
    return Outcome(
        grid=grid,
        offset=offset,
        index=index,
        received_at=received_at,
        value=_letter(row) if table == "deadletters" else _decode(row[4]),
    )


_decode = msgspec.json.Decoder(AnyOutcome).decode

_HOT = ("hr_bpm", "spo2_pct", "resp_per_min", "temp_c", "sbp_mmhg", "dbp_mmhg")
_PLACE = ("grid", "journal_offset", "journal_index", "received_at")
_BODY = (*_PLACE, "body")
_LETTER = (*_PLACE, "event_at", "reason", "detail", "topic", "device", "payload", "size")


def _schema(text: str, integers: str = "", floats: str = "") -> dict[str, pa.DataType]:
    return {
        **dict.fromkeys(text.split(), pa.string()),
        **dict.fromkeys(integers.split(), pa.int64()),
        **dict.fromkeys(floats.split(), pa.float64()),
    }


_TYPES = {
    **_schema(
        "grid id kind device subject household sensor room phase state body incident boot reason"
        " detail topic day",
        "seq journal_offset journal_index received_at event_at severity first_seq last_seq size",
        "confidence value score low high coverage " + " ".join(_HOT),
    ),
    "payload": pa.binary(),
}

_KEY = (*_PLACE, "event_at", "id")
_TASK = ("seq", *_KEY, "kind", "incident", "body")
_INCIDENT = ("seq", *_KEY, "kind", "severity", "state", "subject", "household", "body")
_RISK = (*_KEY, "kind", "phase", "confidence", "subject", "household", "body")
_COLUMNS: dict[str, tuple[str, ...]] = {
    "observations": (
        *_KEY, "kind", "device", "subject", "household", *_HOT, "sensor", "room", "value", "body"
    ),
    "hazards": (
        *_KEY, "kind", "phase", "severity", "confidence", "subject", "household", "body"
    ),
    "risks": _RISK,
    "risk_changes": _RISK,
    "scores": (
        *_KEY, "day", "subject", "household", "score", "low", "high", "coverage", "body"
    ),
    "incidents": _INCIDENT,
    "incident_changes": _INCIDENT,
    "tasks": _TASK,
    "notices": _TASK,
    "commands": _TASK,
    "adjustments": (*_KEY, "kind", "subject", "household", "incident", "body"),
    "losses": (*_KEY, "device", "boot", "first_seq", "last_seq", "state", "body"),
    "deadletters": (*_KEY, "reason", "detail", "topic", "device", "size", "payload"),
}  # fmt: skip


def _arrow(name: str, rows: Sequence[Row]) -> pa.Table:
    if name in KEYED:
        rows = list({_key_of(name, row): row for row in rows}.values())
    kept = _COLUMNS[name]
    arrays = [
        pa.array(values, _TYPES[column])
        for column, values in zip(kept, zip(*rows, strict=True), strict=True)
    ]
    return pa.table(arrays, names=list(kept))


def _key_of(name: str, row: Row) -> tuple[str, str]:
    kept = _COLUMNS[name]
    return row[kept.index("grid")], row[kept.index("id")]


def _row(item: Numbered) -> Row:
    made = item.outcome
    key = (
        made.grid, made.offset, made.index, made.received_at, moment(made), identity(made)
    )  # fmt: skip
    row: Row = (*key, *_FIELDS[type(made.value)](made.value))
    return (item.seq, *row) if item.seq else row


def _body(value: AnyOutcome) -> str:
    body = msgspec.json.encode(value)
    # JSON has no word for NaN and infinity and writes null, which then is no number any more, or
    # one that is said to be unknown. Observations never hold them: every range excludes them when
    # a message is decoded.
    if not isinstance(value, Kept) and b":null" in body and _decode(body) != value:
        raise ValueError("it holds a number that JSON has no word for")
    return body.decode()


def _kept(value: Kept) -> Row:
    said = value.observation
    vitals = (
        tuple(getattr(said, name) for name in _HOT)
        if isinstance(said, Vitals)
        else (None,) * len(_HOT)
    )
    home = (said.sensor.value, said.room, said.value) if isinstance(said, Home) else (None,) * 3
    kind = str(said.__struct_config__.tag)
    return (kind, value.device, value.subject, value.household, *vitals, *home, _body(value))


def _hazard(value: Hazard) -> Row:
    return (
        value.kind.value, value.phase.value, int(value.severity), value.confidence,
        value.subject, value.household, _body(value),
    )  # fmt: skip


def _risk(value: Risk) -> Row:
    return (
        value.kind.value, value.phase.value, value.confidence, value.subject, value.household,
        _body(value),
    )  # fmt: skip


def _score(value: HealthScore) -> Row:
    return (
        value.day, value.subject, value.household, value.score, value.low, value.high,
        value.coverage, _body(value),
    )  # fmt: skip


def _incident(value: Incident) -> Row:
    return (
        value.kind.value, int(value.severity), value.state.value, value.subject, value.household,
        _body(value),
    )  # fmt: skip


def _adjustment(value: Adjustment) -> Row:
    return (value.rule, value.subject, value.household, value.incident, _body(value))


def _loss(value: Loss) -> Row:
    return (value.device, value.boot, value.first, value.last, value.state, _body(value))


def _rejected(value: Rejected) -> Row:
    return (
        value.reason.value, value.detail, value.topic, value.device, value.size, value.payload
    )  # fmt: skip


def _letter(row: Row) -> Rejected:
    at, reason, detail, topic, device, payload, size = row[4:]
    return Rejected(
        reason=Reason(reason),
        detail=detail,
        topic=topic,
        device=device,
        payload=bytes(payload),
        size=size,
        received_at=at,
    )


_FIELDS: dict[type[AnyOutcome], Callable[[Any], Row]] = {
    Kept: _kept,
    Hazard: _hazard,
    Risk: _risk,
    HealthScore: _score,
    Incident: _incident,
    Task: lambda task: (task.want.value, task.incident, _body(task)),
    Notice: lambda notice: (notice.step, notice.incident, _body(notice)),
    Command: lambda command: (command.do, command.incident, _body(command)),
    Adjustment: _adjustment,
    Loss: _loss,
    Rejected: _rejected,
}
