"""Policy: how each kind of incident is handled. Data, not decisions.

The defaults stand here, and in `configs/policy.toml` for people to read and change; a test holds
the two to each other. What applies to one incident is its kind's plan, changed by every `When` that
fits its kind, the tags of whom it is about, and the local hour.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field
from msgspec.structs import replace

from weinao.outcomes import HazardKind, Severity
from weinao.registry import Role, Word

FAMILY_FIRST = (Role.BUILDING_HEAD, Role.GRID_HEAD, Role.PROPERTY, Role.POLICE)
TECHNICAL = (Role.PROPERTY, Role.GRID_HEAD)
BUILDING = (Role.PROPERTY, Role.BUILDING_HEAD, Role.GRID_HEAD, Role.POLICE)

Seconds = Annotated[int, Meta(ge=1, le=604_800)]
Minute = Annotated[int, Meta(ge=0, le=1_440)]
Days = Annotated[int, Meta(ge=1, le=366)]
Verifier = Literal["family", "grid_head", "police", "property", "building_head", "operator"]


class Plan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one kind of incident is handled.

    Args:
        family: The resident's own contacts come before the staff.
        roles: The staff to ask, in order.
        accept_s_max: How long one person has to accept or decline, before the next is asked.
        resolve_s_max: How long after accepting until somebody else is asked as well.
        verify_s_max: How long a resolved incident waits to be verified before we ask again.
        verify: Who may be asked to verify; empty for anybody whom it concerns. Never who resolved.
        severity_min: At least so grave, whatever the rule says.
        heals: It closes by itself when the sensors say that it is over.
        patient: Unless critical, it wakes nobody in quiet hours: the family is left to sleep.
        tell_passed: Somebody is told even of one that has passed before anybody was.
        orders: What devices are told to do when it opens.
        rate: Once people have closed it, the family is asked how well it was handled.
    """

    family: bool = True
    roles: Annotated[tuple[Role, ...], Meta(min_length=1)] = FAMILY_FIRST
    accept_s_max: Seconds = 180
    resolve_s_max: Seconds = 1_800
    verify_s_max: Seconds = 3_600
    verify: tuple[Verifier, ...] = ()
    severity_min: Severity = Severity.INFO
    heals: bool = False
    patient: bool = False
    tell_passed: bool = False
    orders: tuple[Word, ...] = ()
    rate: bool = True


class When(Struct, frozen=True, kw_only=True):
    """What is different for some kinds, tags and hours.

    Args:
        kinds: Of incidents; empty for all.
        tags: One of them is enough; empty for anybody.
        from_min: From this minute of the local day,
        until_min: until this one, over midnight where it comes first; None for the whole day.
        plan: Holds what is different,
        changes: in these fields.
    """

    kinds: tuple[HazardKind, ...] = ()
    tags: tuple[str, ...] = ()
    from_min: Minute | None = None
    until_min: Minute | None = None
    plan: Plan = Plan()
    changes: tuple[str, ...] = ()

    def fits(self, kind: HazardKind, tags: Iterable[str], local_min: int) -> bool:
        """Say whether it is about such an incident, now."""
        return (
            (not self.kinds or kind in self.kinds)
            and (not self.tags or any(tag in self.tags for tag in tags))
            and (
                self.from_min is None
                or self.until_min is None
                or within(local_min, self.from_min, self.until_min)
            )
        )

    def apply(self, plan: Plan) -> Plan:
        """Return a plan with what is different in it."""
        changed: dict[str, Any] = {name: getattr(self.plan, name) for name in self.changes}
        return replace(plan, **changed)


