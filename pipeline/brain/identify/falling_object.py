"""Falling objects: what cameras at a facade saw come down.

One throw may be seen as several tracks, by several cameras, and mirrored in windows: within
seconds at one building it is one hazard. A second camera makes it sure.
"""

import math
from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import replace

from pipeline.brain.identify.bounds import Factor, Seconds, Share
from pipeline.brain.perceive.seen import Seen
from weinao.ids import derived
from weinao.messages import Highrise
from weinao.outcomes import Fact, Hazard, HazardKind, Phase, Severity

THROWS_MAX = 64
"""Throws of one building that are remembered; the oldest are forgotten first."""

_G_MS2 = 9.80665


class Throw(Struct, frozen=True):
    """One hazard, by whom it was seen, and whether a second camera has confirmed it."""

    hazard: Hazard
    device: str
    sure: bool = False


class FallingObjectState(Struct, frozen=True):
    """The throws of one building, in the order of their time."""

    throws: tuple[Throw, ...] = ()


class FallingObject(Struct, frozen=True, kw_only=True):
    """Raise on the first track of a throw; confirm when another camera saw it, too.

    Any two hazards of a building are `same_s` apart, in whatever order tracks arrive.

    Args:
        confidence_min: Tracks below it are birds, leaves and rain as often as objects. Ours.
        same_s: An object from the 40th floor falls for about 5 s (h = gt²/2, 120 m), and its
            mirrors and fragments with it; twice that leaves room for clocks that differ.
        floor_m: Height of a storey; GB 50096 asks for 2.8 m and more.
        drag_max: What takes so many times as long as free fall is a bag, a leaf or a bird, and
            hits nobody hard: it falls at half its speed at most. Ours. A track that begins late
            is shorter, which says nothing; 0 is not measured.
    """

    name: str = "falling_object"
    ordered: bool = False
    communal: bool = False
    confidence_min: Share = 0.5
    same_s: Seconds = 10
    floor_m: Annotated[float, Meta(ge=2, le=6)] = 3.0
    drag_max: Factor = 1.6

    def subject_of(self, seen: Seen) -> str | None:
        said = seen.observation
        if isinstance(said, Highrise) and self._counts(said):
            return said.building or seen.device
        return None

    def initial(self, subject: str, household: str) -> FallingObjectState:  # noqa: ARG002  # nothing known
        return FallingObjectState()

    def observe(
        self, state: FallingObjectState, seen: Seen
    ) -> tuple[FallingObjectState, Sequence[Hazard]]:
        said = seen.observation
        if not isinstance(said, Highrise) or not self._counts(said):
            return state, ()
        near_ms = self.same_s * 1_000
        same = [throw for throw in state.throws if abs(throw.hazard.at - seen.at) < near_ms]
        if not same:
            throw = Throw(_hazard(seen, said), seen.device)
            throws = sorted((*state.throws, throw), key=lambda known: known.hazard.at)
            return FallingObjectState(tuple(throws[-THROWS_MAX:])), (throw.hazard,)
        known = min(same, key=lambda throw: abs(throw.hazard.at - seen.at))
        if known.sure or known.device == seen.device:
            return state, ()
        throws = [replace(throw, sure=throw.sure or throw is known) for throw in state.throws]
        return FallingObjectState(tuple(throws)), (_confirmed(known.hazard, seen, said),)

    def _counts(self, said: Highrise) -> bool:
        if said.confidence < self.confidence_min:
            return False
        if said.floor == 0:  # a camera on which nobody drew floor lines does not know how high
            return True
        height_m = max(said.floor, 1) * self.floor_m
        return said.t_fall_s <= self.drag_max * math.sqrt(2 * height_m / _G_MS2)

    def pass_time(
        self,
        state: FallingObjectState,
        at: int,  # noqa: ARG002  # time alone changes nothing here
    ) -> tuple[FallingObjectState, Sequence[Hazard]]:
        return state, ()

    def lose_sight(self, state: FallingObjectState, at: int) -> FallingObjectState:  # noqa: ARG002  # only what is seen counts here
        return state


def _hazard(seen: Seen, said: Highrise) -> Hazard:
    facts: dict[str, Fact] = {
        "building": said.building,
        "floor": said.floor,
        "column": said.column,
        "fall_s": round(said.t_fall_s, 2),
        "device": seen.device,
    }
    return Hazard(
        id=derived("h", HazardKind.FALLING_OBJECT, seen.id),
        kind=HazardKind.FALLING_OBJECT,
        phase=Phase.RAISED,
        subject=said.building or seen.device,
        household="",
        at=seen.at,
        severity=Severity.MAJOR,
        confidence=said.confidence,
        evidence=(seen.id,),
        reason="falling_object.seen",
        facts=facts | ({"clip": said.clip} if said.clip else {}),
    )


def _confirmed(raised: Hazard, seen: Seen, said: Highrise) -> Hazard:
    # Two cameras err independently: both are wrong as often as each, multiplied.
    wrong = (1.0 - raised.confidence) * (1.0 - said.confidence)
    return replace(
        raised,
        phase=Phase.CONFIRMED,
        at=max(raised.at, seen.at),
        confidence=1.0 - wrong,
        evidence=(seen.id,),
        reason="falling_object.seen_twice",
        facts=raised.facts | {"second_device": seen.device},
    )
