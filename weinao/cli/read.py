"""`weinao incidents|risks|scores|…`: what the store holds.

For programs, `--json` is canonical: one array, by (at, id), keys sorted. Equal stores give equal
bytes, whoever filled them and in whatever batches.
"""

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import msgspec
from cyclopts import Parameter

from weinao.catalogue import Language
from weinao.cli import stores
from weinao.cli.options import Count, one_of
from weinao.clock import now_ms
from weinao.messages import AnyObservation
from weinao.outcomes import HazardKind, IncidentState, Outcome, Phase, Reason, RiskKind
from weinao.voice import story_words

if TYPE_CHECKING:
    from sinks.store import Filter, Store

FOLDER = Path("run/data")
ROWS = 50
"""Shown to people who did not say how many."""

_PAGE = 500
_COMMANDS = {"due_visits": "visits"}
"""What is not called as its table is."""

_SPANS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}

Json = Annotated[bool, Parameter(name="--json", negative="")]


Hazards = Annotated[str, one_of(HazardKind)]
States = Annotated[str, one_of(IncidentState)]
Kinds = Annotated[str, one_of(str(one.__struct_config__.tag) for one in get_args(AnyObservation))]
Reasons = Annotated[str, one_of(Reason)]
Fates = Annotated[str, one_of(("missing", "filled", "thinned"))]
Risks = Annotated[str, one_of(RiskKind)]
Phases = Annotated[str, one_of((Phase.RAISED, Phase.CLEARED))]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What each of these commands takes.

    Attributes:
        data: Folder of the system.
        json: Print one JSON array, with every field; all of them, unless `limit` says otherwise.
        limit: Only the newest so many.
        since: Only since: an ISO 8601 time, or a while ago as in 90m, 24h, 7d.
        grid: Only of this grid; `_` is that of dead letters which named none.
        lang: Language of the table.
    """

    data: Path = FOLDER
    json: Json = False
    limit: Count | None = None
    since: str | None = None
    grid: str | None = None
    lang: Language = "zh"


ALL = Wanted()


def incidents(
    *,
    wanted: Wanted = ALL,
    kind: Hazards | None = None,
    state: States | None = None,
    subject: str | None = None,
) -> None:
    """Show incidents, each as it stands; with `--since`, what began since.

    Args:
        wanted: How many, since when, and how they are shown.
        kind: Only of this kind: fall, sos, smoke, gas, co, leak, vitals, inactivity, …
        state: Only in this state: open, dispatched, accepted, on_site, resolved, closed, …
        subject: Only about this resident, device or household.
    """
    _show("incidents", wanted, kind=kind, state=state, subject=subject)


def observations(
    *,
    wanted: Wanted = ALL,
    kind: Kinds | None = None,
    device: str | None = None,
    subject: str | None = None,
) -> None:
    """Show observations that counted.

    Args:
        wanted: How many, since when, and how they are shown.
        kind: Only of this kind: vitals, motion, rhythm, home, status, …
        device: Only of this device.
        subject: Only about this resident, device or household.
    """
    _show("observations", wanted, kind=kind, device=device, subject=subject)


def deadletters(
    *, wanted: Wanted = ALL, kind: Reasons | None = None, device: str | None = None
) -> None:
    """Show what was set aside, and why. The journal still holds each of them whole.

    With `--json`, payloads are in base64.

    Args:
        wanted: How many, since when, and how they are shown.
        kind: Only for this reason: syntax, schema, identity, duplicate, future, …
        device: Only of this device.
    """
    _show("deadletters", wanted, kind=kind, device=device)


def losses(*, wanted: Wanted = ALL, state: Fates | None = None, device: str | None = None) -> None:
    """Show the loss ledger: numbers that never came, came late, or were given up by name.

    Args:
        wanted: How many, since when, and how they are shown.
        state: Only those `missing`, `filled` or `thinned`.
        device: Only of this device.
    """
    _show("losses", wanted, state=state, device=device)


def risks(
    *,
    wanted: Wanted = ALL,
    kind: Risks | None = None,
    state: Phases | None = None,
    subject: str | None = None,
) -> None:
    """Show latent dangers, each as it stands: what a visit should look into, not an alarm.

    Args:
        wanted: How many, since when, and how they are shown.
        kind: Only of this kind: heart_rate, spo2, weight, sleep, activity, medicine, …
        state: Only those `raised` or `cleared`.
        subject: Only about this resident, device or household.
    """
    _show("risks", wanted, kind=kind, state=state, subject=subject)


def scores(
    *, wanted: Wanted = ALL, household: str | None = None, subject: str | None = None
) -> None:
    """Show health scores, one a resident and day. Never a diagnosis.

    Args:
        wanted: How many, since when, and how they are shown.
        household: Only of who lives there.
        subject: Only about this resident.
    """
    _show("scores", wanted, household=household, subject=subject)


def visits(*, wanted: Wanted = ALL, household: str | None = None) -> None:
    """Show by when staff should look in on whom (入户走访), and why.

    Args:
        wanted: How many, since when, and how they are shown.
        household: Only this home.
    """
    _show("due_visits", wanted, household=household)


def adjustments(
    *, wanted: Wanted = ALL, subject: str | None = None, incident: str | None = None
) -> None:
    """Show which thresholds were moved for whom because people called alarms false.

    Args:
        wanted: How many, since when, and how they are shown.
        subject: Only about this resident or household.
        incident: Only what this incident taught.
    """
    _show("adjustments", wanted, subject=subject, incident=incident)


def canonical(found: Iterable[Outcome]) -> Iterator[bytes]:
    """Yield one JSON array, an outcome a line, keys sorted.

    An incident stands for itself; of the others, their grid and their place in the journal are
    told, too.
    """
    opening = b"[\n"
    for outcome in found:
        yield opening + msgspec.json.encode(_members(outcome), order="sorted")
        opening = b",\n"
    yield b"[]\n" if opening == b"[\n" else b"\n]\n"


def _members(outcome: Outcome) -> dict[str, Any]:
    members: dict[str, Any] = msgspec.to_builtins(outcome.value)
    if members["type"] == "incident":
        return members
    position = {"offset": outcome.offset, "index": outcome.index}
    return {**members, "grid": outcome.grid, **position}


def _show(table: str, wanted: Wanted, **chosen: str | None) -> None:
    from sinks.store import READ_MAX, Filter, StoreError

    command = _COMMANDS.get(table, table)
    if wanted.limit is not None and wanted.limit > READ_MAX:
        sys.exit(
            f"weinao {command}: --limit: expected at most {READ_MAX}, got {wanted.limit};"
            " without it, --json prints everything"
        )
    asked = Filter(
        **chosen,  # type: ignore[arg-type]  # names of its own
        grid=wanted.grid,
        since=instant(wanted.since, command),
        limit=_PAGE,
    )
    try:
        store = stores.to_read(wanted.data)
        try:
            if wanted.json:
                _write(canonical(_found(store, table, asked, wanted.limit)))
            else:
                limit = ROWS if wanted.limit is None else wanted.limit
                _print(table, [*_found(store, table, asked, limit)], wanted)
        finally:
            store.close()
    except (StoreError, stores.WhereError) as error:
        sys.exit(f"weinao {command}: {error}")
    except BrokenPipeError:
        # Who reads has read enough. Nothing more may be written, not even at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _found(
    store: "Store", table: str, asked: "Filter", limit: int | None
) -> Iterable[Outcome]:  # fmt: skip
    from msgspec.structs import replace

    from sinks.store import every

    if limit is None:
        return every(store, table, asked)
    newest = replace(asked, newest=True, limit=limit)
    found: list[Outcome] = getattr(store, table)(newest)
    return found


def _write(parts: Iterable[bytes]) -> None:
    for part in parts:
        sys.stdout.buffer.write(part)
    sys.stdout.buffer.flush()


def _print(table: str, found: list[Outcome], wanted: Wanted) -> None:
    from weinao.cli import tables
    from weinao.cli.showing import console

    words, shown = story_words(wanted.lang), console()
    if not found:
        shown.print(words.say("table", "nothing"))
        return
    draw: Callable[..., Any] = getattr(tables, table)
    shown.print(draw(found, words))
    if wanted.limit is None and len(found) == ROWS:
        shown.print(words.say("table", "newest", count=ROWS))


def instant(text: str | None, command: str, option: str = "--since") -> int | None:
    """Return the instant that an option of a command names; end the program if that is none."""
    if text is None:
        return None
    if match := re.fullmatch(r"(\d+)([smhd])", text):
        return now_ms() - int(match[1]) * _SPANS_MS[match[2]]
    try:
        return round(datetime.fromisoformat(text).astimezone().timestamp() * 1_000)
    except ValueError:
        sys.exit(
            f"weinao {command}: {option}: expected a time such as 2026-11-23T08:00 or 90m, 24h, 7d,"
            f" got {text!r}"
        )
