"""Balconies: things fall along the same column of the same building, again and again."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import replace

from pipeline.brain.identify.base import EVIDENCE_MAX
from pipeline.brain.identify.bounds import Days, Seconds, Share
from pipeline.brain.perceive.seen import Seen
from weinao.ids import derived
from weinao.messages import Highrise
from weinao.outcomes import Phase, Risk, RiskKind
from weinao.registry import Role

TRACKS_MAX = 128
"""Tracks of one column that are remembered; the oldest are forgotten first."""

_DAY_MS = 86_400_000


class Track(Struct, frozen=True, order=True):
    """One track, by its time."""

    at: int
    id: str
    floor: int


class BalconyState(Struct, frozen=True):
    """What is remembered of one column: its tracks in the order of their time."""

    tracks: tuple[Track, ...] = ()
    raised: Risk | None = None


class Balcony(Struct, frozen=True, kw_only=True):
    """Raise when one column drops things for the `throws_min`-th time in `days`.

    Args:
        confidence_min: As for an acute hazard.
        same_s: Tracks no further apart than this are one throw and its mirrors, as there.
        throws_min: Once is an accident, twice may be. Ours.
        days: As long as a campaign of the property manager lasts. Ours.
    """

    name: str = "balcony"
    ordered: bool = False
    communal: bool = False
    confidence_min: Share = 0.5
    same_s: Seconds = 10
    throws_min: Annotated[int, Meta(ge=1, le=TRACKS_MAX // 4)] = 3
    days: Days = 30

    def subject_of(self, seen: Seen) -> str | None:
        said = seen.observation
        if not isinstance(said, Highrise) or said.confidence < self.confidence_min:
            return None
        return f"{said.building or seen.device}/{said.column}" if said.column else None

    def initial(self, subject: str, household: str) -> BalconyState:  # noqa: ARG002  # nothing known
        return BalconyState()

    def observe(self, state: BalconyState, seen: Seen) -> tuple[BalconyState, Sequence[Risk]]:
        said = seen.observation
        if not isinstance(said, Highrise) or any(seen.id == known.id for known in state.tracks):
            return state, ()
        tracks = sorted((*state.tracks, Track(seen.at, seen.id, said.floor)))[-TRACKS_MAX:]
        state = replace(state, tracks=tuple(tracks))
        throws = self._throws(state, state.tracks[-1].at)
        if state.raised is not None or len(throws) < self.throws_min:
            return state, ()
        risk = self._risk(throws, seen, said)
        return replace(state, raised=risk), (risk,)

    def pass_time(self, state: BalconyState, at: int) -> tuple[BalconyState, Sequence[Risk]]:
        if state.raised is None or at <= state.tracks[-1].at + self.days * _DAY_MS:
            return state, ()
        over_at = state.tracks[-1].at + self.days * _DAY_MS
        over = replace(
            state.raised, phase=Phase.CLEARED, at=over_at, evidence=(), reason="balcony.stopped"
        )
        return replace(state, raised=None), (over,)

    def lose_sight(self, state: BalconyState, at: int) -> BalconyState:  # noqa: ARG002  # only what is seen counts here
        return state

    def _throws(self, state: BalconyState, at: int) -> list[Track]:
        """Return the first track of each throw within the window that ends at `at`."""
        throws: list[Track] = []
        for track in state.tracks:
            if track.at <= at - self.days * _DAY_MS:
                continue
            if not throws or track.at >= throws[-1].at + self.same_s * 1_000:
                throws.append(track)
        return throws

    def _risk(self, throws: list[Track], seen: Seen, said: Highrise) -> Risk:
        floors = sorted(throw.floor for throw in throws)
        return Risk(
            id=derived("r", RiskKind.BALCONY, said.building, said.column, throws[0].id),
            kind=RiskKind.BALCONY,
            phase=Phase.RAISED,
            subject=said.building or seen.device,
            household="",
            at=throws[-1].at,
            evidence=tuple(throw.id for throw in throws[-EVIDENCE_MAX:]),
            reason="balcony.again_and_again",
            facts={
                "column": said.column,
                "floor_min": floors[0],
                "floor_max": floors[-1],
                "times": len(throws),
                "days": self.days,
            },
            propose="balcony.visit",
            role=Role.PROPERTY.value,
        )
