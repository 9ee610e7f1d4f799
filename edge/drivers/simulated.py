"""A device of a simulated home, in real time: routine that the seed decides, and the script.

    routine beats --+
    happenings -----+-> in order of time -> wait until then -> sample
    signal ---------+

What happens is in `Story`; this says how one kind of device tells of it.
"""

import heapq
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from itertools import count, takewhile, tee

import msgspec
from msgspec.structs import replace

from edge.clock import sleep_until
from edge.drivers.story import ALARM_KINDS, RAMP_MS, Event, Story
from edge.drivers.truth import MARK_PREFIX, Told, TruthFile
from edge.outbox import Placed
from edge.samples import HomeEvent, Nothing, RrIntervals, Sample, VitalsReading
from edge.settings import SimulatedDevice
from weinao.messages import Sensor

EVERY_S = {"wrist": 10.0, "waist": 10.0, "pir": 20.0, "door": 900.0, "bed": 600.0}
EVERY_S_OTHERWISE = 60.0
RR_MS = 30_000
"""Length of one piece of RR intervals."""
_OFF_AFTER_MS = 3_000
_WEARABLES = ("wrist", "waist")
_AMBIENT = {"temperature": (21.5, 0.3), "humidity": (48.0, 2.0)}
"""What is usual indoors, and how much it varies: °C, % relative humidity."""
_HEALTHY = {
    "hr_bpm": (66.0, 80.0), "resp_per_min": (14.0, 17.0), "spo2_pct": (96.0, 98.0),
    "temp_c": (36.4, 37.0), "sbp_mmhg": (118.0, 132.0), "dbp_mmhg": (70.0, 82.0),
}  # fmt: skip
_ILL = {
    "hr_bpm": 134.0, "resp_per_min": 28.0, "spo2_pct": 88.0,
    "temp_c": 39.4, "sbp_mmhg": 87.0, "dbp_mmhg": 52.0,
}  # fmt: skip
"""Each beyond its outermost band.

References:
    Royal College of Physicians, National Early Warning Score (NEWS) 2, 2017, chart 1.
"""


class SimulatedDriver:
    """Tells what one device senses of a story.

    Args:
        device: What it is.
        story: What there is to sense.
        chunk_ms: Length of one piece of the accelerometer's signal.
        truth: Where it is noted what was sensed.
        now: Milliseconds UTC, never falling.
        pace: Its seconds in one of the wall's.
    """

    def __init__(
        self,
        device: SimulatedDevice,
        story: Story,
        *,
        chunk_ms: int,
        truth: TruthFile,
        now: Callable[[], int],
        pace: float = 1.0,
    ) -> None:
        self._device, self._story, self._chunk_ms = device, story, chunk_ms
        self._truth, self._now, self._pace = truth, now, pace
        self._next_at: int | None = None

    async def samples(self) -> AsyncIterator[Sample]:
        """Yield what the device says from now on, as the time comes."""
        for sample in beats(self._device, self._story, self._now(), self._chunk_ms):
            self._next_at = sample.at
            await sleep_until(sample.at, self._now, self._pace)
            yield sample

    def known_to(self, now: int) -> int:
        return now if self._next_at is None else min(now, self._next_at)

    def kept(self, mark: tuple[str, str], placed: Placed) -> None:
        self._truth.tell(mark[1], placed)


def beats(device: SimulatedDevice, story: Story, from_ms: int, chunk_ms: int) -> Iterator[Sample]:
    """Yield all that a device will ever say from a time on, in order of time."""
    deaths = sorted(story.of(device.id, "sensor_dies"), key=lambda event: event.at)
    for death in deaths:
        if death.at >= from_ms:
            alive = _alive(device, story, from_ms, chunk_ms)
            yield from _before(death.at, alive)
            yield _marked(Nothing(device=device.id, at=death.at), death, device)
        from_ms = max(from_ms, death.until)
    yield from _alive(device, story, from_ms, chunk_ms)


def _before(at: int, samples: Iterator[Sample]) -> Iterator[Sample]:
    return takewhile(lambda sample: sample.at < at, samples)


def _alive(device: SimulatedDevice, story: Story, from_ms: int, chunk_ms: int) -> Iterator[Sample]:
    streams = [_routine(device, story, from_ms), _sensed(device, story, from_ms)]
    if device.kind in _WEARABLES:
        streams += [
            _vitals(device, story, from_ms),
            _rr(device, story, from_ms),
            _signal(device, story, from_ms, chunk_ms),
        ]
    return heapq.merge(*streams, key=lambda sample: sample.at)


