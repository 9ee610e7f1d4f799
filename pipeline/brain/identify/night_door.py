"""Night door: an outside door at night that stays open, or that somebody went out by.

    opened, or still open as night begins -+- open for `open_s_max`       -> RAISED door_open
                                           +- closed before that          -> nothing
    door moves, nothing moves inside after -+- an elder who lives alone, `out_s_max` -> door_open
                                            +- a home with dementia, `wander_s_max`  -> wandering

The door closes, or somebody moves inside again -> CLEARED. In a home with dementia the door that
stays open is wandering, too, and sooner.
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.identify.bounds import MinuteOfDay, Seconds, Years
from pipeline.brain.identify.in_turn import People, living, resident_in, with_resident
from pipeline.brain.identify.outside import (
    Outside,
    Presence,
    is_worn_at_home,
    next_begin,
    within,
)
from pipeline.brain.perceive.seen import Seen
from weinao.ids import derived
from weinao.outcomes import Hazard, HazardKind, Phase, Severity
from weinao.registry import Tag


class NightDoorState(Struct, frozen=True, kw_only=True):
    """What is remembered of one home.

    Attributes:
        stands: The door that stands open, as a hazard, by device.
        out: The hazard of somebody who went out.
        out_from: Of a going out already told; the same is not told again.
        passed_at: How far the home's clock has come while a door was in question.
    """

    household: str
    tz_offset_min: int = 480
    people: People = {}
    presence: Presence = Presence()
    stands: dict[str, Hazard] = {}
    out: Hazard | None = None
    out_from: int = -1
    passed_at: int = 0


class NightDoor(Struct, frozen=True, kw_only=True):
    """Raise on an outside door that is open, or was left by, at night. Runs `InTurn`.

    Args:
        from_min: Night begins, minute of the local day
        until_min: and ends.
        open_s_max: How long the door may stand open.
        out_s_max: How long an elder who lives alone may be out, once she went at night.
        wander_s_max: The same for both, where somebody with dementia lives.
        elder_years_min: From this age on who lives alone is an elder. WHO and the Chinese law on
            the elderly begin at 60; in-home studies mostly at 65. Ours.
        outside: What leads out of the home.

    References:
        Research notes on elders living alone: "outside door 23:00-05:00 not followed by return in
        15 min". Five minutes for dementia is ours: nobody walks far in that time. Others who go
        out at night go to work, so that only their open door counts.
    """

    name: str = "night_door"
    ordered: bool = True
    communal: bool = False
    from_min: MinuteOfDay = 23 * 60
    until_min: MinuteOfDay = 5 * 60
    open_s_max: Seconds = 900
    out_s_max: Seconds = 900
    wander_s_max: Seconds = 300
    elder_years_min: Years = 65
    outside: Outside = Outside()

    def subject_of(self, seen: Seen) -> str | None:
        who = resident_in(seen)
        if who is not None:
            return who.household
        out = self.outside
        counts = out.is_door(seen) or out.is_inside(seen) or is_worn_at_home(seen)
        return seen.household if counts else None

    def initial(self, subject: str, household: str) -> NightDoorState:
        return NightDoorState(household=household or subject)

    def observe(self, state: NightDoorState, seen: Seen) -> tuple[NightDoorState, Sequence[Hazard]]:
        who = resident_in(seen)
        if who is not None:
            return replace(state, people=with_resident(state.people, who)), ()
        if self.subject_of(seen) is None or state.presence.late(seen):
            return state, ()
        if is_worn_at_home(seen) and not self._is_there(state, seen):
            return state, ()
        presence = state.presence.after(seen, self.outside)
        state = replace(state, presence=presence, tz_offset_min=seen.tz_offset_min)
        closed = [hazard for door, hazard in state.stands.items() if door not in presence.open]
        stands = {door: one for door, one in state.stands.items() if door in presence.open}
        over = [_over(hazard, seen, "door_open.closed") for hazard in closed]
        state = replace(state, stands=stands)
        if state.out is not None and presence.left_at is None:
            over.append(_over(state.out, seen, "door_open.is_back"))
            state = replace(state, out=None)
        return state, over

    def pass_time(self, state: NightDoorState, at: int) -> tuple[NightDoorState, Sequence[Hazard]]:
        if state.presence.left_at is None and not state.presence.open:
            return state, ()
        state = replace(state, passed_at=max(state.passed_at, at))
        raised: list[Hazard] = []
        for door, (opened_at, opened_by) in state.presence.open.items():
            hazard = self._open(state, door, opened_at, opened_by, at)
            if hazard is not None:
                state = replace(state, stands={**state.stands, door: hazard})
                raised.append(hazard)
        out = self._out(state, at)
        if out is not None:
            state = replace(state, out=out, out_from=state.presence.left_at or -1)
            raised.append(out)
        return state, raised

    def lose_sight(self, state: NightDoorState, at: int) -> NightDoorState:  # noqa: ARG002  # whenever
        """Whoever went out may have come back unseen.

        A door that said it is open is open until it says otherwise: contacts repeat themselves.
        """
        unknown = replace(state.presence, left_at=None, left_by="", moved_at=None)
        return replace(state, presence=unknown)

    def _open(
        self, state: NightDoorState, door: str, opened_at: int, opened_by: str, at: int
    ) -> Hazard | None:
        if door in state.stands or state.out is not None:
            return None
        wanders = self._dementia(state, opened_at)
        patience = (self.wander_s_max if wanders else self.open_s_max) * 1_000
        due = self._in_night(state, opened_at) + patience
        if not self._at_night(state, due):  # morning came first: from the next night on
            due = self._in_night(state, due) + patience
        if at < due:
            return None
        return _hazard(state, "stays_open", due, opened_at, opened_by, wanders=wanders)

    def _out(self, state: NightDoorState, at: int) -> Hazard | None:
        left_at, door_at = state.presence.left_at, state.presence.door_at
        if left_at is None or door_at is None or state.out is not None or state.stands:
            return None
        if left_at == state.out_from or not self._at_night(state, left_at):
            return None
        wanders = self._dementia(state, left_at)
        if not wanders and not self._elder_alone(state, left_at):
            return None
        due = left_at + (self.wander_s_max if wanders else self.out_s_max) * 1_000
        due = max(due, door_at)
        if at < due:
            return None
        return _hazard(state, "not_returned", due, left_at, state.presence.left_by, wanders=wanders)

    def _is_there(self, state: NightDoorState, seen: Seen) -> bool:
        """Say whether a wearable heard means that who seems to be out is at home.

        Only hers does: where several live, it may be another's. Told late, it says nothing.
        """
        alone = len(living(state.people, seen.at)) == 1
        return alone and state.presence.left_at is not None and seen.at >= state.passed_at

    def _in_night(self, state: NightDoorState, at: int) -> int:
        """Return an instant, or when the next night begins if it is by day."""
        return (
            at if self._at_night(state, at) else next_begin(at, state.tz_offset_min, self.from_min)
        )

    def _at_night(self, state: NightDoorState, at: int) -> bool:
        return within(at, state.tz_offset_min, self.from_min, self.until_min)

    def _dementia(self, state: NightDoorState, at: int) -> bool:
        people = living(state.people, at).values()
        return any(person.tagged(Tag.DEMENTIA, at) for person in people)

    def _elder_alone(self, state: NightDoorState, at: int) -> bool:
        people = [*living(state.people, at).values()]
        return len(people) == 1 and (people[0].years(at) or 0) >= self.elder_years_min


def _hazard(
    state: NightDoorState, what: str, due: int, since: int, by: str, *, wanders: bool
) -> Hazard:
    kind = HazardKind.WANDERING if wanders else HazardKind.DOOR_OPEN
    return Hazard(
        id=derived("h", "night_door", state.household, what, since),
        kind=kind,
        phase=Phase.RAISED,
        subject=state.household,
        household=state.household,
        at=due,
        severity=Severity.CRITICAL if wanders else Severity.MAJOR,
        evidence=(by,),
        reason=f"{kind}.{what}",
        facts={"since": since, "minutes": (due - since) // 60_000},
    )


def _over(hazard: Hazard, seen: Seen, reason: str) -> Hazard:
    return replace(
        hazard,
        phase=Phase.CLEARED,
        at=max(seen.at, hazard.at),
        evidence=(seen.id,),
        reason=reason,
    )
