"""What people were told before: a brain that begins anew must not contradict it, or tell it twice.

A flow without recovery, for its brain has changed or its folder is gone, reads the journal again.
Up to where the store is, nobody hears what it concludes; from there on it goes on with the
incidents that the store has, whoever opened them.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import stamina
from msgspec.structs import replace

from weinao.cli.histories import Progress
from weinao.outcomes import Incident, IncidentState

if TYPE_CHECKING:
    from pipeline.brain.bequest import Told
    from pipeline.flow.mind import Mind
    from pipeline.flow.seat import SeatState
    from sinks.store import Store

Tell = Callable[[], "Mapping[str, Told]"]
Asked = Callable[[], "AbstractContextManager[Store]"]

_DAY_MS = 86_400_000
LATELY_DAYS = 31
"""Incidents that ended within so long before the last are told, too: they can be reopened for
thirty days (`kept_days` of the policy)."""


def reached(asked: "Asked") -> Progress:
    """Return a question for how far each grid has come; it waits while the store is away.

    Args:
        asked: Opens the store, and closes it when it has told.
    """
    from sinks.client import StoreClient
    from sinks.store import StoreUnavailableError

    @stamina.retry(
        on=StoreUnavailableError, attempts=None, timeout=None, wait_initial=0.05, wait_max=1.0
    )
    def progress() -> dict[str, tuple[int, int]]:
        with asked() as store:
            return store.accepted() if isinstance(store, StoreClient) else store.progress()

    return progress


def telling(asked: "Asked") -> Tell:
    """Return a question for what a store has told of each grid; it waits while the store is away.

    Args:
        asked: Opens it, and closes it when it has told.
    """
    from pipeline.brain.bequest import Told
    from sinks.client import StoreClient
    from sinks.store import StoreUnavailableError

    @stamina.retry(
        on=StoreUnavailableError, attempts=None, timeout=None, wait_initial=0.05, wait_max=1.0
    )
    def tell() -> "Mapping[str, Told]":
        with asked() as store:
            reached = store.accepted() if isinstance(store, StoreClient) else store.progress()
            known = _incidents(store) if reached else {}
        return {
            grid: Told(upto=upto, incidents=known.get(grid, {})) for grid, upto in reached.items()
        }

    return tell


def told_of(mind: "Mind", tell: Tell, seats: "dict[str, SeatState]") -> "dict[str, SeatState]":
    """Return seats that know what people were told of their grids, made where there are none."""
    from pipeline.flow.seat import SeatState

    found = dict(seats)
    for grid, told in tell().items():
        if grid in mind.grids or grid in seats:
            seat = found.get(grid) or SeatState(grid=grid, stay=0, here=mind.begins_here(grid))
            found[grid] = replace(seat, told=told)
    return found


def _incidents(store: "Store") -> dict[str, dict[str, Incident]]:
    """Return, for each grid, its incidents as they stand, but for those that ended long ago.

    The changes are asked for, not the incidents: what waits for a database is known there, too.
    """
    from sinks.store import READ_MAX

    found: dict[str, dict[str, Incident]] = {}
    after = 0
    while changes := store.incident_changes(after, READ_MAX):
        for one in changes:
            if isinstance(one.outcome.value, Incident):
                found.setdefault(one.outcome.grid, {})[one.outcome.value.id] = one.outcome.value
        after = changes[-1].seq
        found = {grid: _lately(those) for grid, those in found.items()}
    return found


def _lately(incidents: dict[str, Incident]) -> dict[str, Incident]:
    newest = max(_moved_at(one) for one in incidents.values())
    since = newest - LATELY_DAYS * _DAY_MS
    return {
        name: one
        for name, one in incidents.items()
        if one.state not in _ENDED or _moved_at(one) >= since
    }


def _moved_at(incident: Incident) -> int:
    return incident.steps[-1].at if incident.steps else incident.noticed_at


_ENDED = frozenset({IncidentState.CLOSED, IncidentState.FALSE_ALARM, IncidentState.MERGED})
