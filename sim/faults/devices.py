"""Devices that fail: dead, stuck, or with a wrong clock. Transforms what an agent's devices say."""

import heapq
from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from sim.faults.plan import Fault
from sim.world.said import Said

STUCK_MS = 300_000
"""How often a stuck device repeats itself."""


def failing(said: Iterable[Said], faults: Sequence[Fault], start: int) -> Iterator[Said]:
    """Return what is said with these faults of devices, in the order of true time."""
    stuck = [fault for fault in faults if fault.kind == "sensor_stuck"]
    words: Iterator[Said] = (one for one in said if not _mute(one, faults, start))
    if stuck:
        words = _repeating(words, stuck, start)
    shift = {fault.target: fault for fault in faults if fault.kind == "clock_off"}
    for one in words:
        fault = shift.get(one.device)
        if fault is not None and fault.during((one.at - start) / 1_000):
            wrong = one.observation.at + round(fault.offset_s * 1_000)
            yield Said(one.at, one.device, replace(one.observation, at=wrong))
        else:
            yield one


def _mute(one: Said, faults: Sequence[Fault], start: int) -> bool:
    return any(
        fault.kind in ("sensor_dies", "sensor_stuck")
        and fault.target == one.device
        and fault.during((one.at - start) / 1_000)
        for fault in faults
    )


def _repeating(said: Iterator[Said], stuck: Sequence[Fault], start: int) -> Iterator[Said]:
    """Let stuck devices repeat the last that they said before."""
    last: dict[str, Said] = {}
    waiting: list[tuple[int, str]] = [
        (start + round(fault.from_s * 1_000), fault.target) for fault in stuck
    ]
    ends = {fault.target: start + round(fault.until_s * 1_000) for fault in stuck}
    heapq.heapify(waiting)
    for one in said:
        while waiting and waiting[0][0] < one.at:
            at, device = heapq.heappop(waiting)
            if device in last:
                yield Said(at, device, replace(last[device].observation, at=at))
            if at + STUCK_MS < ends[device]:
                heapq.heappush(waiting, (at + STUCK_MS, device))
        last[one.device] = one
        yield one
