"""Irregular pulse: windows of an irregular rhythm, until there are enough of them to tell somebody.

    window irregular, as is another of the last three -> both add to the day's burden
    burden of a day >= `burden_s_min`                 -> RAISED: have an ECG
    a regular window, a day after the last that added -> CLEARED

No diagnosis: a wearable sees intervals between beats, and ectopic beats and movement look alike.
"""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import replace

from pipeline.brain.identify.bounds import Hours, Seconds, Share, Times
from pipeline.brain.perceive.seen import Seen
from weinao.ids import derived
from weinao.messages import Rhythm
from weinao.outcomes import Hazard, HazardKind, Phase, Severity

COUNTED_MAX = 128
"""Irregular windows of one resident that are remembered; there is no need for more."""


class Window(Struct, frozen=True):
    """One stretch of the pulse: when it ended, how long it was, and whether it was irregular."""

    at: int
    id: str
    length_ms: int
    irregular: bool


class IrregularPulseState(Struct, frozen=True, kw_only=True):
    """What is remembered of one resident.

    Attributes:
        newest: Time and id of the newest window taken in.
        recent: The newest windows, oldest first.
        counted: Those that add to the burden, oldest first.
    """

    newest: tuple[int, str] = (-1, "")
    recent: tuple[Window, ...] = ()
    counted: tuple[Window, ...] = ()
    raised: Hazard | None = None


class IrregularPulse(Struct, frozen=True, kw_only=True):
    """Raise when irregular windows of one day add up; clear a day after the last.

    Args:
        need: So many irregular windows
        of_n: among so many in a row count;
        apart_s_max: a pause longer than this begins a new row.
        burden_s_min: How much irregular time is told.
        burden_h: Over how many hours it is counted.
        confidence_min: Windows that the detector itself doubts are no windows.
        window_s: How long a window is taken to be that does not bring its intervals.

    References:
        Research notes on AF from RR intervals: ectopy is the source of false alarms, hence 2 of 3
        windows and a burden of at least 5 minutes before anybody is told; "irregular pulse, have
        an ECG". What remains is ours; a minute is about 64 beats.
    """

    name: str = "irregular_pulse"
    ordered: bool = True
    communal: bool = False
    need: Times = 2
    of_n: Annotated[int, Meta(ge=2, le=16)] = 3
    apart_s_max: Seconds = 1_800
    burden_s_min: Seconds = 300
    burden_h: Hours = 24
    confidence_min: Share = 0.5
    window_s: Seconds = 60

    def subject_of(self, seen: Seen) -> str | None:
        return seen.subject if isinstance(seen.observation, Rhythm) else None

    def initial(self, subject: str, household: str) -> IrregularPulseState:  # noqa: ARG002  # nothing known
        return IrregularPulseState()

    def observe(
        self, state: IrregularPulseState, seen: Seen
    ) -> tuple[IrregularPulseState, Sequence[Hazard]]:
        said = seen.observation
        if not isinstance(said, Rhythm) or (seen.at, seen.id) <= state.newest:
            return state, ()
        if said.confidence < self.confidence_min:
            return state, ()
        state = self._with_window(state, seen, said)
        if state.raised is not None:
            return self._calm(state, seen, said)
        burden_s = sum(window.length_ms for window in state.counted) // 1_000
        if burden_s < self.burden_s_min or not said.irregular:
            return state, ()
        hazard = Hazard(
            id=derived("h", HazardKind.IRREGULAR_PULSE, seen.subject, state.counted[0].id),
            kind=HazardKind.IRREGULAR_PULSE,
            phase=Phase.RAISED,
            subject=seen.subject,
            household=seen.household,
            at=seen.at,
            severity=Severity.MINOR,
            confidence=said.confidence,
            evidence=tuple(window.id for window in state.counted[-16:]),
            reason="irregular_pulse.burden",
            facts={
                "burden_min": burden_s // 60,
                "windows": len(state.counted),
                "hours": self.burden_h,
            },
        )
        return replace(state, raised=hazard), (hazard,)

    def pass_time(
        self,
        state: IrregularPulseState,
        at: int,  # noqa: ARG002  # only a further window tells
    ) -> tuple[IrregularPulseState, Sequence[Hazard]]:
        return state, ()

    def lose_sight(self, state: IrregularPulseState, at: int) -> IrregularPulseState:  # noqa: ARG002  # windows that were seen stay seen
        return state

    def _with_window(
        self, state: IrregularPulseState, seen: Seen, said: Rhythm
    ) -> IrregularPulseState:
        length_ms = round(sum(said.rr_ms)) or self.window_s * 1_000
        if state.recent:
            # Windows overlap: what they share counts once.
            length_ms = min(length_ms, seen.at - state.recent[-1].at)
        window = Window(seen.at, seen.id, length_ms, said.irregular)
        row = [one for one in state.recent if seen.at - one.at <= self.apart_s_max * 1_000][
            -(self.of_n - 1) :
        ]
        recent = (*row, window)
        irregular = [one for one in recent if one.irregular]
        known = {one.id for one in state.counted}
        more = [one for one in irregular if one.id not in known]
        since = seen.at - self.burden_h * 3_600_000
        counted = (*state.counted, *(more if len(irregular) >= self.need else ()))
        return replace(
            state,
            newest=(seen.at, seen.id),
            recent=recent,
            counted=tuple(one for one in counted if one.at > since)[-COUNTED_MAX:],
        )

    def _calm(
        self, state: IrregularPulseState, seen: Seen, said: Rhythm
    ) -> tuple[IrregularPulseState, Sequence[Hazard]]:
        if state.raised is None or state.counted or said.irregular:
            return state, ()
        over = replace(
            state.raised,
            phase=Phase.CLEARED,
            at=seen.at,
            evidence=(seen.id,),
            reason="irregular_pulse.regular",
        )
        return replace(state, raised=None), (over,)
