"""Replays: dated as the settings say, and taken up where they were left."""

import asyncio
from pathlib import Path

import pytest

from edge.drivers.base import PayloadError
from edge.drivers.replay import ReplayDriver
from edge.drivers.track import AccLine, AnyLine, Header, HomeLine, encode_track
from edge.samples import HomeEvent, Sample, SignalEnded
from edge.settings import ReplayDevice
from tests.edge.made import NOW
from weinao.messages import Sensor


class Wall:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> int:
        self.at += 1
        return self.at


def _track(folder: Path, lines: list[AnyLine], lasts: int) -> str:
    path = folder / "made.jsonl"
    path.write_bytes(b"".join(encode_track(Header(track=1, lasts_ms=lasts), lines)))
    return str(path)


def _home(*times: int) -> list[AnyLine]:
    return [HomeLine(t_ms=t, sensor=Sensor.PIR, value=1) for t in times]


def _until_silent(driver: ReplayDriver) -> list[Sample]:
    async def play() -> list[Sample]:
        found: list[Sample] = []
        async for sample in driver.samples():
            found.append(sample)
            if isinstance(sample, SignalEnded):
                break
        return found

    return asyncio.run(play())


def test_a_recording_that_ends_at_the_start_is_the_past(tmp_path: Path) -> None:
    track = _track(tmp_path, _home(0, 1_000, 60_000), lasts=100_000)
    settings = ReplayDevice(id="p", track=track, mode="ends_at_start", speed=0)
    driver = ReplayDriver(settings, None, Wall())

    samples = _until_silent(driver)

    homes = [sample for sample in samples if isinstance(sample, HomeEvent)]
    start = homes[0].at + 100_000
    assert 0 < start - NOW < 10
    assert [start - sample.at for sample in homes] == [100_000, 99_000, 40_000]


def test_while_it_drains_it_vouches_only_for_what_it_has_yielded(tmp_path: Path) -> None:
    track = _track(tmp_path, _home(0, 1_000), lasts=100_000)
    settings = ReplayDevice(id="p", track=track, mode="ends_at_start", speed=0)
    driver = ReplayDriver(settings, f"{NOW} -1 0", Wall())

    async def play() -> list[int]:
        samples = driver.samples()
        known = []
        for _ in range(3):
            await anext(samples)
            known.append(driver.known_to(NOW))
        return known

    assert asyncio.run(play()) == [NOW - 100_000, NOW - 99_000, NOW]


def test_a_recording_that_starts_at_the_start_keeps_its_times(tmp_path: Path) -> None:
    track = _track(tmp_path, _home(0, 50, 100), lasts=100)
    driver = ReplayDriver(ReplayDevice(id="p", track=track, speed=10), f"{NOW} -1 0", Wall())

    homes = [sample for sample in _until_silent(driver) if isinstance(sample, HomeEvent)]

    assert [sample.at - NOW for sample in homes] == [0, 5, 10]


def test_a_recording_of_a_story_plays_at_the_story_s_time(tmp_path: Path) -> None:
    track = _track(tmp_path, _home(0, 50, 100), lasts=100)
    settings = ReplayDevice(id="p", track=track, epoch_ms=NOW + 20)

    homes = [
        sample
        for sample in _until_silent(ReplayDriver(settings, None, Wall()))
        if isinstance(sample, HomeEvent)
    ]

    assert [sample.at - NOW for sample in homes] == [20, 70, 120]


@pytest.mark.parametrize("killed_after", range(6))
def test_it_goes_on_after_the_last_durable_sample(tmp_path: Path, killed_after: int) -> None:
    times = (0, 5, 5, 5, 900, 2_000)
    settings = ReplayDevice(
        id="p", track=_track(tmp_path, _home(*times), 2_000), mode="ends_at_start", speed=0
    )
    first = [s for s in _until_silent(ReplayDriver(settings, None, Wall())) if s.mark]
    durable = first[: killed_after + 1]
    assert durable[-1].mark

    later = _until_silent(ReplayDriver(settings, durable[-1].mark[1], Wall()))

    assert [*durable, *(s for s in later if s.mark)] == first


def test_of_an_accelerometer_a_little_is_heard_again(tmp_path: Path) -> None:
    lines: list[AnyLine] = [
        AccLine(t_ms=t, dt_ms=(t,), acc_ms2=(0, 0, 9.8)) for t in range(0, 60_000, 200)
    ]
    settings = ReplayDevice(
        id="w", track=_track(tmp_path, lines, 60_000), mode="ends_at_start", speed=0
    )

    again = _until_silent(ReplayDriver(settings, f"{NOW} 200 40000", Wall()))

    assert again[0].at == NOW - 60_000 + 30_200
    assert all(int(s.mark[1].split()[1]) > 200 for s in again if s.mark)


def test_a_track_that_is_no_track_is_a_payload_error(tmp_path: Path) -> None:
    driver = ReplayDriver(ReplayDevice(id="p", track=str(tmp_path / "no.jsonl")), None, Wall())

    with pytest.raises(PayloadError):
        _until_silent(driver)
