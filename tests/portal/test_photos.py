"""Photos lie on the disk sealed: without the portal's secret, or altered, they are nothing."""

import io
from pathlib import Path

from PIL import Image

from portal.photos import Photos

SECRET = "a secret of the portal"


def picture(colour: str = "#3366aa") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(out, "JPEG")
    return out.getvalue()


def test_a_photo_comes_back_as_it_was_kept_and_is_not_on_the_disk(tmp_path: Path) -> None:
    photos = Photos(tmp_path, SECRET)

    name = photos.keep(picture())

    shown = photos.content(name)
    assert shown is not None
    assert Image.open(io.BytesIO(shown)).size == (40, 30)
    [path] = tmp_path.iterdir()
    assert shown[:64] not in path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0
    assert Photos(tmp_path, SECRET).content(name) == shown  # over a restart


def test_without_the_secret_altered_or_under_another_name_there_is_no_photo(
    tmp_path: Path,
) -> None:
    photos = Photos(tmp_path, SECRET)
    one, two = photos.keep(picture()), photos.keep(picture("#ffffff"))
    sealed = (tmp_path / f"{one}.sealed").read_bytes()

    assert Photos(tmp_path, "another secret").content(one) is None
    (tmp_path / f"{two}.sealed").write_bytes(sealed)
    assert photos.content(two) is None
    (tmp_path / f"{one}.sealed").write_bytes(sealed[:-1] + bytes([sealed[-1] ^ 1]))
    assert photos.content(one) is None
    (tmp_path / f"{one}.sealed").write_bytes(b"")
    assert photos.content(one) is None
    assert photos.content("../../etc/passwd") is None


def test_what_an_earlier_version_kept_plainly_is_sealed_at_the_start(tmp_path: Path) -> None:
    name = "a" * 32
    (tmp_path / f"{name}.jpg").write_bytes(picture())

    photos = Photos(tmp_path, SECRET)

    assert photos.content(name) == picture()
    assert [path.name for path in tmp_path.iterdir()] == [f"{name}.sealed"]
