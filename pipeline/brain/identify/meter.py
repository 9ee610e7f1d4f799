"""Meters: use that a home's own habits do not explain, and use that never pauses.

    an hour's use beyond all that was usual at that hour -> RAISED until an hour is usual again
    water that flows without a pause for hours           -> RAISED until it stands still
    power beyond what the main breaker holds for ever    -> RAISED until it is below again

Registers that count up, and readings of power or flow, become the same thing here: a rate that
held between two readings.
"""

from collections.abc import Sequence
from statistics import median
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import replace

from pipeline.brain.identify.bounds import (
    Factor,
    HoursExact,
    Litres,
    Seconds,
    Share,
    Times,
    WattHours,
    Watts,
)
from pipeline.brain.perceive.seen import Seen
from weinao.ids import derived
from weinao.messages import Utility
from weinao.outcomes import Fact, Hazard, HazardKind, Phase, Severity

POWER, WATER, GAS = "power", "water", "gas"

UNITS: dict[str, tuple[float, bool]] = {
    "w": (1.0, False),
    "kw": (1_000.0, False),
    "wh": (1.0, True),
    "kwh": (1_000.0, True),
    "l/min": (60.0, False),
    "l/h": (1.0, False),
    "m3/h": (1_000.0, False),
    "l": (1.0, True),
    "m3": (1_000.0, True),
}
"""By unit in lower case: how many W or l/h one of it is, and whether it is a register's count."""

DAYS_MAX = 21
"""Days of each hour of the day that the habit is made of; older ones are forgotten."""

_HOUR_MS = 3_600_000


class Span(Struct, frozen=True):
    """A rate between two readings: W, or litres an hour."""

    from_at: int
    until_at: int
    rate: float
    id: str


class MeterState(Struct, frozen=True):
    """What is remembered of one meter.

    Attributes:
        read_at: The newest reading, and what it said in W, Wh, l/h or l.
        usual: For each local hour of the day, its use on the last days, Wh or l.
        hour: The hour now being counted, since the epoch in local time.
        used: Its use so far.
        covered_ms: How much of it is known.
        flowing_since: Since when water flows without a pause.
        flowing_spans: How many readings have shown so.
        over_since: Since when power is beyond the breaker's limit.
        over_spans: How many readings have shown so.
        odd: The newest reading was set aside: it cannot have been so.
        raised: What stands, by its cause.
    """

    read_at: int = -1
    value: float = 0.0
    usual: tuple[tuple[float, ...], ...] = ((),) * 24
    hour: int = -1
    used: float = 0.0
    covered_ms: int = 0
    flowing_since: int | None = None
    flowing_spans: int = 0
    over_since: int | None = None
    over_spans: int = 0
    odd: bool = False
    raised: dict[str, Hazard] = {}


class Floors(Struct, frozen=True, kw_only=True):
    """Use in an hour that is never called sudden, by what a meter measures. Ours.

    Args:
        power_wh: A boiler and an oven together.
        water_l: A bath and a shower.
        gas_l: A boiler for a small flat.
    """

    power_wh: WattHours = 3_000.0
    water_l: Litres = 250.0
    gas_l: Litres = 1_500.0

    def of(self, what: str) -> float:
        """Return the floor for what a meter measures, in Wh or l."""
        return {POWER: self.power_wh, WATER: self.water_l, GAS: self.gas_l}.get(what, 0.0)


