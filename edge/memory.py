"""The agent's own memory: how much it holds, and giving back what it no longer needs."""

import ctypes
import os
from pathlib import Path

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def resident_bytes() -> int:
    """Return how much memory this process holds, as the kernel counts it."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE_BYTES


def give_back() -> None:
    """Return freed memory to the system.

    Loading modules leaves holes that glibc keeps for later, several megabytes of them; other C
    libraries have no such call, and keep less.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return
    trim(0)
