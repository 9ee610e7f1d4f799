"""A camera driver on real files: whatever they hold, it says so and goes on."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Self

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.drivers.base import DeviceUnavailableError, DriverError, PayloadError
from edge.drivers.camera.driver import CameraDriver
from edge.drivers.camera.grab import Latest, Taken
from edge.drivers.camera.preroll import PreRoll
from edge.drivers.camera.rate import WINDOW_MS, RateState, observe
from edge.drivers.camera.source import OpenCvSource, Source, _public
from edge.samples import CameraTrouble, Frame, Sample, SignalEnded, is_word_of_the_device
from edge.settings import CameraDevice
from models.vision.base import Picture
from tests.edge.vision.made import FPS, SIZE, empty, write_video
from weinao.clock import now_ms

Stop = Callable[[list[Sample]], bool]


class Stalls:
    """Notes how much longer than asked for a thread slept meanwhile: no fault of any driver."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.is_set():
            began = time.monotonic()
            time.sleep(0.02)
            self.seconds += time.monotonic() - began - 0.02


def settings(source: Path | str, **more: object) -> CameraDevice:
    return CameraDevice(id="cam-1", source=str(source), role="gate", **more)  # type: ignore[arg-type]


def play(
    source: Path | str,
    stop: Stop,
    *,
    within_s: float = 120,
    slow_s: float = 0,
    open_source: Callable[[str], Source] = OpenCvSource,
    speed: float = 1.0,
    steady_s: float = 0.0,
    **more: object,
) -> list[Sample]:
    """Return what a driver yields until `stop` says it is enough."""

    async def collect() -> list[Sample]:
        driver = CameraDriver(
            settings(source, **more),
            now_ms,
            Random(1),
            open_source=open_source,
            retry_s=0.05,
            speed=speed,
            steady_s=steady_s,
        )
        heard: list[Sample] = []
        async with asyncio.timeout(within_s):
            async for sample in driver.samples():
                heard.append(sample)
                if stop(heard):
                    break
                await asyncio.sleep(slow_s)
        return heard

    return asyncio.run(collect())


def ended(heard: list[Sample]) -> bool:
    return isinstance(heard[-1], SignalEnded)


def troubled(heard: list[Sample]) -> bool:
    return isinstance(heard[-1], CameraTrouble)


def frames(heard: list[Sample]) -> list[Frame]:
    return [one for one in heard if isinstance(one, Frame)]


@pytest.mark.parametrize("name", ["gate.avi", "gate.mp4"])
def test_a_file_plays_at_its_own_speed_and_ends(tmp_path: Path, name: str) -> None:
    video = write_video(tmp_path / name, empty(20))

    with Stalls() as stalls:
        heard = play(video, ended, fps_max=FPS)

    seen = frames(heard)
    assert len(seen) >= 15 - stalls.seconds * FPS
    assert [one.number for one in seen] == sorted({one.number for one in seen})
    assert seen[0].picture.shape == (SIZE[1], SIZE[0], 3)
    lasted_s = (seen[-1].at - seen[0].at) / 1_000
    assert lasted_s == pytest.approx(20 / FPS, abs=0.8 + stalls.seconds)
    assert not any(isinstance(one, CameraTrouble) for one in heard)


def test_no_more_frames_are_looked_at_than_wanted(tmp_path: Path) -> None:
    video = write_video(tmp_path / "gate.avi", empty(40), fps=20)

    with Stalls() as stalls:
        seen = frames(play(video, ended, fps_max=5))

    assert 8 - stalls.seconds * 5 <= len(seen) <= 12


def test_who_looks_slowly_misses_frames_and_does_not_lag(tmp_path: Path) -> None:
    video = write_video(tmp_path / "gate.avi", empty(40), fps=20)

    began = now_ms()
    with Stalls() as stalls:
        heard = play(video, ended, slow_s=0.3, fps_max=20)

    seen = frames(heard)
    assert len(seen) <= 10
    assert now_ms() - began < 5_000 + stalls.seconds * 1_000
    gaps = [after.number - before.number for before, after in pairwise(seen)]
    assert max(gaps) > 1


def test_a_large_picture_is_made_smaller(tmp_path: Path) -> None:
    big = [np.full((2_160, 3_840, 3), 90 + tick, np.uint8) for tick in range(3)]
    video = write_video(tmp_path / "4k.avi", big)

    seen = frames(play(video, ended, speed=0.2, width_max=1_280))

    assert seen[0].picture.shape == (720, 1_280, 3)


def test_one_frame_a_second_is_a_camera_too(tmp_path: Path) -> None:
    video = write_video(tmp_path / "slow.avi", empty(4), fps=1)

    heard = play(video, ended, speed=2)

    assert len(frames(heard)) >= 3
    assert not any(isinstance(one, CameraTrouble) for one in heard)


