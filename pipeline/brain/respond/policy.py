"""Policy: who is asked, in which order, and how long we wait for them. Data, not decisions.

The defaults stand here; a deployment may give its own.
"""

from msgspec import Struct, field

from pipeline.brain.perceive.registered import Registered
from weinao.outcomes import HazardKind, Severity
from weinao.registry import Contact, Role, Staff

Person = Contact | Staff

FAMILY_FIRST = (Role.BUILDING_HEAD, Role.GRID_HEAD, Role.PROPERTY, Role.POLICE)
TECHNICAL = (Role.PROPERTY, Role.GRID_HEAD)
BUILDING = (Role.PROPERTY, Role.BUILDING_HEAD, Role.GRID_HEAD, Role.POLICE)


class Plan(Struct, frozen=True, kw_only=True):
    """How one kind of incident is handled.

    Args:
        family: The resident's own contacts come before the staff.
        roles: The staff to ask, in order.
        accept_s_max: How long one person has to accept or decline, before the next is asked.
        resolve_s_max: How long after accepting until somebody else is asked as well.
        verify_s_max: How long a resolved incident waits to be verified before we ask again.
        heals: It closes by itself when the sensors say that it is over.
    """

    family: bool = True
    roles: tuple[Role, ...] = FAMILY_FIRST
    accept_s_max: int = 180
    resolve_s_max: int = 1_800
    verify_s_max: int = 3_600
    heals: bool = False


URGENT = Plan(accept_s_max=60)
"""Danger to life: within a minute somebody has answered, or the next person is asked."""

PLANS: dict[HazardKind, Plan] = {
    HazardKind.FALL: URGENT,
    HazardKind.SOS: URGENT,
    HazardKind.SMOKE: Plan(accept_s_max=60, roles=BUILDING),
    HazardKind.GAS: Plan(accept_s_max=60, roles=BUILDING),
    HazardKind.CO: Plan(accept_s_max=60, roles=BUILDING),
    HazardKind.LEAK: Plan(roles=BUILDING),
    HazardKind.VITALS: Plan(accept_s_max=120),
    HazardKind.INACTIVITY: Plan(accept_s_max=300),
    HazardKind.AGENT_SILENT: Plan(family=False, roles=TECHNICAL, accept_s_max=600, heals=True),
    HazardKind.IRREGULAR_PULSE: Plan(accept_s_max=3_600),
    HazardKind.NOT_BACK: Plan(accept_s_max=600),
    HazardKind.DOOR_OPEN: Plan(accept_s_max=600),
    HazardKind.WANDERING: Plan(accept_s_max=120),
    HazardKind.CHILD_ALONE: Plan(accept_s_max=60),
    HazardKind.BED_EXIT: Plan(accept_s_max=300),
    HazardKind.STOVE_ON: Plan(accept_s_max=120),
    HazardKind.HEAT: Plan(accept_s_max=1_800, heals=True),
    HazardKind.COLD: Plan(accept_s_max=1_800, heals=True),
    HazardKind.WATCHLIST: Plan(family=False, roles=(Role.POLICE, Role.PROPERTY), accept_s_max=120),
    HazardKind.TAILGATING: Plan(family=False, roles=(Role.PROPERTY, Role.POLICE), heals=True),
    HazardKind.FALLING_OBJECT: Plan(family=False, roles=BUILDING, accept_s_max=120),
    HazardKind.CONGESTION: Plan(family=False, roles=TECHNICAL, heals=True),
    HazardKind.FIRE_LANE: Plan(family=False, roles=BUILDING, accept_s_max=300, heals=True),
    HazardKind.METER_ANOMALY: Plan(roles=BUILDING, accept_s_max=1_800),
    HazardKind.PATROL_MISSED: Plan(family=False, roles=TECHNICAL, accept_s_max=1_800, heals=True),
    HazardKind.REPORT: Plan(family=False, roles=BUILDING, accept_s_max=3_600),
    HazardKind.DEVICE_SILENT: Plan(family=False, roles=TECHNICAL, accept_s_max=3_600, heals=True),
}


class Policy(Struct, frozen=True, kw_only=True):
    """All plans, and what holds for every incident.

    Args:
        kept_days: How long a closed incident can still be reopened.
    """

    plans: dict[HazardKind, Plan] = field(default_factory=lambda: PLANS)
    kept_days: int = 30


def ladder(
    plan: Plan, known: Registered, subject: str, household: str, at: int
) -> tuple[Person, ...]:
    """Return whom to ask, in order, each once; staff only while on shift."""
    local_min = (at // 60_000 + known.tz_offset_min) % 1_440
    home = known.household(household)
    building = home.building if home else ""
    able = [who for who in known.staff if _holds(who, at)]
    staff = [
        who
        for role in plan.roles
        for who in able
        if who.role is role
        and (role is not Role.BUILDING_HEAD or not who.buildings or building in who.buildings)
    ]
    on_shift = [who for who in staff if _on_shift(who, local_min)]
    family = known.contacts_of(subject, household) if plan.family else ()
    # Where nobody is on shift somebody is woken: a danger must not wait for the morning.
    return each_once(*family, *on_shift) or each_once(*staff) or each_once(*able)


def each_once(*people: Person) -> tuple[Person, ...]:
    """Return people in order, each once."""
    by_id: dict[str, Person] = {}
    for who in people:
        by_id.setdefault(who.id, who)
    return tuple(by_id.values())


def may_answer(known: Registered, subject: str, household: str, actor: str) -> bool:
    """Return whether a person is one whom an incident concerns: a contact, or the grid's staff."""
    return any(who.id == actor for who in concerned(known, subject, household))


def concerned(known: Registered, subject: str, household: str) -> tuple[Person, ...]:
    """Return everybody whom an incident concerns, contacts first."""
    return each_once(*known.contacts_of(subject, household), *known.staff)


def told_at_once(severity: Severity) -> int:
    """Return how many of the ladder hear of an incident when it opens: danger to life two."""
    return 2 if severity is Severity.CRITICAL else 1


def _holds(who: Staff, at: int) -> bool:
    return who.valid_from <= at and (who.valid_to is None or at < who.valid_to)


def _on_shift(who: Staff, local_min: int) -> bool:
    first, until = who.shift_from_min, who.shift_until_min
    if first <= until:
        return first <= local_min < until
    return local_min >= first or local_min < until
