"""What of a bridge's readings the community's brain gets to see, as packs of our own. Pure.

Every reading of somebody who has a bad one, or just had; of everybody else one now and then, which
is what trends, baselines and the silence of a device are told by. The brain decides, as it does of
any wearable: who has agreed, who is told, and what stays open until somebody has dealt with it.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pipeline.columns.people import Devices
from pipeline.columns.reading import Readings
from pipeline.columns.settings import Community, Message
from weinao import topics
from weinao.messages import OBS_PER_PACK_MAX, Pack, Status, Vitals

MICROSECONDS = 1_000_000


class Memory(Struct, frozen=True):
    """What has been passed on, as a value.

    Attributes:
        count: Of each device, how many packs.
        at: And the event time of the last reading in them, in microseconds.
    """

    count: NDArray[np.int64]
    at: NDArray[np.int64]


class Passing:
    """Passes readings on.

    Args:
        settings: To which community, as what, and how often.
        devices: Who wears what.
        resume: What an earlier one had passed on.
    """

    def __init__(self, settings: Community, devices: Devices, resume: Memory | None = None) -> None:
        if resume is None:
            none = np.zeros(len(devices.rows), dtype=np.int64)
            resume = Memory(none, none)
        self._settings, self._devices = settings, devices
        self._names = [*devices.number]
        self._count, self._at = resume.count.copy(), resume.at.copy()

    def memory(self) -> Memory:
        """Return what has been passed on."""
        return Memory(self._count.copy(), self._at.copy())

    def take(self, readings: Readings, watched: NDArray[np.bool_]) -> list[Message]:
        """Take in readings; return the packs that go on.

        Args:
            readings: New ones, in order.
            watched: Which of them are of somebody who is not well.
        """
        if not len(readings):
            return []
        every = self._settings.every_s * MICROSECONDS
        places = set(np.flatnonzero(watched).tolist())
        due = readings.at - self._at[readings.device] >= every
        if due.any():
            # The first of each device that is due; the others come too soon after it.
            _, firsts = np.unique(readings.device[due], return_index=True)
            places.update(np.flatnonzero(due)[firsts].tolist())
        by_device: dict[int, list[int]] = {}
        for place in sorted(places):
            by_device.setdefault(int(readings.device[place]), []).append(place)
        return [
            message
            for device, mine in by_device.items()
            for start in range(0, len(mine), OBS_PER_PACK_MAX)
            for message in self._told(device, readings, mine[start : start + OBS_PER_PACK_MAX])
        ]

    def _told(self, device: int, readings: Readings, places: list[int]) -> Iterator[Message]:
        self._at[device] = max(int(self._at[device]), *(int(readings.at[one]) for one in places))
        vitals = tuple(self._vitals(readings, one) for one in places)
        yield self._packed(device, "vitals", vitals)
        if self._settings.heartbeat:
            at = int(self._at[device]) // 1_000
            yield self._packed(device, "status", (Status(at=at, complete_to=at + 1),))

    def _packed(self, device: int, kind: str, obs: tuple[Vitals | Status, ...]) -> Message:
        self._count[device] += 1
        name = self._names[device]
        pack = Pack(
            v=1,
            device=name,
            boot=self._settings.boot,
            seq=int(self._count[device]),
            sent=int(self._at[device]) // 1_000,
            obs=obs,
        )
        topic = topics.up(self._settings.community, self._devices.grid(device), kind, name)
        return topic, msgspec.json.encode(pack)

    def _vitals(self, readings: Readings, place: int) -> Vitals:
        said: dict[str, Any] = {
            name: float(readings.values[of][place]) for name, of in self._settings.vitals.items()
        }
        worn = True if self._settings.worn else None
        return Vitals(at=int(readings.at[place]) // 1_000, worn=worn, **said)
