"""Whether a camera brings enough frames for what is looked for.

A face at a gate must be seen three times in a second or so, and a thing that falls is in the
picture for one or two: a camera that brings a frame a second shows neither.
"""

from msgspec import Struct

FPS_MIN = {"gate": 4.0, "highrise": 12.0, "people": 2.0}
"""Frames a second below which a role misses what it looks for. At the gate: three good frames of
somebody who passes within a second. At the facade: some 15 sightings of a fall of 12 m. Over
a yard: who walks is followed at two. Ours."""
FPS_MIN_ELSE = 0.5
WINDOW_MS = 5_000
"""Over how long frames are counted: a network may pause. Ours."""


class RateState(Struct, frozen=True):
    """Frames counted in the current window.

    Attributes:
        began_at: Of the window, milliseconds UTC; None before the first frame.
        number: Of the frame that began it.
        slow: What the last whole window said.
    """

    began_at: int | None = None
    number: int = 0
    slow: bool = False


def observe(state: RateState, number: int, at: int, fps_min: float) -> RateState:
    """Take in a frame.

    Args:
        state: Of the frames before.
        number: Of the frame in its stream, those counted that were dropped.
        at: When it was taken, milliseconds UTC.
        fps_min: Fewer are too few.
    """
    if state.began_at is None or at < state.began_at or number <= state.number:
        return RateState(at, number, state.slow)
    lasted_ms = at - state.began_at
    if lasted_ms < WINDOW_MS:
        return state
    fps = (number - state.number) * 1_000 / lasted_ms
    return RateState(at, number, fps < fps_min)


def fps_min(role: str) -> float:
    """Return how many frames a second a role needs."""
    return FPS_MIN.get(role, FPS_MIN_ELSE)
