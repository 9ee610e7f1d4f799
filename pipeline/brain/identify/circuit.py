"""Circuits: a home that loads its main breaker up to the limit, day after day."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.identify.bounds import Days, Seconds, Share, Times, Watts
from pipeline.brain.identify.meter import POWER, commodity, scaled, span_since
from pipeline.brain.perceive.seen import Seen
from weinao.ids import derived
from weinao.messages import Utility
from weinao.outcomes import Phase, Risk, RiskKind
from weinao.registry import Role

_DAY_MS = 86_400_000


class CircuitState(Struct, frozen=True):
    """What is remembered of one meter.

    Attributes:
        read_at: The newest reading, and what it said in W or Wh.
        high_since: Since when the load is high without a pause.
        peak_w: The highest load since then.
        days: Local days, since the epoch, with a high load; what showed it, and its peak in W.
    """

    read_at: int = -1
    value: float = 0.0
    high_since: int | None = None
    peak_w: float = 0.0
    days: tuple[tuple[int, str, float], ...] = ()
    raised: Risk | None = None


class Circuit(Struct, frozen=True, kw_only=True):
    """Raise when the load was high on `days_min` of the last `days` days.

    Args:
        breaker_w: A main breaker of 40 A at 220 V, as for the acute hazard.
        high_share: NEC 210.20(A) and 215.3: a load that lasts may take 80 % of its breaker.
        high_s: What goes on for so long is no motor that starts. NEC calls three hours lasting;
            we ask for repetition instead. Ours.
        days_min: Ours.
        days: Ours.
        gap_s_max: Of readings of power, how long one holds without the next. Ours.
    """

    name: str = "circuit"
    ordered: bool = True
    communal: bool = False
    breaker_w: Watts = 8_800.0
    high_share: Share = 0.8
    high_s: Seconds = 900
    days_min: Times = 3
    days: Days = 14
    gap_s_max: Seconds = 3_900

    def subject_of(self, seen: Seen) -> str | None:
        said = seen.observation
        if isinstance(said, Utility) and seen.household and commodity(said) == POWER:
            return f"{seen.device}/{said.meter}"
        return None

    def initial(self, subject: str, household: str) -> CircuitState:  # noqa: ARG002  # nothing known
        return CircuitState()

    def observe(self, state: CircuitState, seen: Seen) -> tuple[CircuitState, Sequence[Risk]]:
        said = seen.observation
        if not isinstance(said, Utility) or seen.at <= state.read_at:
            return state, ()
        span = span_since(state.read_at, state.value, seen, said, self.gap_s_max)
        state = replace(state, read_at=seen.at, value=scaled(said))
        today = (seen.at + seen.tz_offset_min * 60_000) // _DAY_MS
        state, over = self._over(state, seen, today)
        if span is None or span.rate <= self.breaker_w * self.high_share:
            return replace(state, high_since=None, peak_w=0.0), over
        since = span.from_at if state.high_since is None else state.high_since
        state = replace(state, high_since=since, peak_w=max(state.peak_w, span.rate))
        if span.until_at < since + self.high_s * 1_000:
            return state, over
        state = _high_on(state, today, seen.id)
        if len(state.days) < self.days_min or state.raised is not None:
            return state, over
        risk = self._risk(state, seen, said)
        return replace(state, raised=risk), (*over, risk)

    def pass_time(self, state: CircuitState, at: int) -> tuple[CircuitState, Sequence[Risk]]:  # noqa: ARG002  # what is not read is not known
        return state, ()

    def lose_sight(self, state: CircuitState, at: int) -> CircuitState:  # noqa: ARG002  # a gap in readings ends a peak
        return state

    def _over(
        self, state: CircuitState, seen: Seen, today: int
    ) -> tuple[CircuitState, Sequence[Risk]]:
        """Forget days that are long ago; what they raised ends with them."""
        state = replace(
            state, days=tuple(known for known in state.days if known[0] > today - self.days)
        )
        if state.raised is None or len(state.days) >= self.days_min:
            return state, ()
        over = replace(
            state.raised,
            phase=Phase.CLEARED,
            at=seen.at,
            evidence=(seen.id,),
            reason="circuit.lighter_load",
        )
        return replace(state, raised=None), (over,)

    def _risk(self, state: CircuitState, seen: Seen, said: Utility) -> Risk:
        return Risk(
            id=derived("r", RiskKind.CIRCUIT, seen.device, said.meter, seen.id),
            kind=RiskKind.CIRCUIT,
            phase=Phase.RAISED,
            subject=seen.subject,
            household=seen.household,
            at=seen.at,
            evidence=tuple(found for _, found, _ in state.days),
            reason="circuit.near_limit",
            facts={
                "meter": said.meter,
                "peak_w": round(max(peak for _, _, peak in state.days)),
                "limit_w": round(self.breaker_w),
                "days_high": len(state.days),
                "days": self.days,
            },
            propose="circuit.check_wiring",
            role=Role.PROPERTY.value,
        )


def _high_on(state: CircuitState, day: int, found: str) -> CircuitState:
    known = {of: (by, peak) for of, by, peak in state.days}
    by, peak = known.get(day, (found, 0.0))
    known[day] = (by, max(peak, state.peak_w))
    return replace(state, days=tuple((of, *known[of]) for of in sorted(known)))