def spoil(tmp_path: Path, how: str) -> Path:
    path = tmp_path / "camera.mp4"
    if how == "missing":
        return path
    if how == "zero bytes":
        path.write_bytes(b"")
    elif how == "noise":
        path.write_bytes(np.random.default_rng(1).bytes(100_000))
    elif how == "text":
        path.write_text("no video at all\n" * 1_000)
    elif how == "a folder":
        path.mkdir()
    elif how == "cut in its header":
        content = write_video(tmp_path / "whole.mp4", empty(20)).read_bytes()
        path.write_bytes(content[: len(content) // 2])
    elif how == "wrong codec":
        content = write_video(tmp_path / "whole.avi", empty(20)).read_bytes()
        path.write_bytes(content.replace(b"MJPG", b"XXXX"))
    return path


@pytest.mark.parametrize(
    "how",
    ["missing", "zero bytes", "noise", "text", "a folder", "cut in its header", "wrong codec"],
)
def test_what_is_no_video_is_said_and_tried_again(tmp_path: Path, how: str) -> None:
    path = spoil(tmp_path, how)
    heard = play(path, troubled)

    assert isinstance(heard[-1], CameraTrouble)
    assert heard[-1].trouble in ("no_signal", "unreadable")
    assert heard[-1].began
    assert heard[-1].detail
    assert frames(heard) == []

    async def mend_and_look() -> list[Sample]:
        driver = CameraDriver(settings(path), now_ms, Random(1), retry_s=0.05, steady_s=0)
        again: list[Sample] = []
        async with asyncio.timeout(120):
            async for sample in driver.samples():
                again.append(sample)
                if isinstance(sample, CameraTrouble) and sample.began:
                    if path.is_dir():
                        path.rmdir()
                    made = write_video(tmp_path / "mended.mp4", empty(10))
                    made.replace(path)
                if isinstance(sample, Frame):
                    break
        return again

    again = asyncio.run(mend_and_look())
    said = [(one.trouble, one.began) for one in again if isinstance(one, CameraTrouble)]
    assert said == [(heard[-1].trouble, True), (heard[-1].trouble, False)]


def test_a_file_that_was_cut_off_is_played_and_then_said(tmp_path: Path) -> None:
    content = write_video(tmp_path / "whole.avi", empty(40)).read_bytes()
    cut = tmp_path / "cut.avi"
    cut.write_bytes(content[: len(content) // 2])

    heard = play(cut, troubled, speed=4)

    assert len(frames(heard)) >= 5
    assert isinstance(heard[-1], CameraTrouble)
    assert heard[-1].trouble == "unreadable"


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("film") / "whole.avi", empty(20))


@given(st.integers(0, 10**6), st.integers(0, 40), st.lists(st.booleans(), min_size=1))
def test_however_damaged_a_film_ends_once_whichever_frames_are_passed_over(
    film: Path, seed: int, holes: int, wanted: list[bool]
) -> None:
    rng, spoilt = np.random.default_rng(seed), bytearray(film.read_bytes())
    for place in rng.integers(8_000, len(spoilt) - 2_000, holes):
        spoilt[place : place + 1_500] = rng.bytes(1_500)
    (film.parent / "spoilt.avi").write_bytes(spoilt)
    source, count = OpenCvSource(str(film.parent / "spoilt.avi")), 0

    with suppress(PayloadError):
        while source.read() is not None if wanted[count % len(wanted)] else source.skip():
            count += 1

    assert count <= 20
    assert not source.skip()
    with suppress(PayloadError):
        assert source.read() is None
    source.close()


def test_a_film_goes_on_behind_a_hole_and_says_at_its_end_that_it_has_one(film: Path) -> None:
    content = bytearray(film.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 20_000] = np.random.default_rng(2).bytes(20_000)
    (film.parent / "hole.avi").write_bytes(content)

    source, count, said = OpenCvSource(str(film.parent / "hole.avi")), 0, ""
    try:
        while source.read() is not None:
            count += 1
    except PayloadError as error:
        said = str(error)

    assert count > 15
    assert "damaged in" in said


def test_a_film_on_a_disk_in_memory_is_a_file() -> None:
    with TemporaryDirectory(dir="/dev/shm") as folder:
        heard = play(write_video(Path(folder) / "gate.avi", empty(4)), ended)

    assert frames(heard)


class Vanishing:
    """A stream that gives some frames and is then away, as often as it is opened."""

    opened = 0

    def __init__(self, where: str) -> None:
        Vanishing.opened += 1
        if Vanishing.opened % 3 == 0:
            raise DeviceUnavailableError(f"{where}: refused")
        self._frames = empty(4)
        self.period_s = 0.0

    def skip(self) -> bool:
        return False

    def read(self) -> Picture:
        time.sleep(0.01)
        for frame in self._frames:
            return frame
        raise DeviceUnavailableError("the stream ended")

    def close(self) -> None:
        pass


def test_a_stream_that_vanishes_is_said_once_each_time_and_comes_back() -> None:
    def enough(heard: list[Sample]) -> bool:
        return sum(isinstance(one, CameraTrouble) and not one.began for one in heard) == 3

    heard = play("rtsp://camera", enough, open_source=Vanishing, fps_max=200)

    said = [one.began for one in heard if isinstance(one, CameraTrouble)]
    assert said == [True, False] * 3
    assert len(frames(heard)) >= 3


def test_a_stream_that_breaks_again_and_again_is_said_once_and_not_heard_meanwhile() -> None:
    Vanishing.opened = 0

    heard = play(
        "rtsp://camera",
        lambda heard: len(frames(heard)) >= 12,
        open_source=Vanishing,
        fps_max=200,
        steady_s=5.0,
    )

    assert [one.began for one in heard if isinstance(one, CameraTrouble)] == [True]
    first = next(n for n, one in enumerate(heard) if isinstance(one, CameraTrouble))
    assert {one.unsteady for one in frames(heard[:first])} == {False}
    assert {one.unsteady for one in frames(heard[first:])} == {True}
    assert not any(is_word_of_the_device(one) for one in heard[first:])


@given(
    st.lists(st.tuples(st.integers(1, 30), st.integers(1, 4_000)), min_size=1, max_size=60),
    st.floats(0.5, 20),
)
def test_a_camera_is_slow_exactly_where_a_window_held_too_few_frames(
    steps: list[tuple[int, int]], fps_min: float
) -> None:
    state, number, at = RateState(), 0, 1_000
    began = number, at
    for frames_more, ms in ((0, 0), *steps):
        number, at = number + frames_more, at + ms
        state = observe(state, number, at, fps_min)
        if at - began[1] >= WINDOW_MS:
            fps = (number - began[0]) * 1_000 / (at - began[1])
            assert state.slow == (fps < fps_min)
            began = number, at


class Exploding(Vanishing):
    """A stream whose pictures do not fit into memory."""

    def read(self) -> Picture:
        raise MemoryError("no room for such a picture")


def test_a_source_that_breaks_is_a_trouble_and_no_end() -> None:
    Vanishing.opened = 0

    heard = play("rtsp://camera", troubled, open_source=Exploding)

    assert isinstance(heard[-1], CameraTrouble)
    assert "no room" in heard[-1].detail


def test_a_stream_that_nobody_serves_is_no_signal() -> None:
    heard = play("rtsp://127.0.0.1:9/none", troubled)

    assert isinstance(heard[-1], CameraTrouble)
    assert heard[-1].trouble == "no_signal"


def test_a_password_comes_from_its_file_and_stands_in_no_message(tmp_path: Path) -> None:
    secret = tmp_path / "camera.password"
    secret.write_text("hunter2\n")
    asked: list[str] = []

    def refuse(where: str) -> Source:
        asked.append(where)
        raise DeviceUnavailableError(f"{_public(where)}: refused")

    heard = play(
        "rtsp://agent:{password}@camera/main",
        troubled,
        open_source=refuse,
        password_file=str(secret),
    )

    assert asked[0] == "rtsp://agent:hunter2@camera/main"
    assert isinstance(heard[-1], CameraTrouble)
    assert heard[-1].detail == "rtsp://camera/main: refused"


def test_a_file_may_begin_again_at_its_end(tmp_path: Path) -> None:
    video = write_video(tmp_path / "gate.avi", empty(5))

    heard = play(video, lambda heard: len(frames(heard)) >= 12, repeat=True, fps_max=FPS)

    assert [one.number for one in frames(heard)].count(0) >= 2


def test_only_the_newest_frame_waits() -> None:
    async def look() -> None:
        latest = Latest()
        for number in range(5):
            latest.put(Taken(number, number, np.zeros((1, 1, 3), np.uint8)))
        latest.fail(PayloadError("over"))

        assert (await latest.take()).number == 4
        assert latest.dropped == 4
        with pytest.raises(DriverError, match="over"):
            await latest.take()

    asyncio.run(look())


def test_before_an_event_there_are_its_last_seconds() -> None:
    ring = PreRoll(keep_ms=2_000, bytes_max=10**8)
    pictures = list(empty(40))
    for tick, picture in enumerate(pictures):
        ring.add(tick * 100, picture)

    kept = ring.between(0, 10_000)

    assert [at for at, _ in kept] == list(range(1_900, 4_000, 100))
    assert [at for at, _ in ring.between(3_000, 3_250)] == [3_000, 3_100, 3_200]
    assert np.abs(kept[-1][1].astype(int) - pictures[-1].astype(int)).mean() < 6


def test_the_ring_stays_within_its_bytes() -> None:
    ring = PreRoll(keep_ms=10**9, bytes_max=200_000)

    def sizes() -> Iterator[int]:
        for tick, picture in enumerate(empty(30)):
            ring.add(tick, picture)
            yield ring.bytes

    assert max(sizes()) <= 200_000
    assert len(ring.between(0, 99)) >= 2
    ring.clear()
    assert ring.between(0, 99) == []
