"""What becomes of a folder of faces that somebody else laid out."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.vision.pictures import PictureError, read_picture
from weinao.cli.evaluate.faces import Face, ManifestError, evaluate_faces, figures, read_manifest

HEAD = "file,person,group,role\r\n"


@given(
    st.lists(
        st.builds(
            Face, file=st.text(max_size=2), person=st.sampled_from("abc"),
            group=st.sampled_from(["", "east_asian", "other"]), mated=st.booleans(),
        ),
        max_size=8,
    ),
    st.integers(0, 99),
)  # fmt: skip
def test_however_few_and_whosever_pictures_there_are_there_are_figures(
    faces: list[Face], seed: int
) -> None:
    vectors = np.random.default_rng(seed).normal(size=(len(faces), 4))

    found = figures(faces, vectors @ vectors.T, 0.5)

    shares = [value for name, value in found.items() if "threshold" not in name]
    assert all(np.isnan(one) or one >= 0 for one in shares)
    assert found["pairs"] == len(faces) * (len(faces) - 1) / 2


def test_a_manifest_as_a_spreadsheet_saves_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "manifest.csv"
    path.write_bytes(f"\ufeff{HEAD}a.jpg,a,other,mated\r\n,b,other,mated\r\nc.jpg\r\n".encode())

    faces, unread = read_manifest(path)

    assert faces == [Face("a.jpg", "a", "other", mated=True)]
    assert [*unread] == ["manifest.csv, line 3", "manifest.csv, line 4"]


def test_without_a_role_whoever_has_two_pictures_is_mated(tmp_path: Path) -> None:
    path = tmp_path / "manifest.csv"
    path.write_text("person,file\na,1.jpg\na,2.jpg\nb,3.jpg\n")

    faces, _ = read_manifest(path)

    assert [one.mated for one in faces] == [True, True, False]


@pytest.mark.parametrize(
    "said", ["", "file;person\n", "name,person\na.jpg,a\n", HEAD, "图片,人\n".encode("gbk")]
)
def test_a_manifest_that_nobody_can_read_is_refused(tmp_path: Path, said: str | bytes) -> None:
    path = tmp_path / "manifest.csv"
    path.write_bytes(said if isinstance(said, bytes) else said.encode())

    with pytest.raises(ManifestError, match="expected"):
        read_manifest(path)


def picture(path: Path) -> Path:
    noise = np.random.default_rng(3).integers(0, 255, (120, 120, 3), np.uint8)
    assert cv2.imwrite(str(path), cv2.blur(noise, (7, 7)))
    return path


@pytest.mark.parametrize("end", ["jpg", "png", "webp", "bmp", "tiff", "jp2"])
def test_pictures_of_many_kinds_are_read(tmp_path: Path, end: str) -> None:
    found = read_picture(picture(tmp_path / f"人 %d.{end}"))

    assert found.shape == (120, 120, 3)
    assert found.dtype == np.uint8


def test_what_is_no_picture_is_said(tmp_path: Path) -> None:
    whole = picture(tmp_path / "whole.jpg").read_bytes()
    for name, said in {
        "cut": whole[: len(whole) // 2],
        "text": b"no picture",
        "empty": b"",
    }.items():
        (tmp_path / name).write_bytes(said)
    (tmp_path / "link").symlink_to("nowhere")

    for name in ("cut", "text", "empty", "link", "gone", "."):
        with pytest.raises(PictureError, match=str(tmp_path)):
            read_picture(tmp_path / name)


def test_a_picture_that_cannot_be_read_is_named_and_is_no_face_that_was_missed(
    tmp_path: Path, weights: Path
) -> None:
    picture(tmp_path / "noise.png")
    (tmp_path / "manifest.csv").write_text(
        f"{HEAD}noise.png,a,other,mated\ngone.jpg,b,other,mated\n"
    )

    found = evaluate_faces(tmp_path, models=weights)

    assert (found["pictures"], found["detected_share"]) == (1, 0)
    assert found["unread"] == {"gone.jpg": "No such file or directory"}
