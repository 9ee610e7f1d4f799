"""What people entered: residents, homes, devices, staff. Words only.

Every record has an id that is unique within its kind and a validity; a newer version of a record
replaces the older one from the moment it is journalled. Nothing here is ever inferred.
"""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

Key = Annotated[
    str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$(?!\n)")
]
NO_NUL = r"^[^\x00]*$"  # PostgreSQL takes no such character in a text
Name = Annotated[str, Meta(max_length=100, pattern=NO_NUL)]
Text = Annotated[str, Meta(max_length=500, pattern=NO_NUL)]
Word = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[a-z][a-z0-9_]*$(?!\n)")]
Degrees = Annotated[float, Meta(ge=-180, le=180)]
Reading = Annotated[float, Meta(ge=0, le=400)]
Instant = Annotated[int, Meta(ge=0, le=4_102_444_800_000)]


class Tag(StrEnum):
    """Why somebody is watched more closely; `chronic:*` tags are free text beside these."""

    LIVES_ALONE = "lives_alone"
    BEREAVED = "bereaved"
    PRESCHOOL = "preschool"
    DISABLED = "disabled"
    DEMENTIA = "dementia"


class Role(StrEnum):
    """The 1+1+1+N team of a grid (网格长、片警、物管员、楼栋长), and the operators."""

    GRID_HEAD = "grid_head"
    POLICE = "police"
    PROPERTY = "property"
    BUILDING_HEAD = "building_head"
    OPERATOR = "operator"


class Registry(
    Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    forbid_unknown_fields=True,
    omit_defaults=True,
):
    """What every record carries.

    Attributes:
        valid_from: When it begins to hold; 0 for always.
        valid_to: When it stops; None while it holds.
    """

    id: Key
    valid_from: Instant = 0
    valid_to: Instant | None = None


class Community(Registry, frozen=True, kw_only=True, tag="community"):
    """A residential community; `tz_offset_min` is its local time, east positive."""

    name: Name = ""
    tz_offset_min: Annotated[int, Meta(ge=-840, le=840)] = 480


class Grid(Registry, frozen=True, kw_only=True, tag="grid"):
    """The unit of state and of a team: 300 to 500 households.

    Attributes:
        outline: GeoJSON ring, (longitude, latitude) pairs.
    """

    name: Name = ""
    community: Key
    tz_offset_min: Annotated[int, Meta(ge=-840, le=840)] = 480
    outline: Annotated[tuple[tuple[Degrees, Degrees], ...], Meta(max_length=1_000)] = ()


class Building(Registry, frozen=True, kw_only=True, tag="building"):
    """A building of a grid."""

    name: Name = ""
    grid: Key
    floors: Annotated[int, Meta(ge=1, le=200)] = 1


class Household(Registry, frozen=True, kw_only=True, tag="household"):
    """Who lives together; `agent` is the edge agent whose word is this home's clock."""

    building: str = ""
    unit: Name = ""
    agent: Key


