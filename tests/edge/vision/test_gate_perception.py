"""What the gate says of people who pass: once each, by three frames, and rightly."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from numpy.typing import NDArray

from edge.drivers.base import DriverError
from edge.lanes import Lane
from edge.perception.base import Finding
from edge.perception.gate.enrolling import EnrolError, template_of
from edge.perception.gate.gallery import (
    FILE,
    KEY,
    Entry,
    Gallery,
    GalleryError,
    GalleryFile,
    packed,
    read_gallery,
    write_gallery,
)
from edge.perception.gate.gate import EMBED_MAX, GatePerception
from edge.perception.gate.looks import FIND_MS
from edge.perception.gate.passing import AGAIN_MS, VOTE_GAP_MS
from edge.perception.gate.seal import make_key
from edge.perception.gate.tracks import CONFIRMED, LOST_MS
from edge.perception.looking import Looking, looking
from edge.samples import Frame, SignalEnded
from edge.settings import CameraDevice, GateSettings
from models.vision.base import Detections, Floats, Picture
from models.vision.centerface import CenterFace
from models.vision.faces import REFERENCE, embedder_in_folder
from models.vision.liveness import Liveness
from tests.edge.vision.made import empty, walking
from weinao.messages import Gate, Match

NOW = 1_800_000_000_000
STEP_MS = FIND_MS
FAST_MS = 40
COLOURS = [(200, 40, 40), (40, 200, 40), (40, 40, 200), (180, 180, 30)]
CHECKS = (np.indices((96, 96)).sum(axis=0) // 8 % 2 * 40).astype(np.uint8)[..., None]


class Squares:
    """Finds and tells apart coloured squares: a detector and an embedder of simple people."""

    name, match_at = "squares", 0.9

    def detect(self, picture: Picture) -> Detections:
        boxes, points = [], []
        for colour in COLOURS:
            away = np.abs(picture.astype(np.int16) - np.array(colour, np.int16)).sum(axis=2)
            ys, xs = np.nonzero(away <= 125)
            if len(ys) < 200:
                continue
            left, right = xs.min(), xs.max() + 1
            top, bottom = ys.min(), ys.max() + 1
            boxes.append([left, top, right, bottom])
            points.append(REFERENCE / 112 * [right - left, bottom - top] + [left, top])
        return Detections(
            boxes=np.array(boxes, np.float32).reshape(-1, 4),
            scores=np.full(len(boxes), 0.9, np.float32),
            points=np.array(points, np.float32).reshape(-1, 5, 2),
            kinds=np.zeros(len(boxes), np.int64),
        )

    def embed(self, crops: NDArray[np.uint8]) -> Floats:
        means = crops.astype(np.float32).mean(axis=(1, 2))
        away = np.linalg.norm(means[:, None] - np.array(COLOURS, np.float32), axis=2)
        return np.eye(len(COLOURS), 8, dtype=np.float32)[away.argmin(axis=1)]


def squares_gate(*kinds: Match) -> GatePerception:
    """Return a gate that knows the first colours, each as a kind of person."""
    grounds = {"consent": "yes", "reason": "why", "approver": "a", "second_approver": "b"}
    entries = tuple(
        Entry(
            person=f"p-{number}",
            kind=kind,
            templates=(packed(np.eye(8, dtype=np.float32)[number]),),
            valid_to=NOW * 2,
            **grounds,
        )
        for number, kind in enumerate(kinds)
    )
    gallery = Gallery(embedder="squares", entries=entries)
    sight = Squares()
    return GatePerception(
        GateSettings(), detector=sight, embedder=sight, gallery=gallery, liveness=None
    )


Passing = tuple[int, int, int]
"""Which colour, in which frame it appears, and for how many."""


def scene(passing: Sequence[Passing], tick: int) -> Picture:
    picture = np.full((240, 800, 3), 120, np.uint8)
    for colour, begins, lasts in passing:
        if begins <= tick < begins + lasts:
            side = 50 + 3 * (tick - begins)
            square = np.array(COLOURS[colour], np.uint8) + CHECKS[:side, :side]
            picture[20 : 20 + side, 200 * colour + 10 : 200 * colour + 10 + side] = square
    return picture


def play(
    gate: GatePerception, pictures: Iterable[Picture], step_ms: int = STEP_MS
) -> list[Finding]:
    said, at = [], NOW
    for number, picture in enumerate(pictures):
        at = NOW + number * step_ms
        said += gate.perceive(Frame(device="cam-1", at=at, number=number, picture=picture))
    return said + gate.perceive(SignalEnded(device="cam-1", at=at))


def words(said: list[Finding]) -> list[Gate]:
    seen = [one.observation for one in said]
    assert all(isinstance(one, Gate) for one in seen)
    return [one for one in seen if isinstance(one, Gate)]


def passings_of(said: list[Finding]) -> list[Gate]:
    """Return the last word about each passing, and hold all words to their order."""
    begun: dict[str, Gate] = {}
    last = []
    for one in words(said):
        assert (one.part == "whole") == (not one.passing)
        if one.part == "first":
            assert one.passing not in begun
            begun[one.passing] = one
        elif one.part == "changed":
            assert one.passing in begun
        else:
            assert one.part == "whole" or one.passing in begun
            last.append(one)
    assert set(begun) == {one.passing for one in last if one.passing}
    return last


@st.composite
def passings(draw: st.DrawFn) -> list[Passing]:
    return [
        (colour, draw(st.integers(0, 12)), draw(st.integers(1, 12)))
        for colour in draw(st.lists(st.integers(0, 3), unique=True, max_size=EMBED_MAX))
    ]


@settings(max_examples=25)
@given(passings())
def test_everybody_who_stays_long_enough_is_spoken_of_once_and_rightly(
    passing: list[Passing],
) -> None:
    gate = squares_gate(Match.RESIDENT, Match.WATCHLIST, Match.VISITOR)
    frames = 12 + 12 + LOST_MS // STEP_MS + 3

    said = passings_of(play(gate, (scene(passing, tick) for tick in range(frames))))

    expected = sorted(
        ["p-0", "p-1", "p-2", ""][colour] for colour, _, lasts in passing if lasts >= 3
    )
    assert sorted(one.person for one in said) == expected
    for one in said:
        kinds = {"p-0": Match.RESIDENT, "p-1": Match.WATCHLIST, "p-2": Match.VISITOR}
        assert one.match is kinds.get(one.person, Match.UNKNOWN)
        assert one.queue_len <= len(passing)
        assert (one.score >= 0.57) == bool(one.person)


@settings(max_examples=20)
@given(passings(), st.integers(0, 24))
def test_nothing_is_said_before_its_time_and_a_troubled_camera_ends_every_passing(
    passing: list[Passing], spoilt: int
) -> None:
    gate, at = squares_gate(Match.RESIDENT), NOW
    for tick in range(40):
        at = NOW + tick * STEP_MS
        frame = Frame(device="c", at=at, number=tick, picture=scene(passing, tick))
        said = gate.perceive(replace(frame, troubled=tick >= spoilt))

        assert all(at - gate.lag_ms <= one.at <= at for one in words(said))
        if tick >= spoilt:
            assert all(one.part in ("whole", "last") for one in words(said))
            assert tick == spoilt or not said


def test_who_it_is_is_said_at_the_third_frame_that_agrees_and_dated_by_it() -> None:
    gate = squares_gate(Match.RESIDENT, Match.WATCHLIST)
    passing = [(0, 0, 12), (1, 0, 12)]
    for tick in range(CONFIRMED):
        at = NOW + tick * STEP_MS
        said = gate.perceive(Frame(device="c", at=at, number=tick, picture=scene(passing, tick)))
        assert bool(said) == (tick == CONFIRMED - 1)

    resident, alarm = sorted(said, key=lambda one: words([one])[0].person)
    assert [one.lane for one in (resident, alarm)] == [Lane.ROUTINE, Lane.ALARM]
    assert [one.person for one in words([resident, alarm])] == ["p-0", "p-1"]
    assert {one.part for one in words(said)} == {"first"}
    assert {one.at for one in words(said)} == {at}


def test_at_25_frames_a_second_the_answer_comes_while_she_stands_there() -> None:
    frames = [scene([(0, 0, 100)], min(tick, 10)) for tick in range(50)]

    [first, last] = words(play(squares_gate(Match.RESIDENT), frames, FAST_MS))

    assert (first.part, last.part) == ("first", "last")
    assert first.at - NOW <= CONFIRMED * (VOTE_GAP_MS + FAST_MS)
    assert last.at > first.at


def test_a_stranger_is_one_before_she_has_gone() -> None:
    frames = [scene([(2, 0, 100)], min(tick, 10)) for tick in range(50)]

    [first, *_] = words(play(squares_gate(Match.RESIDENT), frames, FAST_MS))

    assert (first.match, first.part) == (Match.UNKNOWN, "first")
    assert first.at - NOW < 1_000


def test_who_was_taken_for_another_is_corrected_while_she_is_there() -> None:
    taken_for = [scene([(0, 0, 1)], 0)] * 3
    herself = [scene([(1, 0, 100)], 5)] * 60
    moved = [np.roll(one, -200, axis=1) for one in herself]

    said = words(play(squares_gate(Match.WATCHLIST, Match.RESIDENT), [*taken_for, *moved]))

    assert [one.part for one in said] == ["first", "changed", "last"]
    assert len({one.passing for one in said}) == 1
    assert [one.person for one in said] == ["p-0", "p-1", "p-1"]


def test_who_comes_closer_goes_in_and_who_goes_away_goes_out() -> None:
    passing = [(0, 0, 12)]
    coming = [scene(passing, tick) for tick in range(12)]

    assert words(play(squares_gate(Match.RESIDENT), coming))[-1].direction == "in"
    assert words(play(squares_gate(Match.RESIDENT), coming[::-1]))[-1].direction == "out"


def test_who_turns_her_head_is_not_spoken_of_twice_and_who_comes_again_is() -> None:
    once = [scene([(0, 0, 12)], tick) for tick in range(12)]
    hidden = [scene([], 0)] * (2 * LOST_MS // STEP_MS)
    later = [scene([], 0)] * (2 * AGAIN_MS // STEP_MS)

    def count(frames: Iterable[Picture]) -> int:
        return len(passings_of(play(squares_gate(Match.RESIDENT), frames)))

    assert count(chain(once, hidden, once)) == 1
    assert count(chain(once, later, once)) == 2


def test_who_is_forgotten_while_the_gate_runs_is_soon_unknown(tmp_path: Path) -> None:
    entry = Entry(
        person="p-0",
        kind=Match.RESIDENT,
        templates=(packed(np.eye(8, dtype=np.float32)[0]),),
        consent="yes",
    )
    make_key(tmp_path / KEY)
    write_gallery(tmp_path, Gallery(embedder="squares", entries=(entry,)))
    sight = Squares()
    gate = GatePerception(
        GateSettings(),
        detector=sight,
        embedder=sight,
        gallery=GalleryFile(tmp_path),
        liveness=None,
    )

    def passes(at: int) -> list[Match]:
        said = []
        for tick in range(20):
            frame = Frame(
                device="c",
                at=at + tick * STEP_MS,
                number=tick,
                picture=scene([(0, 0, 10)], tick),
            )
            said += gate.perceive(frame)
        return [one.match for one in passings_of(said)]

    before = passes(NOW)
    write_gallery(tmp_path, read_gallery(tmp_path).without("p-0"))
    after = passes(NOW + 10 * AGAIN_MS)
    (tmp_path / KEY).unlink()
    (tmp_path / FILE).write_bytes((tmp_path / FILE).read_bytes())  # somebody touches it

    assert (before, after) == ([Match.RESIDENT], [Match.UNKNOWN])
    with pytest.raises(DriverError, match=KEY):
        Looking(gate).perceive(
            Frame(device="c", at=NOW + 20 * AGAIN_MS, number=0, picture=scene([], 0))
        )


def test_a_gallery_of_another_network_is_refused() -> None:
    sight = Squares()

    with pytest.raises(GalleryError, match="enrol anew"):
        GatePerception(
            GateSettings(),
            detector=sight,
            embedder=sight,
            gallery=Gallery(embedder="facefeature"),
            liveness=None,
        )


@pytest.fixture
def faces(recordings: Path) -> Path:
    folder = recordings / "faces" / "images"
    if not folder.is_dir():
        pytest.skip("no recordings of faces")
    return folder


def face(faces: Path, person: str, number: int) -> Picture:
    return np.asarray(cv2.imread(str(picture_of(faces, person, number))), np.uint8)


def picture_of(faces: Path, person: str, number: int) -> Path:
    return faces / person / f"{person}_{number:04}.jpg"


@pytest.mark.slow
def test_real_faces_are_known_from_other_pictures_of_them(faces: Path, weights: Path) -> None:
    detector, embedder = CenterFace.in_folder(weights), embedder_in_folder(weights)
    grounds = {"consent": "yes", "reason": "why", "approver": "a", "second_approver": "b"}
    entries = tuple(
        Entry(
            person=person,
            kind=kind,
            templates=(template_of(picture_of(faces, person, 1), detector, embedder),),
            valid_to=NOW * 2,
            **grounds,
        )
        for person, kind in (
            ("Hideki_Matsui", Match.RESIDENT),
            ("Liu_Mingkang", Match.WATCHLIST),
        )
    )
    gate = GatePerception(
        GateSettings(),
        detector=detector,
        embedder=embedder,
        gallery=Gallery(embedder=embedder.name, entries=entries),
        liveness=Liveness.in_folder(weights),
    )

    def day() -> Iterator[Picture]:
        for person, number in (("Hideki_Matsui", 2), ("Liu_Mingkang", 2), ("Zhang_Ziyi", 2)):
            yield from walking(face(faces, person, number), frames=12)
            yield from empty(LOST_MS // STEP_MS + 2)

    said = words(play(gate, day()))

    known = {one.person: one.match for one in said if one.person}
    assert known == {"Hideki_Matsui": Match.RESIDENT, "Liu_Mingkang": Match.WATCHLIST}
    assert Match.UNKNOWN in {one.match for one in said}
    assert all(one.live is not None for one in said)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda seen: cv2.GaussianBlur(seen, (0, 0), 2.5), "too poor"),
        (lambda seen: np.hstack([seen, seen]), "expected one face, got 2"),
        (lambda seen: np.full_like(seen, 90), "expected one face, got 0"),
    ],
)
def test_a_poor_picture_is_not_enrolled(
    faces: Path, weights: Path, tmp_path: Path, spoil, why: str
) -> None:
    poor = tmp_path / "poor.png"
    cv2.imwrite(str(poor), spoil(face(faces, "Hideki_Matsui", 1)))

    with pytest.raises(EnrolError, match=why):
        template_of(poor, CenterFace.in_folder(weights), embedder_in_folder(weights))


def test_a_camera_without_weights_says_how_to_get_them(tmp_path: Path) -> None:
    camera = CameraDevice(id="cam-1", source="gate.avi", role="gate", models=str(tmp_path))

    with pytest.raises(DriverError, match="weinao models pull"):
        looking(camera)


def test_a_gallery_without_its_key_stops_the_camera_and_not_the_agent(
    weights: Path, tmp_path: Path
) -> None:
    make_key(tmp_path / KEY)
    write_gallery(tmp_path, Gallery(embedder="facefeature"))
    (tmp_path / KEY).unlink()
    camera = CameraDevice(
        id="cam-1",
        source="gate.avi",
        role="gate",
        models=str(weights),
        gate=GateSettings(gallery=str(tmp_path)),
    )

    with pytest.raises(DriverError, match=KEY):
        looking(camera)


class Failing(Squares):
    """A network that fails, as one does whose memory is gone."""

    def detect(self, picture: Picture) -> Detections:  # noqa: ARG002  # it does not come so far
        raise RuntimeError("no memory for a tensor")


def test_a_network_that_fails_restarts_the_camera() -> None:
    gate = GatePerception(
        GateSettings(),
        detector=Failing(),
        embedder=Squares(),
        gallery=Gallery(embedder="squares"),
        liveness=None,
    )

    with pytest.raises(DriverError, match="no memory for a tensor"):
        Looking(gate).perceive(Frame(device="c", at=NOW, number=0, picture=scene([], 0)))
