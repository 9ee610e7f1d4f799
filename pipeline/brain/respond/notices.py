"""Notices: what one person is told about one step of an incident, and how much of it in an hour.

Danger to life is always told. Of the rest, nobody gets more than a budget: then one notice says
that there is more, and the tasks wait in the person's list without ringing.
"""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from pipeline.brain.respond.ladder import Person
from weinao.ids import derived
from weinao.outcomes import Incident, Notice, Severity

HOUR_MS = 3_600_000


class Notices:
    """Writes the notices of one grid.

    Args:
        per_h_max: How many notices one person gets in an hour, danger to life left out.
        told: For each person, when the newest of those were.
    """

    def __init__(self, per_h_max: int, told: Mapping[str, tuple[int, ...]]) -> None:
        self._per_h_max, self._told = per_h_max, dict(told)

    def snapshot(self) -> dict[str, tuple[int, ...]]:
        """Return what is remembered."""
        return dict(self._told)

    def write(
        self,
        incident: Incident,
        people: Iterable[Person],
        step: str,
        now: int,
        *,
        later: int = 0,
        urgent: bool = False,
    ) -> list[Notice]:
        """Tell people of a step of an incident, as far as their budget reaches.

        Args:
            incident: As it stands after the step.
            people: Whom to tell.
            step: Its name; of one step, each is told once.
            now: The community's clock.
            later: When they may be disturbed with it; 0 for at once.
            urgent: It is told whatever the budget, though it may not be critical yet: a fall.
        """
        written = (self._told_to(incident, who, step, now, urgent=urgent) for who in people)
        return [replace(notice, not_before=later) for notice in written if notice is not None]

    def _told_to(
        self, incident: Incident, who: Person, step: str, now: int, *, urgent: bool
    ) -> Notice | None:
        if urgent or incident.severity is Severity.CRITICAL:
            return notice(incident, who, step, now)
        lately = self._lately(who.id, now)
        if len(lately) < self._per_h_max:
            self._told[who.id] = (*lately, now)
            return notice(incident, who, step, now)
        # Once an hour, and beside the budget: it must not use up what it speaks of.
        if self._lately(_MANY + who.id, now):
            return None
        self._told[_MANY + who.id] = (now,)
        many = replace(incident, reason="policy.many", facts={"count": len(lately)})
        return notice(many, who, f"many.{now}", now)

    def _lately(self, name: str, now: int) -> tuple[int, ...]:
        return tuple(at for at in self._told.get(name, ()) if now - at < HOUR_MS)


_MANY = "many/"
"""Before the id of a person: when they were last told that there is more."""


def dispatched_by(incident: Incident, who: str) -> str:
    """Return the id of the notice by which somebody was asked to act last."""
    return derived("n", incident.id, who, f"dispatch.{incident.round}")


def notice(incident: Incident, who: Person, step: str, now: int) -> Notice:
    """Return what somebody is told about a step of an incident."""
    return Notice(
        id=derived("n", incident.id, who.id, step),
        incident=incident.id,
        recipient=who.id,
        channels=who.channels,
        language=who.language,
        step=step,
        at=now,
        kind=incident.kind,
        severity=incident.severity,
        subject=incident.subject,
        happened_at=incident.at,
        old=incident.old,
        reason=incident.reason,
        facts=incident.facts,
    )
