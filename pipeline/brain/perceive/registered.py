"""What is registered about one grid: records by kind and id, and the look-ups rules need."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TypeVar
from zlib import crc32

from weinao.registry import (
    Contact,
    Device,
    Grid,
    Household,
    Record,
    Reminder,
    Resident,
    Role,
    Staff,
)

R = TypeVar("R", bound=Record)

Key = tuple[str, str]


def key_of(record: Record) -> Key:
    """Return what tells a record from all others: its kind and its id."""
    return str(record.__struct_config__.tag), record.id


_BUCKETS = 256
"""Of each kind. A record that is entered copies one of them, not all that is registered: 10,000
residents with their homes and devices are entered in seconds."""

_Buckets = dict[type[object], dict[int, dict[str, Record]]]

_RESTS_ON: dict[str, type[object]] = {
    "tz_offset_min": Grid,
    "staff": Staff,
    "devices_of_agent": Device,
    "residents_of": Resident,
    "households_of_agent": Household,
    "households": Household,
    "reminders_at": Resident,
}
"""What is looked up in records of one kind stays known while only others change."""


class Registered:
    """A view of a grid's records; made anew when one changes, never changed itself."""

    def __init__(self, records: Mapping[Key, Record]) -> None:
        self._kinds: _Buckets = {}
        for record in records.values():
            _into(self._kinds, record)

    def with_record(self, record: Record) -> "Registered":
        """Return the view with a record entered, or in place of its older version."""
        kind, bucket = type(record), _bucket(record.id)
        buckets = self._kinds.get(kind, {})
        known = Registered({})
        entered = {**buckets.get(bucket, {}), record.id: record}
        known._kinds = {**self._kinds, kind: {**buckets, bucket: entered}}
        for name, rests_on in _RESTS_ON.items():
            if rests_on is not kind and name in self.__dict__:
                known.__dict__[name] = self.__dict__[name]
        return known

    @cached_property
    def records(self) -> dict[Key, Record]:
        """All records, by kind and id."""
        return {
            key_of(record): record
            for buckets in self._kinds.values()
            for records in buckets.values()
            for record in records.values()
        }

    def device(self, device: str) -> Device | None:
        """Return a device's record, if it has one."""
        return self._find(Device, device)

    def resident(self, resident: str) -> Resident | None:
        """Return a resident's record, if there is one."""
        return self._find(Resident, resident)

    def household(self, household: str) -> Household | None:
        """Return a household's record, if there is one."""
        return self._find(Household, household)

    @cached_property
    def tz_offset_min(self) -> int:
        """Minutes that local time is ahead of UTC; China's where no grid is registered."""
        grids = sorted(self._all(Grid), key=lambda grid: grid.id)
        return grids[0].tz_offset_min if grids else 480

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
        """For each agent, the devices behind it by id, itself left out."""
        found: dict[str, tuple[Device, ...]] = {}
        for device in sorted(self._all(Device), key=lambda one: one.id):
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
    def households(self) -> tuple[Household, ...]:
        """All homes, by id."""
        return tuple(sorted(self._all(Household), key=lambda one: one.id))

    @cached_property
    def reminders_at(self) -> dict[int, tuple[tuple[Resident, Reminder], ...]]:
        """For each minute of the local day, who wants to be reminded of what then, by id."""
        found: dict[int, tuple[tuple[Resident, Reminder], ...]] = {}
        for resident in sorted(self._all(Resident), key=lambda who: who.id):
            for one in resident.reminders:
                found[one.at_min] = (*found.get(one.at_min, ()), (resident, one))
        return found

    @cached_property
    def households_of_agent(self) -> dict[str, tuple[str, ...]]:
        """For each agent, the homes whose clock its word is, by id."""
        found: dict[str, tuple[str, ...]] = {}
        for household in sorted(self._all(Household), key=lambda one: one.id):
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
        return (_herself(found),) if found else ()

    def _find(self, kind: type[R], name: str) -> R | None:
        found = self._kinds.get(kind, {}).get(_bucket(name), {}).get(name)
        return found if isinstance(found, kind) else None

    def _all(self, kind: type[R]) -> Iterator[R]:
        for records in self._kinds.get(kind, {}).values():
            yield from (record for record in records.values() if isinstance(record, kind))


def stands_in(device: Device, grid: str) -> bool:
    """Say whether a device stands in a grid; others only say there what concerns it, too."""
    return device.grid in ("", grid)


def _herself(who: Resident) -> Contact:
    return Contact(id=who.id, name=who.name, channels=who.channels, language=who.language)


def _bucket(name: str) -> int:
    """Return a bucket that is the same in every process, as Python's own hashes are not."""
    return crc32(name.encode()) % _BUCKETS


def _into(kinds: _Buckets, record: Record) -> None:
    kinds.setdefault(type(record), {}).setdefault(_bucket(record.id), {})[record.id] = record
