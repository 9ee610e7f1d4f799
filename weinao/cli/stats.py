"""`weinao stats`: how incidents were handled, per grid and service: table, JSON, picture."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from weinao.catalogue import Catalogue, Language, catalogue
from weinao.cli import showing, stores
from weinao.cli.read import FOLDER, instant
from weinao.handling import ALL, Handled, handled
from weinao.outcomes import Incident

if TYPE_CHECKING:
    from rich.table import Table

Json = Annotated[bool, Parameter(name="--json", negative="")]
Source = Literal["store", "lake"]

_NOTHING = "–"


def stats(
    *,
    data: Path = FOLDER,
    source: Annotated[Source, Parameter(name="--from")] = "store",
    lake: Path | None = None,
    grid: str | None = None,
    since: str | None = None,
    until: str | None = None,
    json: Json = False,
    png: Path | None = None,
    lang: Language = "zh",
) -> None:
    """Show how many incidents there were, how soon they were taken on, and how well it went.

    Args:
        data: Folder of the system.
        source: Ask the store (DuckDB, TimescaleDB or PostgreSQL), or the lake.
        lake: Folder of the lake; by default the folder `lake` in that of the system.
        grid: Only of this grid.
        since: Only what began since: an ISO 8601 time, or a while ago as in 90m, 24h, 7d.
        until: Only what began before.
        json: Print one JSON array: each grid and service, each grid (service `*`), and all.
        png: Draw them into this file, too.
        lang: Language of table and picture.
    """
    from sinks.lake.errors import LakeError
    from sinks.store import StoreError
    from weinao.cli.canvas import NoPictureError

    span = instant(since, "stats"), instant(until, "stats", "--until")
    try:
        found = handled(
            _from_lake(lake or data / "lake", grid, *span)
            if source == "lake"
            else _from_store(data, grid, *span)
        )
        if png is not None:
            from weinao.cli.stats_picture import draw

            draw(found, lang, png)
    except (StoreError, LakeError, NoPictureError, stores.WhereError) as error:
        sys.exit(f"weinao stats: {error}")
    if json:
        showing.write_json(found)
    else:
        console = showing.console(160)
        console.print(_table(found, catalogue(lang)))


def _from_store(
    data: Path, grid: str | None, since: int | None, until: int | None
) -> list[Incident]:
    from sinks.store import Filter, every

    store = stores.to_read(data)
    try:
        found = every(store, "incidents", Filter(grid=grid, since=since, until=until, limit=500))
        return [one.value for one in found if isinstance(one.value, Incident)]
    finally:
        store.close()


def _from_lake(
    lake: Path, grid: str | None, since: int | None, until: int | None
) -> Iterable[Incident]:
    from sinks.lake.incidents import incidents

    return incidents(lake, grid, since, until)


def _table(found: Iterable[Handled], words: Catalogue) -> "Table":
    from rich.table import Table

    table = Table(title=words.say("stats", "title"), header_style="bold")
    for name in ("grid", "service", "count", "open", "acknowledge_p50", "acknowledge_p90",
                 "resolve_p50", "within", "reopened", "false_alarms", "satisfaction"):  # fmt: skip
        table.add_column(words.say("stats", name))
    for one in found:
        grid = words.say("stats", "all") if one.grid == ALL else one.grid
        table.add_row(
            grid,
            words.say("stats", "all") if one.service == ALL else words.say("service", one.service),
            str(one.count),
            str(one.open),
            *(
                _seconds(value)
                for value in (one.acknowledge_s_p50, one.acknowledge_s_p90, one.resolve_s_p50)
            ),
            share(one.within_deadline_share),
            str(one.reopened),
            f"{one.false_alarms} ({share(one.false_alarm_share)})",
            _NOTHING if one.satisfaction is None else f"{one.satisfaction:.1f} ({one.rated})",
            style="bold" if ALL in (one.grid, one.service) else "",
        )
    return table


def share(value: float | None) -> str:
    """Return a share as people write it."""
    return _NOTHING if value is None else f"{value:.0%}"


def _seconds(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:.0f}"
