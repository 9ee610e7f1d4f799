"""What a gate keeps of an incident: only whom it concerns, nobody known in it, signed."""

import hashlib
import stat
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edge.perception.gate import evidence as module
from edge.perception.gate.evidence import Keeper, Kept, Shot, keeper_of
from edge.perception.gate.tracks import Box, Track
from edge.perception.gate.veil import BEYOND, CELLS_ACROSS, FACE_CELLS, veiled
from edge.perception.signing import device_key, hmac_signer
from edge.settings import GateSettings
from models.vision.base import Picture
from models.vision.centerface import CenterFace
from models.vision.faces import aligned, embedder_in_folder
from tests.edge.vision.made import yard

NOW = 1_800_000_000_000
SIZE = 96, 160
KEY = b"the secret of a device, 32 bytes"


def track(box: Box, name: int = 1) -> Track:
    return Track(id=name, box=box, first=box, first_at=NOW, seen_at=NOW)


def keeper(folder: Path, **more: object) -> Keeper:
    settings = GateSettings(**more)  # type: ignore[arg-type]
    return Keeper(folder, "cam-1", hmac_signer(KEY), settings)


def scene(seed: int = 3) -> Picture:
    return yard(np.random.default_rng(seed), seed)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    left, top = draw(st.integers(-20, 150)), draw(st.integers(-20, 90))
    return left, top, left + draw(st.integers(4, 50)), top + draw(st.integers(4, 50))


pictures = arrays(np.uint8, (*SIZE, 3), elements=st.integers(0, 255), fill=st.just(90))


@settings(max_examples=40)
@given(pictures, st.lists(boxes(), max_size=3), st.lists(boxes(), max_size=3))
def test_what_does_not_concern_anybody_shown_is_a_mosaic(
    picture: Picture, shown: list[Box], faces: list[Box]
) -> None:
    before = picture.copy()
    hidden = veiled(picture, shown, faces)
    nobody = veiled(picture, [], [])

    assert (picture == before).all()
    cell = max(SIZE[1] // CELLS_ACROSS, 2)
    assert len({one.tobytes() for one in nobody[0]}) <= SIZE[1] // cell + 1
    far = np.ones(SIZE, bool)
    for left, top, right, bottom in (*shown, *faces):
        wide, high = right - left, bottom - top
        reach = max(int(top - high - 2), 0), max(int(left - 1.3 * wide - 2), 0)
        far[reach[0] : int(bottom + 7 * high), reach[1] : int(right + 2 * wide + 2)] = False
    assert (hidden[far] == nobody[far]).all()


def test_whatever_is_finer_than_a_fourth_of_a_face_is_gone() -> None:
    plain = np.full((*SIZE, 3), 120, np.uint8)
    box = (40.0, 30.0, 72.0, 62.0)
    left, top = (round(edge - BEYOND * 32) for edge in box[:2])
    side = 56  # of what is blurred: a multiple of the squares across
    assert side % FACE_CELLS == 0
    lined = plain.astype(np.int16)
    lined[top : top + side : 2, left : left + side] += 30
    lined[top + 1 : top + side : 2, left : left + side] -= 30

    one = veiled(plain, [box], [box]).astype(int)
    two = veiled(lined.astype(np.uint8), [box], [box]).astype(int)

    inner = np.s_[34:58, 44:68]
    assert np.abs(one[inner] - two[inner]).max() <= 4


def test_a_picture_is_named_with_its_hash_and_signed_by_its_device(tmp_path: Path) -> None:
    keep = keeper(tmp_path)
    seen = track((300, 100, 360, 170))

    said = keep.keep(keep.shot(scene(), NOW, seen, [seen]))

    name, _, digest = said.partition("#sha256=")
    content = (tmp_path / name).read_bytes()
    record = msgspec.json.decode((tmp_path / name).with_suffix(".json").read_bytes(), type=Kept)
    assert hashlib.sha256(content).hexdigest() == digest == record.sha256
    assert record.signature == hmac_signer(KEY)(record.signed_bytes())
    moved = msgspec.structs.replace(record, at=record.at + 1)
    assert record.signature != hmac_signer(KEY)(moved.signed_bytes())
    assert len(said) <= 200
    assert cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) is not None


def test_nothing_is_written_before_it_is_asked_for(tmp_path: Path) -> None:
    keep = keeper(tmp_path / "kept")
    seen = track((300, 100, 360, 170))

    shot = keep.shot(scene(), NOW, seen, [seen])

    assert isinstance(shot, Shot)
    assert not (tmp_path / "kept").exists()


