"""Inactivity: a home in which nothing moves for too long, by the resident's own routine.

    moves ......... nothing moves ......... limit reached -> RAISED ......... moves -> CLEARED
      +-- the outside door was last: presumed away, and no silence of an empty home is ever a hazard
      +-- but her wearable is heard in the home: she is there, and the silence counts from then

How long is too long is weighed anew for each silence, from what the home did before it began: a
limit of `quiet` minutes costs the false alarms to be expected from it, and the hours somebody who
needs help would lie there. The limit is the length that costs least.
"""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.identify.bounds import (
    Days,
    HourOfDay,
    HoursExact,
    Minutes,
    MinutesExact,
    Share,
)
from pipeline.brain.identify.outside import Outside, is_worn_at_home
from pipeline.brain.identify.routine import FloatArray, Routine, normal_cdf
from pipeline.brain.learn.lesson import PATIENCE_MAX, Change, Lesson, patience
from pipeline.brain.perceive.seen import Seen
from weinao.ids import derived
from weinao.messages import Home, Sensor
from weinao.outcomes import Hazard, HazardKind, Phase, Severity

SENSORS = (Sensor.PIR, Sensor.DOOR, Sensor.WINDOW, Sensor.BED, Sensor.CHAIR, Sensor.MEDICINE)
"""What only a person moves. Power and water are left out: meters report by themselves, too."""

POSITIONS_MAX = 64
"""Contacts of one home whose last position is remembered; the longest known go first."""

_MINUTE_MS = 60_000
_STEP_MIN = 5


class InactivityState(Struct, frozen=True, kw_only=True):
    """What is remembered about one home.

    Attributes:
        moved_at: When something last moved.
        moved_by: Id of the observation that said so.
        left_at: When the outside door last moved, if nobody surely moved inside since.
        passed_at: How far the home's clock has come since.
        ghost_at: When a sensor inside last said so by itself: nobody came in, or moved.
        limit_at: When the present silence becomes too long, once that is known.
        positions: The last position of each contact, by device.
        patience: How much longer than usual to wait, learned from false alarms.
        tz_offset_min: Minutes that the home's local time is ahead of UTC; tells night from day.
    """

    subject: str
    household: str
    tz_offset_min: int = 480
    routine: Routine = Routine()
    moved_at: int | None = None
    moved_by: str = ""
    moved_in: str = ""
    left_at: int | None = None
    passed_at: int = 0
    ghost_at: int | None = None
    limit_at: int | None = None
    raised: Hazard | None = None
    positions: dict[str, float] = {}
    patience: float = 1.0


