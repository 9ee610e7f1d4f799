"""The health score: how a resident's day looked, from 0 to 100. Never a diagnosis.

    day -> burdens of its parts -> weighed and added up -> 100 / (1 + burden)
           none: 0; at an action limit: 1          measured, and as it could have been: [low, high]

It is one-sided in every sign: a worse value never raises it. What is missing today, and was once
measured, stands as it stood last, or at a little more than nothing, so that no score was ever
raised by leaving a device off; and the band says what it could have been.

References:
    docs/decisions/0005-health-score.md: weights, figures and what it is not.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import median

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.identify.bounds import Days, Weight
from pipeline.brain.identify.days import DAY_MS, Book, Day, lose_sight, reach, take
from pipeline.brain.identify.health_parts import Burden, burdens_of
from pipeline.brain.identify.sign_score import BURDEN_MAX, as_score
from pipeline.brain.perceive.seen import Seen
from weinao.ids import derived
from weinao.messages import Home, Rhythm, Vitals
from weinao.outcomes import HealthScore, ScorePart

TREND_DAYS = 14
TREND_DAYS_MIN = 10
USUAL_DAYS = 28


class Advice(Struct, frozen=True, kw_only=True):
    """One row of what follows from a score.

    Attributes:
        part: Of the score; empty for the whole.
        below: It follows where the part scores less than this.
        coverage_min: And so much of the part was measured.
        key: Of the message catalogue: advice to the resident, a service, or a visit.
    """

    part: str = ""
    below: float
    coverage_min: float = 0.0
    key: str


# 50 is one sign at its action limit, 80 a quarter of that burden. Ours; for a doctor to change.
ADVICE: tuple[Advice, ...] = (
    Advice(below=40, coverage_min=0.3, key="advice.visit_today"),
    Advice(part="vitals", below=50, key="advice.measure_again"),
    Advice(part="vitals", below=65, key="advice.see_doctor"),
    Advice(part="rhythm", below=65, key="advice.have_ecg"),
    Advice(part="activity", below=65, key="advice.visit_this_week"),
    Advice(part="activity", below=80, key="advice.move_more"),
    Advice(part="sleep", below=65, key="advice.talk_about_sleep"),
    Advice(part="sleep", below=80, key="advice.keep_bedtime"),
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
    """What is remembered of one home: today, and its people's days before."""

    book: Book
    profiles: dict[str, Profile] = {}


class HealthDay(Struct, frozen=True, kw_only=True):
    """Score each resident's day when it ends by the home's clock.

    A household's own figures are scored, under its id, where somebody lives alone and wears
    nothing; where several live, only what their own devices say is.

    Args:
        carry_days: How long a part that is no longer measured stands as it stood last.
        missing: What it stands at then, and at least: a little more than nothing.
        idle_days_max: After so many days without any reading there is no score.
        advice: What follows from a score.
    """

    name: str = "health_score"
    ordered: bool = True
    communal: bool = False
    carry_days: Days = 7
    missing: Weight = 0.1
    idle_days_max: Days = 7
    advice: tuple[Advice, ...] = ADVICE

    def subject_of(self, seen: Seen) -> str | None:
        return home_of(seen)

    def initial(self, subject: str, household: str) -> HealthState:  # noqa: ARG002  # the same
        return HealthState(book=Book(household=household))

    def observe(self, state: HealthState, seen: Seen) -> tuple[HealthState, Sequence[HealthScore]]:
        state, found = self.pass_time(state, seen.at)
        return replace(state, book=take(state.book, seen)), found

    def pass_time(self, state: HealthState, at: int) -> tuple[HealthState, Sequence[HealthScore]]:
        book, days = reach(state.book, at)
        if book is state.book:
            return state, ()
        profiles, found = dict(state.profiles), []
        for day in days:
            if day.body is None and not day.alone:
                continue
            profile = profiles.get(day.subject, Profile())
            profiles[day.subject], score = self.score(profile, day)
            found += [score] if score is not None else []
        return HealthState(book=book, profiles=profiles), found

    def lose_sight(self, state: HealthState, at: int) -> HealthState:
        return replace(state, book=lose_sight(state.book, at))

    def score(self, profile: Profile, day: Day) -> tuple[Profile, HealthScore | None]:
        """Return a day's score, and what is remembered of it; None while nothing is measured."""
        last = {
            name: burden
            for name, (on, burden) in profile.last.items()
            if day.day - on <= self.carry_days
        }
        parts = burdens_of(day, profile.active_min, profile.last, last, self.missing)
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
            )[-USUAL_DAYS:],
            scores=_within(profile.scores, day.day, found.score),
            measured_on=measured_on,
        ), found

    def _score(self, profile: Profile, day: Day, parts: Sequence[Burden]) -> HealthScore:
        score, low, high = combined(parts)
        weight = sum(part.weight for part in parts)
        coverage = sum(part.weight * part.coverage for part in parts) / weight
        shown = _parts(parts)
        worst = max(parts, key=lambda part: part.weight * part.usual)
        good = score >= _GOOD
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
            trend=slope(_within(profile.scores, day.day, score)),
            reason="score.good" if good else f"score.{worst.name}",
            facts={} if good else {"sign": worst.sign},
            advice=self._advice(score, coverage, shown),
        )

    def _advice(self, score: float, coverage: float, parts: Sequence[ScorePart]) -> tuple[str, ...]:
        of = {"": (score, coverage)} | {part.name: (part.score, part.coverage) for part in parts}
        return tuple(
            row.key
            for row in self.advice
            if row.part in of
            and of[row.part][0] < row.below
            and of[row.part][1] >= row.coverage_min
        )


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


def slope(scores: Sequence[tuple[int, float]]) -> float | None:
    """Return points a day, by the median of all pairs (Theil 1950, Sen 1968)."""
    if len(scores) < TREND_DAYS_MIN:
        return None
    pairs = [
        (later - earlier) / (day - before)
        for index, (before, earlier) in enumerate(scores)
        for day, later in scores[index + 1 :]
    ]
    return round(median(pairs), 2)


_GOOD = 80.0


def _parts(parts: Sequence[Burden]) -> tuple[ScorePart, ...]:
    names = list(dict.fromkeys(part.name for part in parts if part.coverage > 0))
    return tuple(_part(name, [part for part in parts if part.name == name]) for name in names)


def _part(name: str, parts: Sequence[Burden]) -> ScorePart:
    worst = max(parts, key=lambda part: part.usual)
    score = round(as_score(min(sum(part.usual for part in parts), BURDEN_MAX)), 1)
    coverage = sum(part.coverage for part in parts) / len(parts)
    good = score >= _GOOD
    return ScorePart(
        name=name,
        score=score,
        coverage=round(coverage, 3),
        reason=f"score.{name}_good" if good else f"score.{name}",
        facts={} if good else {"sign": worst.sign},
    )


def _within(
    scores: tuple[tuple[int, float], ...], day: int, score: float
) -> tuple[tuple[int, float], ...]:
    recent = (one for one in scores if day - TREND_DAYS < one[0] < day)
    return (*recent, (day, score))


def _iso(day: int) -> str:
    return datetime.fromtimestamp(day * DAY_MS / 1_000, tz=UTC).date().isoformat()
