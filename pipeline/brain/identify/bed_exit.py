"""Bed exit: somebody got up at night, and neither came back to bed nor moves any more.

bed taken for a while -> left at night -> nothing moves for `quiet_s_max` -> RAISED
    +-- last seen where people sit: for `sitting_s_max`
    +-- and nothing did even then: a mat that slipped, perhaps; so for `mat_s_max` -> RAISED
    +-- back in bed, or movement again ..................................... -> CLEARED
    +-- still moving `up_s_max` after getting up: the night is over, and this rule with it
    +-- the outside door moves: that is for the rules about the door
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.identify.bounds import MinuteOfDay, Seconds, Words
from pipeline.brain.identify.outside import Outside, within
from pipeline.brain.learn.lesson import PATIENCE_MAX, Change, Lesson, patience
from pipeline.brain.perceive.seen import Seen
from weinao.ids import derived
from weinao.messages import Home, Sensor
from weinao.outcomes import Hazard, HazardKind, Phase, Severity

SENSORS = (
    Sensor.BED,
    Sensor.PIR,
    Sensor.DOOR,
    Sensor.WINDOW,
    Sensor.CHAIR,
    Sensor.MEDICINE,
)
CONTACTS_MAX = 64
"""Contacts of one home whose last position is remembered; the longest known go first."""


class BedExitState(Struct, frozen=True, kw_only=True):
    """What is remembered of one home.

    Attributes:
        newest: Time and id of the newest observation taken in.
        positions: The last word of each contact, by device.
        taken: When each bed was taken, by device.
        up_at: When a bed was left at night, if that is still in question.
        moved_at: When something last moved,
        sat_at: and when something last did where people sit.
        patience: How much longer than usual to wait, learned from false alarms.
    """

    household: str
    tz_offset_min: int = 480
    newest: tuple[int, str] = (-1, "")
    positions: dict[str, float] = {}
    taken: dict[str, int] = {}
    up_at: int | None = None
    up_by: str = ""
    moved_at: int = -1
    moved_in: str = ""
    sat_at: int = -1
    raised: Hazard | None = None
    patience: float = 1.0


class BedExit(Struct, frozen=True, kw_only=True):
    """Raise when a bed was left at night and nothing moves after; clear on movement or return.

    Args:
        from_min: Night begins, minute of the local day
        until_min: and ends: what would be raised later is not.
        asleep_s_min: A bed taken for less was only sat on.
        quiet_s_max: How long nothing may move.
        mat_s_max: The same where nothing moved since the bed was left, either: whoever gets up is
            seen by a movement sensor within a minute, and mats slip under their sleepers. Ours.
        up_s_max: Whoever still moves so long after getting up is up: a way to the toilet takes
            minutes. Ours.
        outside: What leads out of the home.
        sitting_rooms: Where people sit down, lower case,
        sitting_s_max: and how long nothing may move there.
        rests_s: A battery sensor says nothing for so long after it spoke: who was just where people
            sit, and then elsewhere, may be back there unseen. Ours.

    References:
        Research notes on elders living alone: "bed exit without return > 30 min at night". The
        night (23:00 to 06:00) and the two other times are ours: who sits reading at half past
        five got up for the day, and who lies on the bathroom floor did not get far.
    """

    name: str = "bed_exit"
    ordered: bool = True
    communal: bool = False
    from_min: MinuteOfDay = 23 * 60
    until_min: MinuteOfDay = 6 * 60
    asleep_s_min: Seconds = 1_800
    quiet_s_max: Seconds = 1_800
    mat_s_max: Seconds = 7_200
    up_s_max: Seconds = 600
    sitting_rooms: Words = ("living", "living room", "lounge", "study", "客厅", "书房")
    sitting_s_max: Seconds = 7_200
    rests_s: Seconds = 240
    outside: Outside = Outside()

    def subject_of(self, seen: Seen) -> str | None:
        said = seen.observation
        if not isinstance(said, Home) or said.sensor not in SENSORS:
            return None
        if said.sensor is Sensor.PIR and not said.value:
            return None  # a PIR falls back by itself
        return seen.household or None

    def initial(self, subject: str, household: str) -> BedExitState:
        return BedExitState(household=household or subject)

    def observe(self, state: BedExitState, seen: Seen) -> tuple[BedExitState, Sequence[Hazard]]:
        said = seen.observation
        if not isinstance(said, Home) or self.subject_of(seen) is None:
            return state, ()
        if (seen.at, seen.id) <= state.newest:
            return state, ()
        known = state.positions.get(seen.device)
        state = replace(state, newest=(seen.at, seen.id), tz_offset_min=seen.tz_offset_min)
        if said.sensor is not Sensor.PIR:
            state = replace(state, positions=_placed(state.positions, seen.device, said.value))
            if known == said.value or (known is None and said.sensor is not Sensor.BED):
                return state, ()  # it only repeats its position
        if said.sensor is Sensor.BED:
            return self._bed(state, seen, said)
        return self._moved(state, seen)

    def pass_time(self, state: BedExitState, at: int) -> tuple[BedExitState, Sequence[Hazard]]:
        if state.up_at is None or state.raised is not None:
            return state, ()
        quiet_s = self.quiet_s_max if state.moved_at >= state.up_at else self.mat_s_max
        if state.sat_at >= max(state.up_at, state.moved_at - self.rests_s * 1_000):
            quiet_s = max(quiet_s, self.sitting_s_max)
        quiet_s = round(quiet_s * state.patience)
        due = max(state.up_at, state.moved_at) + quiet_s * 1_000
        if at < due:
            return state, ()
        if not within(due, state.tz_offset_min, self.from_min, self.until_min):
            return replace(state, up_at=None), ()
        hazard = Hazard(
            id=derived("h", HazardKind.BED_EXIT, state.household, state.up_at),
            kind=HazardKind.BED_EXIT,
            phase=Phase.RAISED,
            subject=state.household,
            household=state.household,
            at=due,
            severity=Severity.MAJOR,
            evidence=(state.up_by,),
            reason="bed_exit.not_back",
            facts={
                "up_at": state.up_at,
                "up_min": (due - state.up_at) // 60_000,
                "quiet_min": quiet_s // 60,
                "room": state.moved_in,
            },
        )
        return replace(state, raised=hazard), (hazard,)

    def lose_sight(self, state: BedExitState, at: int) -> BedExitState:  # noqa: ARG002  # whenever
        """Whoever was up may be back in bed; what stands raised stands until something moves."""
        if state.raised is not None:
            return state
        return replace(state, up_at=None, taken={}, positions={})

    def learn(self, state: BedExitState, lesson: Lesson) -> tuple[BedExitState, Sequence[Change]]:
        """Wait longer for somebody whose nights out of bed were false alarms."""
        if lesson.kind is not HazardKind.BED_EXIT:
            return state, ()
        after = patience(state.patience, lesson)
        change = Change("patience", state.patience, after, PATIENCE_MAX)
        return replace(state, patience=after), (change,)

    def _bed(
        self, state: BedExitState, seen: Seen, said: Home
    ) -> tuple[BedExitState, Sequence[Hazard]]:
        others = {bed: since for bed, since in state.taken.items() if bed != seen.device}
        if said.value:
            taken = {**others, seen.device: seen.at}
            return self._over(replace(state, taken=taken, up_at=None), seen, "bed_exit.in_bed")
        since = state.taken.get(seen.device)
        state = replace(state, taken=others)
        asleep = since is not None and seen.at - since >= self.asleep_s_min * 1_000
        if not asleep or not within(seen.at, state.tz_offset_min, self.from_min, self.until_min):
            return state, ()
        if state.raised is not None:
            return state, ()
        return replace(state, up_at=seen.at, up_by=seen.id, moved_in=seen.room), ()

    def _moved(self, state: BedExitState, seen: Seen) -> tuple[BedExitState, Sequence[Hazard]]:
        sits = seen.room.lower() in self.sitting_rooms
        sat_at = seen.at if sits else state.sat_at
        state = replace(state, moved_at=seen.at, moved_in=seen.room, sat_at=sat_at)
        if state.raised is not None:
            return self._over(replace(state, up_at=None), seen, "bed_exit.moves_again")
        if state.up_at is None:
            return state, ()
        up = seen.at - state.up_at > self.up_s_max * 1_000
        return (replace(state, up_at=None) if up or self.outside.is_door(seen) else state), ()

    def _over(
        self, state: BedExitState, seen: Seen, reason: str
    ) -> tuple[BedExitState, Sequence[Hazard]]:
        if state.raised is None:
            return state, ()
        over = replace(
            state.raised,
            phase=Phase.CLEARED,
            at=max(seen.at, state.raised.at),
            evidence=(seen.id,),
            reason=reason,
        )
        return replace(state, raised=None), (over,)


def _placed(positions: dict[str, float], device: str, value: float) -> dict[str, float]:
    others = [(known, one) for known, one in positions.items() if known != device]
    return dict([*others, (device, value)][-CONTACTS_MAX:])