class Inactivity(Struct, frozen=True, kw_only=True):
    """Raise when nothing has moved for longer than is worth waiting; clear on the next movement.

    Late and repeated observations change nothing, and neither does a contact that only repeats
    its position, as battery sensors do every hour.

    Args:
        outside: What leads out of the home.
        quiet_min_min: No limit is shorter, minutes.
        quiet_min_max: No limit is longer, minutes.
        false_alarm_cost_h: How many hours of lying there weigh as much as one false alarm a day.
        late_min: After so many minutes help is late,
        late_cost_h: which weighs as much as so many further hours.
        day_from_h: The part of the day in which people are up, local hour; silences that begin
        day_until_h: outside it are mostly sleep,
        night_weight: so that a quicker alarm is worth this share of what it is by day.
        learn_days_min: Before so many days are known, no limit is shorter than the two below.
        unknown_day_min: For silences that begin by day, minutes.
        unknown_night_min: For those that begin at night, minutes.

    References:
        docs/decisions/0003-inactivity.md: every default, and the homes it was chosen on.
    """

    name: str = "inactivity"
    ordered: bool = True
    communal: bool = False
    outside: Outside = Outside()
    quiet_min_min: Minutes = 120
    quiet_min_max: Minutes = 720
    false_alarm_cost_h: HoursExact = 3.75
    late_min: MinutesExact = 225.0
    late_cost_h: HoursExact = 6.0
    day_from_h: HourOfDay = 6.0
    day_until_h: HourOfDay = 21.5
    night_weight: Share = 0.1
    learn_days_min: Days = 7
    unknown_day_min: Minutes = 240
    unknown_night_min: Minutes = 600

    def subject_of(self, seen: Seen) -> str | None:
        said = seen.observation
        if is_worn_at_home(seen):
            return seen.household
        if not isinstance(said, Home) or said.sensor not in SENSORS:
            return None
        if said.sensor is Sensor.PIR and not said.value:
            return None  # a PIR falls back by itself
        return seen.household or None

    def initial(self, subject: str, household: str) -> InactivityState:
        return InactivityState(subject=subject, household=household)

    def observe(
        self, state: InactivityState, seen: Seen
    ) -> tuple[InactivityState, Sequence[Hazard]]:
        said = seen.observation
        if is_worn_at_home(seen):
            return self._heard(state, seen), ()
        if not isinstance(said, Home) or self.subject_of(seen) is None:
            return state, ()
        if state.moved_at is not None and seen.at <= max(state.moved_at, state.ghost_at or 0):
            return state, ()  # late or repeated: we already know of something newer
        if said.sensor is not Sensor.PIR:
            known = state.positions.get(seen.device)
            state = _positioned(state, seen.device, said.value)
            if known is None or known == said.value:
                return state, ()
        return self._moved(state, seen, said)

    def pass_time(
        self, state: InactivityState, at: int
    ) -> tuple[InactivityState, Sequence[Hazard]]:
        moved_at = state.moved_at
        if state.left_at is not None and at > max(state.passed_at, moved_at or 0):
            state = replace(state, passed_at=at)
        if moved_at is None or state.left_at is not None or state.raised is not None:
            return state, ()
        if at < moved_at + self.quiet_min_min * _MINUTE_MS:
            return state, ()
        limit_at = state.limit_at
        if limit_at is None:
            limit_min = min(self.limit_min(state, moved_at) * state.patience, self.quiet_min_max)
            limit_at = moved_at + round(limit_min) * _MINUTE_MS
            state = replace(state, limit_at=limit_at)
        if at < limit_at:
            return state, ()
        hazard = self._hazard(state, moved_at, limit_at)
        return replace(state, raised=hazard), (hazard,)

    def lose_sight(self, state: InactivityState, at: int) -> InactivityState:
        """Return the state of a home that nobody watched up to `at`, its agent having been off.

        The silence until then is no evidence of anything: it is neither learned nor raised, and
        the next begins with the next movement. What stands raised stands until something moves.
        """
        if state.raised is not None or state.moved_at is None or at <= state.moved_at:
            return state
        return replace(
            state, moved_at=None, left_at=None, ghost_at=None, limit_at=None, positions={}
        )

    def learn(
        self, state: InactivityState, lesson: Lesson
    ) -> tuple[InactivityState, Sequence[Change]]:
        """Wait longer in a home whose silences were false alarms; a limit stays a limit."""
        if lesson.kind is not HazardKind.INACTIVITY:
            return state, ()
        after = patience(state.patience, lesson)
        change = Change("patience", state.patience, after, PATIENCE_MAX)
        return replace(state, patience=after), (change,)

    def limit_min(self, state: InactivityState, begun_at: int) -> int:
        """Return how many minutes a silence that began then may last."""
        hour = (begun_at / _MINUTE_MS + state.tz_offset_min) / 60.0 % 24.0
        by_day = self.day_from_h <= hour < self.day_until_h
        quiet_min = np.arange(
            self.quiet_min_min, self.quiet_min_max + 1, _STEP_MIN, dtype=np.float64
        )
        alarms = state.routine.outlasting(quiet_min, begun_at)
        # A day's worth of waiting is spread over the hours in which people are up.
        share = (1.0 if by_day else self.night_weight) / (self.day_until_h - self.day_from_h)
        cost_h = self.false_alarm_cost_h * alarms + share * self._waiting_h(quiet_min)
        limit = int(quiet_min[np.argmin(cost_h)])
        if state.routine.days(begun_at) < self.learn_days_min:
            return max(limit, self.unknown_day_min if by_day else self.unknown_night_min)
        return limit

    def _waiting_h(self, quiet_min: FloatArray) -> FloatArray:
        """Return what it costs to find somebody after so many minutes, in hours."""
        # Being late begins gradually: a limit is counted from the last movement before the need.
        late = normal_cdf((quiet_min - self.late_min) / 15.0)
        return quiet_min / 60.0 + self.late_cost_h * late

    def _moved(
        self, state: InactivityState, seen: Seen, said: Home
    ) -> tuple[InactivityState, Sequence[Hazard]]:
        routine = state.routine
        if self._ghost(state, seen, said):
            return replace(state, ghost_at=seen.at), ()
        if state.moved_at is None:
            routine = routine if routine.since is not None else routine.begin(seen.at)
        elif state.left_at is None:
            routine = routine.learn(state.moved_at, seen.at)
        moved = replace(
            state,
            tz_offset_min=seen.tz_offset_min,
            routine=routine,
            moved_at=seen.at,
            moved_by=seen.id,
            moved_in=seen.room,
            left_at=self._left_at(state, seen, said),
            ghost_at=None,
            limit_at=None,
            raised=None,
        )
        if state.raised is None:
            return moved, ()
        over = replace(
            state.raised,
            phase=Phase.CLEARED,
            at=max(seen.at, state.raised.at),
            evidence=(seen.id,),
            reason="inactivity.moves_again",
        )
        return moved, (over,)

    def _heard(self, state: InactivityState, seen: Seen) -> InactivityState:
        """Return the state with somebody at home whom the door had taken for gone.

        What is told late was read wherever she was, and says nothing about the home.
        """
        if state.left_at is None or state.raised is not None or seen.at < state.passed_at:
            return state
        if seen.at < state.left_at + self.outside.near_s * 1_000:
            return state
        return replace(
            state, moved_at=seen.at, moved_by=seen.id, moved_in="", left_at=None, limit_at=None
        )

    def _ghost(self, state: InactivityState, seen: Seen, said: Home) -> bool:
        """Say whether a movement is a sensor's own, in a home that everybody has left."""
        if state.left_at is None or said.sensor is not Sensor.PIR or state.raised is not None:
            return False
        return self.outside.is_ghost(seen.at, state.left_at, state.ghost_at)

    def _left_at(self, state: InactivityState, seen: Seen, said: Home) -> int | None:
        if not self.outside.leads_out(seen.room):
            return None
        if said.sensor is Sensor.DOOR:
            return seen.at
        if state.left_at is None or seen.at >= state.left_at + self.outside.settle_s * 1_000:
            return None
        return state.left_at

    def _hazard(self, state: InactivityState, moved_at: int, at: int) -> Hazard:
        return Hazard(
            id=derived("h", HazardKind.INACTIVITY, state.subject, moved_at),
            kind=HazardKind.INACTIVITY,
            phase=Phase.RAISED,
            subject=state.subject,
            household=state.household,
            at=at,  # when it became true, not when we noticed
            severity=Severity.MAJOR,
            evidence=(state.moved_by,),
            reason="inactivity.nothing_moves",
            facts={
                "quiet_min": (at - moved_at) // _MINUTE_MS,
                "last_moved_at": moved_at,
                "room": state.moved_in,
            },
        )


def _positioned(state: InactivityState, device: str, position: float) -> InactivityState:
    if state.positions.get(device) == position:
        return state
    positions = {**state.positions, device: position}
    while len(positions) > POSITIONS_MAX:
        del positions[next(iter(positions))]
    return replace(state, positions=positions)
