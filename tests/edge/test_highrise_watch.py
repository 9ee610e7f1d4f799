"""What is found in frames, and what is not; on small rendered scenes and drawn frames."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.lanes import Lane
from edge.perception.base import Finding
from edge.perception.highrise.evidence import Evidence, genuine
from edge.perception.highrise.facade import (
    CalibrationError,
    Facade,
    FloorLine,
    from_floor_lines,
    from_outline,
)
from edge.perception.highrise.perception import HighrisePerception
from edge.perception.highrise.picture import veiled
from edge.perception.highrise.settings import HighriseSettings, Line
from edge.perception.highrise.watch import Fall, HighriseWatch
from edge.perception.signing import hmac_signer
from weinao.messages import Highrise

SIZE = (480, 640)
PX_PER_M = 15.0
LINES = ((1, 630), (14, 630 - 13 * 45))
KEY = b"a device's secret of 32 bytes...."


def facade_drawn(*, metric: bool = True) -> Facade:
    """Return a facade of 14 floors, 45 px each, straight on."""
    if not metric:
        return from_outline([[60, 20], [420, 20], [420, 630], [60, 630]])
    lines = [FloorLine(floor, (60, v), (420, v)) for floor, v in LINES]
    return from_floor_lines(lines, width_m=24.0, floor_m=3.0, columns=6)


def wall() -> NDArray[np.uint8]:
    """Return a wall with windows."""
    frame = np.full((SIZE[1], SIZE[0], 3), 150, np.uint8)
    for v in range(30, 630, 45):
        for u in range(80, 400, 60):
            cv2.rectangle(frame, (u, v), (u + 30, v + 25), (70, 75, 80), -1)
    return frame


def shown(
    places: Iterable[tuple[float, float] | None],
    *,
    size_px: int = 4,
    tone: int = 30,
    mirror: float | None = None,
    light: Iterable[float] | None = None,
) -> Iterator[NDArray[np.uint8]]:
    """Yield frames with a square thing at places, and perhaps its reflection beside it."""
    rng = np.random.default_rng(5)
    still = wall()
    gains = iter(light) if light is not None else None
    for place in places:
        frame = still.astype(np.float32)
        if gains is not None:
            frame *= next(gains)
        if place is not None:
            spots = [place] + ([(place[0] + mirror, place[1] + 25)] if mirror else [])
            for spot in spots:
                u, v = round(spot[0]), round(spot[1])
                frame[max(v, 0) : max(v + size_px, 0), u : u + size_px] = tone
        frame += rng.normal(0, 1.5, frame.shape[:2])[..., None]
        yield np.clip(frame, 0, 255).astype(np.uint8)


def falling(
    from_v: float, *, pull: float = 9.6, at_s: float = 3.0, lasts_s: float = 6.0
) -> list[tuple[float, float] | None]:
    """Return where a thing dropped at a time is in each frame, at 25 fps."""
    places: list[tuple[float, float] | None] = []
    for index in range(int(lasts_s * 25)):
        time = index / 25 - at_s
        v = from_v + pull * time**2 / 2 * PX_PER_M
        places.append((200 + 10 * time, v) if time >= 0 and v < SIZE[1] else None)
    return places


def watched(frames: Iterable[NDArray[np.uint8]], facade: Facade | None = None) -> list[Fall]:
    watch = HighriseWatch(facade or facade_drawn(), SIZE)
    found: list[Fall] = []
    for index, frame in enumerate(frames):
        found += watch.observe(frame, 1_000 + index / 25)
    return found


@pytest.mark.slow
def test_a_thing_that_falls_is_found_once_with_its_floor_and_time() -> None:
    [fall] = watched(shown(falling(60)))

    assert fall.release_s == pytest.approx(1_003, abs=0.2)
    assert fall.decided_s - 1_003 < 1.6
    assert fall.floor == 13
    assert fall.column == 3
    assert fall.start_px == pytest.approx((201, 61), abs=12)


@pytest.mark.slow
@pytest.mark.parametrize("fps", [15.0, 50.0])
def test_a_large_thing_is_found_at_any_number_of_frames_a_second(fps: float) -> None:
    watch = HighriseWatch(facade_drawn(), SIZE)
    times = np.arange(int(5.5 * fps)) / fps
    places = [(200.0, 60 + 9.6 * (t - 3) ** 2 / 2 * PX_PER_M) if t >= 3 else None for t in times]

    found = [
        fall
        for t, frame in zip(times, shown(places, size_px=14), strict=True)
        for fall in watch.observe(frame, float(t))
    ]

    assert [fall.floor for fall in found] == [13]
    assert found[0].decided_s - 3 < 1.6


@pytest.mark.slow
def test_its_reflection_in_the_glazing_is_no_second_thing() -> None:
    assert len(watched(shown(falling(60), mirror=-30))) == 1


@pytest.mark.slow
def test_a_thing_is_found_where_nobody_drew_floor_lines() -> None:
    [fall] = watched(shown(falling(60)), facade_drawn(metric=False))

    assert fall.start_px == pytest.approx((201, 61), abs=30)


@pytest.mark.slow
def test_a_still_wall_raises_nothing() -> None:
    assert watched(shown([None] * 150)) == []


@pytest.mark.slow
def test_light_that_changes_at_a_stroke_raises_nothing() -> None:
    light = [1.0] * 70 + [1.2] * 40 + [0.8] * 40

    assert watched(shown([None] * 150, light=light)) == []


@pytest.mark.slow
def test_what_sinks_at_a_steady_pace_raises_nothing() -> None:
    sinking = [None] * 60 + [(200.0, 40 + i * 5.0) for i in range(90)]

    assert watched(shown(sinking)) == []


@pytest.mark.slow
def test_what_rises_raises_nothing() -> None:
    rising = falling(60)
    assert watched(shown([None] * 60 + [place for place in rising[::-1] if place])) == []


def test_nothing_is_believed_in_the_first_two_seconds() -> None:
    assert watched(shown(falling(60, at_s=0.2, lasts_s=2.2))) == []


@pytest.mark.slow
def test_a_frame_shown_twice_changes_nothing() -> None:
    frames = list(shown(falling(60)))
    once = [(1_000 + i / 25, frame) for i, frame in enumerate(frames)]
    watch = HighriseWatch(facade_drawn(), SIZE)
    found: list[Fall] = []
    for at_s, frame in once:
        found += watch.observe(frame, at_s)
        found += watch.observe(frame, at_s + 0.005)

    assert len(found) == 1


@pytest.mark.slow
def test_a_clock_that_goes_back_begins_anew() -> None:
    frames = list(shown(falling(60)))
    watch = HighriseWatch(facade_drawn(), SIZE)
    for index, frame in enumerate(frames[:100]):
        watch.observe(frame, 9_000 + index / 25)

    found = [fall for i, frame in enumerate(frames) for fall in watch.observe(frame, i / 25)]

    assert len(found) == 1
    assert found[0].release_s == pytest.approx(3, abs=0.2)


@pytest.mark.slow
def test_a_shield_hides_what_is_behind_it() -> None:
    lines = [FloorLine(floor, (60, v), (420, v)) for floor, v in LINES]
    hidden = from_floor_lines(
        lines, width_m=24.0, shields=[[[150, 0], [260, 0], [260, 640], [150, 640]]]
    )

    assert watched(shown(falling(60)), hidden) == []


def camera(folder: Path) -> HighrisePerception:
    settings = HighriseSettings(
        building="7",
        width_px=SIZE[0],
        height_px=SIZE[1],
        width_m=24.0,
        columns=6,
        lines=tuple(Line(floor, (60, v), (420, v)) for floor, v in LINES),
    )
    return HighrisePerception(settings, device="cam-1", key=KEY, folder=folder)


def told(seen: HighrisePerception) -> list[Finding]:
    """Return what a camera says of a fall, to the end of its signal."""
    found = [
        finding
        for index, frame in enumerate(shown(falling(60)))
        for finding in seen.perceive(frame, 1_000_000 + index * 40)
    ]
    return found + seen.finish()


@pytest.mark.slow
def test_a_fall_goes_out_as_an_alarm_and_again_with_a_film_that_was_signed(tmp_path: Path) -> None:
    alarm, again = told(camera(tmp_path))

    first, said = alarm.observation, again.observation
    assert isinstance(first, Highrise)
    assert isinstance(said, Highrise)
    assert (alarm.lane, again.lane) == (Lane.ALARM, Lane.STATUS)
    assert (first.part, said.part) == ("first", "last")
    assert (said.building, said.floor, said.column) == ("7", 13, "3")
    assert msgspec.convert(msgspec.to_builtins(said), Highrise) == said
    assert said.at == pytest.approx(1_003_000, abs=200)
    assert (first.at, first.building, first.floor) == (said.at, said.building, said.floor)
    assert first.t_fall_s < said.t_fall_s  # it was seen further down since
    name, sha256 = said.clip.split("#sha256=")
    assert first.clip == name
    film = (tmp_path / name).read_bytes()
    record = msgspec.json.decode((tmp_path / name).with_suffix(".json").read_bytes(), type=Evidence)
    assert record.sha256 == sha256
    assert genuine(record, film, hmac_signer(KEY))
    assert not genuine(record, film + b"x", hmac_signer(KEY))
    assert not genuine(record, film, hmac_signer(b"another device's"))
    moved = msgspec.structs.replace(record, release_ms=record.release_ms + 1)
    assert not genuine(moved, film, hmac_signer(KEY))


@pytest.mark.slow
def test_a_film_begins_before_the_fall_and_shows_its_track(tmp_path: Path) -> None:
    told(camera(tmp_path))

    [path] = tmp_path.glob("*.mp4")
    film = cv2.VideoCapture(str(path))
    frames = []
    while (shot := film.read())[0]:
        frames.append(np.asarray(shot[1]))
    yellow = [
        int(((frame[..., 2] > 180) & (frame[..., 1] > 150) & (frame[..., 0] < 110)).sum())
        for frame in frames
    ]
    before = [count < 5 for count in yellow].index(False)
    assert 60 <= before <= 85  # it is let go 3 s after the first frame
    assert max(yellow) > 100


def test_no_window_can_be_looked_into_in_the_film() -> None:
    frame = wall()
    frame[::2, ::2] = 255  # something with detail, everywhere
    clear = np.array([[200.0, 300.0]])

    hidden = veiled(frame, facade_drawn(), 1.0, clear)

    assert np.abs(np.diff(hidden[400:620, 100:400].astype(int), axis=0)).any(axis=2).mean() < 0.1
    assert np.array_equal(hidden[295:305, 195:205], frame[295:305, 195:205])
    assert np.array_equal(hidden[:, 430:], frame[:, 430:])


@pytest.mark.slow
def test_a_full_disk_costs_the_film_and_not_the_alarm(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, where the folder should be")
    seen = camera(tmp_path / "taken")

    [alarm] = told(seen)

    assert isinstance(alarm.observation, Highrise)
    assert alarm.lane is Lane.ALARM
    assert seen.unwritten == 1


@pytest.mark.slow
def test_a_picture_without_any_noise_shows_a_fall_as_well() -> None:
    def silent() -> Iterator[NDArray[np.uint8]]:
        for place in falling(60):
            frame = wall()
            if place is not None:
                u, v = round(place[0]), round(place[1])
                frame[v : v + 4, u : u + 4] = 30
            yield frame

    assert len(watched(silent())) == 1


@pytest.mark.slow
def test_a_larger_stream_is_looked_at_halved() -> None:
    lines = [FloorLine(floor, (480, v * 4), (3_360, v * 4)) for floor, v in LINES]
    facade = from_floor_lines(lines, width_m=192.0, floor_m=3.0)
    watch = HighriseWatch(facade, (SIZE[0] * 8, SIZE[1] * 4))
    found: list[Fall] = []
    frames = [frame[:, :, :1] for frame in shown(falling(60, at_s=2.5, lasts_s=4.6))]
    for index, frame in enumerate(frames):
        large = np.zeros((SIZE[1] * 4, SIZE[0] * 8, 3), np.uint8)
        large[:, : SIZE[0] * 4] = cv2.resize(frame, (SIZE[0] * 4, SIZE[1] * 4))[..., None]
        found += watch.observe(large, index / 25)

    assert [fall.floor for fall in found] == [13]


def test_an_outline_outside_the_frame_is_refused() -> None:
    with pytest.raises(CalibrationError, match="outside"):
        HighriseWatch(from_outline([[900, 900], [990, 900], [990, 990]]), SIZE)
