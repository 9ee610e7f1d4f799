"""What cameras kept: found by its name, shown only if nobody changed it."""

import hashlib
from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from weinao.kept import Named, found, named

NAME = "gate-cam-1-1800000000000-7.jpg"


def written(folder: Path, content: bytes = b"a picture", name: str = NAME) -> str:
    (folder / name).write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def test_a_picture_is_found_by_what_the_incident_says_of_it(tmp_path: Path) -> None:
    sha256 = written(tmp_path)

    for key in ("picture", "clip"):
        wanted = named({"person": "p-1", key: f"{NAME}#sha256={sha256}"})
        assert wanted == Named(NAME, sha256)
        assert found(tmp_path, wanted) == tmp_path / NAME


def test_a_picture_that_was_changed_or_is_elsewhere_is_not_shown(tmp_path: Path) -> None:
    wanted = Named(NAME, written(tmp_path))
    (tmp_path / NAME).write_bytes(b"another picture")

    assert found(tmp_path, wanted) is None
    assert found(tmp_path / "nowhere", wanted) is None


def test_a_film_that_was_named_before_it_was_written_is_held_against_its_record(
    tmp_path: Path,
) -> None:
    sha256 = written(tmp_path, b"a film", "fall-1.mp4")
    assert found(tmp_path, Named("fall-1.mp4")) is None

    record = {"name": "fall-1.mp4", "sha256": sha256, "signature": "..."}
    (tmp_path / "fall-1.json").write_bytes(msgspec.json.encode(record))
    assert found(tmp_path, Named("fall-1.mp4")) == tmp_path / "fall-1.mp4"

    (tmp_path / "fall-1.mp4").write_bytes(b"another")
    assert found(tmp_path, Named("fall-1.mp4")) is None


@given(st.text(max_size=60), st.sampled_from(["", "../", "/", "a/../"]))
def test_no_name_leads_out_of_the_folder(text: str, before: str) -> None:
    for said in (f"{before}{text}.jpg#sha256=ab", f"{before}{text}", f"{text}/{before}a.jpg"):
        wanted = named({"picture": said})
        assert (
            wanted is None
            or Path("folder", wanted.name).resolve().parent == Path("folder").resolve()
        )


def test_an_incident_without_a_picture_names_none() -> None:
    assert named({}) is None
    assert named({"picture": "", "clip": ""}) is None
    assert named({"clip": "passwd"}) is None