class Contact(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom a resident named, and how to reach them, best channel first."""

    id: Key
    name: Name = ""
    channels: Annotated[tuple[Text, ...], Meta(max_length=8)] = ()
    language: Annotated[str, Meta(pattern="^(zh|en)$(?!\n)")] = "zh"


class TagGrant(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tag with its legal basis, and until when it may be used."""

    tag: Annotated[str, Meta(max_length=64, pattern=r"^[a-z_]+(:[a-z0-9_]+)?$(?!\n)")]
    basis: Text = ""
    valid_to: Instant | None = None


class Consent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a resident agreed to: `health` for the body, `home` for what sensors of the home say."""

    purpose: Annotated[str, Meta(pattern=r"^(health|home)$(?!\n)")]
    valid_from: Instant = 0
    valid_to: Instant | None = None


class Reminder(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that a resident wants to be reminded of, at a minute of the local day.

    Attributes:
        text: What exactly, as the name of a pill.
        weekdays: 1 for Monday to 7; empty for every day.
        family: Her first contact is reminded, too; alone, where she has no channel of her own.
    """

    what: Annotated[str, Meta(pattern="^(medicine|wear|charge)$(?!\n)")]
    at_min: Annotated[int, Meta(ge=0, le=1439)]
    text: Name = ""
    weekdays: Annotated[tuple[Annotated[int, Meta(ge=1, le=7)], ...], Meta(max_length=7)] = ()
    family: bool = False


class VitalLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A resident's own limits, set by a clinician; absent ones fall back to the rule's."""

    hr_bpm_min: Reading | None = None
    hr_bpm_max: Reading | None = None
    spo2_pct_min: Reading | None = None
    sbp_mmhg_min: Reading | None = None
    sbp_mmhg_max: Reading | None = None
    dbp_mmhg_max: Reading | None = None


class Resident(Registry, frozen=True, kw_only=True, tag="resident"):
    """Who is cared for.

    Attributes:
        birth_year: Decides which clinical table applies; None for unknown, taken as adult.
        spo2_scale_2: A clinician set the 88–92 % target (NEWS2 scale 2).
        contacts: In the order in which they are told.
        consents: Without one for its purpose, no reading gets past the gate.
        channels: How to reach herself, best first; empty for not at all.
        reminders: What she wants to be reminded of.
        sharing: What her family sees of her day: by room, by the hour without rooms, or nothing.
    """

    name: Name = ""
    household: Key
    birth_year: Annotated[int, Meta(ge=1900, le=2100)] | None = None
    tags: Annotated[tuple[TagGrant, ...], Meta(max_length=32)] = ()
    spo2_scale_2: bool = False
    limits: VitalLimits = VitalLimits()
    contacts: Annotated[tuple[Contact, ...], Meta(max_length=16)] = ()
    consents: Annotated[tuple[Consent, ...], Meta(max_length=32)] = ()
    channels: Annotated[tuple[Text, ...], Meta(max_length=8)] = ()
    reminders: Annotated[tuple[Reminder, ...], Meta(max_length=32)] = ()
    sharing: Annotated[str, Meta(pattern="^(rooms|hours|nothing)$(?!\n)")] = "hours"
    language: Annotated[str, Meta(pattern="^(zh|en)$(?!\n)")] = "zh"


class Staff(Registry, frozen=True, kw_only=True, tag="staff"):
    """Who is on duty for a grid; shifts are minutes of the local day, `from` to `until`.

    Attributes:
        deputy: Who of the staff stands in, off shift and while away; empty for nobody.
        away_from: When an absence begins,
        away_until: and when it ends; None for none, or for one without an end.
    """

    name: Name = ""
    role: Role
    channels: Annotated[tuple[Text, ...], Meta(max_length=8)] = ()
    buildings: Annotated[tuple[Key, ...], Meta(max_length=100)] = ()
    shift_from_min: Annotated[int, Meta(ge=0, le=1440)] = 0
    shift_until_min: Annotated[int, Meta(ge=0, le=1440)] = 1440
    deputy: str = ""
    away_from: Instant | None = None
    away_until: Instant | None = None
    language: Annotated[str, Meta(pattern="^(zh|en)$(?!\n)")] = "zh"


class Device(Registry, frozen=True, kw_only=True, tag="device"):
    """A physical thing with an id: whom it is on, or where it is.

    Attributes:
        agent: The agent behind which it sits; its own id for an agent.
        wearer: The resident who wears it.
        household: The home it is in; a worn device takes its wearer's.
        place: Outside homes: the gate, zone, building or meter point it stands for,
        grid: and the grid that this is in, where there is more than one.
        heartbeat_s: How often something must be heard of it; None for never expected.
        tested_at: When it was last tested, milliseconds UTC; None for never.
        test_every_days: How often it has to be; None for never.
        does: What it can be told to do, as `close_gas_valve`; policy says when it is told.
    """

    model: Name = ""
    agent: Key
    wearer: str = ""
    household: str = ""
    room: Name = ""
    place: Name = ""
    grid: str = ""
    heartbeat_s: Annotated[float, Meta(gt=0, le=2_678_400)] | None = None
    tested_at: Instant | None = None
    test_every_days: Annotated[int, Meta(ge=1, le=3_650)] | None = None
    does: Annotated[tuple[Word, ...], Meta(max_length=16)] = ()


class Checkpoint(Registry, frozen=True, kw_only=True, tag="checkpoint"):
    """Where staff on patrol have to be seen, so often, in these minutes of the local day."""

    grid: Key
    place: Name = ""
    every_min: Annotated[int, Meta(ge=1, le=10_080)]
    from_min: Annotated[int, Meta(ge=0, le=1440)] = 0
    until_min: Annotated[int, Meta(ge=0, le=1440)] = 1440


class WatchEntry(Registry, frozen=True, kw_only=True, tag="watch"):
    """Whom the gate must report: with a reason, a second approver and an end."""

    person: Key
    reason: Text
    approver: Key


class Service(Registry, frozen=True, kw_only=True, tag="service"):
    """One item of the service catalogue."""

    name: Name = ""
    group: Name = ""


Record = (
    Community
    | Grid
    | Building
    | Household
    | Resident
    | Staff
    | Device
    | Checkpoint
    | WatchEntry
    | Service
)
