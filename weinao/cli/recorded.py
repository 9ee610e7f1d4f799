"""Recordings as a journal: what agents would have sent, and ingest would have kept.

One home a person. Their samples go through the perception of the edge; every few minutes of
recorded time the home's agent gives its word that nothing earlier is to come. There is no
community's clock: nobody is waited for, so nobody is late.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
from msgspec import Struct

from edge.perception.devices import DevicePerception
from edge.samples import Acceleration, HomeEvent, Sample, VitalsReading
from pipeline.journal import JournalWriter
from sim.cast import COMMUNITY, GRID, home, setting
from weinao import codec, topics
from weinao.messages import AnyObservation, Pack, Registered, Status
from weinao.registry import Record

START = 1_767_225_600_000
"""2026-01-01 00:00 UTC: where recordings begin that have no date, or dates far apart."""

BEAT_MS = 900_000
DAY_MS = 86_400_000
RECORDING_MS = 600_000
"""Recordings of one person without a date follow each other at this distance."""

BATCH = 2_000
CHUNK = 10

Told = Callable[[int], object]

Position = Literal["wrist", "waist"]


class NotRecordingsError(Exception):
    """A folder holds neither a journal nor recordings that we know; the message says what was."""


class Recorded(Struct, frozen=True):
    """One person, or one home: who they are on stage, and what their devices said, in order.

    Attributes:
        position: Where an accelerometer was worn.
    """

    name: str
    worn: tuple[str, ...]
    sensors: dict[str, str]
    position: Position
    samples: Callable[[], Iterator[Sample]]


class Scribe:
    """Writes packs as ingest would: numbered, in the order of time, committed in groups."""

    def __init__(self, journal: JournalWriter) -> None:
        self._journal = journal
        self._seqs: dict[str, int] = {}
        self._uncommitted = 0

    def say(self, device: str, said: AnyObservation, at: int) -> None:
        """Append a pack with one observation, as received at `at`."""
        seq = self._seqs[device] = self._seqs.get(device, 0) + 1
        if isinstance(said, Registered):
            kind = str(said.record.__struct_config__.tag)
            topic = topics.registry(COMMUNITY, GRID, kind, said.record.id)
        else:
            kind = str(said.__struct_config__.tag)
            topic = topics.up(COMMUNITY, GRID, kind, device)
        pack = Pack(v=1, device=device, boot="00000001-recorded", seq=seq, sent=at, obs=(said,))
        self._journal.append(
            topic,
            codec.encode(pack, codec.MSGPACK),
            received_at=at,
            content_type=codec.MSGPACK,
        )
        self._uncommitted += 1
        if self._uncommitted >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Commit what was appended."""
        self._journal.commit()
        self._uncommitted = 0


def write_journal(source: Path, folder: Path, told: Told) -> None:
    """Write what recorded people would have sent into a new journal.

    Args:
        source: A folder in the format of the falls, vitals or home data.
        folder: Of the journal; it must not hold one.
        told: Told how many people are done.

    Raises:
        NotRecordingsError: There is nothing in the folder that we know.
    """
    people = _people(source)
    journal = JournalWriter(folder)
    scribe = Scribe(journal)
    records: list[Record] = setting({GRID: 0})
    for one in people:
        records += home(one.name, GRID, worn=one.worn, sensors=one.sensors, heartbeat_s=86_400)
    # Long before anything they say: a record holds from where it stands in the journal.
    for record in records:
        scribe.say("registry-loader", Registered(at=0, record=record), 0)
    # One after the other; a home's clock is its own, and the journal's time never falls.
    for number, one in enumerate(people, 1):
        _write_person(scribe, one)
        told(number)
    scribe.flush()
    journal.close()


