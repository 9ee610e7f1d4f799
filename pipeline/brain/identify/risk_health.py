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
from pipeline.brain.identify.days import DAY_MS, Book, Day, age_years, lose_sight, reach, take
from pipeline.brain.identify.health_score import home_of
from pipeline.brain.identify.risk_trends import (
    RECENT_DAYS,
    USUAL_DAYS,
    Brief,
    Judge,
    Shift,
    drift,
    medicine,
    nights,
    pressure,
    still,
    weight_gain,
)
from pipeline.brain.perceive.seen import Seen
from weinao.ids import derived
from weinao.outcomes import Phase, Risk, RiskKind
from weinao.registry import Role


class Watch(Struct, frozen=True, kw_only=True):
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


# Least changes that count, ours unless risk_trends names a source. 8 bpm: half of what an infection
# adds; SpO2: consumer oximeters err by 2 to 3 points, a week's median by less; 15 mmHg: more than a
# median of home readings wanders; a third of activity, and 75 minutes of sleep: beyond a bad week.
WATCHES: tuple[Watch, ...] = (
    Watch(
        kind=RiskKind.HEART_RATE,
        judges=(drift("rest_bpm", "risk.heart_rate", up=8, down=10),),
        propose="propose.see_doctor",
    ),
    Watch(
        kind=RiskKind.SPO2,
        judges=(drift("spo2_pct", "risk.spo2", down=2),),
        propose="propose.see_doctor",
    ),
    Watch(
        kind=RiskKind.BLOOD_PRESSURE,
        judges=(pressure, drift("sbp_mmhg", "risk.blood_pressure", up=15, down=15)),
        propose="propose.see_doctor",
    ),
    Watch(
        kind=RiskKind.WEIGHT,
        judges=(weight_gain, drift("weight_kg", "risk.weight", down=0.5, up=0.5, share=0.05)),
        propose="propose.see_doctor",
    ),
    Watch(kind=RiskKind.BATHROOM_NIGHTS, judges=(nights,), propose="propose.ask_after"),
    Watch(
        kind=RiskKind.ACTIVITY,
        judges=(drift("active_min", "risk.activity", down=15, share=0.33),),
        propose="propose.visit",
        role=Role.GRID_HEAD,
    ),
    Watch(
        kind=RiskKind.SLEEP,
        judges=(drift("sleep_min", "risk.sleep", down=75, up=120),),
        propose="propose.ask_after",
    ),
    Watch(
        kind=RiskKind.MEDICINE,
        judges=(medicine,),
        propose="propose.medicine",
        role=Role.GRID_HEAD,
    ),
)


class Standing(Struct, frozen=True, kw_only=True):
    """A risk that was raised and not cleared yet, and what it was raised on."""

    risk: Risk
    shift: Shift


class RiskState(Struct, frozen=True, kw_only=True):
    """What is remembered of one home: today, and of each subject the last days and what stands.

    Attributes:
        days: Of each subject, at most `USUAL_DAYS`, oldest first.
        standing: Of each subject, by kind.
    """

    book: Book
    days: dict[str, tuple[Brief, ...]] = {}
    standing: dict[str, dict[RiskKind, Standing]] = {}


class RiskHealth(Struct, frozen=True, kw_only=True):
    """Raise a risk on a trend away from what is usual for somebody; clear when they are back.

    Args:
        watches: The kinds, in the order in which their risks appear.
        relearn_days: After so long what was a trend is what is usual; where it is beyond a fixed
            limit, it is raised anew. Ours.
    """

    name: str = "risk_health"
    ordered: bool = True
    communal: bool = False
    watches: tuple[Watch, ...] = WATCHES
    relearn_days: Days = 56

    def subject_of(self, seen: Seen) -> str | None:
        return home_of(seen)

    def initial(self, subject: str, household: str) -> RiskState:  # noqa: ARG002  # the same
        return RiskState(book=Book(household=household, hourly=False))

    def observe(self, state: RiskState, seen: Seen) -> tuple[RiskState, Sequence[Risk]]:
        state, found = self.pass_time(state, seen.at)
        return replace(state, book=take(state.book, seen)), found

    def pass_time(self, state: RiskState, at: int) -> tuple[RiskState, Sequence[Risk]]:
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

    def close(self, state: RiskState, day: Day) -> tuple[RiskState, Sequence[Risk]]:
        """Judge a subject's day that has ended, by the days before it."""
        before = state.days.get(day.subject, ())
        brief = Brief(
            day=day.day,
            figures=day.figures,
            openings=day.openings,
            evidence=day.evidence[0] if day.evidence else "",
        )
        days = (*(one for one in before if day.day - one.day < USUAL_DAYS), brief)
        standing, found = dict(state.standing.get(day.subject, {})), list[Risk]()
        for watch in self.watches:
            stands = standing.get(watch.kind)
            if stands is None:
                raised = _raised(watch, day, days)
                if raised is not None:
                    standing[watch.kind] = raised
                    found.append(raised.risk)
            elif day.at - stands.risk.at > self.relearn_days * DAY_MS:
                del standing[watch.kind]
                found.append(_cleared(stands, day, "risk.new_usual"))
            elif not still(stands.shift, days, _age(day)):
                del standing[watch.kind]
                found.append(_cleared(stands, day, "risk.as_usual"))
        return replace(
            state,
            days={**state.days, day.subject: days},
            standing={**state.standing, day.subject: standing},
        ), found


def _raised(watch: Watch, day: Day, days: Sequence[Brief]) -> Standing | None:
    found = (shift for judge in watch.judges if (shift := judge(days, _age(day))) is not None)
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
        confidence=round(min(0.5 + 0.5 * shift.days / RECENT_DAYS, 1.0), 2),
        evidence=tuple(lately[-min(RECENT_DAYS, EVIDENCE_MAX) :]),
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
