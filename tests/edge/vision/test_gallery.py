"""What the gallery promises: sealed, with grounds, over when it is over, and quick."""

import stat
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from edge.perception.gate.gallery import (
    FILE,
    KEY,
    TEMPLATES_EACH_MAX,
    WIRE_MATCH,
    Comparing,
    Entry,
    Gallery,
    GalleryError,
    on_the_wire,
    packed,
    read_gallery,
    write_gallery,
)
from edge.perception.gate.seal import SealError, make_key, read_key
from models.vision.base import Floats
from weinao.messages import Match

NOW = 1_800_000_000_000
RESIDENT = Entry(person="r-1", kind=Match.RESIDENT, templates=(), consent="form 7, 2026-11-01")
WATCHED = Entry(
    person="w-1",
    kind=Match.WATCHLIST,
    templates=(),
    reason="order 12",
    approver="a",
    second_approver="b",
    valid_to=NOW + 1,
)


def directions(count: int, seed: int = 1) -> Floats:
    made = np.random.default_rng(seed).normal(size=(count, 512)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def known(count: int, seed: int = 1) -> Gallery:
    entries = tuple(
        replace(RESIDENT, person=f"r-{number}", templates=(packed(direction),))
        for number, direction in enumerate(directions(count, seed))
    )
    return Gallery(embedder="facefeature", entries=entries)


def sealed(folder: Path) -> Gallery:
    gallery = known(3)
    make_key(folder / KEY)
    write_gallery(folder, gallery)
    return gallery


def test_a_gallery_comes_back_as_it_was(tmp_path: Path) -> None:
    gallery = sealed(tmp_path)

    assert read_gallery(tmp_path) == gallery


def test_without_its_key_nothing_of_it_can_be_read(tmp_path: Path) -> None:
    make_key(tmp_path / KEY)
    # Names so long that chance does not write them into what looks like noise.
    gallery = Gallery(
        embedder="facefeature",
        entries=tuple(
            replace(one, person=f"pseudonym-of-{one.person}") for one in known(3).entries
        ),
    )
    write_gallery(tmp_path, gallery)
    content = (tmp_path / FILE).read_bytes()

    for entry in gallery.entries:
        assert entry.person.encode() not in content
        assert entry.consent.encode() not in content
        assert entry.templates[0][:16] not in content
    (tmp_path / KEY).unlink()
    with pytest.raises(GalleryError, match=KEY):
        read_gallery(tmp_path)
    make_key(tmp_path / KEY)
    with pytest.raises(GalleryError, match="another key"):
        read_gallery(tmp_path)


@given(at=st.integers(0, 2_000), bit=st.integers(0, 7))
def test_a_gallery_in_which_any_bit_was_changed_is_refused(
    tmp_path_factory: pytest.TempPathFactory, at: int, bit: int
) -> None:
    folder = tmp_path_factory.mktemp("gallery")
    sealed(folder)
    content = bytearray((folder / FILE).read_bytes())
    content[at % len(content)] ^= 1 << bit
    (folder / FILE).write_bytes(content)

    with pytest.raises(GalleryError):
        read_gallery(folder)


def test_two_seals_of_one_gallery_look_nothing_alike(tmp_path: Path) -> None:
    gallery = sealed(tmp_path)
    once = (tmp_path / FILE).read_bytes()
    write_gallery(tmp_path, gallery)

    assert (tmp_path / FILE).read_bytes()[30:] != once[30:]


def test_key_and_gallery_are_for_their_owner_alone(tmp_path: Path) -> None:
    sealed(tmp_path)

    for name in (FILE, KEY):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    (tmp_path / KEY).chmod(0o640)
    with pytest.raises(SealError, match="others may read it"):
        read_key(tmp_path / KEY)


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    make_key(tmp_path / KEY)
    before = (tmp_path / KEY).read_bytes()

    with pytest.raises(FileExistsError):
        make_key(tmp_path / KEY)

    assert (tmp_path / KEY).read_bytes() == before


@pytest.mark.parametrize(
    ("entry", "lacks"),
    [
        (replace(RESIDENT, consent=" "), "consent"),
        (replace(RESIDENT, person=""), "pseudonym"),
        (replace(RESIDENT, kind=Match.VISITOR), "an end"),
        (replace(RESIDENT, kind=Match.UNKNOWN), "a kind"),
        (replace(WATCHED, reason=""), "reason"),
        (replace(WATCHED, second_approver=""), "two approvers"),
        (replace(WATCHED, second_approver="a"), "not the first"),
        (replace(WATCHED, valid_to=None), "an end"),
        (replace(WATCHED, valid_from=NOW, valid_to=NOW), "after its beginning"),
    ],
)
def test_nobody_is_enrolled_without_grounds(entry: Entry, lacks: str) -> None:
    with pytest.raises(GalleryError, match=lacks):
        Gallery(embedder="facefeature").with_entry(entry)


def test_somebody_enrolled_again_keeps_the_newest_templates() -> None:
    gallery = Gallery(embedder="facefeature")
    for direction in directions(TEMPLATES_EACH_MAX + 2):
        gallery = gallery.with_entry(replace(RESIDENT, templates=(packed(direction),)))

    [entry] = gallery.entries
    assert entry.templates == tuple(map(packed, directions(TEMPLATES_EACH_MAX + 2)[2:]))


def test_who_is_forgotten_leaves_nothing() -> None:
    gallery = known(3).without("r-1")

    assert [entry.person for entry in gallery.entries] == ["r-0", "r-2"]
    assert packed(directions(3)[1]) not in msgspec.msgpack.encode(gallery)


@given(st.integers(1, 60), st.data())
def test_the_nearest_is_the_nearest(count: int, data: st.DataObject) -> None:
    gallery, rng = known(count), np.random.default_rng(data.draw(st.integers(0, 999)))
    asked = directions(count)[data.draw(st.integers(0, count - 1))]
    asked = asked + rng.normal(0, 0.03, 512).astype(np.float32)
    asked /= np.linalg.norm(asked)

    [found] = Comparing(gallery).nearest(asked[None], NOW)

    each = directions(count) @ asked
    assert found.entry
    assert found.entry.person == f"r-{int(each.argmax())}"
    assert found.score == pytest.approx(float(each.max()), abs=1e-3)


@given(st.integers(-5, 5))
def test_whoever_is_not_valid_is_not_compared(offset: int) -> None:
    entry = replace(WATCHED, templates=(packed(directions(1)[0]),), valid_from=NOW - 3)
    comparing = Comparing(Gallery(embedder="facefeature", entries=(entry,)))

    [found] = comparing.nearest(directions(1), NOW + offset)

    assert (found.entry is not None) == (-3 <= offset < 1)


def test_an_empty_gallery_knows_nobody() -> None:
    [found] = Comparing(Gallery(embedder="facefeature")).nearest(directions(1), NOW)

    assert found.entry is None
    assert found.score == 0


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(0.05, 0.95))
def test_scores_on_the_wire_keep_their_order_and_their_threshold(
    one: float, other: float, match_at: float
) -> None:
    low, high = sorted((one, other))

    assert 0 <= on_the_wire(low, match_at) <= on_the_wire(high, match_at) <= 1
    assert (on_the_wire(one, match_at) >= WIRE_MATCH) == (one >= match_at)


def test_entries_and_galleries_from_elsewhere_are_refused(tmp_path: Path) -> None:
    made: dict[str, Any] = {"v": 1, "embedder": "facefeature", "entries": [], "more": 1}

    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(msgspec.msgpack.encode(made), type=Gallery)
    (tmp_path / FILE).write_bytes(b"not sealed")
    make_key(tmp_path / KEY)
    with pytest.raises(GalleryError, match="not a sealed gallery"):
        read_gallery(tmp_path)
