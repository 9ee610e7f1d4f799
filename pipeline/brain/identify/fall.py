"""Falls: what the wearable concluded, held against what the home saw.

    surely a fall -> RAISED at once -+- its wearer, alone at home, walks about -> WITHDRAWN
                                     +- still lying when the wearable looks    -> CONFIRMED
                                     +- nothing moves for `still_s_min`        -> CONFIRMED
    perhaps a fall -+- still lying when the wearable looks -> RAISED
                    +- nothing moves for `doubt_s`         -> RAISED
                    +- something moves                     -> nothing

Evidence counts by its own time, in whatever order it arrives: alarms overtake what waited.
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.identify.bounds import Seconds, Share
from pipeline.brain.perceive.seen import Seen
from weinao.ids import derived
from weinao.messages import Home, Motion, MotionEvent, Sensor
from weinao.outcomes import Hazard, HazardKind, Phase, Severity

MOVEMENTS_KEPT_MAX = 64
FALLS_KEPT_MAX = 16
"""Of each home; the oldest are forgotten first."""


class Movement(Struct, frozen=True):
    """Somebody moved in a room, or a door was opened."""

    at: int
    room: str
    id: str
    door: bool = False


class FallState(Struct, frozen=True):
    """What is remembered of one home.

    Attributes:
        movements: The newest, in the order of their time.
        pending: Falls that may still be confirmed or withdrawn.
        doubted: What may have been falls, and was told to nobody.
        lay: Who was seen lying still, when, and by which observation; the newest.
        alone: One resident is registered here, so that movement is hers.
        sees: Something here has reported movement, so that its absence means something.
    """

    movements: tuple[Movement, ...] = ()
    pending: tuple[Hazard, ...] = ()
    doubted: tuple[Hazard, ...] = ()
    lay: tuple[tuple[int, str, str], ...] = ()
    alone: bool = False
    sees: bool = False


class Fall(Struct, frozen=True, kw_only=True):
    """Raise on a detected fall; withdraw on walking, confirm on lying still.

    Args:
        rise_s_min: Movement sooner after the impact than this may be the fall itself.
        walk_s_max: Until then, movement in two rooms means that the wearer got up.
        still_s_min: Without any movement for this long, the fall is taken as surely so.
        sure_min: A detector this sure is believed at once; below, stillness has to say so, too.
        doubt_s: Without any movement for this long, what may have been a fall was one.

    References:
        models/cards/fall_v1.md, cross-validated by person: of the falls found at the wrist 96 %
        have a confidence of 0.8 and more, of the false calls 1 in 12. Who moves on after the
        others is called 0.17 times a week for nothing (Scheurer et al. 2019, Sensors 19:1357).
        A long lie is one of more than an hour (Fleming and Brayne); `doubt_s` is short of it.
        Fleming and Brayne, BMJ 2008;337:a2227: most people over 90 who fell alone could not get
        up, and lying long is what harms. Hence no sure fall waits for confirmation before
        somebody is told; confirmation only raises its severity. Only the detector's doubts wait.
    """

    name: str = "fall"
    ordered: bool = False
    communal: bool = False
    rise_s_min: Seconds = 10
    walk_s_max: Seconds = 300
    still_s_min: Seconds = 60
    sure_min: Share = 0.8
    doubt_s: Seconds = 3_000

    def subject_of(self, seen: Seen) -> str | None:
        said = seen.observation
        if isinstance(said, Motion) and said.event is not MotionEvent.NEAR_FALL:
            return seen.household or seen.subject
        if isinstance(said, Home) and said.sensor in (Sensor.PIR, Sensor.DOOR) and said.value:
            return seen.household or None
        return None

    def initial(self, subject: str, household: str) -> FallState:  # noqa: ARG002  # nothing known
        return FallState()

    def observe(self, state: FallState, seen: Seen) -> tuple[FallState, Sequence[Hazard]]:
        state = replace(state, alone=seen.alone)
        said = seen.observation
        if isinstance(said, Home):
            return self._moved(state, seen, door=said.sensor is Sensor.DOOR)
        if isinstance(said, Motion) and said.event is MotionEvent.IMMOBILE:
            return self._lies_still(state, seen)
        if isinstance(said, Motion):
            return self._fell(state, seen, said)
        return state, ()

    def pass_time(self, state: FallState, at: int) -> tuple[FallState, Sequence[Hazard]]:
        if not (state.pending or state.doubted):
            return state, ()
        state, raised = self._decided(state, at)
        state, confirmed = self._unmoved(state, at)
        return state, (*raised, *confirmed)

    def _decided(self, state: FallState, at: int) -> tuple[FallState, Sequence[Hazard]]:
        """Decide what was doubted for long enough: somebody lies there, or moves."""
        due = [fall for fall in state.doubted if at >= fall.at + self.doubt_s * 1_000]
        if not due:
            return state, ()
        waiting = tuple(fall for fall in state.doubted if fall not in due)
        raised = [
            replace(fall, reason="fall.nothing_moved")
            for fall in due
            if state.sees and not self._moves(state, fall, self.doubt_s)
        ]
        return replace(state, doubted=waiting), raised

    def _moves(self, state: FallState, fall: Hazard, until_s: int) -> bool:
        first, last = fall.at + self.rise_s_min * 1_000, fall.at + until_s * 1_000
        return any(first <= seen.at <= last for seen in state.movements)

    def _unmoved(self, state: FallState, at: int) -> tuple[FallState, Sequence[Hazard]]:
        confirmed: list[Hazard] = []
        pending: list[Hazard] = []
        for fall in state.pending:
            quiet_until = fall.at + self.still_s_min * 1_000
            unmoved = not self._moves(state, fall, self.still_s_min)
            if state.sees and fall.phase is Phase.RAISED and at >= quiet_until and unmoved:
                confirmed.append(_confirmed(fall, quiet_until, "fall.nothing_moved", ()))
                pending.append(replace(fall, phase=Phase.CONFIRMED))
            elif at < fall.at + self.walk_s_max * 1_000:
                pending.append(fall)
        return replace(state, pending=tuple(pending)), confirmed

    def lose_sight(self, state: FallState, at: int) -> FallState:
        """Falls that were unwatched since are neither confirmed nor withdrawn by the silence."""
        return replace(
            state,
            pending=tuple(fall for fall in state.pending if fall.at >= at),
            doubted=tuple(fall for fall in state.doubted if fall.at >= at),
        )

    def _fell(
        self, state: FallState, seen: Seen, said: Motion
    ) -> tuple[FallState, Sequence[Hazard]]:
        fall = Hazard(
            id=derived("h", HazardKind.FALL, seen.id),
            kind=HazardKind.FALL,
            phase=Phase.RAISED,
            subject=seen.subject,
            household=seen.household,
            at=seen.at,
            severity=Severity.MAJOR,
            confidence=said.confidence,
            evidence=(seen.id,),
            reason="fall.detected",
            facts={"device": seen.device, "impact_g": round(said.impact_g or 0.0, 2)},
        )
        if said.confidence >= self.sure_min:
            return self._told(state, fall)
        lay = self._lay_after(state, fall)
        if not lay:
            return replace(state, doubted=(*state.doubted, fall)[-FALLS_KEPT_MAX:]), ()
        return self._told(state, _lies_there(fall, lay))

    def _told(self, state: FallState, fall: Hazard) -> tuple[FallState, Sequence[Hazard]]:
        walk = self._walk(state, fall)
        if walk:
            return state, (fall, _withdrawn(fall, walk))
        return replace(state, pending=(*state.pending, fall)[-FALLS_KEPT_MAX:]), (fall,)

    def _lay_after(self, state: FallState, fall: Hazard) -> str:
        """Return what showed the wearer lying still after what may have been a fall, if it did."""
        last = fall.at + self.walk_s_max * 1_000
        found = (id_ for at, who, id_ in state.lay if who == fall.subject and fall.at < at <= last)
        return next(found, "")

    def _moved(
        self, state: FallState, seen: Seen, *, door: bool
    ) -> tuple[FallState, Sequence[Hazard]]:
        movement = Movement(seen.at, seen.room, seen.id, door)
        if movement in state.movements:
            return state, ()
        movements = sorted((*state.movements, movement), key=lambda moved: moved.at)
        state = replace(state, movements=tuple(movements[-MOVEMENTS_KEPT_MAX:]), sees=True)
        # What is confirmed is no longer taken back: it was so when somebody was told.
        walks = {
            fall.id: self._walk(state, fall) if fall.phase is Phase.RAISED else ()
            for fall in state.pending
        }
        withdrawn = [_withdrawn(fall, walks[fall.id]) for fall in state.pending if walks[fall.id]]
        pending = tuple(fall for fall in state.pending if not walks[fall.id])
        return replace(state, pending=pending), withdrawn

    def _lies_still(self, state: FallState, seen: Seen) -> tuple[FallState, Sequence[Hazard]]:
        lay = sorted({*state.lay, (seen.at, seen.subject, seen.id)})
        state = replace(state, lay=tuple(lay[-FALLS_KEPT_MAX:]))
        doubted = [fall for fall in state.doubted if self._lay_after(state, fall)]
        if doubted:
            rest = tuple(fall for fall in state.doubted if fall not in doubted)
            state, raised = replace(state, doubted=rest), list[Hazard]()
            for fall in doubted:
                state, found = self._told(state, _lies_there(fall, seen.id))
                raised += found
            return state, raised
        # Who was seen lying still does not get withdrawn by somebody else's steps.
        known = [
            fall for fall in state.pending if fall.subject == seen.subject and fall.at < seen.at
        ]
        pending = tuple(other for other in state.pending if other not in known)
        return replace(state, pending=pending), [
            _confirmed(fall, seen.at, "fall.lies_still", (seen.id,)) for fall in known
        ]

    def _walk(self, state: FallState, fall: Hazard) -> tuple[Movement, ...]:
        """Return the movements that show the wearer on her feet again; empty if none do."""
        first, last = fall.at + self.rise_s_min * 1_000, fall.at + self.walk_s_max * 1_000
        walk: list[Movement] = []
        for moved in state.movements:
            if moved.at > fall.at and moved.door:
                break  # from here on it may be a helper
            if first <= moved.at <= last and not moved.door:
                walk.append(moved)
        rooms = {moved.room for moved in walk}
        return tuple(walk) if state.alone and len(rooms) > 1 else ()


def _lies_there(fall: Hazard, lay: str) -> Hazard:
    return replace(fall, reason="fall.lies_still", evidence=(*fall.evidence, lay))


def _confirmed(fall: Hazard, at: int, reason: str, evidence: tuple[str, ...]) -> Hazard:
    return replace(
        fall,
        phase=Phase.CONFIRMED,
        at=at,
        severity=Severity.CRITICAL,
        evidence=evidence,
        reason=reason,
    )


def _withdrawn(fall: Hazard, walk: tuple[Movement, ...]) -> Hazard:
    return replace(
        fall,
        phase=Phase.WITHDRAWN,
        at=walk[-1].at,
        evidence=tuple(moved.id for moved in walk[-4:]),
        reason="fall.walks_again",
        facts={"rooms": ", ".join(sorted({moved.room for moved in walk}))},
    )
