"""Water leaks: at night, when everybody sleeps, the flow of a tight home is nil at some time."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import replace

from pipeline.brain.identify.base import EVIDENCE_MAX
from pipeline.brain.identify.bounds import Litres, Seconds, Share
from pipeline.brain.identify.meter import WATER, Span, commodity, scaled, span_since
from pipeline.brain.perceive.seen import Seen
from weinao.ids import derived
from weinao.messages import Utility
from weinao.outcomes import Phase, Risk, RiskKind
from weinao.registry import Role

SLOTS = 6
"""Half hours from two until five."""

_MINUTE_MS, _HOUR_MS, _DAY_MS = 60_000, 3_600_000, 86_400_000
_SLOT_MS = _HOUR_MS // 2
_FROM_MS, _UNTIL_MS = 2 * _HOUR_MS, 5 * _HOUR_MS


class WaterLeakState(Struct, frozen=True):
    """What is remembered of one meter.

    Attributes:
        read_at: The newest reading, and what it said in l or l/h.
        night: The local day whose night is being counted, since the epoch.
        used: For each half hour of it, litres.
        covered_ms: For each half hour of it, how much of it is known.
        coarse: Readings of it came too seldom to show each half hour.
        wet: Nights in a row without a dry half hour: litres an hour at least, and by what known.
    """

    read_at: int = -1
    value: float = 0.0
    night: int = -1
    used: tuple[float, ...] = (0.0,) * SLOTS
    covered_ms: tuple[int, ...] = (0,) * SLOTS
    coarse: bool = False
    wet: tuple[tuple[float, str], ...] = ()
    raised: Risk | None = None


class WaterLeak(Struct, frozen=True, kw_only=True):
    """Raise when no half hour from two until five was dry on several nights in a row.

    A night that was not fully measured neither counts nor ends the row.

    Args:
        dry_l: A half hour that used less was dry. Ours.
        nights_min: One night somebody may be ill, and another again. Ours. The hours are those in
            which water companies measure minimum night flow: 02:00 to 05:00.
        nights_coarse_min: The same for readings that come hourly, where a flush hides a pause.
        gap_s_max: Readings further apart say nothing of a night. Ours.
        covered_share_min: So much of a half hour must be known to call it dry or not. Ours.
    """

    name: str = "water_leak"
    ordered: bool = True
    communal: bool = False
    dry_l: Litres = 0.5
    nights_min: Annotated[int, Meta(ge=1, le=EVIDENCE_MAX)] = 3
    nights_coarse_min: Annotated[int, Meta(ge=1, le=EVIDENCE_MAX)] = 6
    gap_s_max: Seconds = 3_900
    covered_share_min: Share = 0.9

    def subject_of(self, seen: Seen) -> str | None:
        said = seen.observation
        if isinstance(said, Utility) and commodity(said) == WATER:
            return f"{seen.device}/{said.meter}"
        return None

    def initial(self, subject: str, household: str) -> WaterLeakState:  # noqa: ARG002  # nothing known
        return WaterLeakState()

    def observe(self, state: WaterLeakState, seen: Seen) -> tuple[WaterLeakState, Sequence[Risk]]:
        said = seen.observation
        if not isinstance(said, Utility) or seen.at <= state.read_at:
            return state, ()
        span = span_since(state.read_at, state.value, seen, said, self.gap_s_max)
        state = replace(state, read_at=seen.at, value=scaled(said))
        if span is not None and span.until_at - span.from_at <= self.gap_s_max * 1_000:
            state = _counted(state, span, seen.tz_offset_min * _MINUTE_MS)
        local = seen.at + seen.tz_offset_min * _MINUTE_MS
        if state.night < 0 or local < state.night * _DAY_MS + _UNTIL_MS:
            return state, ()
        return self._night_ended(state, seen)

    def pass_time(self, state: WaterLeakState, at: int) -> tuple[WaterLeakState, Sequence[Risk]]:  # noqa: ARG002  # what is not read is not known
        return state, ()

    def lose_sight(self, state: WaterLeakState, at: int) -> WaterLeakState:  # noqa: ARG002  # a register counts on
        return state

    def _night_ended(
        self, state: WaterLeakState, seen: Seen
    ) -> tuple[WaterLeakState, Sequence[Risk]]:
        night = state
        state = replace(state, night=-1, used=(0.0,) * SLOTS, covered_ms=(0,) * SLOTS, coarse=False)
        if self._dry_slot_known(night):
            return self._dry(state, seen)
        if min(night.covered_ms) < self.covered_share_min * _SLOT_MS:
            return state, ()
        wet = (*state.wet, (min(night.used) * 2, seen.id))[-EVIDENCE_MAX:]
        state = replace(state, wet=wet)
        needed = self.nights_coarse_min if night.coarse else self.nights_min
        if len(wet) < needed or state.raised is not None:
            return state, ()
        risk = _risk(state, seen)
        return replace(state, raised=risk), (risk,)

    def _dry_slot_known(self, night: WaterLeakState) -> bool:
        return any(
            used < self.dry_l and covered >= self.covered_share_min * _SLOT_MS
            for used, covered in zip(night.used, night.covered_ms, strict=True)
        )

    def _dry(self, state: WaterLeakState, seen: Seen) -> tuple[WaterLeakState, Sequence[Risk]]:
        if state.raised is None:
            return replace(state, wet=()), ()
        over = replace(
            state.raised,
            phase=Phase.CLEARED,
            at=seen.at,
            evidence=(seen.id,),
            reason="water_leak.dry_again",
        )
        return replace(state, wet=(), raised=None), (over,)


def _counted(state: WaterLeakState, span: Span, shift_ms: int) -> WaterLeakState:
    """Return the state with what a span used between two and five."""
    begin, end = span.from_at + shift_ms, span.until_at + shift_ms
    day = begin // _DAY_MS if begin % _DAY_MS < _UNTIL_MS else begin // _DAY_MS + 1
    first = day * _DAY_MS + _FROM_MS
    if end <= first:
        return state
    if state.night != day:
        state = replace(state, night=day, used=(0.0,) * SLOTS, covered_ms=(0,) * SLOTS)
    used, covered = list(state.used), list(state.covered_ms)
    for slot in range(SLOTS):
        low = max(begin, first + slot * _SLOT_MS)
        length = min(end, first + (slot + 1) * _SLOT_MS) - low
        if length > 0:
            used[slot] += span.rate * length / _HOUR_MS
            covered[slot] += length
    coarse = state.coarse or end - begin > _SLOT_MS + 5 * _MINUTE_MS
    return replace(state, used=tuple(used), covered_ms=tuple(covered), coarse=coarse)


def _risk(state: WaterLeakState, seen: Seen) -> Risk:
    said = seen.observation
    meter = said.meter if isinstance(said, Utility) else ""
    return Risk(
        id=derived("r", RiskKind.WATER_LEAK, seen.device, meter, state.wet[0][1]),
        kind=RiskKind.WATER_LEAK,
        phase=Phase.RAISED,
        subject=seen.subject,
        household=seen.household,
        at=seen.at,
        evidence=tuple(found for _, found in state.wet),
        reason="water_leak.never_dry",
        facts={
            "meter": meter,
            "nights": len(state.wet),
            "night_l_h": round(min(flow for flow, _ in state.wet), 1),
        },
        propose="water_leak.find",
        role=Role.PROPERTY.value,
    )
