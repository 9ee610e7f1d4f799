"""The clocks at the edges of the system; what decides takes time as an argument.

A system that plays a story takes its time from one clock that shows the story's time, and may run
faster than the wall's. Every program gets the same four numbers, so their clocks agree. What waits
for the network or the disk, such as a pause before sending again, goes by the wall all the same.
"""

import time
from typing import Annotated

from msgspec import Meta, Struct

NEVER = 2**53

ClockText = Annotated[str, Meta(pattern=r"^(\d{1,16}/\d{1,16}/\d{1,4}(\.\d{1,6})?/\d{1,16})?$")]
"""`SET_AT/SHOWS/SPEED/UNTIL` of a `Clock`; empty for the wall's."""


def now_ms() -> int:
    """Return milliseconds since the epoch, UTC."""
    return time.time_ns() // 1_000_000


class Clock(Struct, frozen=True, kw_only=True):
    """A clock that stands still until it is set off, runs at some speed, and stops at some time.

    Attributes:
        set_at: When it is set off, milliseconds UTC by the wall.
        shows: What it shows until then.
        speed: Its seconds in one of the wall's.
        until: Where it stops.
    """

    set_at: int = 0
    shows: int = 0
    speed: float = 1.0
    until: int = NEVER

    def __call__(self) -> int:
        """Return what it shows now."""
        return self.at(now_ms())

    def at(self, wall: int) -> int:
        """Return what it shows at a time of the wall's."""
        return min(self.shows + round(max(0, wall - self.set_at) * self.speed), self.until)

    def __str__(self) -> str:
        """Return it as settings and options name it."""
        return f"{self.set_at}/{self.shows}/{self.speed:g}/{self.until}"


WALL = Clock()


def clock_of(text: str) -> Clock:
    """Return the clock that a `ClockText` names.

    Raises:
        ValueError: It names none.
    """
    if not text:
        return WALL
    try:
        set_at, shows, speed, until = text.split("/")
        clock = Clock(set_at=int(set_at), shows=int(shows), speed=float(speed), until=int(until))
    except ValueError as error:
        raise ValueError(f"clock {text}: expected SET_AT/SHOWS/SPEED/UNTIL, numbers") from error
    if not clock.speed > 0:
        raise ValueError(f"clock {text}: expected a speed above 0, got {clock.speed:g}")
    return clock
