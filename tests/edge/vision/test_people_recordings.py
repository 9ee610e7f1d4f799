"""What the look at people makes of recorded films: falls found, none invented, people counted."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.perception.people.perception import PeoplePerception
from edge.perception.people.settings import PeopleSettings
from edge.samples import Frame
from models.vision.base import Picture
from weinao.cli.evaluate.people import frames, looker, score_clip, score_frames
from weinao.messages import Crowd, Motion

pytestmark = pytest.mark.slow

FPS = 10
COUNTED = {
    10: 0, 68: 1, 126: 1, 184: 1, 242: 1, 300: 1, 358: 1, 416: 1, 474: 0, 532: 1, 590: 1, 648: 1,
    706: 0, 764: 1, 822: 1, 880: 0, 938: 1, 996: 1, 1054: 1, 1112: 1, 1170: 1, 1228: 0, 1286: 1,
    1344: 1,
}  # fmt: skip
"""People in frames of one-by-one-person-detection.mp4, counted by eye."""


@pytest.fixture
def films(recordings: Path) -> Path:
    folder = recordings / "video"
    if not (folder / "one-by-one-person-detection.mp4").exists():
        pytest.skip("no recordings: video/")
    return folder


@pytest.fixture(scope="module")
def fresh(weights: Path) -> Callable[[], PeoplePerception]:
    return looker(weights)


def test_five_of_six_falls_are_found_once_each(films: Path, fresh) -> None:
    scores = [score_clip(path, fresh()) for path in sorted(films.glob("*fall*.mp4"))]

    assert len(scores) == 6
    assert sum(bool(one.told) for one in scores) >= 5
    assert max(len(one.told) for one in scores) == 1


@pytest.mark.parametrize("name", ["tree.avi", "bikes.mp4"])
def test_nobody_falls_where_nobody_does(films: Path, fresh, name: str) -> None:
    assert score_clip(films / name, fresh()).told == ()


def test_people_are_counted_as_by_eye_and_nobody_falls(films: Path, fresh) -> None:
    watch = fresh()
    watch = PeoplePerception(PeopleSettings(report_s=1), detector=watch._detector, pose=watch._pose)
    told: list[tuple[int, int]] = []
    for number, (at_s, picture) in enumerate(frames(films / "one-by-one-person-detection.mp4")):
        sample = Frame(device="clip", at=round(at_s * 1_000), number=number, picture=picture)
        for found in watch.perceive(sample):
            assert not isinstance(found.observation, Motion)
            assert isinstance(found.observation, Crowd)
            told.append((round(at_s * FPS), found.observation.people))

    off = [
        abs([people for frame, people in told if frame <= counted][-1] - people)
        for counted, people in COUNTED.items()
    ]
    assert max(off) <= 1
    assert np.mean(off) <= 0.2


def mirrored(picture: Picture) -> Picture:
    return np.ascontiguousarray(picture[:, ::-1])


def darker(picture: Picture) -> Picture:
    return np.asarray(picture * 0.4, np.uint8)


def cropped(picture: Picture) -> Picture:
    high, wide = picture.shape[:2]
    return np.ascontiguousarray(picture[int(0.06 * high) :, int(0.08 * wide) :])


def grey(picture: Picture) -> Picture:
    one = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.cvtColor(one, cv2.COLOR_GRAY2BGR), np.uint8)


def half_as_large(picture: Picture) -> Picture:
    shrunk = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return np.asarray(shrunk, np.uint8)


@pytest.mark.parametrize("changed", [mirrored, darker, cropped, grey, half_as_large])
def test_falls_are_found_in_the_same_films_changed(
    films: Path, fresh, changed: Callable[[Picture], Picture]
) -> None:
    found = 0
    for name in ("02", "04", "16"):  # the shortest but one
        watch, falls = fresh(), 0
        for number, (at_s, picture) in enumerate(frames(films / f"urfd-fall-{name}-cam0.mp4")):
            at = round(at_s * 1_000)
            sample = Frame(device="clip", at=at, number=number, picture=changed(picture))
            falls += sum(isinstance(one.observation, Motion) for one in watch.perceive(sample))
        assert falls <= 1
        found += falls

    assert found >= 2


def test_who_gets_up_did_not_fall(films: Path, fresh) -> None:
    for name in ("02", "04", "16"):
        shown = list(frames(films / f"urfd-fall-{name}-cam0.mp4"))
        pictures = [picture for _, picture in reversed(shown)]
        backwards = zip((at_s for at_s, _ in shown), pictures, strict=True)

        assert score_frames(name, backwards, fresh()).told == ()


def test_who_falls_a_second_after_a_film_begins_is_found(films: Path, fresh) -> None:
    shown = [one for one in frames(films / "urfd-fall-02-cam0.mp4") if one[0] >= 1.5]

    assert len(score_frames("02", iter(shown), fresh()).told) == 1
