"""Batteries: a wearable that will soon say nothing.

low for hours, not being charged                    -> RAISED
each day's best level falls, and is low within days -> RAISED
well charged again                                  -> CLEARED
"""

from collections.abc import Sequence
from itertools import combinations, pairwise
from statistics import median
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import replace

from pipeline.brain.identify.bounds import Days, HoursExact, Percent
from pipeline.brain.perceive.seen import Seen
from weinao.ids import derived
from weinao.messages import Vitals
from weinao.outcomes import Fact, Phase, Risk, RiskKind

DAYS_MAX = 14
"""Days whose best level is remembered."""

_HOUR_MS, _DAY_MS = 3_600_000, 86_400_000


class BatteryState(Struct, frozen=True):
    """What is remembered of one device.

    Attributes:
        seen_at: The newest level.
        low_since: Since when it is low.
        lowest_pct: The lowest since then; more than that is charging.
        best: For each local day, since the epoch, the highest level.
    """

    seen_at: int = -1
    low_since: int | None = None
    lowest_pct: float = 100.0
    best: tuple[tuple[int, float], ...] = ()
    raised: Risk | None = None


class Battery(Struct, frozen=True, kw_only=True):
    """Raise when a battery is low and nobody charges it, or when it will be in days.

    Args:
        low_pct: Below it wearables switch sensors off. Ours.
        low_h: Who charges in the evening lets it be low for an hour or two. Ours.
        charging_pct: A level so far above the lowest is charging, not noise. Ours.
        well_pct: From here on nothing is to do. Ours.
        ahead_days: Enough for somebody to bring a battery. Ours.
        days_min: Days that make a trend. Ours.
    """

    name: str = "battery"
    ordered: bool = True
    communal: bool = False
    low_pct: Percent = 15.0
    low_h: HoursExact = 3.0
    charging_pct: Percent = 3.0
    well_pct: Percent = 40.0
    ahead_days: Days = 3
    days_min: Annotated[int, Meta(ge=2, le=DAYS_MAX - 1)] = 5

    def subject_of(self, seen: Seen) -> str | None:
        said = seen.observation
        if isinstance(said, Vitals) and said.battery_pct is not None:
            return seen.device
        return None

    def initial(self, subject: str, household: str) -> BatteryState:  # noqa: ARG002  # nothing known
        return BatteryState()

    def observe(self, state: BatteryState, seen: Seen) -> tuple[BatteryState, Sequence[Risk]]:
        said = seen.observation
        if not isinstance(said, Vitals) or said.battery_pct is None or seen.at <= state.seen_at:
            return state, ()
        level = said.battery_pct
        state = self._levelled(replace(state, seen_at=seen.at), seen, level)
        if state.raised is not None:
            left_days = self._left_days(state)
            soon = left_days is not None and left_days <= self.ahead_days
            return _over(state, seen) if level >= self.well_pct and not soon else (state, ())
        low_ms = 0 if state.low_since is None else seen.at - state.low_since
        facts: dict[str, Fact] = {"battery_pct": round(level)}
        if low_ms >= self.low_h * _HOUR_MS:
            return _raised(state, seen, "battery.low", facts)
        left_days = self._left_days(state)
        if left_days is not None and left_days <= self.ahead_days:
            return _raised(state, seen, "battery.falling", {**facts, "days": round(left_days, 1)})
        return state, ()

    def pass_time(self, state: BatteryState, at: int) -> tuple[BatteryState, Sequence[Risk]]:  # noqa: ARG002  # an empty one is silent, which is a hazard of its own
        return state, ()

    def lose_sight(self, state: BatteryState, at: int) -> BatteryState:  # noqa: ARG002  # it empties unwatched, too
        return state

    def _levelled(self, state: BatteryState, seen: Seen, level: float) -> BatteryState:
        day = (seen.at + seen.tz_offset_min * 60_000) // _DAY_MS
        best = dict(state.best)
        best[day] = max(level, best.get(day, 0.0))
        state = replace(state, best=tuple(sorted(best.items()))[-DAYS_MAX:])
        charging = level >= state.lowest_pct + self.charging_pct
        if level > self.low_pct or charging:
            # A little above low, on a charger, is on its way up.
            return replace(state, low_since=None, lowest_pct=level)
        since = seen.at if state.low_since is None else state.low_since
        return replace(state, low_since=since, lowest_pct=min(level, state.lowest_pct))

    def _left_days(self, state: BatteryState) -> float | None:
        """Return in how many days even the best level is low, if it surely falls."""
        whole = state.best[:-1]  # today's best may be still to come
        if len(whole) < self.days_min:
            return None
        recent = whole[-self.days_min :]
        slopes = [(b - a) / (to - since) for (since, a), (to, b) in combinations(recent, 2)]
        steadily = all(b < a for (_, a), (_, b) in pairwise(recent))
        if not steadily or recent[-1][1] <= self.low_pct:
            return None
        return (recent[-1][1] - self.low_pct) / -median(slopes)


def _raised(
    state: BatteryState, seen: Seen, reason: str, facts: dict[str, Fact]
) -> tuple[BatteryState, Sequence[Risk]]:
    risk = Risk(
        id=derived("r", RiskKind.BATTERY, seen.device, seen.id),
        kind=RiskKind.BATTERY,
        phase=Phase.RAISED,
        subject=seen.device,
        household=seen.household,
        at=seen.at,
        evidence=(seen.id,),
        reason=reason,
        facts=facts,
        propose="battery.charge",
    )
    return replace(state, raised=risk), (risk,)


def _over(state: BatteryState, seen: Seen) -> tuple[BatteryState, Sequence[Risk]]:
    if state.raised is None:
        return state, ()
    over = replace(
        state.raised,
        phase=Phase.CLEARED,
        at=seen.at,
        evidence=(seen.id,),
        reason="battery.charged",
    )
    return replace(state, raised=None), (over,)
