"""What is registered, as the store tells it: who lives where, who named whom, who is on which team.

A view is a value; a reader makes the next one from what the store has kept since.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TypeVar

from msgspec import Struct

from sinks.store import Filter, Store, every
from weinao.messages import Registered
from weinao.outcomes import Incident, Kept
from weinao.registry import (
    Building,
    Checkpoint,
    Community,
    Contact,
    Device,
    Grid,
    Household,
    Record,
    Resident,
    Staff,
)

R = TypeVar("R", bound=Record)

LATE_MS = 600_000
"""How much later than its date a record may be kept and be seen before the next whole read."""

CHINA_MIN = 480


class Entered(Struct, frozen=True):
    """A record as it stands in one grid, and where in the journal it was entered."""

    record: Record
    position: tuple[int, int]


Key = tuple[str, str, str]
"""Grid, kind and id of a record."""


class Known:
    """All that is registered in all grids.

    Args:
        entered: The newest version of each record.
    """

    def __init__(self, entered: Mapping[Key, Entered] | None = None) -> None:
        self.entered: Mapping[Key, Entered] = entered or {}

    def of(self, grid: str, kind: type[R]) -> tuple[R, ...]:
        """Return the records of a kind that one grid holds, by id."""
        return tuple(
            one
            for one in self._by_kind.get((grid, kind), ())
            if isinstance(one, kind)
        )  # fmt: skip

    @cached_property
    def grids(self) -> tuple[str, ...]:
        """All grids of which anything is known."""
        return tuple(sorted({grid for grid, _, _ in self.entered}))

    @cached_property
    def community(self) -> Community | None:
        """The community's own record."""
        found = (one.record for one in self.entered.values())
        return next((one for one in found if isinstance(one, Community)), None)

    def grid(self, grid: str) -> Grid | None:
        """Return a grid's own record."""
        return self.record(grid, Grid, grid)

    def record(self, grid: str, kind: type[R], record: str) -> R | None:
        """Return one record."""
        found = self.entered.get((grid, _tag(kind), record))
        return found.record if found is not None and isinstance(found.record, kind) else None

    def records(self, grid: str) -> tuple[Record, ...]:
        """Return all records of a grid."""
        return self._of_grid.get(grid, ())

    def tz_offset_min(self, grid: str) -> int:
        """Return how far local time is ahead of UTC."""
        found = self.grid(grid)
        return found.tz_offset_min if found else CHINA_MIN

    @cached_property
    def residents_of(self) -> dict[tuple[str, str], tuple[Resident, ...]]:
        """Who lives in a home, by grid and household."""
        found: dict[tuple[str, str], tuple[Resident, ...]] = {}
        for grid in self.grids:
            for resident in self.of(grid, Resident):
                key = (grid, resident.household)
                found[key] = (*found.get(key, ()), resident)
        return found

    @cached_property
    def named_by(self) -> dict[str, tuple[tuple[str, Resident], ...]]:
        """For each contact, the grid and record of every resident who named them."""
        found: dict[str, tuple[tuple[str, Resident], ...]] = {}
        for grid in self.grids:
            for resident in self.of(grid, Resident):
                for contact in resident.contacts:
                    found[contact.id] = (*found.get(contact.id, ()), (grid, resident))
        return found

    @cached_property
    def team_of(self) -> dict[str, tuple[tuple[str, Staff], ...]]:
        """For each member of staff, their grids and their record there."""
        found: dict[str, tuple[tuple[str, Staff], ...]] = {}
        for grid in self.grids:
            for one in self.of(grid, Staff):
                found[one.id] = (*found.get(one.id, ()), (grid, one))
        return found

    @cached_property
    def living(self) -> dict[str, tuple[str, Resident]]:
        """The grid and record of each resident."""
        return {one.id: (grid, one) for grid in self.grids for one in self.of(grid, Resident)}

    def contacts(self, incident: Incident) -> tuple[Contact, ...]:
        """Return the contacts of whom an incident is about: of the resident, or of the home."""
        resident = self.record(incident.grid, Resident, incident.subject)
        living = (
            (resident,)
            if resident
            else self.residents_of.get((incident.grid, incident.household), ())
        )
        return tuple({one.id: one for who in living for one in who.contacts}.values())

    def buildings(self, grid: str) -> tuple[Building, ...]:
        """Return the buildings of a grid, those included that only a household's record names."""
        registered = {one.id: one for one in self.of(grid, Building)}
        for home in self.of(grid, Household):
            if home.building and home.building not in registered:
                registered[home.building] = Building(id=home.building, grid=grid)
        return tuple(registered[name] for name in sorted(registered))

    def checkpoints(self, grid: str) -> tuple[Checkpoint, ...]:
        """Return where staff on patrol have to be seen."""
        return self.of(grid, Checkpoint)

    def devices(self, grid: str) -> tuple[Device, ...]:
        """Return the devices of a grid, gateways first."""
        found = self.of(grid, Device)
        return tuple(sorted(found, key=lambda one: (one.agent, one.id != one.agent, one.id)))

    def home_of(self, grid: str, device: Device) -> str:
        """Return the household a device is in: its wearer's, or its own."""
        wearer = self.record(grid, Resident, device.wearer)
        return wearer.household if wearer else device.household

    @cached_property
    def _of_grid(self) -> dict[str, tuple[Record, ...]]:
        found: dict[str, list[Record]] = {}
        for (grid, _, _), one in sorted(self.entered.items()):
            found.setdefault(grid, []).append(one.record)
        return {grid: tuple(records) for grid, records in found.items()}

    @cached_property
    def _by_kind(self) -> dict[tuple[str, type], tuple[Record, ...]]:
        found: dict[tuple[str, type], list[Record]] = {}
        for grid, records in self._of_grid.items():
            for record in records:
                found.setdefault((grid, type(record)), []).append(record)
        return {key: tuple(records) for key, records in found.items()}


def read(store: Store, before: Known, since: int | None = None) -> Known:
    """Return what is registered by now.

    Args:
        store: To ask.
        before: What was known.
        since: Read only records dated from here on; None for all.

    Raises:
        StoreUnavailableError: The store is away.
    """
    found = {} if since is None else dict(before.entered)
    for key, one in _read(store, since):
        if key not in found or found[key].position < one.position:
            found[key] = one
    return before if found == before.entered else Known(found)


def _read(store: Store, since: int | None) -> Iterator[tuple[Key, Entered]]:
    for outcome in every(store, "observations", Filter(kind="registered", since=since)):
        said = outcome.value.observation if isinstance(outcome.value, Kept) else None
        if isinstance(said, Registered):
            tag = str(said.record.__struct_config__.tag)
            key = (outcome.grid, tag, said.record.id)
            yield key, Entered(said.record, outcome.position)


def holds(record: Record, now: int) -> bool:
    """Say whether a record holds at this time."""
    return record.valid_from <= now and (record.valid_to is None or now < record.valid_to)


def _tag(kind: type[R]) -> str:
    return str(kind.__struct_config__.tag)
