"""Latent risks about residents: trends over days and weeks, for a visit and not for an alarm.

    each local day's end: the days of a subject -> judges, one kind after the other
        a trend, and none of its kind stands -> RAISED, with what was usual kept
        the standing one back by half its limit -> CLEARED

References:
    risk_trends: what makes a trend, and the source of every limit named below.
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.identify.base import EVIDENCE_MAX
from pipeline.brain.identify.bounds import Days
from pipeline.brain.identify.days import (
    DAY_MS,
    Book,
    Day,
    age_years,
    amended,
    lose_sight,
    reach,
    take,
)
from pipeline.brain.identify.health_score import home_of
from pipeline.brain.identify.night import DayLimits
from pipeline.brain.identify.risk_trends import (
    MISSED,
    Brief,
    Decline,
    Drift,
    Judge,
    Medicine,
    Nights,
    Pressure,
    Shift,
    Span,
    WeightGain,
    still,
)
from pipeline.brain.perceive.artefact import Artefacts
from pipeline.brain.perceive.seen import Seen
from weinao.ids import derived
from weinao.outcomes import Phase, Risk, RiskKind
from weinao.registry import Role


class Watch(Struct, frozen=True):
    """One kind of risk: who judges it, and what to do about it.

    Attributes:
        judges: The first that finds a trend is believed.
        propose: A key of the message catalogue.
        role: Who should; empty for the family.
    """

    kind: RiskKind
    judges: tuple[Judge, ...]
    propose: str
    role: str = ""


class Standing(Struct, frozen=True, kw_only=True):
    """A risk that was raised and not cleared yet, and what it was raised on."""

    risk: Risk
    shift: Shift


class RiskState(Struct, frozen=True, kw_only=True):
    """What is remembered of one home: today, and of each subject the last days and what stands.

    Attributes:
        days: Of each subject, of the usual span, oldest first.
        artefacts: What is no sign of a body.
        standing: Of each subject, by kind.
    """

    book: Book
    days: dict[str, tuple[Brief, ...]] = {}
    standing: dict[str, dict[RiskKind, Standing]] = {}


class RiskHealth(Struct, frozen=True, kw_only=True):
    """Raise a risk on a trend away from what is usual for somebody; clear when they are back.

    Args:
        span: Which days are lately, and which are usual.
        heart_rate: Half of what an infection adds. Ours, as the others without a source.
        spo2: Consumer oximeters err by 2 to 3 points, a week's median by less.
        blood_pressure: Chinese guidelines for hypertension 2024; `risk_trends` has them.
        blood_pressure_drift: More than a median of home readings wanders.
        weight_gain: European Society of Cardiology, heart failure, 2021.
        weight: GLIM, Cederholm et al. 2019: 5 %.
        nights: As the product was specified.
        activity: A third is beyond a bad week,
        sleep: and so are 75 minutes less, or two hours more.
        medicine: When it counts as not taken.
        days: How a home's day becomes figures.
        relearn_days: After so long what was a trend is what is usual; where it is beyond a fixed
            limit, it is raised anew. Ours.
    """

    name: str = "risk_health"
    ordered: bool = True
    communal: bool = False
    span: Span = Span()
    heart_rate: Drift = Drift(down=10, up=8)
    spo2: Decline = Decline(down=2)
    blood_pressure: Pressure = Pressure()
    blood_pressure_drift: Drift = Drift(down=15, up=15)
    weight_gain: WeightGain = WeightGain()
    weight: Drift = Drift(down=0.5, up=0.5, share=0.05)
    nights: Nights = Nights()
    activity: Decline = Decline(down=15, share=0.33)
    sleep: Drift = Drift(down=75, up=120)
    medicine: Medicine = Medicine()
    days: DayLimits = DayLimits()
    artefacts: Artefacts = Artefacts()
    relearn_days: Days = 56

    def subject_of(self, seen: Seen) -> str | None:
        return home_of(seen)

    def initial(self, subject: str, household: str) -> RiskState:  # noqa: ARG002  # the same
        return RiskState(
            book=Book(household=household, hourly=False, limits=self.days, artefacts=self.artefacts)
        )

    def observe(self, state: RiskState, seen: Seen) -> tuple[RiskState, Sequence[Risk]]:
        state, found = self.pass_time(state, seen.at)
        return replace(state, book=take(state.book, seen)), found

    def pass_time(self, state: RiskState, at: int) -> tuple[RiskState, Sequence[Risk]]:
        state = self._corrected(state, at)
        book, days = reach(state.book, at)
        if book is state.book:
            return state, ()
        state, found = replace(state, book=book), list[Risk]()
        for day in days:
            if day.figures:
                state, risks = self.close(state, day)
                found += risks
        return state, found

    def lose_sight(self, state: RiskState, at: int) -> RiskState:
        return replace(state, book=lose_sight(state.book, at))

    def _corrected(self, state: RiskState, at: int) -> RiskState:
        """Enter what was told late of closed days; it is judged with the next day that ends."""
        book, days = amended(state.book, at)
        if book is state.book:
            return state
        known = dict(state.days)
        for day in days:
            known[day.subject] = tuple(
                replace(one, figures=one.figures | day.figures) if one.day == day.day else one
                for one in known.get(day.subject, ())
            )
        return replace(state, book=book, days=known)

    def close(self, state: RiskState, day: Day) -> tuple[RiskState, Sequence[Risk]]:
        """Judge a subject's day that has ended, by the days before it."""
        before = state.days.get(day.subject, ())
        brief = Brief(
            day=day.day,
            figures=day.figures,
            openings=day.openings,
            evidence=day.evidence[0] if day.evidence else "",
        )
        days = (*(one for one in before if day.day - one.day < self.span.usual_days), brief)
        standing, found = dict(state.standing.get(day.subject, {})), list[Risk]()
        for watch in self.watches():
            stands = standing.get(watch.kind)
            if stands is None:
                raised = _raised(watch, day, days, self.span)
                if raised is not None:
                    standing[watch.kind] = raised
                    found.append(raised.risk)
            elif day.at - stands.risk.at > self.relearn_days * DAY_MS:
                del standing[watch.kind]
                found.append(_cleared(stands, day, "risk.new_usual"))
            elif not self._still(stands.shift, days, _age(day)):
                del standing[watch.kind]
                found.append(_cleared(stands, day, "risk.as_usual"))
        return replace(
            state,
            days={**state.days, day.subject: days},
            standing={**state.standing, day.subject: standing},
        ), found

    def watches(self) -> tuple[Watch, ...]:
        """Return the kinds of risk, in the order in which they appear."""
        doctor, ask = "propose.see_doctor", "propose.ask_after"
        head = Role.GRID_HEAD.value
        pressure = self.blood_pressure_drift.judge("sbp_mmhg", "risk.blood_pressure")
        weight = self.weight.judge("weight_kg", "risk.weight")
        return (
            Watch(
                RiskKind.HEART_RATE, (self.heart_rate.judge("rest_bpm", "risk.heart_rate"),), doctor
            ),
            Watch(RiskKind.SPO2, (self.spo2.judge("spo2_pct", "risk.spo2"),), doctor),
            Watch(RiskKind.BLOOD_PRESSURE, (self.blood_pressure.judge, pressure), doctor),
            Watch(RiskKind.WEIGHT, (self.weight_gain.judge, weight), doctor),
            Watch(RiskKind.BATHROOM_NIGHTS, (self.nights.judge,), ask),
            Watch(
                RiskKind.ACTIVITY,
                (self.activity.judge("active_min", "risk.activity"),),
                "propose.visit",
                head,
            ),
            Watch(RiskKind.SLEEP, (self.sleep.judge("sleep_min", "risk.sleep"),), ask),
            Watch(RiskKind.MEDICINE, (self.medicine.judge,), "propose.medicine", head),
        )

    def _still(self, shift: Shift, days: Sequence[Brief], age_years: float | None) -> bool:
        """Say whether what was raised is not over yet."""
        if shift.figure == MISSED:
            return self.medicine.missing(shift, days, self.span)
        high = shift.reason == "risk.blood_pressure_high"
        if high and self.blood_pressure.judge(days, age_years, self.span):
            return True
        return still(shift, days, self.span)


