"""Whom to ask, in which order, and whom to leave asleep: the family's ladder and the grid's team.

    contacts of the resident -> staff by role, on shift; a deputy for whom is off shift or away
    -> nobody there: whoever can be woken

In quiet hours, what is patient asks only who is on shift, and waits for the morning otherwise.
"""

from collections.abc import Iterable, Sequence

from pipeline.brain.perceive.registered import Registered
from pipeline.brain.respond.policy import Plan, Policy, within
from weinao.ids import reporter_of
from weinao.outcomes import Incident, Severity
from weinao.registry import Contact, Role, Staff

Person = Contact | Staff

_DAY_MIN = 1_440


def local_minute(known: Registered, at: int) -> int:
    """Return the minute of the local day."""
    return (at // 60_000 + known.tz_offset_min) % _DAY_MIN


def tags_of(known: Registered, subject: str, household: str, at: int) -> tuple[str, ...]:
    """Return the tags that hold of whom an incident is about, or of everybody in the home."""
    resident = known.resident(subject)
    living = (resident,) if resident else known.residents_of.get(household, ())
    return tuple(
        grant.tag
        for who in living
        for grant in who.tags
        if grant.valid_to is None or at < grant.valid_to
    )


def plan_of(policy: Policy, known: Registered, incident: Incident, at: int) -> Plan:
    """Return how an incident is handled now."""
    tags = tags_of(known, incident.subject, incident.household, at)
    return policy.plan(incident.kind, tags, local_minute(known, at))


def ladder(
    plan: Plan, known: Registered, subject: str, household: str, at: int, *, wake: bool = True
) -> tuple[Person, ...]:
    """Return whom to ask, in order, each once.

    Args:
        plan: Of the incident.
        known: The registry.
        subject: Whom it is about,
        household: and where.
        at: Now.
        wake: Whether sleep may be disturbed; where not, only who is on shift is asked.
    """
    home = known.household(household)
    building = home.building if home else ""
    able = [who for who in known.staff if _there(who, at)]
    team = [who for role in plan.roles for who in known.staff if _is_for(who, role, building)]
    on_duty = [there for who in team for there in _on_duty(who, known, at)]
    if not wake:
        return each_once(*on_duty)
    family = known.contacts_of(subject, household) if plan.family else ()
    # Where nobody is on shift somebody is woken: a danger must not wait for the morning.
    return (
        each_once(*family, *on_duty)
        or each_once(*(who for who in team if who in able))
        or each_once(*able)
    )


def quiet_until(policy: Policy, known: Registered, at: int) -> int | None:
    """Return when the quiet hours end that it is now; None outside of them."""
    minute = local_minute(known, at)
    if not within(minute, policy.quiet_from_min, policy.quiet_until_min):
        return None
    left_min = (policy.quiet_until_min - minute) % _DAY_MIN or _DAY_MIN
    return (at // 60_000 + left_min) * 60_000


def verifiers(
    plan: Plan, known: Registered, incident: Incident, but: str, at: int
) -> tuple[Person, ...]:
    """Return who may be asked to verify, in order; anybody concerned, where the plan's are none.

    Args:
        plan: Of the incident.
        known: The registry.
        incident: Which has been resolved.
        but: By whom.
        at: Now.
    """
    people = concerned(known, incident.subject, incident.household, at)
    anybody = [who for who in people if who.id != but]
    named = [who for kind in plan.verify for who in anybody if _verifies(who, kind)]
    return tuple(named or anybody)


def concerned(known: Registered, subject: str, household: str, at: int) -> tuple[Person, ...]:
    """Return everybody whom an incident concerns now, contacts first; nobody who has left."""
    staff = (who for who in known.staff if _serves(who, at))
    return each_once(*known.contacts_of(subject, household), *staff)


def may_answer(known: Registered, incident: Incident, actor: str, at: int) -> bool:
    """Say whether an incident concerns somebody: a contact, staff, or who reported it."""
    people = concerned(known, incident.subject, incident.household, at)
    unnamed = any(actor == reporter_of(one) for one in incident.evidence)
    return unnamed or actor == incident.reporter != "" or any(who.id == actor for who in people)


def each_once(*people: Person) -> tuple[Person, ...]:
    """Return people in order, each once."""
    by_id: dict[str, Person] = {}
    for who in people:
        by_id.setdefault(who.id, who)
    return tuple(by_id.values())


def told_at_once(severity: Severity) -> int:
    """Return how many of the ladder hear of an incident when it opens: danger to life two."""
    return 2 if severity is Severity.CRITICAL else 1


def by_id(people: Iterable[Person], ids: Sequence[str]) -> list[Person]:
    """Return those of some people that have these ids, in the order of the ids."""
    found = {who.id: who for who in people}
    return [found[one] for one in ids if one in found]


def _verifies(who: Person, kind: str) -> bool:
    return isinstance(who, Contact) if kind == "family" else _role(who) == kind


def _role(who: Person) -> str:
    return who.role.value if isinstance(who, Staff) else ""


def _is_for(who: Staff, role: Role, building: str) -> bool:
    return who.role is role and (
        role is not Role.BUILDING_HEAD or not who.buildings or building in who.buildings
    )


def _on_duty(who: Staff, known: Registered, at: int) -> tuple[Staff, ...]:
    """Return who is there for somebody: herself, her deputy, or nobody."""
    minute = local_minute(known, at)
    stands_in = known.staff_member(who.deputy)
    for one in (who, *((stands_in,) if stands_in else ())):
        if _there(one, at) and _on_shift(one, minute):
            return (one,)
    return ()


def _serves(who: Staff, at: int) -> bool:
    return who.valid_from <= at and (who.valid_to is None or at < who.valid_to)


def _there(who: Staff, at: int) -> bool:
    away = (
        who.away_from is not None
        and who.away_from <= at
        and (who.away_until is None or at < who.away_until)
    )
    return _serves(who, at) and not away


def _on_shift(who: Staff, local_min: int) -> bool:
    return within(local_min, who.shift_from_min, who.shift_until_min)
