"""What became of the notices about an incident, as the courier said and the journal holds it."""

from sinks.store import Filter, Store
from weinao.outcomes import Kept


def deliveries_of(store: Store, grid: str, incident: str) -> tuple[Kept, ...]:
    """Return the deliveries of an incident's notices, oldest first.

    Raises:
        StoreUnavailableError: The store is away.
    """
    found = store.observations(Filter(grid=grid, kind="delivery", subject=incident))
    return tuple(one.value for one in found if isinstance(one.value, Kept))
