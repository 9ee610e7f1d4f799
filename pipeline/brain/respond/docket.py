"""The docket: the incidents of a grid, whose each hazard is, and which incident takes in more.

A hazard is one incident's at a time, and what an incident no longer names is not remembered for it
either: all that is held here follows from the incidents, and is bounded as they are.
"""

from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.respond import orders
from pipeline.brain.respond.causes import Matter, matter_of
from pipeline.brain.respond.lifecycle import OVER
from weinao.outcomes import AnyOutcome, Incident, IncidentState

_DAY_MS = 86_400_000
_SWEEP_MS = 3_600_000


Said = tuple[AnyOutcome, ...]
"""What goes out."""


class DocketState(Struct, frozen=True):
    """All incidents of a grid that are open or can be reopened.

    Attributes:
        active: For each matter, the incident that takes in further hazards about it.
    """

    incidents: dict[str, Incident] = {}
    active: dict[Matter, str] = {}


class Docket:
    """Keeps incidents, and finds them again.

    Args:
        kept_days: How long after its end an incident can still be found.
        resume: What an earlier docket held.
    """

    def __init__(self, kept_days: int, resume: DocketState) -> None:
        self._kept_ms = kept_days * _DAY_MS
        self._incidents = dict(resume.incidents)
        self._active = dict(resume.active)
        self._of_hazard = {
            hazard: one.id for one in self._incidents.values() for hazard in _named(one)
        }
        self.next_due = 0

    def __iter__(self) -> Iterator[Incident]:
        return iter([*self._incidents.values()])

    def snapshot(self) -> DocketState:
        """Return all that is held; what comes later does not change it."""
        return DocketState(dict(self._incidents), dict(self._active))

    def find(self, incident_id: str | None, now: int) -> Incident | None:
        """Return an incident unless it ended too long ago, whether or not it was swept away yet."""
        incident = self._incidents.get(incident_id or "")
        if incident is None or incident.state not in OVER:
            return incident
        return incident if now - incident.steps[-1].at < self._kept_ms else None

    def of_hazard(self, hazard: str, now: int) -> Incident | None:
        """Return the incident that answers for a hazard, open or over."""
        return self.find(self._of_hazard.get(hazard), now)

    def active(self, matter: Matter) -> Incident | None:
        """Return the open incident that takes in hazards about a matter."""
        return self._incidents.get(self._active.get(matter, ""))

    def claim(self, incident: Incident) -> None:
        """Let an incident take in what is to come of its matter."""
        self._active[matter_of(incident)] = incident.id

    def share(self, incident: Incident, matter: Matter) -> None:
        """Let it take in what is to come of another, too, unless another incident does."""
        self._active.setdefault(matter, incident.id)

    def keep(self, incident: Incident, now: int) -> Incident:
        """Hold an incident as it stands from now on, and return it so."""
        if incident.state in OVER:
            incident = replace(incident, assignee="", due_at=None)
            self._active = {of: one for of, one in self._active.items() if one != incident.id}
        before, named = self._incidents.get(incident.id), _named(incident)
        if before is None or _named(before) != named:
            self._forget_hazards(before, named)
            self._of_hazard.update(dict.fromkeys(named, incident.id))
        self._incidents[incident.id] = incident
        self.next_due = min([self.next_due, now + _SWEEP_MS, *_dues(incident)])
        return incident

    def keep_with(self, moved: tuple[Incident, Sequence[AnyOutcome]], now: int) -> Said:
        """Hold an incident, and return it with what goes out with it."""
        incident, said = moved
        return (self.keep(incident, now), *said)

    def sweep(self, now: int) -> None:
        """Forget what ended too long ago, and reckon when something is due next."""
        for incident in self:
            if self.find(incident.id, now) is None:
                del self._incidents[incident.id]
                self._forget_hazards(incident, ())
        waiting = [due for one in self._incidents.values() for due in _dues(one)]
        self.next_due = min(waiting, default=now + _SWEEP_MS)

    def _forget_hazards(self, before: Incident | None, still: tuple[str, ...]) -> None:
        """Forget whose the hazards are that an incident named, but for those it still names."""
        if before is None:
            return
        for hazard in {*_named(before)}.difference(still):
            if self._of_hazard.get(hazard) == before.id:
                del self._of_hazard[hazard]


def _named(incident: Incident) -> tuple[str, ...]:
    """Return the hazards an incident answers for; what was merged answers for none any more."""
    return () if incident.state is IncidentState.MERGED else incident.hazards


def _dues(incident: Incident) -> list[int]:
    """Return when something has to happen about an incident."""
    if incident.state in OVER:
        return []
    return [due for due in (incident.due_at, orders.due_at(incident)) if due is not None]
