"""Pictures and films that cameras keep of incidents: named on the wire, found where they were kept.

    facts of an incident: picture = "gate-cam-1-...-7.jpg#sha256=..."   or   clip = "fall-....mp4"
    a folder of evidence:  that file, and its signed record beside it, ...json

A message holds the name and the hash of the file, never the file. Whoever shows it holds it against
the hash first; one that was changed is not shown.
"""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from weinao.outcomes import Fact

FOLDER = "evidence"
"""Of a system's folder: where cameras on the same machine keep theirs, or others are copied to."""
BYTES_MAX = 200_000_000
"""A larger file is no evidence of ours."""
FACTS = ("picture", "clip")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,120}\.(?:jpg|mp4)")


class Named(Struct, frozen=True):
    """A picture or film, as a message names it.

    Attributes:
        sha256: Of its bytes; empty where it was not written yet when it was named.
    """

    name: str
    sha256: str = ""


class _Record(Struct, frozen=True):
    """What is read of the signed record beside a file."""

    name: str
    sha256: str


def named(facts: Mapping[str, Fact]) -> Named | None:
    """Return what the facts of an incident name; None where nothing was kept."""
    for key in FACTS:
        name, _, sha256 = str(facts.get(key, "")).partition("#sha256=")
        if _NAME.fullmatch(name):
            return Named(name, sha256)
    return None


def found(folder: Path, wanted: Named) -> Path | None:
    """Return the file that was named, if it lies in a folder and nobody has changed it."""
    path = folder / wanted.name
    if not _NAME.fullmatch(wanted.name) or not path.is_file() or path.stat().st_size > BYTES_MAX:
        return None
    told = wanted.sha256 or _recorded(path, wanted.name)
    return path if told and hashlib.sha256(path.read_bytes()).hexdigest() == told else None


def still(path: Path) -> bytes | None:
    """Return JPEG of a picture, or of the last frame of a film; None where it cannot be read."""
    if path.suffix == ".jpg":
        return path.read_bytes()
    try:
        import cv2  # noqa: PLC0415  # needs the extra `vision`
    except ImportError:
        return None
    film = cv2.VideoCapture(str(path))
    last = None
    while (read := film.read())[0]:
        last = read[1]
    film.release()
    if last is None:
        return None
    done, packed = cv2.imencode(".jpg", last, [cv2.IMWRITE_JPEG_QUALITY, 85])
    return packed.tobytes() if done else None


def _recorded(path: Path, name: str) -> str:
    try:
        record = msgspec.json.decode(path.with_suffix(".json").read_bytes(), type=_Record)
    except (OSError, msgspec.DecodeError):
        return ""
    return record.sha256 if record.name == name else ""