class MeterAnomaly(Struct, frozen=True, kw_only=True):
    """Raise on use that is far from usual, that never pauses, or beyond the breaker.

    Args:
        learn_days_min: An hour of the day has habits after so many days. Ours.
        factor: So many times the most that was used at that hour or its neighbours. Ours.
        spreads: So many spreads above the middle of those hours is usual still. Ours.
        covered_share_min: So much of an hour must be known to be a habit. Ours.
        floor: Use in an hour that is never called sudden.
        flow_l_h_min: Less than this is a drip, a latent danger. Ours.
        flow_h_max: Of a home, nothing but a leak or a forgotten tap flows for so long. Ours.
        flow_spans_min: So many readings without a pause; an hourly one hides pauses. Ours.
        breaker_w: A main breaker of 40 A at 220 V.
        breaker_share: IEC 60898-1 (GB/T 10963.1): a breaker holds 1.13 of its current for an
            hour, and trips within one only at 1.45. In between the wires get hot.
        over_s: A motor that starts draws more for seconds. Ours.
        over_spans_min: So many readings have to show it: one may be a glitch. Ours.
        trip_share: The same standard: at 2.55 of its current a breaker opens
        trip_s: within so many seconds, so that no home draws that for longer. One such reading
            is set aside; a second is believed.
        gap_s_max: Of readings of a rate, how long one holds without the next. Ours.
    """

    name: str = "meter"
    ordered: bool = True
    communal: bool = False
    learn_days_min: Annotated[int, Meta(ge=1, le=DAYS_MAX)] = 7
    factor: Factor = 2.0
    spreads: Factor = 6.0
    covered_share_min: Share = 0.9
    floor: Floors = Floors()
    flow_l_h_min: Litres = 30.0
    flow_h_max: HoursExact = 4.0
    flow_spans_min: Times = 24
    breaker_w: Watts = 8_800.0
    breaker_share: Factor = 1.13
    over_s: Seconds = 600
    over_spans_min: Times = 2
    trip_share: Factor = 2.55
    trip_s: Seconds = 120
    gap_s_max: Seconds = 3_900

    def subject_of(self, seen: Seen) -> str | None:
        said = seen.observation
        if isinstance(said, Utility) and commodity(said) is not None:
            return f"{seen.device}/{said.meter}"
        return None

    def initial(self, subject: str, household: str) -> MeterState:  # noqa: ARG002  # nothing known
        return MeterState()

    def observe(self, state: MeterState, seen: Seen) -> tuple[MeterState, Sequence[Hazard]]:
        said = seen.observation
        if not isinstance(said, Utility) or seen.at <= state.read_at:
            return state, ()
        span = span_since(state.read_at, state.value, seen, said, self.gap_s_max)
        what = commodity(said) or ""
        odd = span is not None and what == POWER and self._impossible(span, seen)
        if odd and not state.odd:
            return replace(state, odd=True), ()
        state = replace(state, read_at=seen.at, value=scaled(said), odd=odd)
        if span is None:
            unknown = {"hour": -1, "flowing_spans": 0, "over_spans": 0}
            return replace(state, flowing_since=None, over_since=None, **unknown), ()
        state, found = self._sudden(state, span, seen, what)
        if what == WATER:
            state, flows = self._flows_on(state, span, seen)
            return state, (*found, *flows)
        if what == POWER and seen.household:
            state, over = self._overload(state, span, seen)
            return state, (*found, *over)
        return state, found

    def pass_time(self, state: MeterState, at: int) -> tuple[MeterState, Sequence[Hazard]]:  # noqa: ARG002  # a meter that says nothing has not stopped
        return state, ()

    def lose_sight(self, state: MeterState, at: int) -> MeterState:  # noqa: ARG002  # a register counts on
        return state

    def _sudden(
        self, state: MeterState, span: Span, seen: Seen, what: str
    ) -> tuple[MeterState, Sequence[Hazard]]:
        found: list[Hazard] = []
        for hour, length_ms in _hours(span, seen.tz_offset_min):
            if hour != state.hour:
                state, over = self._hour_ended(state, seen, what)
                found += over
                state = replace(state, hour=hour, used=0.0, covered_ms=0)
            used = state.used + span.rate * length_ms / _HOUR_MS
            state = replace(state, used=used, covered_ms=state.covered_ms + length_ms)
            if used <= self.floor.of(what) or "sudden" in state.raised:
                continue
            limit = self._limit(state, what)
            if limit is not None and used > limit:
                facts: dict[str, Fact] = {"used": round(used, 1), "usual_max": round(limit, 1)}
                state, raised = _raise(state, "sudden", span, seen, facts)
                found += raised
        return state, found

    def _hour_ended(
        self, state: MeterState, seen: Seen, what: str
    ) -> tuple[MeterState, Sequence[Hazard]]:
        if state.hour < 0 or state.covered_ms < self.covered_share_min * _HOUR_MS:
            return state, ()
        limit = self._limit(state, what)
        found: Sequence[Hazard] = ()
        if limit is None or state.used <= limit:
            ended_at = (state.hour + 1) * _HOUR_MS - seen.tz_offset_min * 60_000
            state, found = _clear(state, "sudden", ended_at, seen)
        if "sudden" in state.raised:
            return state, found  # what is wrong does not become a habit
        of_day = state.hour % 24
        usual = list(state.usual)
        usual[of_day] = (*usual[of_day], state.used)[-DAYS_MAX:]
        return replace(state, usual=tuple(usual)), found

    def _limit(self, state: MeterState, what: str) -> float | None:
        """Return the most that an hour may use; None while its habits are not known."""
        of_day = state.hour % 24
        if len(state.usual[of_day]) < self.learn_days_min:
            return None
        near = [used for by in (-1, 0, 1) for used in state.usual[(of_day + by) % 24]]
        middle = median(near)
        spread = 1.4826 * median(abs(used - middle) for used in near)
        return max(self.factor * max(near), middle + self.spreads * spread, self.floor.of(what))

    def _flows_on(
        self, state: MeterState, span: Span, seen: Seen
    ) -> tuple[MeterState, Sequence[Hazard]]:
        if span.rate < self.flow_l_h_min:
            state = replace(state, flowing_since=None, flowing_spans=0)
            return _clear(state, "flows_on", span.from_at, seen)
        if span.until_at - span.from_at > self.gap_s_max * 1_000:
            return replace(state, flowing_since=None, flowing_spans=0), ()  # it may have paused
        since = span.from_at if state.flowing_since is None else state.flowing_since
        spans = state.flowing_spans + 1 if state.flowing_since is not None else 1
        state = replace(state, flowing_since=since, flowing_spans=spans)
        long = span.until_at >= since + self.flow_h_max * _HOUR_MS
        if not long or spans < self.flow_spans_min or "flows_on" in state.raised:
            return state, ()
        hours = round((span.until_at - since) / _HOUR_MS, 1)
        return _raise(state, "flows_on", span, seen, {"hours": hours, "l_h": round(span.rate, 1)})

    def _impossible(self, span: Span, seen: Seen) -> bool:
        """Say whether the breaker of a home would have opened long before."""
        long = span.until_at - span.from_at > self.trip_s * 1_000
        return bool(seen.household) and long and span.rate > self.breaker_w * self.trip_share

    def _overload(
        self, state: MeterState, span: Span, seen: Seen
    ) -> tuple[MeterState, Sequence[Hazard]]:
        limit_w = self.breaker_w * self.breaker_share
        if span.rate <= limit_w:
            state = replace(state, over_since=None, over_spans=0)
            return _clear(state, "overload", span.from_at, seen)
        since = span.from_at if state.over_since is None else state.over_since
        spans = state.over_spans + 1
        state = replace(state, over_since=since, over_spans=spans)
        long = span.until_at >= since + self.over_s * 1_000
        if not long or spans < self.over_spans_min or "overload" in state.raised:
            return state, ()
        facts: dict[str, Fact] = {"power_w": round(span.rate), "limit_w": round(self.breaker_w)}
        return _raise(state, "overload", span, seen, facts)


