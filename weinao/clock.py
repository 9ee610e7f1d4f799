"""The wall clock, for the edges of the system only; what decides takes time as an argument."""

import time


def now_ms() -> int:
    """Return milliseconds since the epoch, UTC."""
    return time.time_ns() // 1_000_000
