"""Cameras that see nothing: black, frozen, turned away, cut off, too slow, or no video at all.

    its agent says that a trouble began -> RAISED, of the camera, at once
    its agent says that it is over      -> CLEARED

A camera in trouble is no longer heard either, so that its silence is noticed where this word is
lost: both are hazards of one kind and one device, and become one incident.
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.perceive.seen import Seen
from weinao.ids import derived
from weinao.messages import Utility
from weinao.outcomes import Hazard, HazardKind, Phase, Severity

METER = "camera_health"
"""Under which agents say what ails a camera; the unit names it, the value is 1 while it stands."""
TROUBLES = frozenset(
    {"black", "frozen", "obstructed", "blurred", "moved", "no_signal", "unreadable", "slow"}
)


class CameraState(Struct, frozen=True):
    """What ails one camera.

    Attributes:
        newest: When each trouble was last spoken of.
        standing: What was raised and is not over.
    """

    newest: dict[str, int] = {}
    standing: dict[str, Hazard] = {}


class Camera(Struct, frozen=True, kw_only=True):
    """Raise when a camera is in trouble; clear when it is well again."""

    name: str = "camera"
    ordered: bool = False
    communal: bool = False

    def subject_of(self, seen: Seen) -> str | None:
        said = seen.observation
        known = isinstance(said, Utility) and said.meter == METER and said.unit in TROUBLES
        return seen.device if known else None

    def initial(self, subject: str, household: str) -> CameraState:  # noqa: ARG002  # nothing known
        return CameraState()

    def observe(self, state: CameraState, seen: Seen) -> tuple[CameraState, Sequence[Hazard]]:
        said = seen.observation
        if not isinstance(said, Utility) or seen.at <= state.newest.get(said.unit, -1):
            return state, ()
        state = replace(state, newest={**state.newest, said.unit: seen.at})
        stands = state.standing.get(said.unit)
        if said.value and stands is None:
            hazard = _troubled(seen, said.unit)
            return replace(state, standing={**state.standing, said.unit: hazard}), (hazard,)
        if not said.value and stands is not None:
            rest = {name: one for name, one in state.standing.items() if name != said.unit}
            over = replace(
                stands,
                phase=Phase.CLEARED,
                at=max(seen.at, stands.at),
                evidence=(seen.id,),
                reason="device_silent.camera_sees_again",
            )
            return replace(state, standing=rest), (over,)
        return state, ()

    def pass_time(self, state: CameraState, at: int) -> tuple[CameraState, Sequence[Hazard]]:  # noqa: ARG002  # only its agent's word tells
        return state, ()

    def lose_sight(self, state: CameraState, at: int) -> CameraState:  # noqa: ARG002  # what was said stands
        return state


def _troubled(seen: Seen, trouble: str) -> Hazard:
    return Hazard(
        id=derived("h", HazardKind.DEVICE_SILENT, "camera", seen.device, trouble, seen.id),
        kind=HazardKind.DEVICE_SILENT,
        phase=Phase.RAISED,
        subject=seen.device,
        household=seen.household,
        at=seen.at,
        severity=Severity.MINOR,
        evidence=(seen.id,),
        reason=f"device_silent.camera_{trouble}",
        facts={"place": seen.device_place},
    )