class Group(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Kinds that tend to have one cause: in one home, within a while, they are one incident.

    Args:
        within_s: A hazard so long after its incident was noticed is an incident of its own.
    """

    kinds: Annotated[tuple[HazardKind, ...], Meta(min_length=2)]
    within_s: Seconds


class Storm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Many incidents of one kind at once are one: a power cut is not fifty dead gateways.

    Args:
        count: So many incidents, not yet taken on, within `within_s`.
    """

    kinds: Annotated[tuple[HazardKind, ...], Meta(min_length=1)]
    count: Annotated[int, Meta(ge=2, le=1_000)]
    within_s: Seconds


URGENT = 60
"""Danger to life: within a minute somebody has answered, or the next person is asked."""

PLANS: dict[HazardKind, Plan] = {
    HazardKind.FALL: Plan(accept_s_max=URGENT, orders=("lights_on",)),
    HazardKind.SOS: Plan(accept_s_max=URGENT, orders=("lights_on",)),
    HazardKind.SMOKE: Plan(
        accept_s_max=URGENT, roles=BUILDING, orders=("sound_siren", "close_gas_valve")
    ),
    HazardKind.GAS: Plan(
        accept_s_max=URGENT, roles=BUILDING, orders=("close_gas_valve", "sound_siren")
    ),
    HazardKind.CO: Plan(
        accept_s_max=URGENT, roles=BUILDING, orders=("close_gas_valve", "sound_siren")
    ),
    HazardKind.LEAK: Plan(roles=BUILDING, orders=("close_water_valve",)),
    HazardKind.VITALS: Plan(accept_s_max=120),
    HazardKind.INACTIVITY: Plan(accept_s_max=300),
    HazardKind.AGENT_SILENT: Plan(family=False, roles=TECHNICAL, accept_s_max=600, heals=True),
    HazardKind.DEVICE_SILENT: Plan(
        family=False, roles=TECHNICAL, accept_s_max=3_600, heals=True, patient=True
    ),
    HazardKind.IRREGULAR_PULSE: Plan(accept_s_max=3_600, patient=True, tell_passed=True),
    HazardKind.NOT_BACK: Plan(accept_s_max=600),
    HazardKind.DOOR_OPEN: Plan(accept_s_max=600),
    HazardKind.WANDERING: Plan(accept_s_max=120),
    HazardKind.CHILD_ALONE: Plan(accept_s_max=URGENT),
    HazardKind.BED_EXIT: Plan(accept_s_max=300, orders=("lights_on",)),
    HazardKind.STOVE_ON: Plan(accept_s_max=120, orders=("switch_stove_off",)),
    HazardKind.HEAT: Plan(accept_s_max=1_800, heals=True),
    HazardKind.COLD: Plan(accept_s_max=1_800, heals=True),
    HazardKind.WATCHLIST: Plan(
        family=False, roles=(Role.POLICE, Role.PROPERTY), accept_s_max=120, verify=("police",)
    ),
    HazardKind.TAILGATING: Plan(family=False, roles=(Role.PROPERTY, Role.POLICE), heals=True),
    HazardKind.FALLING_OBJECT: Plan(
        family=False, roles=BUILDING, accept_s_max=120, verify=("grid_head", "police")
    ),
    HazardKind.CONGESTION: Plan(family=False, roles=TECHNICAL, heals=True),
    HazardKind.FIRE_LANE: Plan(family=False, roles=BUILDING, accept_s_max=300, heals=True),
    HazardKind.METER_ANOMALY: Plan(roles=BUILDING, accept_s_max=1_800),
    HazardKind.PATROL_MISSED: Plan(
        family=False, roles=TECHNICAL, accept_s_max=1_800, heals=True, patient=True
    ),
    HazardKind.REPORT: Plan(family=False, roles=BUILDING, accept_s_max=3_600, patient=True),
}

WHENS = (
    When(
        kinds=(HazardKind.INACTIVITY, HazardKind.BED_EXIT, HazardKind.NOT_BACK),
        tags=("bereaved", "disabled", "dementia"),
        plan=Plan(accept_s_max=120),
        changes=("accept_s_max",),
    ),
    When(
        kinds=(HazardKind.INACTIVITY, HazardKind.NOT_BACK, HazardKind.METER_ANOMALY),
        tags=("lives_alone",),
        plan=Plan(verify=("family", "grid_head", "building_head")),
        changes=("verify",),
    ),
    When(
        kinds=(HazardKind.NOT_BACK,),
        tags=("dementia",),
        plan=Plan(severity_min=Severity.CRITICAL, roles=(Role.GRID_HEAD, Role.POLICE)),
        changes=("roles", "severity_min"),
    ),
    When(
        kinds=(HazardKind.HEAT, HazardKind.COLD),
        from_min=22 * 60,
        until_min=7 * 60,
        plan=Plan(patient=True),
        changes=("patient",),
    ),
)

GROUPS = (
    Group(
        kinds=(
            HazardKind.FALL, HazardKind.SOS, HazardKind.VITALS, HazardKind.INACTIVITY,
            HazardKind.BED_EXIT,
        ),
        within_s=1_800,
    ),
    Group(kinds=(HazardKind.SMOKE, HazardKind.GAS, HazardKind.CO, HazardKind.STOVE_ON),
          within_s=1_800),
    Group(kinds=(HazardKind.DOOR_OPEN, HazardKind.WANDERING), within_s=3_600),
    Group(kinds=(HazardKind.LEAK, HazardKind.METER_ANOMALY), within_s=3_600),
)  # fmt: skip

STORMS = (
    Storm(kinds=(HazardKind.AGENT_SILENT, HazardKind.DEVICE_SILENT), count=6, within_s=900),
    Storm(kinds=(HazardKind.HEAT, HazardKind.COLD), count=6, within_s=3_600),
)

REPORTS: dict[str, tuple[HazardKind, ...]] = {
    "fire": (HazardKind.SMOKE, HazardKind.GAS, HazardKind.CO, HazardKind.STOVE_ON),
    "gas": (HazardKind.GAS, HazardKind.CO),
    "leak": (HazardKind.LEAK, HazardKind.METER_ANOMALY),
    "help": (
        HazardKind.FALL, HazardKind.SOS, HazardKind.VITALS, HazardKind.INACTIVITY,
        HazardKind.BED_EXIT,
    ),
    "missing": (HazardKind.NOT_BACK, HazardKind.WANDERING, HazardKind.CHILD_ALONE),
    "falling_object": (HazardKind.FALLING_OBJECT,),
    "fire_lane": (HazardKind.FIRE_LANE,),
    "crowd": (HazardKind.CONGESTION,),
    "stranger": (HazardKind.WATCHLIST, HazardKind.TAILGATING),
}  # fmt: skip


VISITS = {
    "lives_alone": 7,
    "bereaved": 14,
    "dementia": 14,
    "disabled": 14,
    "chronic": 30,
    "preschool": 90,
    "default": 180,
}
"""Ours: a week is what neighbourhoods promise who lives alone; the rest follows from that."""


class Policy(Struct, frozen=True, kw_only=True):
    """All plans, and what holds for every incident.

    Args:
        plans: For each kind; what is not named is handled by `Plan()`.
        whens: What is different for some, the later over the earlier.
        groups: Kinds that tend to have one cause.
        storms: Kinds that come in crowds.
        reports: For each category that residents report, the kinds that sensors may see of it.
        visits: How often staff should look in on a home, in days, by tag; `default` for who has
            none of these. A risk that stands halves it.
        report_s_max: How far apart a report and what it is about may be.
        kept_days: How long a closed incident can still be reopened.
        old_s_min: What happened so long ago, in a home that was cut off so long, is old news.
        old_wait_s: So long old news waits for the rest: it may be over. Danger to life does not.
        critical_s_max: Danger to life of whatever kind: how long one person has to accept, at most.
        order_s_max: How long a device has to answer a command.
        order_tries_max: How often it is told.
        notices_per_h_max: How many notices one person gets in an hour; then one that says that
            there are more, and tasks without a notice. Danger to life is always told.
        drills: Whether each family gets a test alarm once a month,
        drill_at_min: and at which minute of the local day; each home has a day of its own.
        quiet_from_min: When quiet hours begin, minutes of the local day,
        quiet_until_min: and when they end.
    """

    plans: dict[HazardKind, Plan] = field(default_factory=lambda: PLANS)
    whens: tuple[When, ...] = WHENS
    groups: tuple[Group, ...] = GROUPS
    storms: tuple[Storm, ...] = STORMS
    reports: dict[str, tuple[HazardKind, ...]] = field(default_factory=lambda: REPORTS)
    visits: dict[str, Days] = field(default_factory=lambda: VISITS)
    report_s_max: Seconds = 3_600
    kept_days: Annotated[int, Meta(ge=1, le=366)] = 30
    old_s_min: Seconds = 1_800
    old_wait_s: Seconds = 300
    critical_s_max: Seconds = URGENT
    order_s_max: Seconds = 20
    order_tries_max: Annotated[int, Meta(ge=1, le=10)] = 3
    notices_per_h_max: Annotated[int, Meta(ge=1, le=1_000)] = 12
    drills: bool = True
    drill_at_min: Minute = 10 * 60
    quiet_from_min: Minute = 22 * 60
    quiet_until_min: Minute = 7 * 60

    def plan(self, kind: HazardKind, tags: Iterable[str], local_min: int) -> Plan:
        """Return how an incident is handled at this minute of the local day."""
        found, tagged = self.plans.get(kind, _DEFAULT), tuple(tags)
        for when in self.whens:
            if when.fits(kind, tagged, local_min):
                found = when.apply(found)
        return found

    def related(self, kind: HazardKind) -> dict[HazardKind, int]:
        """Return the kinds that may have one cause with this one, each with its window, seconds."""
        return {
            other: group.within_s
            for group in self.groups
            if kind in group.kinds
            for other in group.kinds
            if other is not kind
        }

    def storm(self, kind: HazardKind) -> Storm | None:
        """Return when many of a kind are one, if they ever are."""
        return next((storm for storm in self.storms if kind in storm.kinds), None)


_DEFAULT = Plan()


def within(local_min: int, from_min: int, until_min: int) -> bool:
    """Say whether a minute of the day is between two others; the span may go over midnight."""
    if from_min <= until_min:
        return from_min <= local_min < until_min
    return local_min >= from_min or local_min < until_min
