"""What is registered about one grid: records by kind and id, and the look-ups rules need."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TypeVar

from weinao.registry import Contact, Device, Grid, Household, Record, Resident, Role, Staff

R = TypeVar("R", bound=Record)

Key = tuple[str, str]


def key_of(record: Record) -> Key:
    """Return what tells a record from all others: its kind and its id."""
    return str(record.__struct_config__.tag), record.id


class Registered:
    """A view of a grid's records; made anew when one changes, never changed itself."""

    def __init__(self, records: Mapping[Key, Record]) -> None:
        self.records = records

    def device(self, device: str) -> Device | None:
        """Return a device's record, if it has one."""
        found = self.records.get(("device", device))
        return found if isinstance(found, Device) else None

    def resident(self, resident: str) -> Resident | None:
        """Return a resident's record, if there is one."""
        found = self.records.get(("resident", resident))
        return found if isinstance(found, Resident) else None

    def household(self, household: str) -> Household | None:
        """Return a household's record, if there is one."""
        found = self.records.get(("household", household))
        return found if isinstance(found, Household) else None

    @cached_property
    def tz_offset_min(self) -> int:
        """Minutes that local time is ahead of UTC; China's where no grid is registered."""
        return next((grid.tz_offset_min for grid in self._all(Grid)), 480)

    @cached_property
    def staff(self) -> tuple[Staff, ...]:
        """The grid's team, by role in the order of 1+1+1+N, then by id."""
        order = list(Role)
        return tuple(sorted(self._all(Staff), key=lambda who: (order.index(who.role), who.id)))

    def staff_member(self, who: str) -> Staff | None:
        """Return a staff member's record, if there is one."""
        found = self.records.get(("staff", who))
        return found if isinstance(found, Staff) else None

    @cached_property
    def devices_of_agent(self) -> dict[str, tuple[Device, ...]]:
        """For each agent, the devices behind it, itself left out."""
        found: dict[str, tuple[Device, ...]] = {}
        for device in self._all(Device):
            if device.id != device.agent:
                found[device.agent] = (*found.get(device.agent, ()), device)
        return found

    @cached_property
    def able(self) -> dict[str, tuple[Device, ...]]:
        """For each household, the devices in it that can be told to do something, by id."""
        found: dict[str, tuple[Device, ...]] = {}
        for device in sorted(self._all(Device), key=lambda one: one.id):
            if device.does and (home := self.home_of(device)):
                found[home] = (*found.get(home, ()), device)
        return found

    @cached_property
    def residents_of(self) -> dict[str, tuple[Resident, ...]]:
        """For each household, who lives there, by id."""
        found: dict[str, tuple[Resident, ...]] = {}
        for resident in sorted(self._all(Resident), key=lambda who: who.id):
            found[resident.household] = (*found.get(resident.household, ()), resident)
        return found

    @cached_property
    def households_of_agent(self) -> dict[str, tuple[str, ...]]:
        """For each agent, the homes whose clock its word is."""
        found: dict[str, tuple[str, ...]] = {}
        for household in self._all(Household):
            found[household.agent] = (*found.get(household.agent, ()), household.id)
        return found

    def home_of(self, device: Device) -> str:
        """Return the household a device is in: its wearer's, or its own."""
        wearer = self.resident(device.wearer) if device.wearer else None
        return wearer.household if wearer else device.household

    def contacts_of(self, subject: str, household: str) -> tuple[Contact, ...]:
        """Return whom to tell about a subject, in order, each once."""
        resident = self.resident(subject)
        living = (resident,) if resident else self.residents_of.get(household, ())
        found = {contact.id: contact for who in living for contact in who.contacts}
        return tuple(found.values())

    def as_contact(self, resident: str) -> tuple[Contact, ...]:
        """Return a resident as somebody who can be told something; nothing for who is unknown."""
        found = self.resident(resident)
        return (Contact(id=found.id, name=found.name, language=found.language),) if found else ()

    def _all(self, kind: type[R]) -> Iterator[R]:
        return (record for record in self.records.values() if isinstance(record, kind))
