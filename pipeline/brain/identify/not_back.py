"""Not back: who lives alone went out, and is away for longer than she ever is.

    moves inside ... the outside door moves, and nothing inside after it: away
        +-- away for longer than the longest absence known x 1.5 -> RAISED
        +-- moves inside -> that absence is learned; what stands raised is CLEARED
        +-- her wearable is heard in the home -> she is there; learned only if she was missed

Only for homes with one resident: whoever lives with others is missed by them, and a family on
holiday is in no danger.
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.identify.bounds import Days, Factor, Minutes
from pipeline.brain.identify.outside import (
    DAY_MS,
    MINUTE_MS,
    Outside,
    Presence,
    is_worn_at_home,
)
from pipeline.brain.learn.lesson import PATIENCE_MAX, Change, Lesson, patience
from pipeline.brain.perceive.seen import Seen
from weinao.ids import derived
from weinao.outcomes import Hazard, HazardKind, Phase, Severity

ABSENCES_KEPT_MAX = 64
"""Absences of one home; the oldest are forgotten first."""


class NotBackState(Struct, frozen=True, kw_only=True):
    """What is remembered of one home.

    Attributes:
        since: When the home was first seen.
        passed_at: How far the home's clock has come while she was away.
        watched_from: Nobody watched before this, since the door last moved.
        absences: When each began, and how many minutes it lasted.
        patience: How much longer than usual to wait, learned from false alarms.
    """

    household: str
    since: int | None = None
    alone: bool = False
    passed_at: int = 0
    watched_from: int = 0
    presence: Presence = Presence()
    absences: tuple[tuple[int, int], ...] = ()
    raised: Hazard | None = None
    patience: float = 1.0


class NotBack(Struct, frozen=True, kw_only=True):
    """Raise when somebody who lives alone is away for too long; clear on movement inside.

    Args:
        factor: How much longer than the longest absence learned is too long.
        away_min_min: No limit is shorter, minutes: an afternoon out is nobody's business.
        away_min_max: No limit is longer, minutes: somebody should know after a day, and whoever
            travels can say so.
        unknown_min: The shortest limit before `learn_days_min` days are known, minutes.
        learn_days_min: A home is known after so many days.
        learn_days: How far back absences count.
        outside: What leads out of the home.

    References:
        Research notes on elders living alone: "out longer than learned maximum x 1.5", relative to
        14-28 learned days, with floor and ceiling. Floor, ceiling and the limit of a home not known
        yet are ours: four hours, a day, and twelve hours.
    """

    name: str = "not_back"
    ordered: bool = True
    communal: bool = False
    factor: Factor = 1.5
    away_min_min: Minutes = 240
    away_min_max: Minutes = 1_440
    unknown_min: Minutes = 720
    learn_days_min: Days = 7
    learn_days: Days = 28
    outside: Outside = Outside()

    def subject_of(self, seen: Seen) -> str | None:
        out = self.outside
        counts = out.is_door(seen) or out.is_inside(seen) or is_worn_at_home(seen)
        return seen.household if counts else None

    def initial(self, subject: str, household: str) -> NotBackState:
        return NotBackState(household=household or subject)

    def observe(self, state: NotBackState, seen: Seen) -> tuple[NotBackState, Sequence[Hazard]]:
        if self.subject_of(seen) is None or state.presence.late(seen):
            return state, ()
        if is_worn_at_home(seen) and (state.presence.left_at is None or seen.at < state.passed_at):
            return state, ()  # told late, it was read wherever she was
        left_at, presence = state.presence.left_at, state.presence.after(seen, self.outside)
        known = replace(
            state,
            since=seen.at if state.since is None else state.since,
            alone=seen.alone,
            presence=presence,
        )
        if left_at is None or presence.left_at is not None:
            return known, ()
        known = replace(known, raised=None)
        if is_worn_at_home(seen) and state.raised is None:
            return known, ()  # she never left, or came back some time ago: no length to learn
        back = replace(known, absences=self._learned(known, left_at, seen.at))
        if state.raised is None:
            return back, ()
        over = replace(
            state.raised,
            phase=Phase.CLEARED,
            at=max(seen.at, state.raised.at),
            evidence=(seen.id,),
            reason="not_back.is_back",
        )
        return back, (over,)

    def pass_time(self, state: NotBackState, at: int) -> tuple[NotBackState, Sequence[Hazard]]:
        left_at = state.presence.left_at
        if left_at is not None:
            state = replace(state, passed_at=max(state.passed_at, at))
        if left_at is None or state.raised is not None or not state.alone:
            return state, ()
        limit_min = self.limit_min(state, left_at)
        due = left_at + limit_min * MINUTE_MS
        if state.watched_from > left_at:
            # She may have come back unseen: then she moves within the shortest limit.
            due = max(due, state.watched_from + self.away_min_min * MINUTE_MS)
        if at < due:
            return state, ()
        hazard = Hazard(
            id=derived("h", HazardKind.NOT_BACK, state.household, left_at),
            kind=HazardKind.NOT_BACK,
            phase=Phase.RAISED,
            subject=state.household,
            household=state.household,
            at=due,
            severity=Severity.MAJOR,
            evidence=(state.presence.left_by,),
            reason="not_back.away_too_long",
            facts={
                "left_at": left_at,
                "away_min": (due - left_at) // MINUTE_MS,
                "limit_min": limit_min,
            },
        )
        return replace(state, raised=hazard), (hazard,)

    def lose_sight(self, state: NotBackState, at: int) -> NotBackState:
        """An absence that nobody watched to its end is judged later, and never learned."""
        return replace(state, watched_from=max(state.watched_from, at))

    def learn(self, state: NotBackState, lesson: Lesson) -> tuple[NotBackState, Sequence[Change]]:
        """Wait longer for somebody whose absences were false alarms; a day stays a day."""
        if lesson.kind is not HazardKind.NOT_BACK:
            return state, ()
        after = patience(state.patience, lesson)
        change = Change("patience", state.patience, after, PATIENCE_MAX)
        return replace(state, patience=after), (change,)

    def limit_min(self, state: NotBackState, left_at: int) -> int:
        """Return how many minutes an absence that began then may last."""
        since = left_at - self.learn_days * DAY_MS
        longest = max(
            (long for begun, long in state.absences if since <= begun < left_at), default=0
        )
        limit = round(min(max(longest * self.factor, self.away_min_min), self.away_min_max))
        young = state.since is None or left_at < state.since + self.learn_days_min * DAY_MS
        usual = max(limit, self.unknown_min) if young else limit
        return min(round(usual * state.patience), max(self.away_min_max, usual))

    def _learned(self, state: NotBackState, left_at: int, at: int) -> tuple[tuple[int, int], ...]:
        """Return the absences with this one; a journey, or one not watched, is no habit."""
        away_min = (at - left_at) // MINUTE_MS
        if state.watched_from > left_at or not 0 < away_min <= self.away_min_max:
            return state.absences
        since = left_at - self.learn_days * DAY_MS
        recent = [one for one in state.absences if one[0] >= since]
        return (*recent, (left_at, away_min))[-ABSENCES_KEPT_MAX:]
