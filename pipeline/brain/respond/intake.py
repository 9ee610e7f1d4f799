"""Intake: every hazard finds its incident.

raised, or sure -> the incident that has it; opened again, if that is over
                -> the one that is open about the same, or is kin of it; or a new one, dispatched
over            -> noted; nobody is called off, but what heals by itself is closed

Where the incident that has a hazard is over, and another is open about the same, the hazard goes
over to that one: a hazard is one incident's at a time.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.perceive.registered import Registered
from pipeline.brain.respond import causes, kin, orders
from pipeline.brain.respond.asking import Asking
from pipeline.brain.respond.docket import Docket
from pipeline.brain.respond.healing import healed
from pipeline.brain.respond.ladder import plan_of
from pipeline.brain.respond.lifecycle import BRAIN, OVER, take
from pipeline.brain.respond.policy import Policy
from weinao.messages import Action
from weinao.outcomes import AnyOutcome, Hazard, Incident, IncidentState, Phase, Severity

_HOLDS = (Phase.RAISED, Phase.CONFIRMED)


class Late(Struct, frozen=True, kw_only=True):
    """How late word of a hazard comes.

    Attributes:
        behind_ms: How long nothing had been heard of its home when this came.
        over: The same record says, too, that it is over.
    """

    behind_ms: int = 0
    over: bool = False


IN_TIME = Late()
"""Nothing is late about it."""


class Intake:
    """Takes in the hazards of one grid.

    Args:
        grid: Its id, which stands in every incident.
        policy: How incidents are handled.
        docket: Holds them.
        asking: Asks people about them.
    """

    def __init__(self, grid: str, policy: Policy, docket: Docket, asking: Asking) -> None:
        self._grid, self._policy, self._docket, self._asking = grid, policy, docket, asking

    def take_in(
        self, hazard: Hazard, known: Registered, now: int, late: Late
    ) -> Iterable[AnyOutcome]:
        """Open an incident for a hazard, or let the one that is open take it in."""
        incident = self._docket.of_hazard(hazard.id, now)
        if hazard.phase not in _HOLDS:
            return self._over(incident, hazard, known, now) if incident is not None else ()
        taker = self._taker(hazard, incident)
        if incident is None:
            incident = taker or self._kin(hazard, now)
        if incident is None:
            return self._open(hazard, known, now, late)
        if causes.is_storm(incident, hazard) and hazard.severity is Severity.CRITICAL:
            return self._leave(incident, hazard, known, now, late)
        if incident.state in OVER and taker is not None:
            # It is looked after there already; opened again, one danger would be two incidents.
            left = self._docket.keep(causes.without(incident, hazard), now)
            return (left, *self._join(taker, hazard, known, now, late))
        return self._join(incident, hazard, known, now, late)

    def _taker(self, hazard: Hazard, incident: Incident | None) -> Incident | None:
        """Return the open incident about the same as a hazard, or as the incident that has it."""
        about = [causes.matter_of(one) for one in (hazard, incident) if one is not None]
        found = [self._docket.active(one) for one in about]
        grave = hazard.severity is Severity.CRITICAL
        # Danger to life is not lost in a storm of lesser things.
        able = (one for one in found if one and not (grave and causes.is_storm(one, hazard)))
        return next(able, None)

    def _kin(self, hazard: Hazard, now: int) -> Incident | None:
        storm = self._docket.active((hazard.kind, self._grid))
        grave = hazard.severity is Severity.CRITICAL
        if storm is not None and self._policy.storm(hazard.kind) and not grave:
            return storm
        return kin.kin_of(hazard, self._docket, self._policy, now)

    def _open(
        self, hazard: Hazard, known: Registered, now: int, late: Late
    ) -> Iterable[AnyOutcome]:
        crowd = kin.crowd_of(hazard, self._docket, self._policy, now)
        if crowd:
            yield from self._gather(hazard, crowd, known, now)
            return
        old = self._is_old(hazard, now, late)
        incident = self._graded(causes.incident_of(hazard, self._grid, now, old=old), known, now)
        opened = take(incident, Action.OPEN, BRAIN, now)
        self._docket.claim(opened)
        if (old or late.over) and opened.severity is not Severity.CRITICAL:
            # It is over, or may be, and its end still on the way.
            waits = replace(opened, due_at=now + self._policy.old_wait_s * 1_000)
            yield self._docket.keep(waits, now)
            return
        yield from self._dispatch(opened, known, now)

    def _gather(
        self, hazard: Hazard, crowd: Sequence[Incident], known: Registered, now: int
    ) -> Iterable[AnyOutcome]:
        """Open one incident for a storm, and let it take in those that are it already."""
        storm = take(causes.storm_of(hazard, crowd, self._grid, now), Action.OPEN, BRAIN, now)
        self._docket.claim(storm)
        for one in crowd:
            merged = replace(take(one, Action.MERGE, BRAIN, now, storm.id), merged_into=storm.id)
            yield self._docket.keep(merged, now)
        yield from self._dispatch(storm, known, now)

    def _leave(
        self, storm: Incident, hazard: Hazard, known: Registered, now: int, late: Late
    ) -> Iterable[AnyOutcome]:
        """Give danger to life an incident of its own, where a storm of lesser things has it."""
        if hazard.id in storm.hazards:
            storm = self._docket.keep(causes.without(storm, hazard), now)
            yield storm
        active = self._docket.active(causes.matter_of(hazard))
        if active is not None and active.id != storm.id:
            yield from self._join(active, hazard, known, now, late)
            return
        old = self._is_old(hazard, now, late)
        own = take(causes.own_of(hazard, self._grid, now, old=old), Action.OPEN, BRAIN, now)
        self._docket.claim(own)
        yield from self._dispatch(own, known, now)

    def _join(
        self, incident: Incident, hazard: Hazard, known: Registered, now: int, late: Late
    ) -> Iterable[AnyOutcome]:
        joined = causes.joined(incident, hazard)
        if joined.kind is not incident.kind:
            joined = self._graded(joined, known, now)
        grave = joined.severity is Severity.CRITICAL
        if joined.state in (IncidentState.RESOLVED, *OVER) and (grave or not late.over):
            # Somebody thought that it was over, and it is not.
            return self._again(joined, hazard, known, now)
        self._docket.share(joined, causes.matter_of(hazard))
        fresh = not self._is_old(hazard, now, late)
        if joined.state is IncidentState.OPEN and (fresh if incident.old else joined != incident):
            # It waited for the rest of its history, or for the morning; this may not.
            return self._dispatch(replace(joined, old=False), known, now)
        if joined.state is IncidentState.OPEN and grave and joined != incident:
            return self._dispatch(joined, known, now)
        if joined == incident:
            return ()
        plan = plan_of(self._policy, known, joined, now)
        back = incident.hazard_over and not joined.hazard_over
        joined, commands = orders.give(joined, plan.orders, known, self._policy, now, again=back)
        if joined.severity > incident.severity and joined.state is IncidentState.DISPATCHED:
            # Who was asked had the time that a lesser thing has.
            soon = now + self._asking.accept_s(plan, joined) * 1_000
            joined = replace(joined, due_at=min(joined.due_at or soon, soon))
        step = causes.news_of(incident, joined, hazard)
        notices = self._asking.tell(joined, step, hazard, known, now) if step else ()
        return self._docket.keep_with((joined, (*notices, *commands)), now)

    def _again(
        self, incident: Incident, hazard: Hazard, known: Registered, now: int
    ) -> Iterable[AnyOutcome]:
        """Open an incident again that its hazard has outlived."""
        self._docket.share(incident, causes.matter_of(incident))
        self._docket.share(incident, causes.matter_of(hazard))
        opened = take(incident, Action.REOPEN, BRAIN, now, hazard.reason)
        return self._dispatch(opened, known, now)

    def _over(
        self, incident: Incident, hazard: Hazard, known: Registered, now: int
    ) -> Iterable[AnyOutcome]:
        over = causes.ended(incident, hazard)
        if over is incident:
            return ()
        if over.state not in OVER:  # whoever opens it again will ask
            over = self._ended(over, hazard, known, now)
        return (self._docket.keep(over, now),)

    def _ended(self, over: Incident, hazard: Hazard, known: Registered, now: int) -> Incident:
        """Return an incident as the end of one of its hazards leaves it."""
        untouched = over.state in (IncidentState.OPEN, IncidentState.DISPATCHED)
        if causes.never_were(over) and untouched:
            return take(over, Action.DISMISS, BRAIN, now, hazard.reason)
        if untouched or over.state is IncidentState.RESOLVED:
            return healed(over, plan_of(self._policy, known, over, now), hazard.reason, now)
        return over

    def _dispatch(self, incident: Incident, known: Registered, now: int) -> Iterable[AnyOutcome]:
        return self._docket.keep_with(self._asking.to_act(incident, known, now), now)

    def _graded(self, incident: Incident, known: Registered, now: int) -> Incident:
        """Return an incident at least as grave as policy wants it, for its people and hour."""
        plan = plan_of(self._policy, known, incident, now)
        return replace(incident, severity=max(incident.severity, plan.severity_min))

    def _is_old(self, hazard: Hazard, now: int, late: Late) -> bool:
        """Say whether news comes late because its home was cut off, and not because rules wait."""
        old_ms = self._policy.old_s_min * 1_000
        return now - hazard.at > old_ms and late.behind_ms > old_ms