def commodity(said: Utility) -> str | None:
    """Return what a meter measures: power, water or gas; None where its unit is not known."""
    unit = _unit(said)
    if unit not in UNITS:
        return None
    if "w" in unit:
        return POWER
    meter = said.meter.lower()
    return GAS if "gas" in meter or "燃气" in meter else WATER


def scaled(said: Utility) -> float:
    """Return a reading in W, Wh, l/h or l."""
    return said.value * UNITS[_unit(said)][0]


def span_since(at: int, value: float, seen: Seen, said: Utility, gap_s_max: float) -> Span | None:
    """Return the rate since the last reading; None if there is none or its register was reset."""
    if at < 0 or seen.at <= at:
        return None
    if not UNITS[_unit(said)][1]:
        held = seen.at - at <= gap_s_max * 1_000
        return Span(at, seen.at, value, seen.id) if held else None
    used = scaled(said) - value
    return Span(at, seen.at, used * _HOUR_MS / (seen.at - at), seen.id) if used >= 0 else None


def _unit(said: Utility) -> str:
    return said.unit.lower().replace("³", "3").replace(" ", "")


def _hours(span: Span, tz_offset_min: int) -> list[tuple[int, int]]:
    """Return the local hours that a span touches, and for how long; only the last day's."""
    shift_ms = tz_offset_min * 60_000
    begin, end = (
        max(span.from_at, span.until_at - 24 * _HOUR_MS) + shift_ms,
        span.until_at + shift_ms,
    )
    return [
        (hour, min(end, (hour + 1) * _HOUR_MS) - max(begin, hour * _HOUR_MS))
        for hour in range(begin // _HOUR_MS, (end - 1) // _HOUR_MS + 1)
    ]


def _raise(
    state: MeterState, cause: str, span: Span, seen: Seen, facts: dict[str, Fact]
) -> tuple[MeterState, Sequence[Hazard]]:
    said = seen.observation
    meter = said.meter if isinstance(said, Utility) else ""
    hazard = Hazard(
        id=derived("h", HazardKind.METER_ANOMALY, seen.device, meter, cause, span.id),
        kind=HazardKind.METER_ANOMALY,
        phase=Phase.RAISED,
        subject=seen.subject,
        household=seen.household,
        at=span.until_at,
        severity=Severity.MAJOR,
        evidence=(span.id,),
        reason=f"meter_anomaly.{cause}",
        facts={"meter": meter, **facts},
    )
    return replace(state, raised={**state.raised, cause: hazard}), (hazard,)


def _clear(
    state: MeterState, cause: str, at: int, seen: Seen
) -> tuple[MeterState, Sequence[Hazard]]:
    raised = state.raised.get(cause)
    if raised is None:
        return state, ()
    over = replace(
        raised,
        phase=Phase.CLEARED,
        at=max(at, raised.at),
        evidence=(seen.id,),
        reason="meter_anomaly.usual_again",
    )
    return replace(
        state, raised={known: hazard for known, hazard in state.raised.items() if known != cause}
    ), (over,)
