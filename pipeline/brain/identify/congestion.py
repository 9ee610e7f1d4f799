"""Congestion: too many people in one place, or soon too many.

density rises so surely that it gets there -> RAISED, minor, with the minutes left
full for `persist_s`                       -> RAISED or, if forecast, CONFIRMED; major
it did not come to pass                    -> WITHDRAWN
calm for `calm_s`                          -> CLEARED
"""

from collections.abc import Sequence
from itertools import combinations
from statistics import median
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import replace

from pipeline.brain.identify.bounds import Density, Minutes, QuantileLow, Seconds, Share
from pipeline.brain.identify.fire_lane import Lanes
from pipeline.brain.perceive.seen import Seen
from weinao.ids import derived
from weinao.messages import Crowd
from weinao.outcomes import Fact, Hazard, HazardKind, Phase, Severity

COUNTS_MAX = 20
"""Counts of one zone that are remembered; of a faster camera every few seconds' first."""

_MINUTE_MS = 60_000


class Count(Struct, frozen=True):
    """How full a zone was."""

    at: int
    density: float
    flow: float
    id: str


class CongestionState(Struct, frozen=True):
    """What is remembered of one zone.

    Attributes:
        counts: Of the last minutes, oldest first.
        seen_at: The newest count.
        full_since: Since when it is full without a break.
        calm_since: Since when it is calm without a break.
        expires_at: When a forecast that did not come to pass is withdrawn.
    """

    counts: tuple[Count, ...] = ()
    seen_at: int = -1
    full_since: int | None = None
    calm_since: int | None = None
    raised: Hazard | None = None
    expires_at: int | None = None


class Congestion(Struct, frozen=True, kw_only=True):
    """Raise when a zone is full, and some minutes before when the trend is sure.

    Args:
        full_density: People per m². Level of service F of a walkway begins at 0.46 m² a person
            (Fruin, Pedestrian Planning and Design, 1971): walking turns into shuffling.
        slow_density: Level E begins at 0.93 m² a person (Fruin): the walkway's capacity. It counts
            as full only while nearly nobody gets through; below it the zone is calm.
        stuck_share: So small a share of the largest flow of the last minutes is nobody. Ours.
        persist_s: A group that passes is no crowd. Ours.
        calm_s: As long it has to be calm again. Ours.
        blocked_s: A way that is blocked for so long is no delivery any more. Ours.
        gap_s_max: Without a count for so long, nothing has persisted. Ours.
        horizon_min: How far a trend is trusted. Ours.
        trend_min: How long it must have been going on. Ours.
        trend_counts_min: How many counts it needs.
        near_share: Of the full density that must be there before anything is foretold. Ours.
        slope_quantile: Of all slopes between two counts, the one at this quantile has to get there,
            too (Theil and Sen take the median; the lower one stands for doubt). Ours.
        lanes: Zones that being blocked is a hazard of its own for.
    """

    name: str = "congestion"
    ordered: bool = True
    communal: bool = False
    full_density: Density = 2.17
    slow_density: Density = 1.08
    stuck_share: Share = 0.1
    persist_s: Seconds = 120
    calm_s: Seconds = 300
    blocked_s: Seconds = 300
    gap_s_max: Seconds = 300
    horizon_min: Minutes = 10
    trend_min: Minutes = 4
    trend_counts_min: Annotated[int, Meta(ge=2, le=COUNTS_MAX)] = 6
    near_share: Share = 0.4
    slope_quantile: QuantileLow = 0.2
    lanes: Lanes = Lanes()

    def subject_of(self, seen: Seen) -> str | None:
        said = seen.observation
        return f"{seen.device}/{said.zone}" if isinstance(said, Crowd) else None

    def initial(self, subject: str, household: str) -> CongestionState:  # noqa: ARG002  # nothing known
        return CongestionState()

    def observe(
        self, state: CongestionState, seen: Seen
    ) -> tuple[CongestionState, Sequence[Hazard]]:
        said = seen.observation
        if not isinstance(said, Crowd) or seen.at <= state.seen_at:
            return state, ()
        state, over = self.pass_time(state, seen.at)
        blocked = said.blocked and not self.lanes.hold(seen, said)  # that is a rule of its own
        state = self._counted(state, seen, said, blocked=blocked)
        state, found = self._judged(state, seen, said, blocked=blocked)
        return state, (*over, *found)

    def pass_time(
        self, state: CongestionState, at: int
    ) -> tuple[CongestionState, Sequence[Hazard]]:
        if state.expires_at is None or at < state.expires_at or state.raised is None:
            return state, ()
        return _ended(state, state.expires_at)

    def lose_sight(self, state: CongestionState, at: int) -> CongestionState:
        """What was not watched has not persisted, nor is it a trend."""
        if state.seen_at >= at:
            return state
        return replace(state, counts=(), full_since=None, calm_since=None)

    def _counted(
        self, state: CongestionState, seen: Seen, said: Crowd, *, blocked: bool
    ) -> CongestionState:
        if seen.at > state.seen_at + self.gap_s_max * 1_000:
            state = replace(state, counts=(), full_since=None, calm_since=None)
        count = Count(seen.at, said.density, said.in_per_min + said.out_per_min, seen.id)
        kept_ms = self.horizon_min * _MINUTE_MS
        counts = tuple(known for known in state.counts if known.at >= seen.at - kept_ms)
        if not counts or seen.at >= counts[-1].at + kept_ms // COUNTS_MAX:
            counts = (*counts, count)[-COUNTS_MAX:]
        full = blocked or self._is_full(counts, count)
        calm = not blocked and said.density < self.slow_density
        return replace(
            state,
            counts=counts,
            seen_at=seen.at,
            full_since=_since(state.full_since, seen.at, going_on=full),
            calm_since=_since(state.calm_since, seen.at, going_on=calm),
        )

    def _is_full(self, counts: tuple[Count, ...], count: Count) -> bool:
        most = max(known.flow for known in counts)
        stuck = most > 0 and count.flow <= self.stuck_share * most
        return count.density >= self.full_density or (stuck and count.density >= self.slow_density)

    def _judged(
        self, state: CongestionState, seen: Seen, said: Crowd, *, blocked: bool
    ) -> tuple[CongestionState, Sequence[Hazard]]:
        crowded = said.density >= self.slow_density
        needed_ms = (self.blocked_s if blocked and not crowded else self.persist_s) * 1_000
        foretold = state.raised is None or state.expires_at is not None
        if foretold and state.full_since is not None and seen.at >= state.full_since + needed_ms:
            return _full(state, seen, said, state.full_since + needed_ms)
        stands = state.raised is not None and state.expires_at is None
        calm_ms = 0 if state.calm_since is None else seen.at - state.calm_since
        if stands and calm_ms >= self.calm_s * 1_000:
            return _ended(state, seen.at)
        if state.raised is None and state.full_since is None:
            return self._foretold(state, seen, said)
        return state, ()

    def _foretold(
        self, state: CongestionState, seen: Seen, said: Crowd
    ) -> tuple[CongestionState, Sequence[Hazard]]:
        left_min = self._left_min(state.counts)
        if left_min is None:
            return state, ()
        hazard = replace(
            _hazard(seen, said, seen.at, "congestion.foreseen", Severity.MINOR),
            confidence=1.0 - self.slope_quantile,
            evidence=tuple(count.id for count in state.counts[-4:]),
        )
        hazard = replace(hazard, facts=hazard.facts | {"forecast_min": round(left_min, 1)})
        expires_at = seen.at + 2 * self.horizon_min * _MINUTE_MS
        return replace(state, raised=hazard, expires_at=expires_at), (hazard,)

    def _left_min(self, counts: tuple[Count, ...]) -> float | None:
        """Return in how many minutes it is full, if that is sure and within the horizon."""
        if len(counts) < self.trend_counts_min:
            return None
        if counts[-1].at - counts[0].at < self.trend_min * _MINUTE_MS:
            return None
        now = median(count.density for count in counts[-3:])
        if now < self.near_share * self.full_density:
            return None
        slopes = sorted(
            (b.density - a.density) / (b.at - a.at) * _MINUTE_MS for a, b in combinations(counts, 2)
        )
        missing = max(self.full_density - now, 0.0)
        doubtful = slopes[int(self.slope_quantile * len(slopes))]
        if doubtful <= 0 or doubtful * self.horizon_min < missing:
            return None
        return missing / median(slopes)


