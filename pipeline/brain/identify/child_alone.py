"""Child alone: a small child went out of the door, and no adult with it.

    the outside door moves ... the child's band is not heard any more -> it went out
        +-- an adult's band is not heard any more, either             -> taken out by that adult
        +-- every adult's band is heard again at home, or was out before the door moved -> RAISED
    the child's band is heard again                                   -> CLEARED

What tells is the home's agent: it hears a band only within the home. So an adult without a band,
or with the band off, leaves the question open, and then nothing is raised: a grandmother who takes
the child to kindergarten every morning must not be an alarm every morning.
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.identify.bounds import Seconds, Times, Years
from pipeline.brain.identify.in_turn import People, Person, living, resident_in, with_resident
from pipeline.brain.identify.outside import Outside, Presence
from pipeline.brain.perceive.seen import Seen
from weinao.ids import derived
from weinao.messages import Motion, Rhythm, Vitals
from weinao.outcomes import Hazard, HazardKind, Phase, Severity
from weinao.registry import Tag

_BANDS_MAX = 32


class Band(Struct, frozen=True, kw_only=True):
    """When a resident's wearable was heard, and how.

    Attributes:
        at: Last.
        gap_ms: The longest of its newest few gaps, which shrinks slowly; None while unknown.
        worn: False where it said that it is off.
    """

    at: int
    id: str
    gap_ms: int | None = None
    worn: bool = True


class ChildAloneState(Struct, frozen=True, kw_only=True):
    """What is remembered of one home.

    Attributes:
        before: The bands as they were when the door moved.
        bands: The bands as they are.
        door_at: When the door moved, while it is not known who went.
        gone: The hazards that stand, by child.
    """

    household: str
    newest: tuple[int, str] = (-1, "")
    people: People = {}
    doors: Presence = Presence()
    bands: dict[str, Band] = {}
    before: dict[str, Band] = {}
    door_at: int | None = None
    door_by: str = ""
    gone: dict[str, Hazard] = {}


class ChildAlone(Struct, frozen=True, kw_only=True):
    """Raise when a small child goes out without an adult; clear when it is back. Runs `InTurn`.

    Args:
        wait_s_min: How long after the door a band must be silent to be gone, at least,
        wait_gaps: and how many times its own longest gap.
        settle_s: A band heard sooner after the door may still be on its way out.
        gap_s_max: A longer silence of a band is time out of the home, and no gap.
        child_gap_s_min: A child's band is taken to have gaps of so long at least,
        adult_gap_s_min: and an adult's: in doubt the adult went along.
        child_years_max: Who is younger is a small child, as is who has the tag `preschool`.
        adult_years_min: From this age on somebody may take a child out.

    References:
        Compulsory Education Law of the PRC, article 11: schooling begins at six. Civil Code of the
        PRC, article 17: who is 18 is an adult.
        The mission names the danger; no published rule was found, so that every number is ours:
        two minutes is a child in the lift, and bands report once a minute or more often.
    """

    name: str = "child_alone"
    ordered: bool = True
    communal: bool = False
    wait_s_min: Seconds = 120
    wait_gaps: Times = 3
    settle_s: Seconds = 30
    gap_s_max: Seconds = 300
    child_gap_s_min: Seconds = 20
    adult_gap_s_min: Seconds = 60
    child_years_max: Years = 6
    adult_years_min: Years = 18
    outside: Outside = Outside()

    def subject_of(self, seen: Seen) -> str | None:
        who = resident_in(seen)
        if who is not None:
            return who.household
        worn = isinstance(seen.observation, Vitals | Motion | Rhythm) and seen.resident is not None
        return seen.household or None if worn or self.outside.is_door(seen) else None

    def initial(self, subject: str, household: str) -> ChildAloneState:
        return ChildAloneState(household=household or subject)

    def observe(
        self, state: ChildAloneState, seen: Seen
    ) -> tuple[ChildAloneState, Sequence[Hazard]]:
        who = resident_in(seen)
        if who is not None:
            return replace(state, people=with_resident(state.people, who)), ()
        if self.subject_of(seen) is None or (seen.at, seen.id) <= state.newest:
            return state, ()
        state = replace(state, newest=(seen.at, seen.id))
        if self.outside.is_door(seen):
            return self._door(state, seen), ()
        return self._heard(state, seen)

    def pass_time(
        self, state: ChildAloneState, at: int
    ) -> tuple[ChildAloneState, Sequence[Hazard]]:
        door_at = state.door_at
        if door_at is None:
            return state, ()
        due = door_at + self._wait_ms(state)
        if at < due:
            return state, ()
        people = living(state.people, door_at)
        children = [who for who, person in people.items() if self._is_child(person, door_at)]
        adults = [who for who, person in people.items() if self._is_adult(person, door_at)]
        went = [
            who for who in children if who not in state.gone and self._left(state, who, door_at)
        ]
        alone = bool(adults) and all(self._stayed_or_was_out(state, who, door_at) for who in adults)
        state = replace(state, door_at=None, before={})
        if not alone:
            return state, ()
        hazards = {who: _hazard(state, who, door_at, due) for who in sorted(went)}
        return replace(state, gone={**state.gone, **hazards}), tuple(hazards.values())

    def lose_sight(self, state: ChildAloneState, at: int) -> ChildAloneState:  # noqa: ARG002  # whenever
        """Bands that nobody listened to are not gone."""
        return replace(state, door_at=None, before={}, bands={}, doors=Presence())

    def _door(self, state: ChildAloneState, seen: Seen) -> ChildAloneState:
        doors = state.doors.after(seen, self.outside)
        moved = doors.door_at == seen.at and doors.door_at != state.doors.door_at
        state = replace(state, doors=doors)
        if not moved:
            return state
        if state.door_at is not None:
            # Still the same going out: it counts from the last time the door moved.
            return replace(state, door_at=seen.at)
        return replace(state, door_at=seen.at, door_by=seen.id, before=state.bands)

    def _heard(
        self, state: ChildAloneState, seen: Seen
    ) -> tuple[ChildAloneState, Sequence[Hazard]]:
        who, said = seen.subject, seen.observation
        known = state.bands.get(who)
        worn = not (isinstance(said, Vitals) and said.worn is False)
        gap_ms = None
        if known is not None:
            gap = seen.at - known.at
            # Its time out of the home is no gap; a rare long one is forgotten in a while.
            no_gap = gap > self.gap_s_max * 1_000
            gap_ms = known.gap_ms if no_gap else max(gap, (known.gap_ms or 0) * 7 // 8)
        band = Band(at=seen.at, id=seen.id, gap_ms=gap_ms, worn=worn)
        others = [(other, one) for other, one in state.bands.items() if other != who]
        state = replace(state, bands=dict([*others, (who, band)][-_BANDS_MAX:]))
        stands = state.gone.get(who)
        if stands is None:
            return state, ()
        gone = {child: hazard for child, hazard in state.gone.items() if child != who}
        over = replace(
            stands,
            phase=Phase.CLEARED,
            at=max(seen.at, stands.at),
            evidence=(seen.id,),
            reason="child_alone.is_back",
        )
        return replace(state, gone=gone), (over,)

    def _wait_ms(self, state: ChildAloneState) -> int:
        gaps = [band.gap_ms for band in state.before.values() if band.gap_ms is not None]
        return max(self.wait_s_min * 1_000, self.wait_gaps * max(gaps, default=0))

    def _left(self, state: ChildAloneState, who: str, door_at: int) -> bool:
        """Say whether a band was there when the door moved, and is not heard any more."""
        before, now = state.before.get(who), state.bands.get(who)
        if before is None or now is None or before.gap_ms is None or not now.worn:
            return False
        there = now.at >= door_at - self.wait_gaps * max(
            before.gap_ms, self.child_gap_s_min * 1_000
        )
        return there and now.at < door_at + self.settle_s * 1_000

    def _stayed_or_was_out(self, state: ChildAloneState, who: str, door_at: int) -> bool:
        """Say whether an adult surely did not go with the child."""
        now = state.bands.get(who)
        if now is None or now.gap_ms is None:
            return False  # no band, or one hardly known
        if not now.worn:
            return False
        stayed = now.at >= door_at + self.settle_s * 1_000
        gap_ms = max(now.gap_ms, self.adult_gap_s_min * 1_000)
        return stayed or now.at < door_at - self.wait_gaps * gap_ms

    def _is_child(self, person: Person, at: int) -> bool:
        years = person.years(at)
        young = years is not None and years < self.child_years_max
        return young or person.tagged(Tag.PRESCHOOL, at)

    def _is_adult(self, person: Person, at: int) -> bool:
        """Say whether somebody may take a child out; whoever's age nobody entered may."""
        years = person.years(at)
        return not self._is_child(person, at) and (years is None or years >= self.adult_years_min)


def _hazard(state: ChildAloneState, who: str, door_at: int, due: int) -> Hazard:
    heard = state.bands[who]
    return Hazard(
        id=derived("h", HazardKind.CHILD_ALONE, who, state.door_by),
        kind=HazardKind.CHILD_ALONE,
        phase=Phase.RAISED,
        subject=who,
        household=state.household,
        at=due,
        severity=Severity.CRITICAL,
        evidence=(state.door_by, heard.id),
        reason="child_alone.went_out",
        facts={"door_at": door_at, "heard_at": heard.at},
    )
