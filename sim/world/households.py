"""Who lives where, and with which devices: homes as values, and as the registry knows them."""

from msgspec import Struct

from weinao.registry import (
    Consent,
    Contact,
    Device,
    Household,
    Record,
    Resident,
    TagGrant,
)

BEAT_S = 300.0
"""How often a simulated agent speaks."""

SENSOR_BEAT_S = 3_600.0
"""How often a battery sensor says that it lives."""

BORN = {"elder": 1946, "adult": 1984, "child": 2015, "preschooler": 2022}
ROOMS = ("bedroom", "bathroom", "kitchen", "living", "hall")

_DETECTORS = {
    "smoke": "kitchen", "gas": "kitchen", "co": "kitchen", "leak": "bathroom", "sos": "bedroom",
    "door": "hall", "stove": "kitchen", "temperature": "living", "bed": "bedroom",
    "medicine": "kitchen",
}  # fmt: skip


class Person(Struct, frozen=True, kw_only=True):
    """One resident.

    Attributes:
        kind: A key of `BORN`.
        band: The wearable; empty for somebody who wears none.
    """

    id: str
    kind: str
    band: str = ""
    tags: tuple[str, ...] = ()


class Dwelling(Struct, frozen=True, kw_only=True):
    """One home with its people, its agent and its sensors."""

    id: str
    grid: str
    people: tuple[Person, ...]
    metered: bool = False

    @property
    def name(self) -> str:
        """What ends the ids of all that is in it."""
        return self.id.removeprefix("home-")

    @property
    def agent(self) -> str:
        """Id of its agent."""
        return f"agent-{self.name}"

    def device(self, what: str) -> str:
        """Return the id of one of its devices: as `smoke` or `pir-kitchen`."""
        return f"{what}-{self.name}"

    @property
    def sensors(self) -> dict[str, str]:
        """Its home sensors with their rooms."""
        movement = {self.device(f"pir-{room}"): room for room in ROOMS}
        return movement | {self.device(what): room for what, room in _DETECTORS.items()}

    @property
    def meter(self) -> str:
        """Id of the meter that says every few minutes what the home draws; empty for none."""
        return self.device("meter") if self.metered else ""

    def about(self, subject: str) -> tuple[str, ...]:
        """Return every id under which an incident about a subject of this home may run."""
        if subject in self.sensors or subject == self.agent:
            return (subject,)
        return tuple(dict.fromkeys((subject, self.id)))


def dwelling(
    home: str,
    grid: str,
    kinds: tuple[str, ...],
    tags: tuple[str, ...] = (),
    *,
    metered: bool = False,
    banded: bool = False,
) -> Dwelling:
    """Return a home; elders wear a band, and the first of the people bears the tags.

    Args:
        home: Its id.
        grid: It belongs to.
        kinds: Of people.
        tags: Of the first of them.
        metered: Its meter speaks every few minutes.
        banded: Everybody wears a band, as where a small child should not go out alone.
    """
    name = home.removeprefix("home-")
    people = tuple(
        Person(
            id=f"resident-{name}" if index == 0 else f"resident-{name}-{index + 1}",
            kind=kind,
            band=f"band-{name}-{index + 1}" if banded or kind == "elder" else "",
            tags=(*(tags if index == 0 else ()), *_tags(kind, len(kinds))),
        )
        for index, kind in enumerate(kinds)
    )
    return Dwelling(id=home, grid=grid, people=people, metered=metered)


def records(home: Dwelling) -> list[Record]:
    """Return what people entered about a home."""
    agent = home.agent
    return [
        Household(id=home.id, building=f"building-{home.grid}", unit=home.name, agent=agent),
        *(_resident(home, person) for person in home.people),
        Device(id=agent, agent=agent, household=home.id, heartbeat_s=BEAT_S),
        *(
            Device(id=device, agent=agent, household=home.id, room=room, heartbeat_s=SENSOR_BEAT_S)
            for device, room in home.sensors.items()
        ),
        *(
            Device(id=person.band, agent=agent, wearer=person.id)
            for person in home.people
            if person.band
        ),
        *(Device(id=meter, agent=agent, household=home.id) for meter in (home.meter,) if meter),
    ]


def _resident(home: Dwelling, person: Person) -> Resident:
    return Resident(
        id=person.id,
        household=home.id,
        birth_year=BORN[person.kind],
        tags=tuple(TagGrant(tag=tag, basis="consent") for tag in dict.fromkeys(person.tags)),
        contacts=(Contact(id=f"daughter-{home.name}"), Contact(id=f"neighbour-{home.name}")),
        consents=(Consent(purpose="health"), Consent(purpose="home")),
    )


def _tags(kind: str, people: int) -> tuple[str, ...]:
    if kind == "preschooler":
        return ("preschool",)
    return ("lives_alone",) if people == 1 else ()
