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
        self, incident: Incident, people: Iterable[Person], step: str, now: int, *, later: int = 0
    ) -> list[Notice]:
        """Tell people of a step of an incident, as far as their budget reaches.

        Args:
            incident: As it stands after the step.
            people: Whom to tell.
            step: Its name; of one step, each is told once.
            now: The community's clock.
            later: When they may be disturbed with it; 0 for at once.
        """
        written = (self._told_to(incident, who, step, now) for who in people)
        return [replace(notice, not_before=later) for notice in written if notice is not None]

    def _told_to(self, incident: Incident, who: Person, step: str, now: int) -> Notice | None:
        if incident.severity is Severity.CRITICAL:
            return notice(incident, who, step, now)
        lately = tuple(at for at in self._told.get(who.id, ()) if now - at < HOUR_MS)
        if len(lately) > self._per_h_max:
            return None
        self._told[who.id] = (*lately, now)
        if len(lately) < self._per_h_max:
            return notice(incident, who, step, now)
        many = replace(incident, reason="policy.many", facts={"count": len(lately)})
        return notice(many, who, f"many.{now}", now)


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
