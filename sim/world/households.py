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
ACTUATORS = {
    "valve": ("close_gas_valve", "close_water_valve"),
    "siren": ("sound_siren", "lights_on"),
}
"""What can be told to do something, and what."""

EXTRAS = ("cuff", "scale", "water", "phone", *ACTUATORS)
"""What a home may have beside what every home has: a cuff and a scale, which its first resident
uses in the morning, a water meter, a phone that reports, and what can be told to do something."""

PLACES = ("gate", "facade", "square", "lane", "phone")
"""The devices of a grid's shared places."""

ROOMS = ("bedroom", "bathroom", "kitchen", "living", "hall")

_DETECTORS = {
    "smoke": "kitchen", "gas": "kitchen", "co": "kitchen", "leak": "bathroom", "sos": "bedroom",
    "door": "hall", "stove": "kitchen", "temperature": "living", "bed": "bedroom",
    "medicine": "kitchen",
}  # fmt: skip


_CHILDREN = ("child", "preschooler")


class Person(Struct, frozen=True, kw_only=True):
    """One resident.

    Attributes:
        kind: A key of `BORN`.
        band: The wearable; empty for somebody who wears none.
        measured: It reads signs; the others only say that they are there.
    """

    id: str
    kind: str
    band: str = ""
    measured: bool = False
    tags: tuple[str, ...] = ()


class Dwelling(Struct, frozen=True, kw_only=True):
    """One home with its people, its agent and its sensors.

    Attributes:
        extras: A key of `EXTRAS` each.
        windows: How many window contacts it has.
        tested: For each detector whose tests are on record, when it last was, milliseconds UTC,
            and how often it has to be, days.
    """

    id: str
    grid: str
    people: tuple[Person, ...]
    metered: bool = False
    extras: tuple[str, ...] = ()
    windows: int = 0
    beat_s: float = BEAT_S
    tested: dict[str, tuple[int, int]] = {}

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
        detectors = {self.device(what): room for what, room in _DETECTORS.items()}
        windows = {
            self.device(f"window-{index + 1}"): ROOMS[index % len(ROOMS)]
            for index in range(self.windows)
        }
        return movement | detectors | windows

    @property
    def spots(self) -> tuple[str, ...]:
        """Cuff and scale of its first resident."""
        return tuple(self.device(what) for what in ("cuff", "scale") if what in self.extras)

    @property
    def meter(self) -> str:
        """Id of the meter that says every few minutes what the home draws; empty for none."""
        return self.device("meter") if self.metered else ""

    @property
    def water(self) -> str:
        """Id of the meter that counts litres; empty for none."""
        return self.device("water") if "water" in self.extras else ""

    @property
    def phone(self) -> str:
        """Id of the phone with which its first resident reports what is wrong; empty for none."""
        return self.device("phone") if "phone" in self.extras else ""

    @property
    def actuators(self) -> dict[str, tuple[str, ...]]:
        """What can be told to do something here, each with what."""
        return {self.device(what): ACTUATORS[what] for what in ACTUATORS if what in self.extras}

    @property
    def devices(self) -> tuple[str, ...]:
        """Everything here that says something, except its agent."""
        bands = (one.band for one in self.people)
        every = (
            *self.sensors,
            *self.spots,
            self.meter,
            self.water,
            self.phone,
            *bands,
            *self.actuators,
        )
        return tuple(device for device in every if device)

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
    measured: bool = False,
) -> Dwelling:
    """Return a home; elders wear a band, and the first of the people bears the tags.

    Args:
        home: Its id.
        grid: It belongs to.
        kinds: Of people.
        tags: Of the first of them.
        metered: Its meter speaks every few minutes.
        banded: Everybody wears a band, as where a small child should not go out alone.
        measured: Children wear one, too, and theirs reads signs.
    """

    def reads(kind: str) -> bool:
        return kind == "elder" or (measured and kind in _CHILDREN)

    name = home.removeprefix("home-")
    people = tuple(
        Person(
            id=f"resident-{name}" if index == 0 else f"resident-{name}-{index + 1}",
            kind=kind,
            band=f"band-{name}-{index + 1}" if banded or reads(kind) else "",
            measured=reads(kind),
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
        Device(id=agent, agent=agent, household=home.id, heartbeat_s=home.beat_s),
        *(detector(home, device) for device in home.sensors),
        *(
            Device(id=device, agent=agent, wearer=home.people[0].id)
            for device in (*home.spots, home.phone)
            if device
        ),
        *(
            Device(id=person.band, agent=agent, wearer=person.id)
            for person in home.people
            if person.band
        ),
        *(
            Device(id=meter, agent=agent, household=home.id)
            for meter in (home.meter, home.water)
            if meter
        ),
        *(
            Device(id=device, agent=agent, household=home.id, does=does)
            for device, does in home.actuators.items()
        ),
    ]


def detector(home: Dwelling, device: str, tested_at: int | None = None) -> Device:
    """Return the record of a sensor, as it is before the story or after a test."""
    last_at, every_days = home.tested.get(device, (None, None))
    return Device(
        id=device,
        agent=home.agent,
        household=home.id,
        room=home.sensors[device],
        heartbeat_s=SENSOR_BEAT_S,
        tested_at=last_at if tested_at is None else tested_at,
        test_every_days=every_days,
    )


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
