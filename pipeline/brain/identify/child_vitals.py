"""Children's vital signs: a child that is getting into danger, told from crying and from running.

    score of a band's reading -> 3 of the last 5 urgent, over five minutes -> RAISED
                                 3 of the last 5 an emergency              -> CONFIRMED, critical
                                 the last 5 all calm, over five minutes    -> CLEARED

A clip or cuff is used on purpose and at rest: one of its readings raises, and one clears.

Limits for adults never apply: below sixteen, Bedside PEWS takes the place of NEWS2.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.identify.bounds import Points, Seconds, Times
from pipeline.brain.identify.news2 import MaxAge, Sign, Timed, with_vitals
from pipeline.brain.identify.own_limits import own_limits
from pipeline.brain.identify.pews import Pews, pews
from pipeline.brain.perceive.artefact import Artefacts, Runs
from pipeline.brain.perceive.seen import Seen
from weinao.ids import derived
from weinao.messages import Acvpu, Vitals
from weinao.outcomes import Fact, Hazard, HazardKind, Phase, Severity
from weinao.registry import Resident

ADULT_YEARS = 16
"""From the year of their sixteenth birthday on people are scored by NEWS2."""


class ScoredChild(Struct, frozen=True):
    """One reading: how urgent it was. 0 calm, 1 between, 2 urgent, 3 emergency."""

    at: int
    level: int
    id: str


class ChildVitalsState(Struct, frozen=True, kw_only=True):
    """What is remembered of one child.

    Attributes:
        newest: Time and id of the newest reading taken in.
        signs: The newest value of each sign.
        runs: How long each sign of each device has had one value.
        recent: The newest readings, oldest first.
    """

    newest: tuple[int, str] = (-1, "")
    signs: dict[Sign, Timed] = {}
    runs: Runs = {}
    recent: tuple[ScoredChild, ...] = ()
    raised: Hazard | None = None


class ChildVitals(Struct, frozen=True, kw_only=True):
    """Raise on a persisting Bedside PEWS; clear once it is calm.

    Args:
        urgent_points: Urgent from this score on, or with one sign at its most points.
        critical_points: An emergency from this score on.
        calm_points_max: What was urgent is calm only at this score again.
        persist_n: Urgent readings needed
        persist_of_n: among so many,
        persist_s_min: over at least so many seconds.
        apart_s_min: Readings that follow sooner on the last that counted do not count by
            themselves, so that a few fill those minutes however fast a band reads.
        window_s_max: Older readings no longer count.
        max_age: How long each sign is used.
        artefacts: What is no sign of a body.

    References:
        Parshuram et al., Critical Care 2009, 13:R135: 8 and more precedes intensive care (82 %
        sensitive, 93 % specific). With four of seven items measured a score is a lower bound, so
        that 5, and one sign at its most points, are urgent; ours, as is the persistence: a child
        that cries or romps has the pulse of an ill one, and is done within five minutes.
    """

    name: str = "child_vitals"
    ordered: bool = True
    communal: bool = False
    urgent_points: Points = 5
    critical_points: Points = 8
    calm_points_max: Points = 2
    persist_n: Times = 3
    persist_of_n: Times = 5
    persist_s_min: Seconds = 300
    apart_s_min: Seconds = 100
    window_s_max: Seconds = 3_600
    max_age: MaxAge = MaxAge()
    artefacts: Artefacts = Artefacts()

    def subject_of(self, seen: Seen) -> str | None:
        child = isinstance(seen.observation, Vitals) and _age_years(seen.resident, seen.at)
        return seen.subject if child else None

    def initial(self, subject: str, household: str) -> ChildVitalsState:  # noqa: ARG002  # nothing known
        return ChildVitalsState()

    def observe(
        self, state: ChildVitalsState, seen: Seen
    ) -> tuple[ChildVitalsState, Sequence[Hazard]]:
        said = seen.observation
        age_years = _age_years(seen.resident, seen.at)
        if not isinstance(said, Vitals) or age_years is None:
            return state, ()
        if (seen.at, seen.id) <= state.newest:
            return state, ()
        runs, said = self.artefacts.clean(state.runs, seen, said)
        stuck = self.artefacts.stuck_signs(runs)
        known = {sign: timed for sign, timed in state.signs.items() if sign not in stuck}
        signs = with_vitals(known, said)
        fresh = signs != known
        state = replace(state, newest=(seen.at, seen.id), signs=signs, runs=runs)
        if said.worn is None:
            signs = with_vitals({}, said)
        score = pews(signs, seen.at, age_years=age_years, max_age=self.max_age)
        if said.worn is False or score is None or not fresh:
            return state, ()
        if said.worn is None:
            return self._spot(state, seen, score)
        return self._persisting(state, seen, score)

    def pass_time(
        self,
        state: ChildVitalsState,
        at: int,  # noqa: ARG002  # old signs drop out when the next is scored
    ) -> tuple[ChildVitalsState, Sequence[Hazard]]:
        return state, ()

    def lose_sight(self, state: ChildVitalsState, at: int) -> ChildVitalsState:  # noqa: ARG002  # as above
        return state

    def _spot(
        self, state: ChildVitalsState, seen: Seen, score: Pews
    ) -> tuple[ChildVitalsState, Sequence[Hazard]]:
        level, points = self._level(state, score, seen)
        facts = _facts(score, points)
        if level >= _URGENT and state.raised is None:
            once = (ScoredChild(seen.at, level, seen.id),)
            hazard = _hazard(seen, once, facts, critical=level > _URGENT)
            return replace(state, raised=hazard), (hazard,)
        if level == 0 and state.raised is not None and score.parts:
            return replace(state, raised=None, recent=()), (_cleared(state.raised, seen, facts),)
        return state, ()

    def _persisting(
        self, state: ChildVitalsState, seen: Seen, score: Pews
    ) -> tuple[ChildVitalsState, Sequence[Hazard]]:
        if state.recent and seen.at < state.recent[-1].at + self.apart_s_min * 1_000:
            return state, ()
        level, points = self._level(state, score, seen)
        if self.artefacts.stuck_signs(state.runs):
            level = max(level, 1)  # what a stuck sensor hides is no calm
        since = seen.at - self.window_s_max * 1_000
        newer = tuple(one for one in state.recent if one.at >= since)
        recent = (*newer, ScoredChild(seen.at, level, seen.id))[-self.persist_of_n :]
        state = replace(state, recent=recent)
        hazard = self._decide(state, seen, _facts(score, points))
        if hazard is None:
            return state, ()
        stands = None if hazard.phase is Phase.CLEARED else hazard
        return replace(state, raised=stands), (hazard,)

    def _level(self, state: ChildVitalsState, score: Pews, seen: Seen) -> tuple[int, int]:
        """Return how urgent a score is, and its points; a sign with own limits goes by those."""
        own = own_limits(seen.resident)
        parts = [part for part in score.parts if part.sign not in own]
        points = sum(part.points for part in parts)
        breached = any(
            not own[part.sign][0] <= part.value <= own[part.sign][1]
            for part in score.parts
            if part.sign in own
        )
        temperature = score.temperature is not None and score.temperature.worst
        worst = temperature or any(part.worst for part in parts)
        if points >= self.critical_points or self._unresponsive(state, seen.at):
            return 3, points
        if breached or worst or points >= self.urgent_points:
            return 2, points
        return (1 if points > self.calm_points_max else 0), points

    def _unresponsive(self, state: ChildVitalsState, at: int) -> bool:
        """Say whether somebody noted that the child reacts to pain at most."""
        timed = state.signs.get(Sign.CONSCIOUSNESS)
        if timed is None or at - timed.at > self.max_age.ms(Sign.CONSCIOUSNESS):
            return False
        return timed.value in (Acvpu.PAIN, Acvpu.UNRESPONSIVE)

    def _decide(self, state: ChildVitalsState, seen: Seen, facts: dict[str, Fact]) -> Hazard | None:
        """Return what the newest readings change, if anything."""
        stands, recent = state.raised, state.recent
        urgent, emergency = self._persists(recent, 2), self._persists(recent, 3)
        if stands is None:
            return _hazard(seen, urgent, facts, critical=bool(emergency)) if urgent else None
        if emergency and stands.severity < Severity.CRITICAL:
            return replace(
                stands,
                phase=Phase.CONFIRMED,
                severity=Severity.CRITICAL,
                at=seen.at,
                evidence=tuple(one.id for one in emergency),
                facts=facts,
            )
        return _cleared(stands, seen, facts) if self._calm(recent) else None

    def _persists(self, recent: tuple[ScoredChild, ...], level: int) -> tuple[ScoredChild, ...]:
        """Return the readings that make a level persist; none if it does not."""
        found = tuple(one for one in recent if one.level >= level)
        enough = len(found) >= self.persist_n
        return found if enough and found[-1].at - found[0].at >= self.persist_s_min * 1_000 else ()

    def _calm(self, recent: tuple[ScoredChild, ...]) -> bool:
        return (
            len(recent) == self.persist_of_n
            and all(one.level == 0 for one in recent)
            and recent[-1].at - recent[0].at >= self.persist_s_min * 1_000
        )


_URGENT = 2


def _cleared(hazard: Hazard, seen: Seen, facts: dict[str, Fact]) -> Hazard:
    return replace(
        hazard,
        phase=Phase.CLEARED,
        at=max(seen.at, hazard.at),
        evidence=(seen.id,),
        reason="child_vitals.calm",
        facts=facts,
    )


def _age_years(resident: Resident | None, at: int) -> float | None:
    """Return a child's age, the birthday taken in the middle of its year; None for others."""
    if resident is None or resident.birth_year is None:
        return None
    years = datetime.fromtimestamp(at / 1_000, tz=UTC).year - resident.birth_year
    return years - 0.5 if 0 < years < ADULT_YEARS else None


def _facts(score: Pews, points: int) -> dict[str, Fact]:
    return {"pews": points, "age_group": score.group.value, "missing": ", ".join(score.missing)}


def _hazard(
    seen: Seen, urgent: tuple[ScoredChild, ...], facts: dict[str, Fact], *, critical: bool
) -> Hazard:
    return Hazard(
        id=derived("h", HazardKind.VITALS, "child_vitals.pews", urgent[0].id),
        kind=HazardKind.VITALS,
        phase=Phase.RAISED,
        subject=seen.subject,
        household=seen.household,
        at=seen.at,
        severity=Severity.CRITICAL if critical else Severity.MAJOR,
        evidence=tuple(one.id for one in urgent),
        reason="child_vitals.pews",
        facts=facts,
    )
