"""What was perceived elsewhere, as in a simulated world: passed on, dated by when it is played."""

from msgspec.structs import replace

from edge.lanes import Lane
from edge.perception.base import Finding
from edge.samples import Observed
from weinao.messages import (
    EMERGENCIES,
    AnyObservation,
    Gate,
    Highrise,
    Home,
    Match,
    Motion,
    MotionEvent,
)


def perceive_observed(sample: Observed) -> list[Finding]:
    """Return the observation, in the lane that it would take had it been perceived here."""
    said = replace(sample.observation, at=max(sample.at + sample.offset_ms, 0))
    lane = Lane.ALARM if _alarming(said) else Lane.ROUTINE
    return [Finding(device=sample.device, observation=said, lane=lane, mark=sample.mark)]


def _alarming(said: AnyObservation) -> bool:
    match said:
        case Home():
            return said.sensor in EMERGENCIES and bool(said.value)
        case Motion():
            return said.event is not MotionEvent.NEAR_FALL
        case Gate():
            return said.match is Match.WATCHLIST
        case _:
            return isinstance(said, Highrise)
