"""A job: payloads in, answers out. Pure: same payloads in the same lots, same answers."""

from collections.abc import Sequence

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pipeline.columns import copies, packs, passing, streak, window
from pipeline.columns.people import Devices
from pipeline.columns.points import Points
from pipeline.columns.reading import Decoder, Readings
from pipeline.columns.settings import Job, Message
from pipeline.columns.window import Means
from weinao.ids import derived


class Memory(Struct, frozen=True):
    """All that a job remembers, as a value."""

    copies: copies.Memory
    packs: packs.Memory
    streaks: streak.Memory | None
    windows: window.Memory | None
    passing: passing.Memory | None


class Answers(Struct, frozen=True):
    """What follows from one lot.

    Attributes:
        alerts: To be published at once.
        passed: For the community's brain, as its own kind of messages.
        dead: What cannot be used, as it came.
        readings: What is new.
        points: Of each of them.
        means: Of the stretches that closed.
        copies: How many had come before.
        partial: How many of a pack were left out, because a value was missing or impossible.
    """

    alerts: list[Message]
    passed: list[Message]
    dead: list[Message]
    readings: Readings
    points: NDArray[np.int64]
    means: list[Means]
    copies: int
    partial: int


class Concluded(Struct, frozen=True):
    """What followed from one record of the journal.

    Attributes:
        offset: Its place in the journal.
        received_at: When it was journalled, milliseconds UTC.
    """

    offset: int
    received_at: int
    answers: Answers


class Worker:
    """Does a job.

    Args:
        job: What to do.
        devices: Who wears what.
        resume: What an earlier worker remembered.
    """

    def __init__(self, job: Job, devices: Devices, resume: Memory | None = None) -> None:
        self._job, self._devices = job, devices
        count = len(devices.rows)
        self._decoder = Decoder(job.reading, devices.number)
        self._copies = copies.Copies(count, resume.copies if resume else None)
        self._packs = packs.Packs(job.reading, devices.number, resume.packs if resume else None)
        self._points = Points(job.score, devices)
        self._streaks = (
            streak.Streaks(job.alert, count, resume.streaks if resume else None)
            if job.alert
            else None
        )
        self._windows = (
            window.Windows(job.window, count, resume.windows if resume else None)
            if job.window
            else None
        )
        self._passing = (
            passing.Passing(job.community, devices, resume.passing if resume else None)
            if job.community
            else None
        )
        self._names = list(devices.number)

    def memory(self) -> Memory:
        """Return all that is remembered."""
        return Memory(
            self._copies.memory(),
            self._packs.memory(),
            self._streaks.memory() if self._streaks else None,
            self._windows.memory() if self._windows else None,
            self._passing.memory() if self._passing else None,
        )

    def answer(self, payloads: Sequence[bytes]) -> Answers:
        """Take in one lot."""
        taken = self._taken(payloads)
        readings = taken.readings
        points = self._points.of(readings)
        raised, watched = (
            self._streaks.take(readings.device, points)
            if self._streaks
            else ([], np.zeros(len(readings), dtype=bool))
        )
        return Answers(
            alerts=[self._alert(readings, points, place) for place in raised],
            passed=self._passing.take(readings, watched) if self._passing else [],
            dead=[(self._job.dead_topic, payloads[place]) for place in taken.dead],
            readings=readings,
            points=points,
            means=self._windows.add(readings) if self._windows else [],
            copies=taken.copies,
            partial=taken.partial,
        )

    def _taken(self, payloads: Sequence[bytes]) -> packs.Taken:
        if self._job.reading.form == "pack":
            return self._packs.take(payloads)
        came, dead = self._decoder.decode(payloads)
        fresh = self._copies.fresh(came)
        readings = came if fresh.all() else came.only(fresh)
        return packs.Taken(readings, dead, len(came) - len(readings), 0)

    def _alert(self, readings: Readings, points: NDArray[np.int64], place: int) -> Message:
        alert = self._job.alert
        assert alert is not None
        device, number = int(readings.device[place]), int(readings.number[place])
        row, name = self._devices.rows[device], self._names[device]
        said = {
            # Published again after a crash, it is the same alert, and says so.
            "id": derived(alert.rule, name, str(number)),
            "device": name,
            "seq": number,
            "at": int(readings.at[place]) // 1_000,
            "score": int(points[place]),
            "rule": alert.rule,
            "grid": self._devices.grid(device),
            **{key: row[column] for key, column in self._devices.settings.say.items()},
        }
        topic = alert.topic.format(grid=self._devices.grid(device))
        return topic, msgspec.json.encode(said)


def spoken(job: Job, devices: Devices, means: Means) -> list[Message]:
    """Return a closed stretch as messages, one for each device."""
    assert job.window is not None
    topic, names = job.window.topic, [*devices.number]
    return [
        (
            topic.format(grid=devices.grid(device)),
            msgspec.json.encode(
                {
                    "device": names[device],
                    "start": means.start // window.MICROSECONDS,
                    "n": count,
                    **dict(zip(means.values, row, strict=True)),
                }
            ),
        )
        for device, count, *row in zip(
            means.device.tolist(),
            means.count.tolist(),
            *(column.tolist() for column in means.values.values()),
            strict=True,
        )
    ]
