"""What the agent knows about its clock. A Pi has none of its own: it learns the time on the way.

Event times come from the wall clock and never fall within one start of a driver. When the wall
clock steps back by more than `STEP_MS_MAX`, going on that way would date observations in the
future, where the pipeline refuses them: so the driver is started again, on the new time.
"""

import asyncio
import ctypes
from collections.abc import Callable
from pathlib import Path

from weinao.messages import TimeQuality

STEP_MS_MAX = 30_000
"""How far the wall clock may fall behind what was already dated; a quarter of what is refused."""
_SYNCHRONIZED = Path("/run/systemd/timesync/synchronized")
_STA_UNSYNC = 0x0040


class ClockSteppedError(Exception):
    """The wall clock stepped back: start again on the new time."""


class RisingClock:
    """A clock that never falls.

    Args:
        wall: Milliseconds UTC, as the system has it.
    """

    def __init__(self, wall: Callable[[], int]) -> None:
        self._wall, self._last = wall, 0

    def __call__(self) -> int:
        """Return the time.

        Raises:
            ClockSteppedError: The wall clock is more than `STEP_MS_MAX` behind.
        """
        at = self._wall()
        if self._last - at > STEP_MS_MAX:
            raise ClockSteppedError(f"the clock stepped back by {self._last - at} ms")
        self._last = max(at, self._last)
        return self._last


class ClockQuality:
    """How far the clock may be trusted, as the agent's heartbeat and packs say it.

    Args:
        setting: `auto`, or the quality to be taken at its word.
        synchronized: Whether the system calls its clock synchronised now.
    """

    def __init__(self, setting: str, synchronized: Callable[[], bool] | None = None) -> None:
        self._setting, self._synchronized = setting, synchronized or system_synchronized
        self._was = False

    def __call__(self) -> TimeQuality:
        """Return it; a clock that was synchronised in this start holds over."""
        if self._setting != "auto":
            return TimeQuality(self._setting)
        if self._synchronized():
            self._was = True
            return TimeQuality.SYNCED
        return TimeQuality.HOLDOVER if self._was else TimeQuality.UNSYNCED


def system_synchronized() -> bool:
    """Return whether systemd-timesyncd or the kernel says that the clock is synchronised."""
    if _SYNCHRONIZED.exists():
        return True
    status = _kernel_clock_status()
    return status is not None and not status & _STA_UNSYNC


async def sleep_until(at: int, now: Callable[[], int], pace: float = 1.0) -> None:
    """Sleep until a clock shows a time; a step of the clock is noticed within a second.

    Args:
        at: Milliseconds UTC.
        now: The clock.
        pace: Its seconds in one of the wall's.
    """
    while (early_ms := at - now()) > 0:  # noqa: ASYNC110  # time is no event
        await asyncio.sleep(min(early_ms / 1_000 / pace, 1.0))


class _Timex(ctypes.Structure):
    # The beginning of `struct timex` of adjtimex(2); the kernel writes 208 bytes.
    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def _kernel_clock_status() -> int | None:
    """Return the status word of adjtimex(2), which only reads when `modes` is 0."""
    try:
        timex = _Timex()
        failed: int = ctypes.CDLL(None).adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError):
        return None
    return None if failed < 0 else int(timex.status)
