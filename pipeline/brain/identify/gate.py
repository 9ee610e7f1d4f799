"""The gate: whom a watch-list names, and who slips in behind a resident.

A device at the gate says that a face matched; that somebody may be reported for it, the registry
says: without an entry that has a reason, an approver and an end, nobody is.
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.identify.bounds import Hours, Minutes, SecondsExact, Share
from pipeline.brain.perceive.seen import Seen
from weinao.ids import derived
from weinao.messages import Gate, Match, Registered
from weinao.outcomes import Hazard, HazardKind, Phase, Severity
from weinao.registry import WatchEntry

ENTRIES_MAX = 1_000
"""Of a grid; beyond it the one entered first is forgotten."""

VISITS_MAX = 256
"""Visits of a grid that are remembered; the oldest are forgotten first."""

STANDING_MAX = 32
"""Passings of a grid that may still be corrected; a camera says the last of them in seconds."""

STRANGERS_MAX = 8
"""Hazards of one gate that can stand; the oldest is no longer awaited beyond it."""

_MINUTE_MS = 60_000


class WatchlistState(Struct, frozen=True):
    """What is remembered of a grid's watch-list.

    Attributes:
        entries: By their id.
        visits: When somebody was reported, and who, in the order of their time.
        standing: What was raised on the first word about a passing, by its device and name: a later
            word may take it back.
    """

    entries: dict[str, WatchEntry] = {}
    visits: tuple[tuple[int, str], ...] = ()
    standing: tuple[tuple[str, Hazard], ...] = ()


class Watchlist(Struct, frozen=True, kw_only=True):
    """Raise once for each visit of a person whom a valid entry names.

    Of two sightings, each is a visit of its own when they are far enough apart, in whatever order
    they arrive; leaving belongs to the visit that began before it.

    Args:
        score_min: Cosine of the match. At 0.564 one in a thousand pairs of different East Asian
            faces matches, where the usual threshold lets through sixteen times as many (measured
            on 69 people of LFW with the gate's own model).
        live_min: A face surely not alive is a picture of somebody. Ours.
        visit_min: Sightings within so many minutes are one visit. Ours.
        stay_h_max: Who leaves so long after coming is still on the same visit. Ours.
    """

    name: str = "watchlist"
    ordered: bool = False
    communal: bool = True
    score_min: Share = 0.57
    live_min: Share = 0.5
    visit_min: Minutes = 30
    stay_h_max: Hours = 24

    def subject_of(self, seen: Seen) -> str | None:
        said = seen.observation
        if isinstance(said, Gate) and (_is_watched(said) or said.part in ("changed", "last")):
            return self.name
        if isinstance(said, Registered) and isinstance(said.record, WatchEntry):
            return self.name  # one memory for all: a corrected entry may name somebody else
        return None

    def initial(self, subject: str, household: str) -> WatchlistState:  # noqa: ARG002  # nothing known
        return WatchlistState()

    def observe(self, state: WatchlistState, seen: Seen) -> tuple[WatchlistState, Sequence[Hazard]]:
        said = seen.observation
        if isinstance(said, Registered) and isinstance(said.record, WatchEntry):
            return _entered(state, said.record), ()
        if not isinstance(said, Gate):
            return state, ()
        if not _is_watched(said):
            return _taken_back(state, seen, said)
        if not self._sure(said):
            return state, ()
        entry = _entry_for(state, said.person, seen.at)
        if entry is None or not self._begins(state, seen.at, said):
            return state, ()
        visits = tuple(sorted((*state.visits, (seen.at, said.person))))[-VISITS_MAX:]
        hazard = _watched(seen, said, entry)
        standing = state.standing
        if said.passing:
            standing = (*standing, (_key(seen, said), hazard))[-STANDING_MAX:]
        return replace(state, visits=visits, standing=standing), (hazard,)

    def pass_time(
        self,
        state: WatchlistState,
        at: int,  # noqa: ARG002  # time alone changes nothing here
    ) -> tuple[WatchlistState, Sequence[Hazard]]:
        return state, ()

    def lose_sight(self, state: WatchlistState, at: int) -> WatchlistState:  # noqa: ARG002  # only what is seen counts here
        return state

    def _sure(self, said: Gate) -> bool:
        return said.score >= self.score_min and (said.live is None or said.live >= self.live_min)

    def _begins(self, state: WatchlistState, at: int, said: Gate) -> bool:
        """Say whether a sighting is far enough from all that were reported to be a visit."""
        near_ms = self.visit_min * _MINUTE_MS
        before_ms = self.stay_h_max * 60 * _MINUTE_MS if said.direction == "out" else near_ms
        return not any(
            person == said.person and -near_ms < at - seen_at < before_ms
            for seen_at, person in state.visits
        )


class TailgatingState(Struct, frozen=True):
    """What is remembered of one gate.

    Attributes:
        seen_at: The newest passing.
        resident_at: When a resident last went in; None once somebody else did after her.
        resident_by: That observation's id.
        inside: Hazards of strangers who have not been seen to leave.
    """

    seen_at: int = -1
    resident_at: int | None = None
    resident_by: str = ""
    inside: tuple[Hazard, ...] = ()


class Tailgating(Struct, frozen=True, kw_only=True):
    """Raise when a stranger goes in right behind a resident; clear when one goes out again.

    Args:
        follow_s_max: A pedestrian door with a closer shuts within about so many seconds. Ours.
        quality_min: A picture said to be worse may well be of a resident; 0 is not said. Ours.
    """

    name: str = "tailgating"
    ordered: bool = True
    communal: bool = False
    follow_s_max: SecondsExact = 6.0
    quality_min: Share = 0.4

    def subject_of(self, seen: Seen) -> str | None:
        return seen.device if isinstance(seen.observation, Gate) else None

    def initial(self, subject: str, household: str) -> TailgatingState:  # noqa: ARG002  # nothing known
        return TailgatingState()

    def observe(
        self, state: TailgatingState, seen: Seen
    ) -> tuple[TailgatingState, Sequence[Hazard]]:
        said = seen.observation
        if not isinstance(said, Gate) or seen.at < state.seen_at:
            return state, ()
        if said.part in ("first", "changed"):
            return state, ()  # the last word says which way, and who it was after all
        state = replace(state, seen_at=seen.at)
        if said.match is Match.UNKNOWN and (said.quality == 0 or said.quality >= self.quality_min):
            return self._stranger(state, seen, said)
        if said.match is Match.RESIDENT and said.direction == "in":
            return replace(state, resident_at=seen.at, resident_by=seen.id), ()
        return state, ()

    def pass_time(
        self,
        state: TailgatingState,
        at: int,  # noqa: ARG002  # time alone changes nothing here
    ) -> tuple[TailgatingState, Sequence[Hazard]]:
        return state, ()

    def lose_sight(self, state: TailgatingState, at: int) -> TailgatingState:
        """Somebody else may have come between a resident and whoever is seen next."""
        if state.resident_at is None or state.resident_at >= at:
            return state
        return replace(state, resident_at=None)

    def _stranger(
        self, state: TailgatingState, seen: Seen, said: Gate
    ) -> tuple[TailgatingState, Sequence[Hazard]]:
        if said.direction == "out" and state.inside and seen.at > state.inside[0].at:
            over = replace(
                state.inside[0],
                phase=Phase.CLEARED,
                at=seen.at,
                evidence=(seen.id,),
                reason="tailgating.stranger_left",
            )
            return replace(state, inside=state.inside[1:]), (over,)
        if said.direction != "in" or state.resident_at is None:
            return state, ()
        behind_ms = seen.at - state.resident_at
        if behind_ms > self.follow_s_max * 1_000:
            return state, ()
        hazard = _followed(state, seen, said, behind_ms)
        inside = (*state.inside, hazard)[-STRANGERS_MAX:]
        # One door held open is one hazard, however many go through it.
        return replace(state, resident_at=None, inside=inside), (hazard,)


def _is_watched(said: Gate) -> bool:
    return said.match is Match.WATCHLIST and bool(said.person)


def _key(seen: Seen, said: Gate) -> str:
    return f"{seen.device}/{said.passing}"


def _taken_back(
    state: WatchlistState, seen: Seen, said: Gate
) -> tuple[WatchlistState, Sequence[Hazard]]:
    """Withdraw what an earlier word about the same passing raised: it was somebody else."""
    key = _key(seen, said)
    found = [hazard for name, hazard in state.standing if name == key]
    if not found:
        return state, ()
    raised = found[-1]
    rest = tuple(one for one in state.standing if one[0] != key)
    visit = (raised.at, str(raised.facts["person"]))
    visits = tuple(one for one in state.visits if one != visit)
    over = replace(
        raised,
        phase=Phase.WITHDRAWN,
        at=max(seen.at, raised.at),
        evidence=(seen.id,),
        reason="watchlist.somebody_else",
    )
    return replace(state, standing=rest, visits=visits), (over,)


def _pictured(said: Gate) -> dict[str, str]:
    return {"picture": said.picture} if said.picture else {}


def _entered(state: WatchlistState, entry: WatchEntry) -> WatchlistState:
    entries = {**state.entries, entry.id: entry}
    while len(entries) > ENTRIES_MAX:
        del entries[next(iter(entries))]
    return replace(state, entries=entries)


def _entry_for(state: WatchlistState, person: str, at: int) -> WatchEntry | None:
    """Return an entry that holds for a person at a time; one without an end never does."""
    for entry in state.entries.values():
        if (
            entry.person == person
            and entry.reason.strip()
            and entry.valid_to is not None
            and entry.valid_from <= at < entry.valid_to
        ):
            return entry
    return None


def _watched(seen: Seen, said: Gate, entry: WatchEntry) -> Hazard:
    return Hazard(
        id=derived("h", HazardKind.WATCHLIST, said.person, seen.id),
        kind=HazardKind.WATCHLIST,
        phase=Phase.RAISED,
        subject=seen.device,
        household="",
        at=seen.at,
        severity=Severity.MAJOR,
        confidence=said.score,
        evidence=(seen.id,),
        reason="watchlist.matched",
        facts={
            "person": said.person,
            "entry": entry.id,
            "why": entry.reason,
            "approver": entry.approver,
            "direction": said.direction,
            "score": round(said.score, 3),
            **_pictured(said),
        },
    )


def _followed(state: TailgatingState, seen: Seen, said: Gate, behind_ms: int) -> Hazard:
    return Hazard(
        id=derived("h", HazardKind.TAILGATING, seen.device, state.resident_by),
        kind=HazardKind.TAILGATING,
        phase=Phase.RAISED,
        subject=seen.device,
        household="",
        at=seen.at,
        severity=Severity.MINOR,
        evidence=(state.resident_by, seen.id),
        reason="tailgating.behind_resident",
        facts={"behind_s": round(behind_ms / 1_000, 1)} | _pictured(said),
    )
