"""Vital signs: a body that is getting into danger, told from one bad reading.

A wearable reads all the time and errs often, so its early warning score must persist:

    score of every reading -> 3 of the last 5 spells urgent, over a minute -> RAISED
                              3 of the last 5 an emergency                 -> CONFIRMED, critical
                              the last 5 all calm, over a minute           -> CLEARED

One sign alone has to be urgent in all five, and for ten minutes: a band that sits loosely reads a
low SpO2 now and then, an ill body does without a break, or has other signs of it.

A cuff or clip is used at rest and on purpose, so one reading beyond its action limit counts at
once. What tells the two apart: a wearable says whether it is worn.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.identify.bounds import Points, Seconds, Times
from pipeline.brain.identify.home_limits import (
    YIELD,
    BloodPressureLimits,
    HomeHistory,
    HomeReading,
    Limb,
    PulseLimits,
)
from pipeline.brain.identify.news2 import (
    AGE_YEARS_MIN,
    Band,
    MaxAge,
    News2,
    Sign,
    SpO2Scale,
    Timed,
    band_of,
    news2,
    points,
    with_vitals,
)
from pipeline.brain.identify.own_limits import own_limits
from pipeline.brain.learn.lesson import Change, Lesson
from pipeline.brain.perceive.artefact import Artefacts, Runs
from pipeline.brain.perceive.seen import Seen
from weinao.ids import derived
from weinao.messages import Vitals
from weinao.outcomes import Fact, Hazard, HazardKind, Phase, Severity
from weinao.registry import Resident, VitalLimits

ADULT_YEARS = 18.0
"""Taken where no year of birth is registered."""

_SINGLE = 3
_URGENT = 2


class Scored(Struct, frozen=True):
    """Readings of a wearable within one spell. 0 calm, 1 between, 2 urgent, 3 emergency.

    Attributes:
        alone: Urgent by one sign alone, while all others together are not.
    """

    at: int
    until: int
    level: int
    id: str
    alone: bool = False


class VitalsState(Struct, frozen=True):
    """What is remembered of one resident.

    Attributes:
        signs: The newest value of each sign.
        runs: How long each sign of each device has had one value.
        recent: The newest spells, oldest first.
        urgent_since: Since when every reading is urgent; None if the newest is not.
        persisting: The hazard of persisting scores that stands.
        spot: The hazard of spot readings that stands.
        yielded: By how much the limits of this person moved, by limb, learned from false alarms.
    """

    signs: dict[Sign, Timed] = {}
    runs: Runs = {}
    recent: tuple[Scored, ...] = ()
    urgent_since: int | None = None
    history: HomeHistory = HomeHistory()
    seen_at: int = -1
    persisting: Hazard | None = None
    spot: Hazard | None = None
    yielded: dict[Limb, float] = {}


class VitalAlarm(Struct, frozen=True, kw_only=True):
    """Raise on a persisting early warning score, or on one spot reading beyond its action limit.

    Args:
        spell_s: Readings within so many seconds of the first are one spell, so that a device that
            reads every second needs no less time than one that reads every minute.
        calm_points_max: What was urgent at 5 is calm only at so many points again. Ours.
        persist_n: Urgent spells needed
        persist_of_n: among so many,
        persist_s_min: over at least so many seconds.
        alone_s_min: One sign alone over so many, in all of them. Ours, as what a loose band reads
            wrongly is wrong for three or four readings in a row now and then.
        firm_n: Of the urgent spells so many by more than one sign, for fewer of them to do. Ours:
            a loose band has two signs wrong at once in one reading, and hardly in two.
        gap_s_max: After a gap of more seconds the spells before it no longer count.
        again_s: What stands so long and is still urgent is raised anew; people may have closed it.
        max_age: How long each sign is used.
        artefacts: What is no sign of a body.
        blood_pressure: Action limits for spot readings.
        pulse: Action limits for spot readings.

    References:
        Royal College of Physicians, NEWS2, 2017: urgent from 5 or with 3 in one sign, emergency
        from 7. `news2` and `home_limits` name the sources of every limit.
        Persistence and hysteresis are ours: a reading that is not confirmed within minutes is an
        artefact more often than not (IEC 60601-1-8 allows alarm delays for that reason).
    """

    name: str = "vitals"
    ordered: bool = True
    communal: bool = False
    spell_s: Seconds = 15
    calm_points_max: Points = 2
    persist_n: Times = 3
    persist_of_n: Times = 5
    persist_s_min: Seconds = 60
    alone_s_min: Seconds = 600
    firm_n: Times = 2
    gap_s_max: Seconds = 7_200
    again_s: Seconds = 14_400
    max_age: MaxAge = MaxAge()
    artefacts: Artefacts = Artefacts()
    blood_pressure: BloodPressureLimits = BloodPressureLimits()
    pulse: PulseLimits = PulseLimits()

    def subject_of(self, seen: Seen) -> str | None:
        return seen.subject if isinstance(seen.observation, Vitals) else None

    def initial(self, subject: str, household: str) -> VitalsState:  # noqa: ARG002  # nothing known
        return VitalsState()

    def observe(self, state: VitalsState, seen: Seen) -> tuple[VitalsState, Sequence[Hazard]]:
        said = seen.observation
        if not isinstance(said, Vitals) or seen.at < state.seen_at:
            return state, ()
        runs, said = self.artefacts.clean(state.runs, seen, said)
        stuck = self.artefacts.stuck_signs(runs)
        known = {sign: timed for sign, timed in state.signs.items() if sign not in stuck}
        signs = with_vitals(known, said)
        fresh = signs != known
        state = replace(state, seen_at=seen.at, signs=signs, runs=runs)
        if _age_years(seen.resident, seen.at) < AGE_YEARS_MIN:
            return state, ()  # limits for adults are wrong for children
        if said.worn is None:
            return self._spot(state, seen, said)
        # A reading of which nothing is usable says again what was said before: nothing persists.
        return self._persisting(state, seen) if said.worn and fresh else (state, ())

    def pass_time(self, state: VitalsState, at: int) -> tuple[VitalsState, Sequence[Hazard]]:  # noqa: ARG002  # old signs drop out when the next is scored
        return state, ()

    def lose_sight(self, state: VitalsState, at: int) -> VitalsState:  # noqa: ARG002  # as above
        return state

    def learn(self, state: VitalsState, lesson: Lesson) -> tuple[VitalsState, Sequence[Change]]:
        """Move the spot limits that somebody called false, short of what is severe.

        A score that persists learns nothing, and a limit that a clinician set stays where it is.
        """
        if lesson.kind is not HazardKind.VITALS:
            return state, ()
        named = str(lesson.facts.get("beyond", "")).split(", ")
        yielded, changes = dict(state.yielded), []
        for limb, (step, most) in YIELD.items():
            if limb in named:
                before = yielded.get(limb, 0.0)
                moved = before + (step if lesson.false else -step)
                after = sorted((0.0, moved, most))[1]
                yielded[limb] = after
                ours = self._limit(limb)
                changes.append(Change(limb.value, ours + before, ours + after, ours + most))
        return replace(state, yielded=yielded), changes

    def _limit(self, limb: Limb) -> float:
        limits = {
            Limb.SBP_HIGH: self.blood_pressure.sbp_mmhg_high,
            Limb.SBP_LOW: self.blood_pressure.sbp_mmhg_low,
            Limb.DBP_HIGH: self.blood_pressure.dbp_mmhg_high,
            Limb.DBP_LOW: self.blood_pressure.dbp_mmhg_low,
            Limb.PULSE_HIGH: self.pulse.hr_bpm_high,
            Limb.PULSE_LOW: self.pulse.hr_bpm_low,
        }
        return limits[limb]

    def _spot(
        self, state: VitalsState, seen: Seen, said: Vitals
    ) -> tuple[VitalsState, Sequence[Hazard]]:
        reading = HomeReading(
            at=seen.at,
            sbp_mmhg=said.sbp_mmhg,
            dbp_mmhg=said.dbp_mmhg,
            hr_bpm=said.hr_bpm or None,
            temp_c=said.temp_c,
        )
        judged = (
            self._own_pressure(seen.resident, state.yielded).judge(reading, state.history),
            self._own_pulse(seen.resident, state.yielded).judge(reading, state.history),
        )
        beyond: list[str] = [
            limb for judgement in judged if judgement.alert for limb in judgement.beyond
        ]
        beyond += self._own_chart(said, seen)
        measured = any(
            sign is not None
            for sign in (said.sbp_mmhg, said.hr_bpm, said.spo2_pct, said.resp_per_min)
        )
        state = replace(state, history=state.history.after(reading))
        stale = state.spot is not None and seen.at - state.spot.at >= self.again_s * 1_000
        if beyond and (state.spot is None or stale):
            hazard = _hazard(seen, "vitals.beyond_limit", {"beyond": ", ".join(beyond)})
            return replace(state, spot=hazard), (hazard,)
        if measured and not beyond and state.spot is not None:
            return replace(state, spot=None), (_cleared(state.spot, seen),)
        return state, ()

    def _persisting(self, state: VitalsState, seen: Seen) -> tuple[VitalsState, Sequence[Hazard]]:
        score = self._score(state, seen)
        if score is None:
            return state, ()
        level, total, alone = _level(score, seen.resident, self.calm_points_max)
        if alone and _is_old(score, seen.resident):
            return state, ()  # the same word again, and no second one
        if self.artefacts.stuck_signs(state.runs):
            level = max(level, 1)  # what a stuck sensor hides is no calm
        scored = Scored(seen.at, seen.at, level, seen.id, alone)
        since = None if level < _URGENT else state.urgent_since or seen.at
        state = replace(state, recent=self._recent(state, scored), urgent_since=since)
        hazard = self._decide(state, seen, {"news2": total, "partial": score.partial})
        if hazard is None:
            return state, ()
        stands = None if hazard.phase is Phase.CLEARED else hazard
        return replace(state, persisting=stands), (hazard,)

    def _recent(self, state: VitalsState, one: Scored) -> tuple[Scored, ...]:
        """Return the newest spells with a reading in them; a spell is as calm as its calmest."""
        spells = list(state.recent)
        if spells and one.at - spells[-1].until > self.gap_s_max * 1_000:
            spells = []
        if spells and one.at - spells[-1].at < self.spell_s * 1_000:
            first = spells.pop()
            level, alone = min(first.level, one.level), first.alone or one.alone
            one = Scored(first.at, one.at, level, one.id, alone)
        return (*spells, one)[-self.persist_of_n :]

    def _score(self, state: VitalsState, seen: Seen) -> News2 | None:
        chronic = seen.resident is not None and seen.resident.spo2_scale_2
        return news2(
            state.signs,
            seen.at,
            age_years=_age_years(seen.resident, seen.at),
            scale=SpO2Scale.TWO if chronic else SpO2Scale.ONE,
            max_age=self.max_age,
        )

    def _decide(self, state: VitalsState, seen: Seen, facts: dict[str, Fact]) -> Hazard | None:
        """Return what the newest readings change, if anything."""
        stands, recent = state.persisting, state.recent
        urgent, emergency = self._persists(recent, 2), self._persists(recent, 3)
        if all(one.alone for one in urgent):
            since = seen.at if state.urgent_since is None else state.urgent_since
            urgent = urgent if seen.at - since >= self.alone_s_min * 1_000 else ()
        again = stands is not None and seen.at - stands.at >= self.again_s * 1_000
        if stands is None or (again and urgent):
            if not urgent:
                return None
            raised = _hazard(seen, "vitals.news2", facts, tuple(one.id for one in urgent))
            return replace(raised, severity=Severity.CRITICAL) if emergency else raised
        if emergency and stands.severity < Severity.CRITICAL:
            return replace(
                stands,
                phase=Phase.CONFIRMED,
                severity=Severity.CRITICAL,
                at=seen.at,
                evidence=tuple(one.id for one in emergency),
                facts=facts,
            )
        return _cleared(stands, seen) if self._calm(recent) else None

    def _persists(self, recent: tuple[Scored, ...], level: int) -> tuple[Scored, ...]:
        """Return the readings that make a level persist; none if it does not."""
        found = tuple(one for one in recent if one.level >= level)
        firm = sum(not one.alone for one in found) >= self.firm_n
        enough = len(found) >= (self.persist_n if firm else self.persist_of_n)
        return (
            found if enough and found[-1].until - found[0].at >= self.persist_s_min * 1_000 else ()
        )

    def _calm(self, recent: tuple[Scored, ...]) -> bool:
        return (
            len(recent) == self.persist_of_n
            and all(one.level == 0 for one in recent)
            and recent[-1].until - recent[0].at >= self.persist_s_min * 1_000
        )

    def _own_chart(self, said: Vitals, seen: Seen) -> list[str]:
        """Return the signs of a clip that have three points by themselves, or pass an own limit."""
        own = own_limits(seen.resident)
        chronic = seen.resident is not None and seen.resident.spo2_scale_2
        scale = SpO2Scale.TWO if chronic else SpO2Scale.ONE
        found = []
        for sign in (Sign.SPO2, Sign.RESPIRATION):
            value: float | None = getattr(said, sign.value)
            if not value or said.moving:
                continue
            low, high = own.get(sign, (float("-inf"), float("inf")))
            three = points(sign, value, scale=scale, on_oxygen=bool(said.on_oxygen)) == _SINGLE
            if three if sign not in own else not low <= value <= high:
                found.append(sign.value)
        return found

    def _own_pressure(
        self, resident: Resident | None, yielded: Mapping[Limb, float]
    ) -> BloodPressureLimits:
        own, ours = resident.limits if resident else VitalLimits(), self.blood_pressure
        return replace(
            ours,
            sbp_mmhg_high=_own(own.sbp_mmhg_max, ours.sbp_mmhg_high, yielded, Limb.SBP_HIGH),
            sbp_mmhg_low=_own(own.sbp_mmhg_min, ours.sbp_mmhg_low, yielded, Limb.SBP_LOW),
            dbp_mmhg_high=_own(own.dbp_mmhg_max, ours.dbp_mmhg_high, yielded, Limb.DBP_HIGH),
            dbp_mmhg_low=_own(None, ours.dbp_mmhg_low, yielded, Limb.DBP_LOW),
        )

    def _own_pulse(self, resident: Resident | None, yielded: Mapping[Limb, float]) -> PulseLimits:
        own, ours = resident.limits if resident else VitalLimits(), self.pulse
        return replace(
            ours,
            hr_bpm_high=_own(own.hr_bpm_max, ours.hr_bpm_high, yielded, Limb.PULSE_HIGH),
            hr_bpm_low=_own(own.hr_bpm_min, ours.hr_bpm_low, yielded, Limb.PULSE_LOW),
        )


def _own(set_: float | None, ours: float, yielded: Mapping[Limb, float], limb: Limb) -> float:
    """Return a clinician's limit, or ours with what was learned of this person."""
    return set_ if set_ is not None else ours + yielded.get(limb, 0.0)