def _write_person(scribe: Scribe, one: Recorded) -> None:
    agent = f"agent-{one.name}"
    perception = DevicePerception(one.position, {})
    beat_at = 0
    last = 0
    for sample in one.samples():
        if sample.at - last > RECORDING_MS // 2:
            perception = DevicePerception(one.position, {})  # another recording begins
        while beat_at and beat_at + BEAT_MS <= sample.at:
            beat_at = sample.at if sample.at - beat_at > DAY_MS else beat_at + BEAT_MS
            scribe.say(agent, Status(at=beat_at, complete_to=beat_at), beat_at)
        beat_at = beat_at or sample.at
        last = sample.at
        for finding in perception.perceive(sample):
            if finding.observation is not None:
                scribe.say(finding.device, finding.observation, sample.at)
    if last:
        end = last + BEAT_MS
        scribe.say(agent, Status(at=end, complete_to=end), end)


def _people(source: Path) -> list[Recorded]:
    if (source / "recordings.csv").exists():
        return list(_fallers(source))
    if (source / "tihm_physiology.csv.gz").exists():
        return list(_measured(source))
    if any(source.glob("*_events.csv.gz")):
        return list(_homes(source))
    raise NotRecordingsError(
        f"{source}: expected a journal, recordings.csv, tihm_physiology.csv.gz or"
        " *_events.csv.gz, found none of them"
    )


def _fallers(source: Path) -> Iterator[Recorded]:
    from sim.importers.falls import FallRecording, read_falls

    by_person: dict[tuple[str, Position], list[FallRecording]] = {}
    for recording in read_falls(source):
        by_person.setdefault((recording.subject, recording.position), []).append(recording)
    for (subject, position), mine in sorted(by_person.items()):
        name = f"{subject.lower().replace('_', '-')}-{position}"
        device = f"band-{name}"

        def samples(mine: list[FallRecording] = mine, device: str = device) -> Iterator[Sample]:
            for number, one in enumerate(mine):
                begun = START + number * RECORDING_MS
                t_ms = np.maximum.accumulate(one.t_ms - one.t_ms[0])
                ends = [*range(0, len(t_ms), CHUNK), len(t_ms)]
                for a, b in pairwise(ends):
                    yield Acceleration(
                        device=device,
                        at=begun + int(t_ms[b - 1]),
                        t_ms=t_ms[a:b],
                        acc_ms2=one.acc_ms2[a:b],
                        gyro_rads=None if one.gyro_rads is None else one.gyro_rads[a:b],
                    )

        yield Recorded(name, (device,), {}, position, samples)


def _measured(source: Path) -> Iterator[Recorded]:
    from sim.importers.vitals import SpotReading, read_home_readings

    for number, readings in enumerate(read_home_readings(source).values(), 1):
        device = f"cuff-{number:03d}"

        def samples(
            readings: list[SpotReading] = readings, device: str = device
        ) -> Iterator[Sample]:
            for one in readings:
                yield VitalsReading(
                    device=device,
                    at=one.at,
                    sbp_mmhg=one.signs.get("sbp_mmhg"),
                    dbp_mmhg=one.signs.get("dbp_mmhg"),
                    hr_bpm=one.signs.get("hr_bpm"),
                    temp_c=one.signs.get("temp_c"),
                )

        yield Recorded(f"{number:03d}", (device,), {}, "wrist", samples)


def _homes(source: Path) -> Iterator[Recorded]:
    from sim.importers.homes import HomeLog, observation, read_homes

    for log in read_homes(source):
        name = log.home.lower().replace("_", "-")
        rooms = {
            _device(name, event.sensor): said.room
            for event in log.events
            if (said := observation(event)) is not None
        }

        def samples(log: HomeLog = log, name: str = name) -> Iterator[Sample]:
            # Homes were recorded in different years: by whole days, they all begin together.
            shift = (START // DAY_MS - log.events[0].at // DAY_MS) * DAY_MS
            for event in log.events:
                said = observation(event)
                if said is not None:
                    yield HomeEvent(
                        device=_device(name, event.sensor),
                        at=event.at + shift,
                        sensor=said.sensor,
                        value=said.value,
                        room=said.room,
                    )

        yield Recorded(name, (), rooms, "wrist", samples)


def _device(name: str, sensor: str) -> str:
    plain = "".join(c if c.isascii() and c.isalnum() else "-" for c in sensor)
    return f"{name}-{plain}"[:64]
