"""Fire lanes: something stands where fire engines have to pass.

    blocked for `stands_min` -> RAISED; free for `free_s_min` -> CLEARED

Whoever stops and drives on blocks nothing; a gap between two vans is no free lane.
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.identify.bounds import Minutes, Seconds, Words
from pipeline.brain.perceive.seen import Seen
from weinao.ids import derived
from weinao.messages import Crowd
from weinao.outcomes import Hazard, HazardKind, Phase, Severity


class Lanes(Struct, frozen=True, kw_only=True):
    """Which zones are fire lanes: those whose name, or whose camera's place, holds a word.

    Args:
        words: Lower case. Ours.
    """

    words: Words = ("fire_lane", "fire lane", "fire-lane", "firelane", "消防")

    def hold(self, seen: Seen, said: Crowd) -> bool:
        """Say whether a zone is one that has to be kept free for fire engines."""
        where = f"{said.zone} {seen.room}".lower()
        return any(word in where for word in self.words)


class FireLaneState(Struct, frozen=True):
    """What is remembered of one lane.

    Attributes:
        seen_at: The newest observation.
        since: Since when something stands there, not counting short gaps.
        by: The observation that showed it first.
        free_at: Since when it is free again; None while it is not.
    """

    device: str = ""
    zone: str = ""
    seen_at: int = -1
    since: int | None = None
    by: str = ""
    free_at: int | None = None
    raised: Hazard | None = None


class FireLane(Struct, frozen=True, kw_only=True):
    """Raise when a fire lane has been blocked for long.

    Args:
        stands_min: Fire Protection Law of China, article 28: nobody may occupy or block a lane. It
            names no time; so many minutes let people unload. Ours.
        free_s_min: A shorter gap is one vehicle giving way to another. Ours.
        lanes: Which zones are fire lanes.
    """

    name: str = "fire_lane"
    ordered: bool = True
    communal: bool = False
    stands_min: Minutes = 5
    free_s_min: Seconds = 60
    lanes: Lanes = Lanes()

    def subject_of(self, seen: Seen) -> str | None:
        said = seen.observation
        if isinstance(said, Crowd) and self.lanes.hold(seen, said):
            return f"{seen.device}/{said.zone}"
        return None

    def initial(self, subject: str, household: str) -> FireLaneState:  # noqa: ARG002  # nothing known
        return FireLaneState()

    def observe(self, state: FireLaneState, seen: Seen) -> tuple[FireLaneState, Sequence[Hazard]]:
        said = seen.observation
        if not isinstance(said, Crowd) or seen.at <= state.seen_at:
            return state, ()
        state, found = self.pass_time(state, seen.at)
        state = replace(state, device=seen.device, zone=said.zone, seen_at=seen.at)
        if not said.blocked:
            free_at = seen.at if state.free_at is None else state.free_at
            return replace(state, free_at=free_at if state.since is not None else None), found
        if state.since is None:
            return replace(state, since=seen.at, by=seen.id, free_at=None), found
        return replace(state, free_at=None), found

    def pass_time(self, state: FireLaneState, at: int) -> tuple[FireLaneState, Sequence[Hazard]]:
        if state.since is None:
            return state, ()
        found: list[Hazard] = []
        until = at if state.free_at is None else state.free_at
        due_at = state.since + self.stands_min * 60_000
        if state.raised is None and until >= due_at:
            hazard = _hazard(state, due_at)
            state = replace(state, raised=hazard)
            found.append(hazard)
        if state.free_at is not None and at >= state.free_at + self.free_s_min * 1_000:
            if state.raised is not None:
                found.append(_cleared(state.raised, state.free_at))
            state = replace(state, since=None, by="", free_at=None, raised=None)
        return state, found

    def lose_sight(self, state: FireLaneState, at: int) -> FireLaneState:
        """Nobody saw it stand until now; what stands raised stands until the lane is seen free."""
        if state.raised is not None or state.since is None or state.since >= at:
            return state
        return replace(state, since=None, by="", free_at=None)


def _hazard(state: FireLaneState, at: int) -> Hazard:
    return Hazard(
        id=derived("h", HazardKind.FIRE_LANE, state.device, state.zone, state.since),
        kind=HazardKind.FIRE_LANE,
        phase=Phase.RAISED,
        subject=state.device,
        household="",
        at=at,
        severity=Severity.MAJOR,
        evidence=(state.by,),
        reason="fire_lane.blocked",
        facts={"zone": state.zone, "since": state.since or at},
    )


def _cleared(raised: Hazard, at: int) -> Hazard:
    return replace(
        raised, phase=Phase.CLEARED, at=max(at, raised.at), evidence=(), reason="fire_lane.free"
    )
