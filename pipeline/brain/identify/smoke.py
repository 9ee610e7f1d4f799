"""Smoke: raised at once by one detector, and held against warmth and other detectors.

    a detector reports smoke -> RAISED at once -+- it becomes warm, too     -> CONFIRMED
                                                +- a second detector sounds -> CONFIRMED
                                                +- clear within seconds,
                                                |    and no warmth          -> WITHDRAWN
                                                +- clear                    -> CLEARED
    warmth that is told late, of an alarm that was withdrawn -> RAISED anew

Nobody waits for a second sign. Evidence counts by its own time, in whatever order it arrives; what
is told late may confirm an alarm or bring it back, and never takes one back.
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.identify.bounds import Celsius, CelsiusApart, Seconds, Share
from pipeline.brain.identify.emergency import Emergency, EmergencyState
from pipeline.brain.perceive.seen import Seen
from pipeline.brain.perceive.warmth import Warmth
from weinao.ids import derived
from weinao.messages import Home, Sensor
from weinao.outcomes import Hazard, Phase

DETECTORS_MAX = 32
ALARMS_MAX = 32
"""Of one home; the longest known are forgotten first."""


class Alarm(Struct, frozen=True):
    """One report of smoke, and what became of it.

    Attributes:
        raised: The hazard as it was raised.
        until: When its detector reported clear; None while it has not.
        phase: What was said of it last, clear or not.
    """

    raised: Hazard
    until: int | None = None
    phase: Phase = Phase.RAISED


class SmokeState(Struct, frozen=True, kw_only=True):
    """What is remembered of one home.

    Attributes:
        detectors: Of each smoke detector.
        others: Newest alarm of each detector of carbon monoxide, with its time.
    """

    household: str
    detectors: dict[str, EmergencyState] = {}
    alarms: tuple[Alarm, ...] = ()
    others: dict[str, tuple[int, str]] = {}
    warmth: Warmth = Warmth()


class Smoke(Struct, frozen=True, kw_only=True):
    """Raise on every report of smoke; confirm by warmth or a second detector.

    Args:
        detector: How one detector by itself is taken, as by other emergencies.
        alone: How sure one detector by itself is, 0 to 1.
        sure: How sure two signs are.
        rise_c: Warmth: so much warmer
        rise_s_max: within so many seconds,
        far_c: or so much warmer
        far_s_max: within so many, for thermometers that speak every hour;
        hot_c: or as hot as this.
        warm_s_max: Warmth counts up to so long before the report and after the last word.
        together_s_max: Detectors that report so close to each other confirm each other; an alarm
            that comes back so soon is none that passes by itself.
        brief_s_max: An alarm that clears within so many seconds may be steam, or a cigarette.

    References:
        EN 54-5, heat detectors: class A1 responds from 54 °C on, and is tested at rates of rise
        from 1 K/min, hence 5 °C in five minutes. All other numbers are ours. EN 14604 takes one
        detector's word, and so do we: what follows only says how sure it is.
    """

    name: str = "smoke"
    ordered: bool = False
    communal: bool = False
    detector: Emergency = Emergency()
    alone: Share = 0.7
    sure: Share = 0.99
    rise_c: CelsiusApart = 5.0
    rise_s_max: Seconds = 300
    far_c: CelsiusApart = 10.0
    far_s_max: Seconds = 7_200
    hot_c: Celsius = 54.0
    warm_s_max: Seconds = 600
    together_s_max: Seconds = 600
    brief_s_max: Seconds = 15

    def subject_of(self, seen: Seen) -> str | None:
        said = seen.observation
        if not isinstance(said, Home):
            return None
        if said.sensor is Sensor.SMOKE:
            return seen.household or seen.device
        counts = said.sensor is Sensor.TEMPERATURE or (said.sensor is Sensor.CO and said.value)
        return seen.household or None if counts else None

    def initial(self, subject: str, household: str) -> SmokeState:
        return SmokeState(household=household or subject)

    def observe(self, state: SmokeState, seen: Seen) -> tuple[SmokeState, Sequence[Hazard]]:
        said = seen.observation
        if not isinstance(said, Home) or self.subject_of(seen) is None:
            return state, ()
        found: list[Hazard] = []
        if said.sensor is Sensor.TEMPERATURE:
            warmth = state.warmth.after(seen.device, seen.at, said.value, seen.id)
            state = replace(state, warmth=warmth)
        elif said.sensor is Sensor.CO:
            newest = max(state.others.get(seen.device, (-1, "")), (seen.at, seen.id))
            others = {**state.others, seen.device: newest}
            state = replace(state, others=dict([*others.items()][-DETECTORS_MAX:]))
        else:
            state, found = self._detected(state, seen)
        state, more = self._confirmed(state)
        return state, (*found, *more)

    def pass_time(self, state: SmokeState, at: int) -> tuple[SmokeState, Sequence[Hazard]]:  # noqa: ARG002  # time alone changes nothing here
        return state, ()

    def lose_sight(self, state: SmokeState, at: int) -> SmokeState:  # noqa: ARG002  # only what is seen counts here
        return state

    def _detected(self, state: SmokeState, seen: Seen) -> tuple[SmokeState, list[Hazard]]:
        before = state.detectors.get(seen.device, EmergencyState(seen.subject, seen.household))
        after, told = self.detector.observe(before, seen)
        others = [(name, one) for name, one in state.detectors.items() if name != seen.device]
        detectors = dict([*others, (seen.device, after)][-DETECTORS_MAX:])
        state, found = replace(state, detectors=detectors), list[Hazard]()
        for hazard in told:
            if hazard.phase is Phase.RAISED:
                raised = replace(hazard, confidence=self.alone)
                alarms = (*state.alarms, Alarm(raised))[-ALARMS_MAX:]
                state = replace(state, alarms=alarms)
                found.append(raised)
                continue
            state, over = self._cleared(state, hazard)
            found.append(over)
        return state, found

    def _cleared(self, state: SmokeState, clear: Hazard) -> tuple[SmokeState, Hazard]:
        """Return what a clear means: that it is over, or that it never was so."""
        alarm = next((one for one in state.alarms if one.raised.id == clear.id), None)
        if alarm is None:
            return state, clear
        ended = replace(alarm, until=clear.at)
        if alarm.phase is Phase.RAISED and self._passes(state, ended):
            clear = replace(
                clear,
                phase=Phase.WITHDRAWN,
                reason="smoke.brief",
                facts={**clear.facts, "after_s": (clear.at - alarm.raised.at) // 1_000},
            )
        return _with(state, replace(ended, phase=clear.phase)), clear

    def _passes(self, state: SmokeState, alarm: Alarm) -> bool:
        """Say whether an alarm that ended was brief, and what could tell of a fire does not."""
        at, until = alarm.raised.at, alarm.until
        if until is None or until - at > self.brief_s_max * 1_000:
            return False
        if any(abs(other - at) <= self.together_s_max * 1_000 for other in _others(state, alarm)):
            return False
        watched = state.warmth.heard(at - self.far_s_max * 1_000, until)
        return watched and self._corroboration(state, alarm) is None

    def _confirmed(self, state: SmokeState) -> tuple[SmokeState, list[Hazard]]:
        """Confirm what stands, or was withdrawn, and has a second sign now."""
        found: list[Hazard] = []
        for alarm in state.alarms:
            if alarm.phase not in (Phase.RAISED, Phase.WITHDRAWN):
                continue
            second = self._corroboration(state, alarm)
            if second is None:
                continue
            sure = replace(second, confidence=self.sure)
            if alarm.until is None:
                found.append(replace(sure, phase=Phase.CONFIRMED))
                state = _with(state, replace(alarm, phase=Phase.CONFIRMED))
                continue
            # It was taken back too soon; somebody has to look, though the smoke is gone.
            back = replace(sure, id=derived("h", sure.kind, sure.id, "back"))
            over_at = max(back.at, alarm.until)
            over = replace(back, phase=Phase.CLEARED, at=over_at, evidence=())
            found += [back, replace(over, reason="smoke.cleared")]
            state = _with(state, replace(alarm, phase=Phase.CLEARED))
        return state, found

    def _corroboration(self, state: SmokeState, alarm: Alarm) -> Hazard | None:
        """Return the hazard as a second sign has it; None without one."""
        raised, last = alarm.raised, alarm.until or alarm.raised.at
        since, until = raised.at - self.warm_s_max * 1_000, last + self.warm_s_max * 1_000
        if alarm.until is None:
            until = max(until, max(_heard_at(state, alarm), default=until))
        for by_c, within_s in ((self.rise_c, self.rise_s_max), (self.far_c, self.far_s_max)):
            warm = state.warmth.rose(since, until, by_c=by_c, within_s=within_s, hot_c=self.hot_c)
            if warm is not None:
                warm_at, by, temp_c = warm
                return replace(
                    raised,
                    at=max(warm_at, raised.at),
                    evidence=(*raised.evidence, by),
                    reason="smoke.warm",
                    facts={**raised.facts, "temp_c": round(temp_c, 1)},
                )
        near = [
            (at, by)
            for at, by, device in _detections(state)
            if device != raised.facts["device"]
            and abs(at - raised.at) <= self.together_s_max * 1_000
        ]
        if not near:
            return None
        at, by = min(near)
        return replace(
            raised,
            at=max(at, raised.at),
            evidence=(*raised.evidence, by),
            reason="smoke.second_detector",
        )


def _with(state: SmokeState, alarm: Alarm) -> SmokeState:
    same = [alarm if one.raised.id == alarm.raised.id else one for one in state.alarms]
    return replace(state, alarms=tuple(same))


def _detections(state: SmokeState) -> list[tuple[int, str, str]]:
    """Return when each alarm of smoke or carbon monoxide began, by which word and device."""
    smoke = [
        (one.raised.at, one.raised.evidence[0], str(one.raised.facts["device"]))
        for one in state.alarms
    ]
    return [*smoke, *((at, by, device) for device, (at, by) in state.others.items())]


def _others(state: SmokeState, alarm: Alarm) -> list[int]:
    return [at for at, by, _ in _detections(state) if by != alarm.raised.evidence[0]]


def _heard_at(state: SmokeState, alarm: Alarm) -> list[int]:
    """Return when the detector of an alarm that stands spoke last."""
    known = state.detectors.get(str(alarm.raised.facts["device"]))
    return [known.seen_at] if known is not None else []
