"""The health score: how a resident's day looked, from 0 to 100. Never a diagnosis.

    day -> burdens of its parts -> weighed and added up -> 100 / (1 + burden)
           none: 0; at an action limit: 1          measured, and as it could have been: [low, high]

It is one-sided in every sign: a worse value never raises it. What is missing today, and was once
measured, stands as it stood last, or at a little more than nothing, so that no score was ever
raised by leaving a device off; and the band says what it could have been.

References:
    docs/decisions/0005-health-score.md: weights, figures and what it is not.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from statistics import median

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.identify.bounds import Days, Score, Share, Slope, Times, Weight
from pipeline.brain.identify.days import (
    DAY_MS,
    PAST_DAYS,
    Book,
    Day,
    amended,
    lose_sight,
    reach,
    shown,
    take,
)
from pipeline.brain.identify.health_parts import Burden, Parts, burdens_of
from pipeline.brain.identify.night import DayLimits
from pipeline.brain.identify.sign_score import BURDEN_MAX, as_score
from pipeline.brain.perceive.artefact import Artefacts
from pipeline.brain.perceive.seen import Seen
from weinao.ids import derived
from weinao.messages import Home, Rhythm, Vitals
from weinao.outcomes import HealthScore, ScorePart


class Advice(Struct, frozen=True, kw_only=True):
    """Below which score each piece of advice follows: of the whole, or of one of its parts.

    50 is one sign at its action limit, 80 a quarter of that burden. Ours; for a doctor to change.

    Args:
        visit_today: The whole score,
        visit_coverage_min: where so much of it was measured.
        measure_again, see_doctor: Vital signs.
        have_ecg: Rhythm.
        visit_this_week, move_more: Activity.
        talk_about_sleep, keep_bedtime: Sleep.
    """

    visit_today: Score = 40.0
    visit_coverage_min: Share = 0.3
    measure_again: Score = 50.0
    see_doctor: Score = 65.0
    have_ecg: Score = 65.0
    visit_this_week: Score = 65.0
    move_more: Score = 80.0
    talk_about_sleep: Score = 65.0
    keep_bedtime: Score = 80.0

    def following(self, score: float, coverage: float, parts: Sequence[ScorePart]) -> Iterator[str]:
        """Yield the keys of what follows, in the message catalogue."""
        if score < self.visit_today and coverage >= self.visit_coverage_min:
            yield "advice.visit_today"
        of = {part.name: part.score for part in parts}
        for part, name in _ADVICE:
            if part in of and of[part] < getattr(self, name):
                yield f"advice.{name}"


_ADVICE = (
    ("vitals", "measure_again"),
    ("vitals", "see_doctor"),
    ("rhythm", "have_ecg"),
    ("activity", "visit_this_week"),
    ("activity", "move_more"),
    ("sleep", "talk_about_sleep"),
    ("sleep", "keep_bedtime"),
)


class Profile(Struct, frozen=True, kw_only=True):
    """What is remembered of one subject's days; only ever the past.

    Attributes:
        last: The burden of each part, and of each group of spot readings, with its day.
        active_min: Of the last days, oldest first.
        scores: (day, score) of the last fortnight.
        measured_on: The last day on which anything was.
    """

    last: dict[str, tuple[int, float]] = {}
    active_min: tuple[float, ...] = ()
    scores: tuple[tuple[int, float], ...] = ()
    measured_on: int = 0


class HealthState(Struct, frozen=True, kw_only=True):
    """What is remembered of one home: today, its people's days before, and their last scores."""

    book: Book
    profiles: dict[str, Profile] = {}
    issued: dict[str, tuple["Issued", ...]] = {}


class Issued(Struct, frozen=True, kw_only=True):
    """A day's score as it was told last, and what was remembered before it."""

    day: int
    before: Profile
    score: HealthScore | None


