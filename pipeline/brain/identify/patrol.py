"""Patrols: check-points where staff on duty have to be seen.

Time counts only within the duty window, and begins anew with each. A visit that is reported late,
by a phone that had no network, takes back what was said about its absence.
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.identify.bounds import Minutes
from pipeline.brain.perceive.seen import Seen
from weinao.ids import derived
from weinao.messages import Patrol, Registered
from weinao.outcomes import Hazard, HazardKind, Phase, Severity
from weinao.registry import Checkpoint

_MINUTE_MS = 60_000
_DAY_MIN = 1_440


class PatrolState(Struct, frozen=True):
    """What is remembered of one check-point.

    Attributes:
        point: Its record; None while only visits are known.
        known_at: When the record that holds now was entered.
        visited_at: The newest visit.
        base_at: From when on the next visit is counted.
        due_at: When it counts as missed; None while nothing is awaited.
    """

    subject: str = ""
    point: Checkpoint | None = None
    tz_offset_min: int = 480
    known_at: int = 0
    visited_at: int = -1
    base_at: int = 0
    due_at: int | None = None
    raised: Hazard | None = None


class PatrolMissed(Struct, frozen=True, kw_only=True):
    """Raise when a check-point was not visited for `every_min` within its duty window.

    Args:
        grace_min: Who is so late has still been there. Ours.
    """

    name: str = "patrol_missed"
    ordered: bool = False
    communal: bool = True
    grace_min: Minutes = 5

    def subject_of(self, seen: Seen) -> str | None:
        said = seen.observation
        if isinstance(said, Patrol):
            return said.checkpoint
        if isinstance(said, Registered):
            record: object = said.record
            return record.id if isinstance(record, Checkpoint) else None
        return None

    def initial(self, subject: str, household: str) -> PatrolState:  # noqa: ARG002  # in no home
        return PatrolState(subject=subject)

    def observe(self, state: PatrolState, seen: Seen) -> tuple[PatrolState, Sequence[Hazard]]:
        said = seen.observation
        if isinstance(said, Registered):
            record: object = said.record
            if isinstance(record, Checkpoint) and record != state.point:
                state = replace(
                    state, point=record, tz_offset_min=seen.tz_offset_min, known_at=seen.at
                )
                return (self._awaiting(state) if state.raised is None else state), ()
        if isinstance(said, Patrol):
            return self._visited(state, seen)
        return state, ()

    def pass_time(self, state: PatrolState, at: int) -> tuple[PatrolState, Sequence[Hazard]]:
        if state.due_at is None or at < state.due_at or state.point is None:
            return state, ()
        hazard = Hazard(
            id=derived("h", HazardKind.PATROL_MISSED, state.subject, state.base_at),
            kind=HazardKind.PATROL_MISSED,
            phase=Phase.RAISED,
            subject=state.subject,
            household="",
            at=state.due_at,
            severity=Severity.MINOR,
            reason="patrol_missed.nobody_came",
            facts={
                "place": state.point.place or state.subject,
                "every_min": state.point.every_min,
                "since": state.base_at,
            },
        )
        # One stands until somebody comes: a second would tell nobody anything new.
        return replace(state, raised=hazard, due_at=None), (hazard,)

    def lose_sight(self, state: PatrolState, at: int) -> PatrolState:  # noqa: ARG002  # people are not sensors
        return state

    def _visited(self, state: PatrolState, seen: Seen) -> tuple[PatrolState, Sequence[Hazard]]:
        raised = state.raised
        if raised is not None and seen.at > state.base_at:
            in_time = seen.at <= raised.at
            over = replace(
                raised,
                phase=Phase.WITHDRAWN if in_time else Phase.CLEARED,
                at=raised.at if in_time else seen.at,
                evidence=(seen.id,),
                reason="patrol_missed.told_late" if in_time else "patrol_missed.came",
            )
            state = replace(state, visited_at=max(state.visited_at, seen.at), raised=None)
            return self._awaiting(state), (over,)
        if raised is not None or seen.at <= state.visited_at:
            return state, ()
        return self._awaiting(replace(state, visited_at=seen.at)), ()

    def _awaiting(self, state: PatrolState) -> PatrolState:
        """Return the state with the time until which the next visit is awaited."""
        point = state.point
        if point is None:
            return state
        base_at = max(state.visited_at, state.known_at, point.valid_from)
        if point.every_min > _length_min(point):
            # Less than once a window: due when the window ends in which the time is up.
            up_at = base_at + point.every_min * _MINUTE_MS
            _, due_at = _window(point, state.tz_offset_min, up_at)
            return _due(state, base_at, due_at + self.grace_min * _MINUTE_MS)
        for _ in range(2):
            begin_at, end_at = _window(point, state.tz_offset_min, base_at)
            base_at = max(base_at, begin_at)
            due_at = base_at + (point.every_min + self.grace_min) * _MINUTE_MS
            if due_at <= end_at + self.grace_min * _MINUTE_MS:
                return _due(state, base_at, due_at)
            base_at = end_at  # too little is left of this window; the next begins anew
        return replace(state, due_at=None)


def _due(state: PatrolState, base_at: int, due_at: int) -> PatrolState:
    point = state.point
    ended = point is None or (point.valid_to is not None and due_at >= point.valid_to)
    return replace(state, base_at=base_at, due_at=None if ended else due_at)


def _length_min(point: Checkpoint) -> int:
    return (point.until_min - point.from_min) % _DAY_MIN or _DAY_MIN


def _window(point: Checkpoint, tz_offset_min: int, at: int) -> tuple[int, int]:
    """Return the first duty window that ends after `at`; one may reach over midnight."""
    length_min = _length_min(point)
    if length_min == _DAY_MIN:
        # Around the clock it never ends; who is expected more seldom has no window to end.
        end_at = at if point.every_min > _DAY_MIN else at + 2 * _DAY_MIN * _MINUTE_MS
        return at, end_at
    shift_ms = tz_offset_min * _MINUTE_MS
    day = (at + shift_ms) // (_DAY_MIN * _MINUTE_MS)
    begins = ((d * _DAY_MIN + point.from_min) * _MINUTE_MS - shift_ms for d in (day - 1, day))
    for begin_at in begins:
        if at < begin_at + length_min * _MINUTE_MS:
            return begin_at, begin_at + length_min * _MINUTE_MS
    begin_at = ((day + 1) * _DAY_MIN + point.from_min) * _MINUTE_MS - shift_ms
    return begin_at, begin_at + length_min * _MINUTE_MS