def test_where_it_cannot_be_written_the_word_goes_out_without(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file where the folder should be")
    keep = keeper(tmp_path / "kept")
    seen = track((300, 100, 360, 170))

    assert keep.keep(keep.shot(scene(), NOW, seen, [seen])) == ""
    assert keep.unwritten == 1


def test_the_seconds_before_are_a_film_and_signed_with_the_picture(tmp_path: Path) -> None:
    keep = keeper(tmp_path, pre_roll_s=2.0)
    seen = track((300, 100, 360, 170))
    for tick in range(30):
        keep.see(scene(tick), NOW + 125 * tick, (seen,))

    said = keep.keep(keep.shot(scene(), NOW + 125 * 29, seen, [seen]))

    record = msgspec.json.decode(
        (tmp_path / said.partition("#")[0]).with_suffix(".json").read_bytes(), type=Kept
    )
    film = cv2.VideoCapture(str(tmp_path / record.film))
    assert 12 <= film.get(cv2.CAP_PROP_FRAME_COUNT) <= 18
    assert hashlib.sha256((tmp_path / record.film).read_bytes()).hexdigest() == record.film_sha256


def test_what_is_too_old_or_too_much_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT_MAX", 3)
    keep = keeper(tmp_path, keep_days=1)
    for name in range(6):
        seen = track((300, 100, 360, 170), name)
        keep.keep(keep.shot(scene(), NOW + name, seen, [seen]))
    assert {one.stem[-1] for one in tmp_path.glob("*.jpg")} == {"3", "4", "5"}

    late = track((300, 100, 360, 170), 9)
    keep.keep(keep.shot(scene(), NOW + 2 * 86_400_000, late, [late]))

    assert {one.stem[-1] for one in tmp_path.iterdir()} == {"9"}


def test_a_gate_without_a_folder_keeps_nothing_and_makes_no_secret(tmp_path: Path) -> None:
    key = tmp_path / "own.key"

    assert keeper_of(GateSettings(key_file=str(key)), "cam-1") is None
    assert not key.exists()
    keeper_of(GateSettings(key_file=str(key), evidence=str(tmp_path / "e")), "cam-1")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert device_key(key) == key.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("shown", ["nobody", "concerned"])
def test_no_face_in_a_kept_picture_is_known_but_hers_where_policy_says_so(
    recordings: Path, weights: Path, tmp_path: Path, shown: str
) -> None:
    folder = recordings / "faces" / "images"
    if not folder.is_dir():
        pytest.skip("no recordings of faces")
    detector, embedder = CenterFace.in_folder(weights), embedder_in_folder(weights)
    people = [min(one.glob("*.jpg")) for one in sorted(folder.iterdir())[:24]]
    seen = [np.asarray(cv2.imread(str(one)), np.uint8) for one in people]
    keep = keeper(tmp_path, shown=shown)

    def directions(picture: Picture) -> list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
        found = detector.detect(picture)
        return [
            embedder.embed(aligned(picture, points)[None])[0]
            for points, score in zip(found.points, found.scores, strict=True)
            if score >= 0.35
        ]

    known = hers = others = 0
    for number in range(0, len(seen), 2):
        picture = np.full((540, 960, 3), 110, np.uint8)
        for place, face in enumerate(seen[number : number + 2]):
            picture[80:330, 120 + 480 * place : 370 + 480 * place] = cv2.resize(face, (250, 250))
        found = detector.detect(picture)
        tracks = [track(tuple(map(float, box)), n) for n, box in enumerate(found.boxes)]  # type: ignore[arg-type]
        concerned = min(tracks, key=lambda one: one.box[0])
        said = keep.keep(keep.shot(picture, NOW + number, concerned, tracks))
        kept = np.asarray(cv2.imread(str(tmp_path / said.partition("#")[0])), np.uint8)
        [her, other] = [max(directions(one), key=len) for one in seen[number : number + 2]]
        known += 1
        for direction in directions(kept):
            hers += float(direction @ her) >= embedder.match_at
            others += float(direction @ other) >= embedder.match_at
    assert known == len(seen) // 2
    assert others == 0
    # Some of these pictures show somebody else beside her, who is the leftmost then.
    assert hers >= 0.75 * known if shown == "concerned" else hers == 0