def _slots(device: SimulatedDevice, story: Story, from_ms: int) -> Iterator[int]:
    """Yield the times of routine, one in each slot of `every_s`, from a time on."""
    every_s = device.every_s or EVERY_S.get(device.kind, EVERY_S_OTHERWISE)
    slot_ms = max(round(every_s * 1_000), 100)
    for slot in count(from_ms // slot_ms):
        at = round((slot + 0.9 * story.dice(device.id, slot).random()) * slot_ms)
        if at >= from_ms:
            yield at


def _routine(device: SimulatedDevice, story: Story, from_ms: int) -> Iterator[Sample]:
    if device.kind in _WEARABLES or device.kind in ALARM_KINDS:
        return iter(())
    if device.kind in _AMBIENT:
        usual, spread = _AMBIENT[device.kind]
        return (
            _home(device, at, round(story.dice(device.id, at).gauss(usual, spread), 1))
            for at in _slots(device, story, from_ms)
        )
    on, off = tee(at for at in _slots(device, story, from_ms) if _stirs(device, story, at))
    return heapq.merge(
        (_home(device, at, 1) for at in on),
        (_home(device, at + _OFF_AFTER_MS, 0) for at in off),
        key=lambda sample: sample.at,
    )


def _stirs(device: SimulatedDevice, story: Story, at: int) -> bool:
    here = device.kind != "pir" or device.room in ("", story.room_at(at))
    return here and story.moves_about(at)


def _sensed(device: SimulatedDevice, story: Story, from_ms: int) -> Iterator[Sample]:
    """Yield what the script makes the device say; a fall and an illness show in its signals."""
    told = [*_alarms(device, story), *_comings_and_goings(device, story)]
    told += [
        _marked(Nothing(device=device.id, at=event.at), event, device)
        for event in story.of(device.id, "stops_moving")
    ]
    for sample in sorted(told, key=lambda one: one.at):
        if sample.at >= from_ms:
            yield sample


def _alarms(device: SimulatedDevice, story: Story) -> Iterator[Sample]:
    for event in story.of(device.id, *ALARM_KINDS):
        if not event.told:
            yield _marked(_home(device, event.at, 1), event, device)
        yield _home(device, event.until, 0)


def _comings_and_goings(device: SimulatedDevice, story: Story) -> Iterator[Sample]:
    for event in story.of(device.id, "leaves_home"):
        if device.kind != "door":
            yield _marked(Nothing(device=device.id, at=event.at), event, device)
            continue
        if not event.told:
            yield _marked(_home(device, event.at, 1), event, device)
        for at, value in (
            (event.at + _OFF_AFTER_MS, 0),
            (event.until, 1),
            (event.until + _OFF_AFTER_MS, 0),
        ):
            yield _home(device, at, value)


def _vitals(device: SimulatedDevice, story: Story, from_ms: int) -> Iterator[Sample]:
    for at in _slots(device, story, from_ms):
        read = partial(_reading, story, device.id, at=at)
        sample = VitalsReading(
            device=device.id,
            at=at,
            hr_bpm=read("hr_bpm"),
            resp_per_min=read("resp_per_min"),
            spo2_pct=read("spo2_pct"),
            temp_c=read("temp_c"),
            sbp_mmhg=read("sbp_mmhg"),
            dbp_mmhg=read("dbp_mmhg"),
            worn=True,
            moving=False,
            battery_pct=float(90 - at // 3_600_000 % 24),
        )
        yield _marked_if_ill(sample, story, device, at)


def _reading(story: Story, device: str, name: str, *, at: int) -> float:
    illness = story.illness(at)
    low, high = _HEALTHY[name]
    usual = story.dice(device, name).uniform(low, high)
    noise = story.dice(device, name, at).gauss(0.0, (high - low) * 0.05)
    return round(usual + illness * (_ILL[name] - usual) + noise, 1)


def _marked_if_ill(
    sample: VitalsReading, story: Story, device: SimulatedDevice, at: int
) -> VitalsReading:
    """Mark every reading that shows a deterioration in full; the first durable one counts."""
    for event in story.of(device.id, "deterioration"):
        if event.shows(at) and at >= event.at + RAMP_MS:
            marked = _marked(sample, event, device)
            assert isinstance(marked, VitalsReading)
            return marked
    return sample


def _rr(device: SimulatedDevice, story: Story, from_ms: int) -> Iterator[Sample]:
    """Yield pieces of `RR_MS` that follow each other without a hole."""
    for piece in count(from_ms // RR_MS + 1):
        at = piece * RR_MS
        dice = story.dice(device.id, "rr", piece)
        hr_bpm = _reading(story, device.id, "hr_bpm", at=at)
        beats_in_it = max(round(hr_bpm * RR_MS / 60_000), 1)
        raw = [1 + dice.gauss(0.0, 0.025) for _ in range(beats_in_it)]
        scale = RR_MS / sum(raw)
        yield RrIntervals(device=device.id, at=at, rr_ms=tuple(round(x * scale, 1) for x in raw))


def _signal(device: SimulatedDevice, story: Story, from_ms: int, chunk_ms: int) -> Iterator[Sample]:
    from edge.drivers.movement import STEP_MS, signal  # noqa: PLC0415  # numpy only where worn
    from edge.samples import Acceleration  # noqa: PLC0415

    points = max(chunk_ms // STEP_MS, 1)
    for piece in count(from_ms // (points * STEP_MS) + 1):
        t_ms, acc = signal(story, device.id, piece * points * STEP_MS, points)
        sample = Acceleration(device=device.id, at=int(t_ms[-1]), t_ms=t_ms, acc_ms2=acc)
        hits = [
            event
            for event in story.of(device.id, "fall")
            if not event.told and t_ms[0] <= event.at < t_ms[-1] + STEP_MS
        ]
        yield _marked(sample, hits[0], device) if hits else sample


def _home(device: SimulatedDevice, at: int, value: float) -> HomeEvent:
    return HomeEvent(
        device=device.id, at=at, sensor=Sensor(device.kind), value=value, room=device.room
    )


def _marked(sample: Sample, event: Event, device: SimulatedDevice) -> Sample:
    told = Told(id=event.id, at=event.at, kind=event.kind, device=device.id, subject=device.subject)
    mark = (MARK_PREFIX + event.id, msgspec.json.encode(told).decode())
    return replace(sample, mark=mark)
