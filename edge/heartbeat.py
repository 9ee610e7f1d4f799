"""What the agent says of itself: its word about time, and how it fares."""

import shutil
from collections.abc import Callable
from pathlib import Path

from edge.memory import resident_bytes
from edge.outbox import Depth
from weinao import __version__
from weinao.messages import Status, TimeQuality

_CPU_TEMPERATURE = Path("/sys/class/thermal/thermal_zone0/temp")


def status(
    *,
    now: int,
    complete_to: int,
    depth: Depth,
    folder: Path,
    clock: TimeQuality,
    heard: dict[str, int],
) -> Status:
    """Return a heartbeat.

    Args:
        now: Milliseconds UTC.
        complete_to: Nothing earlier is missing from the journal.
        depth: Of the outbox.
        folder: On whose disk the outbox is.
        clock: How far `now` may be trusted.
        heard: When each device was last heard.
    """
    oldest = depth.oldest_put_at
    return Status(
        at=now,
        complete_to=max(complete_to, 0),
        queue_len=depth.total,
        queue_oldest_s=0.0 if oldest is None else max(now - oldest, 0) / 1_000,
        disk_free_bytes=shutil.disk_usage(folder).free,
        clock=clock,
        cpu_temp_c=_cpu_temp_c(),
        rss_bytes=resident_bytes(),
        sensors=dict(heard),
        version=__version__,
    )


def disk_free(folder: Path) -> Callable[[], int]:
    """Return a gauge of the bytes that are free on a folder's disk."""
    return lambda: shutil.disk_usage(folder).free


def _cpu_temp_c() -> float | None:
    try:
        reading = int(_CPU_TEMPERATURE.read_text(encoding="ascii")) / 1_000
    except (OSError, ValueError):
        return None
    return reading if -60 <= reading <= 150 else None  # noqa: PLR2004  # what a message may hold