def _since(since: int | None, at: int, *, going_on: bool) -> int | None:
    if not going_on:
        return None
    return at if since is None else since


def _full(
    state: CongestionState, seen: Seen, said: Crowd, at: int
) -> tuple[CongestionState, Sequence[Hazard]]:
    reason = "congestion.blocked" if said.blocked else "congestion.full"
    hazard = _hazard(seen, said, at, reason, Severity.MAJOR)
    if state.raised is not None:
        hazard = replace(
            hazard, id=state.raised.id, phase=Phase.CONFIRMED, at=max(at, state.raised.at)
        )
    return replace(state, raised=hazard, expires_at=None), (hazard,)


def _ended(state: CongestionState, at: int) -> tuple[CongestionState, Sequence[Hazard]]:
    raised = state.raised
    if raised is None:
        return state, ()
    foretold = state.expires_at is not None
    over = replace(
        raised,
        phase=Phase.WITHDRAWN if foretold else Phase.CLEARED,
        at=max(at, raised.at),
        evidence=(),
        reason="congestion.did_not_come" if foretold else "congestion.calm",
    )
    return replace(state, raised=None, expires_at=None, counts=()), (over,)


def _hazard(seen: Seen, said: Crowd, at: int, reason: str, severity: Severity) -> Hazard:
    facts: dict[str, Fact] = {
        "zone": said.zone,
        "people": said.people,
        "density": round(said.density, 2),
    }
    return Hazard(
        id=derived("h", HazardKind.CONGESTION, seen.device, said.zone, seen.id),
        kind=HazardKind.CONGESTION,
        phase=Phase.RAISED,
        subject=seen.device,
        household="",
        at=at,
        severity=severity,
        evidence=(seen.id,),
        reason=reason,
        facts=facts,
    )
