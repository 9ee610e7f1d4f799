"""Incidents as a lake knows them: each as its latest change left it."""

from collections.abc import Iterator
from pathlib import Path

from sinks import rows
from sinks.lake.query import Narrowed, ask
from weinao.outcomes import Incident

_LATEST = """
    SELECT body FROM (
        SELECT event_at, id, grid, body FROM incident_changes
        QUALIFY row_number() OVER (
            PARTITION BY grid, id ORDER BY journal_offset DESC, journal_index DESC
        ) = 1
    )
    WHERE ($since IS NULL OR event_at >= $since) AND ($until IS NULL OR event_at < $until)
    ORDER BY event_at, id, grid
"""


def incidents(
    lake: Path, grid: str | None = None, since: int | None = None, until: int | None = None
) -> Iterator[Incident]:
    """Yield incidents, by when they began.

    Args:
        lake: Its folder.
        grid: Only of this grid.
        since: Oldest beginning, inclusive.
        until: Newest beginning, exclusive.

    Raises:
        LakeUnavailableError: There is no lake.
    """
    # Not only files of that time are read: a change may tell that it began at another.
    found = ask(lake, _LATEST, Narrowed(grid), {"since": since, "until": until})
    assert found is not None
    for (body,) in found.fetchall():
        value = rows.whole(body)
        assert isinstance(value, Incident)
        yield value
