"""Who lives in a rehearsal: homes of the same shape, and the team that answers for them."""

from collections.abc import Mapping

from weinao.registry import (
    Building,
    Community,
    Consent,
    Contact,
    Device,
    Grid,
    Household,
    Record,
    Resident,
    Role,
    Staff,
    TagGrant,
)

COMMUNITY = "demo"
GRID = "grid-1"
FAR_GRID = "grid-2"
"""For recorded homes, which bring their own hour of the day."""

TEAM = (
    ("grid-head-1", Role.GRID_HEAD),
    ("officer-1", Role.POLICE),
    ("property-1", Role.PROPERTY),
    ("building-head-1", Role.BUILDING_HEAD),
)


def setting(tz_offset_min: Mapping[str, int]) -> list[Record]:
    """Return the community, and its grids with a building and a team on duty day and night each.

    Args:
        tz_offset_min: The grids, each with its local time, minutes ahead of UTC.
    """
    records: list[Record] = [Community(id=COMMUNITY, name="示例小区")]
    for grid, offset in tz_offset_min.items():
        records.append(Grid(id=grid, community=COMMUNITY, tz_offset_min=offset))
        records.append(Building(id=f"building-{grid}", grid=grid, floors=18))
    return [*records, *(Staff(id=who, role=role) for who, role in TEAM)]


def home(
    name: str,
    grid: str,
    *,
    worn: tuple[str, ...] = (),
    sensors: dict[str, str] | None = None,
    heartbeat_s: float = 10,
    beating: tuple[str, ...] = (),
    actuators: Mapping[str, tuple[str, ...]] | None = None,
) -> list[Record]:
    """Return a household of one resident who lives alone, with an agent and its devices.

    Args:
        name: Ends every id: `home-NAME`, `resident-NAME`, `agent-NAME`.
        grid: It belongs to.
        worn: Devices on the resident.
        sensors: Devices in the home, with their rooms.
        heartbeat_s: Of the agent.
        beating: Of the sensors, those that must be heard as often as the agent.
        actuators: What can be told to do something, each with what.
    """
    household, agent, resident = f"home-{name}", f"agent-{name}", f"resident-{name}"
    return [
        Household(id=household, building=f"building-{grid}", unit=name, agent=agent),
        Resident(
            id=resident,
            household=household,
            birth_year=1943,
            tags=(TagGrant(tag="lives_alone", basis="consent"),),
            contacts=(Contact(id=f"daughter-{name}"), Contact(id=f"neighbour-{name}")),
            consents=(Consent(purpose="health"), Consent(purpose="home")),
        ),
        Device(id=agent, agent=agent, household=household, heartbeat_s=heartbeat_s),
        *(Device(id=device, agent=agent, wearer=resident) for device in worn),
        *(
            Device(
                id=device,
                agent=agent,
                household=household,
                room=room,
                heartbeat_s=heartbeat_s if device in beating else None,
            )
            for device, room in (sensors or {}).items()
        ),
        *(
            Device(id=device, agent=agent, household=household, does=does)
            for device, does in (actuators or {}).items()
        ),
    ]