def _level(score: News2, resident: Resident | None, calm_points_max: int) -> tuple[int, int, bool]:
    """Return how urgent a score is, its points, and whether one sign, or one light, alone says so.

    A sign with own limits goes by those alone.
    """
    own = own_limits(resident)
    parts = [part for part in score.parts if part.sign not in own]
    total = sum(part.points for part in parts)
    breached = any(
        not own[part.sign][0] <= float(part.value) <= own[part.sign][1]
        for part in score.parts
        if part.sign in own
    )
    band = band_of(total, any(part.points == _SINGLE for part in parts))
    if band is Band.HIGH:
        return 3, total, False
    if breached or band in (Band.MEDIUM, Band.LOW_MEDIUM):
        others = sum(part.points for part in parts if part.sign not in _OPTICAL)
        return 2, total, band is not Band.MEDIUM or others < _SECOND_WORD
    return (1 if total > calm_points_max else 0), total, False


def _is_old(score: News2, resident: Resident | None) -> bool:
    """Say whether what a band read earlier, and not now, is all that is urgent."""
    own = own_limits(resident)
    urgent = [part for part in score.parts if part.points == _SINGLE or part.sign in own]
    return all(part.age_ms > 0 and part.sign in _SENSED for part in urgent)


_OPTICAL = (Sign.PULSE, Sign.SPO2)
"""What a band reads by the same light: when it sits loosely, both are wrong together."""

_SECOND_WORD = 2
"""Points of other signs that bear out what the light says. Ours."""

_SENSED = (Sign.PULSE, Sign.SPO2, Sign.RESPIRATION)


def _age_years(resident: Resident | None, at: int) -> float:
    if resident is None or resident.birth_year is None:
        return ADULT_YEARS
    return float(datetime.fromtimestamp(at / 1_000, tz=UTC).year - resident.birth_year)


def _hazard(
    seen: Seen, reason: str, facts: dict[str, Fact], evidence: tuple[str, ...] = ()
) -> Hazard:
    return Hazard(
        id=derived("h", HazardKind.VITALS, reason, seen.id),
        kind=HazardKind.VITALS,
        phase=Phase.RAISED,
        subject=seen.subject,
        household=seen.household,
        at=seen.at,
        severity=Severity.MAJOR,
        evidence=evidence or (seen.id,),
        reason=reason,
        facts=facts,
    )


def _cleared(hazard: Hazard, seen: Seen) -> Hazard:
    return replace(
        hazard, phase=Phase.CLEARED, at=seen.at, evidence=(seen.id,), reason="vitals.calm"
    )