class HealthDay(Struct, frozen=True, kw_only=True):
    """Score each resident's day when it ends by the home's clock.

    Readings told late correct their day, and what is remembered of it: its score is told again,
    under the same id, and so are those of the days after it that change with it.

    A household's own figures are scored, under its id, where somebody lives alone and wears
    nothing; where several live, only what their own devices say is.

    Args:
        carry_days: How long a part that is no longer measured stands as it stood last.
        missing: What it stands at then, and at least: a little more than nothing.
        idle_days_max: After so many days without any reading there is no score.
        good: From here on nothing is called a reason. Ours.
        trend_days: A trend is of so many days at most,
        trend_days_min: and of so many at least.
        usual_days: So many days of activity are what is usual.
        parts: What each part weighs.
        advice: What follows from a score.
        days: How a home's day becomes figures.
        artefacts: What is no sign of a body.
    """

    name: str = "health_score"
    ordered: bool = True
    communal: bool = False
    carry_days: Days = 7
    missing: Weight = 0.1
    idle_days_max: Days = 7
    good: Score = 80.0
    trend_days: Days = 14
    trend_days_min: Slope = 10
    usual_days: Times = 28
    parts: Parts = Parts()
    advice: Advice = Advice()
    days: DayLimits = DayLimits()
    artefacts: Artefacts = Artefacts()

    def subject_of(self, seen: Seen) -> str | None:
        return home_of(seen)

    def initial(self, subject: str, household: str) -> HealthState:  # noqa: ARG002  # the same
        return HealthState(
            book=Book(household=household, limits=self.days, artefacts=self.artefacts)
        )

    def observe(self, state: HealthState, seen: Seen) -> tuple[HealthState, Sequence[HealthScore]]:
        state, found = self.pass_time(state, seen.at)
        return replace(state, book=take(state.book, seen)), found

    def pass_time(self, state: HealthState, at: int) -> tuple[HealthState, Sequence[HealthScore]]:
        state, again = self._corrected(state, at)
        book, days = reach(state.book, at)
        if book is state.book:
            return state, again
        profiles, issued, found = dict(state.profiles), dict(state.issued), [*again]
        for day in days:
            if day.body is None and not day.alone:
                continue
            profile = profiles.get(day.subject, Profile())
            profiles[day.subject], score = self.score(profile, day)
            found += [score] if score is not None else []
            if day.body is not None:
                last = Issued(day=day.day, before=profile, score=score)
                recent = [
                    one for one in issued.get(day.subject, ()) if day.day - one.day < PAST_DAYS
                ]
                issued[day.subject] = (*recent, last)
        return HealthState(book=book, profiles=profiles, issued=issued), found

    def _corrected(self, state: HealthState, at: int) -> tuple[HealthState, Sequence[HealthScore]]:
        """Score days anew that late readings have changed, and those after them; same ids."""
        book, days = amended(state.book, at)
        if book is state.book:
            return state, ()
        state, found = replace(state, book=book), list[HealthScore]()
        for subject in dict.fromkeys(day.subject for day in days):
            first = min(day.day for day in days if day.subject == subject)
            bodies = {day.day: shown(day, book.limits) for day in book.past.get(subject, ())}
            issued, profile = list[Issued](), state.profiles.get(subject, Profile())
            for one in state.issued.get(subject, ()):
                if one.day < first or one.day not in bodies:
                    issued.append(one)
                    continue
                before = one.before if one.day == first else profile
                profile, score = self.score(before, bodies[one.day])
                found += [score] if score is not None and score != one.score else []
                issued.append(Issued(day=one.day, before=before, score=score))
            state = replace(
                state,
                profiles={**state.profiles, subject: profile},
                issued={**state.issued, subject: tuple(issued)},
            )
        return state, found

    def lose_sight(self, state: HealthState, at: int) -> HealthState:
        return replace(state, book=lose_sight(state.book, at))

    def score(self, profile: Profile, day: Day) -> tuple[Profile, HealthScore | None]:
        """Return a day's score, and what is remembered of it; None while nothing is measured."""
        last = {
            name: burden
            for name, (on, burden) in profile.last.items()
            if day.day - on <= self.carry_days
        }
        parts = burdens_of(
            day, profile.active_min, profile.last, last, self.missing, weights=self.parts
        )
        measured = any(part.coverage > 0 for part in parts)
        measured_on = day.day if measured else profile.measured_on
        if not parts or day.day - measured_on > self.idle_days_max:
            return replace(profile, measured_on=measured_on), None
        found = self._score(profile, day, parts)
        active = day.figures.get("active_min")
        return Profile(
            last=profile.last
            | {name: (day.day, value) for part in parts for name, value in part.known.items()},
            active_min=(
                *profile.active_min,
                *((active,) if active is not None else ()),
            )[-self.usual_days :],
            scores=self._within(profile.scores, day.day, found.score),
            measured_on=measured_on,
        ), found

    def _score(self, profile: Profile, day: Day, parts: Sequence[Burden]) -> HealthScore:
        score, low, high = combined(parts)
        weight = sum(part.weight for part in parts)
        coverage = sum(part.weight * part.coverage for part in parts) / weight
        shown = self._parts(parts)
        worst = max(parts, key=lambda part: part.weight * part.usual)
        good = score >= self.good
        return HealthScore(
            id=derived("s", day.subject, day.day),
            subject=day.subject,
            household=day.household,
            day=_iso(day.day),
            at=day.at,
            score=score,
            low=low,
            high=high,
            coverage=round(coverage, 3),
            parts=shown,
            trend=slope(self._within(profile.scores, day.day, score), self.trend_days_min),
            reason="score.good" if good else f"score.{worst.name}",
            facts={} if good else {"sign": worst.sign},
            advice=tuple(self.advice.following(score, coverage, shown)),
        )

    def _parts(self, parts: Sequence[Burden]) -> tuple[ScorePart, ...]:
        names = list(dict.fromkeys(part.name for part in parts if part.coverage > 0))
        return tuple(
            self._part(name, [part for part in parts if part.name == name]) for name in names
        )

    def _part(self, name: str, parts: Sequence[Burden]) -> ScorePart:
        worst = max(parts, key=lambda part: part.usual)
        score = round(as_score(min(sum(part.usual for part in parts), BURDEN_MAX)), 1)
        coverage = sum(part.coverage for part in parts) / len(parts)
        good = score >= self.good
        return ScorePart(
            name=name,
            score=score,
            coverage=round(coverage, 3),
            reason=f"score.{name}_good" if good else f"score.{name}",
            facts={} if good else {"sign": worst.sign},
        )

    def _within(
        self, scores: tuple[tuple[int, float], ...], day: int, score: float
    ) -> tuple[tuple[int, float], ...]:
        recent = (one for one in scores if day - self.trend_days < one[0] < day)
        return (*recent, (day, score))


def home_of(seen: Seen) -> str | None:
    """Return the home whose day an observation belongs to."""
    if not isinstance(seen.observation, Home | Vitals | Rhythm):
        return None
    return seen.household or None


def combined(parts: Sequence[Burden]) -> tuple[float, float, float]:
    """Return score, lowest and highest possible, each with one decimal."""
    usual, best, worst = (
        round(as_score(sum(part.weight * getattr(part, name) for part in parts)), 1)
        for name in ("usual", "best", "worst")
    )
    return usual, worst, best


def slope(scores: Sequence[tuple[int, float]], days_min: int) -> float | None:
    """Return points a day, by the median of all pairs (Theil 1950, Sen 1968)."""
    if len(scores) < days_min:
        return None
    pairs = [
        (later - earlier) / (day - before)
        for index, (before, earlier) in enumerate(scores)
        for day, later in scores[index + 1 :]
    ]
    return round(median(pairs), 2)


def _iso(day: int) -> str:
    return datetime.fromtimestamp(day * DAY_MS / 1_000, tz=UTC).date().isoformat()