def _raised(watch: Watch, day: Day, days: Sequence[Brief], span: Span) -> Standing | None:
    found = (shift for judge in watch.judges if (shift := judge(days, _age(day), span)) is not None)
    shift = next(found, None)
    if shift is None:
        return None
    lately = [one.evidence for one in days if one.evidence and shift.rests_on(one)]
    risk = Risk(
        id=derived("r", watch.kind, day.subject, day.day),
        kind=watch.kind,
        phase=Phase.RAISED,
        subject=day.subject,
        household=day.household,
        at=day.at,
        confidence=round(min(0.5 + 0.5 * shift.days / span.recent_days, 1.0), 2),
        evidence=tuple(lately[-min(span.recent_days, EVIDENCE_MAX) :]),
        reason=shift.reason,
        facts={
            "now": round(shift.now, 1),
            "usual": round(shift.base, 1),
            "figure": shift.figure,
            "days": shift.days,
            **shift.facts,
        },
        propose=watch.propose,
        role=watch.role,
    )
    return Standing(risk=risk, shift=shift)


def _cleared(stands: Standing, day: Day, reason: str) -> Risk:
    return replace(
        stands.risk,
        phase=Phase.CLEARED,
        at=day.at,
        evidence=day.evidence[:1],
        reason=reason,
    )


def _age(day: Day) -> float | None:
    return None if day.body is None else age_years(day.body, day.day)
