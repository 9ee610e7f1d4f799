"""The folder of models on this machine: what is in it, and whether it is what we think.

It lies outside the repository, in the user's cache. A file that does not have its hash is not used.
"""

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from models.vision.base import WeightsMissingError
from models.vision.catalogue import Weights, weights_named

_CHUNK = 1 << 20


class Held(StrEnum):
    """What the folder holds of one model."""

    GOOD = "good"
    ABSENT = "absent"
    DAMAGED = "damaged"


def default_folder(environment: Mapping[str, str]) -> Path:
    """Return where models are kept if nobody chose: `$XDG_CACHE_HOME/weinao/models`.

    References:
        XDG Base Directory Specification 0.8.
    """
    cache = environment.get("XDG_CACHE_HOME", "")
    base = Path(cache) if cache.startswith("/") else Path(environment.get("HOME", "/")) / ".cache"
    return base / "weinao" / "models"


def sha256_of(path: Path) -> str:
    """Return a file's hash, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def held(folder: Path, weights: Weights) -> Held:
    """Say what a folder holds of a model."""
    path = folder / weights.file
    if not path.is_file():
        return Held.ABSENT
    return Held.GOOD if sha256_of(path) == weights.sha256 else Held.DAMAGED


def path_of(folder: Path, name: str) -> Path:
    """Return the file of a model, checked.

    Raises:
        WeightsMissingError: It is not there, or not what it should be.
    """
    weights = weights_named(name)
    found = held(folder, weights)
    if found is not Held.GOOD:
        raise WeightsMissingError(
            f"{folder / weights.file}: {found}; `weinao models pull {name}` fetches it"
        )
    return folder / weights.file
