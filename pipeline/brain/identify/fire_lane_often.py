"""Fire lanes that are blocked often: each time it was cleared, and it comes back."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct, field
from msgspec.structs import replace

from pipeline.brain.identify.base import EVIDENCE_MAX
from pipeline.brain.identify.bounds import Days
from pipeline.brain.identify.fire_lane import FireLane, FireLaneState
from pipeline.brain.perceive.seen import Seen
from weinao.ids import derived
from weinao.outcomes import Hazard, Phase, Risk, RiskKind
from weinao.registry import Role

BLOCKAGES_MAX = 64
"""Of one lane; the oldest are forgotten first."""

_DAY_MS = 86_400_000


class FireLaneOftenState(Struct, frozen=True):
    """What is remembered of one lane.

    Attributes:
        lane: What the acute rule remembers.
        blockages: When it was blocked for long, and by which observation that is known.
    """

    lane: FireLaneState = FireLaneState()
    blockages: tuple[tuple[int, str], ...] = ()
    raised: Risk | None = None


class FireLaneOften(Struct, frozen=True, kw_only=True):
    """Raise when a lane was blocked for long `times_min` times in `days`.

    Args:
        lane: What counts as blocked for long.
        times_min: Twice may be two movers. Ours.
        days: Ours.
    """

    name: str = "fire_lane_often"
    ordered: bool = True
    communal: bool = False
    lane: FireLane = field(default_factory=FireLane)
    times_min: Annotated[int, Meta(ge=1, le=BLOCKAGES_MAX)] = 3
    days: Days = 14

    def subject_of(self, seen: Seen) -> str | None:
        return self.lane.subject_of(seen)

    def initial(self, subject: str, household: str) -> FireLaneOftenState:  # noqa: ARG002  # nothing known
        return FireLaneOftenState()

    def observe(
        self, state: FireLaneOftenState, seen: Seen
    ) -> tuple[FireLaneOftenState, Sequence[Risk]]:
        lane, hazards = self.lane.observe(state.lane, seen)
        return self._counted(replace(state, lane=lane), hazards)

    def pass_time(
        self, state: FireLaneOftenState, at: int
    ) -> tuple[FireLaneOftenState, Sequence[Risk]]:
        lane, hazards = self.lane.pass_time(state.lane, at)
        state, raised = self._counted(replace(state, lane=lane), hazards)
        state, over = self._over(state, at)
        return state, (*raised, *over)

    def lose_sight(self, state: FireLaneOftenState, at: int) -> FireLaneOftenState:
        return replace(state, lane=self.lane.lose_sight(state.lane, at))

    def _counted(
        self, state: FireLaneOftenState, hazards: Sequence[Hazard]
    ) -> tuple[FireLaneOftenState, Sequence[Risk]]:
        for hazard in hazards:
            if hazard.phase is not Phase.RAISED:
                continue
            since = hazard.at - self.days * _DAY_MS
            blockages = (*state.blockages, (hazard.at, hazard.evidence[0]))[-BLOCKAGES_MAX:]
            state = replace(
                state, blockages=tuple(known for known in blockages if known[0] > since)
            )
            if len(state.blockages) >= self.times_min and state.raised is None:
                risk = self._risk(state, hazard)
                return replace(state, raised=risk), (risk,)
        return state, ()

    def _over(
        self, state: FireLaneOftenState, at: int
    ) -> tuple[FireLaneOftenState, Sequence[Risk]]:
        if state.raised is None or state.lane.raised is not None:
            return state, ()
        over_at = state.blockages[-1][0] + self.days * _DAY_MS
        if at < over_at:
            return state, ()
        over = replace(
            state.raised,
            phase=Phase.CLEARED,
            at=over_at,
            evidence=(),
            reason="fire_lane_often.stays_free",
        )
        return replace(state, raised=None, blockages=()), (over,)

    def _risk(self, state: FireLaneOftenState, hazard: Hazard) -> Risk:
        return Risk(
            id=derived("r", RiskKind.FIRE_LANE_OFTEN, hazard.id),
            kind=RiskKind.FIRE_LANE_OFTEN,
            phase=Phase.RAISED,
            subject=hazard.subject,
            household="",
            at=hazard.at,
            evidence=tuple(found for _, found in state.blockages[-EVIDENCE_MAX:]),
            reason="fire_lane_often.blocked",
            facts={
                "zone": state.lane.zone,
                "times": len(state.blockages),
                "days": self.days,
            },
            propose="fire_lane_often.mark_and_patrol",
            role=Role.PROPERTY.value,
        )
