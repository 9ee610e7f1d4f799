"""What is kept of a fall: a short film with the track drawn in, its hash, and a signature.

The facade is a mosaic in it, so that nobody's window is looked into; only around the falling thing
is the picture as it was. The film begins before the fall, and never leaves the device by itself.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import msgspec
import numpy as np

from edge.drivers.camera.preroll import Packed, PreRoll, unpacked
from edge.perception.highrise.facade import Array, Facade, Image
from edge.perception.highrise.picture import tracked, veiled
from edge.perception.highrise.watch import Fall
from edge.perception.signing import Signer

WIDTH_PX = 960
KEEP_BYTES_MAX = 64_000_000
"""Of kept frames; the oldest go first."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """A film, and what it can be checked against.

    Attributes:
        name: Of the file.
        sha256: Of its bytes.
        signature: Over `name`, `sha256`, `release_ms` and `device`.
        release_ms: When it was let go.
        device: Whose camera saw it.
    """

    name: str
    sha256: str
    release_ms: int
    device: str
    signature: str = ""

    def signed_bytes(self) -> bytes:
        """Return what the signature is over."""
        return msgspec.json.encode([self.name, self.sha256, self.release_ms, self.device])


class EvidenceError(Exception):
    """A film could not be written; the event goes out without one."""


def genuine(evidence: Evidence, film: bytes, signer: Signer) -> bool:
    """Return whether a film is the one that was signed."""
    same = hmac.compare_digest(hashlib.sha256(film).hexdigest(), evidence.sha256)
    return same and hmac.compare_digest(signer(evidence.signed_bytes()), evidence.signature)


@dataclass(frozen=True)
class Reel:
    """Frames that a film is made of.

    Attributes:
        frames: As they wait, oldest first.
        size: Their width and height.
        scale: Their pixels for one of the camera's.
    """

    frames: Sequence[Packed]
    size: tuple[int, int]
    scale: float


class Recorder:
    """Keeps the last seconds of a camera, made smaller.

    Args:
        keep_s: How many seconds.
        size: Width and height of the frames that come.
    """

    def __init__(self, keep_s: float, size: tuple[int, int]) -> None:
        self._scale = min(WIDTH_PX / size[0], 1.0)
        self._size = (round(size[0] * self._scale), round(size[1] * self._scale))
        self._ring = PreRoll(round(keep_s * 1_000), KEEP_BYTES_MAX)

    def push(self, frame: Image, at_ms: int) -> None:
        """Keep a frame."""
        small = cv2.resize(frame, self._size, interpolation=cv2.INTER_AREA)
        self._ring.add(at_ms, np.asarray(small, np.uint8))

    def reel(self, from_ms: int, until_ms: int) -> Reel:
        """Return what is kept of a time."""
        return Reel(self._ring.packed(from_ms, until_ms), self._size, self._scale)


def film_name(fall: Fall) -> str:
    """Return what the film of a fall is called, before there is one."""
    return f"fall-{round(fall.release_s * 1_000)}.mp4"


def kept(
    reel: Reel, folder: Path, facade: Facade, fall: Fall, *, device: str, signer: Signer
) -> Evidence:
    """Write the film of a fall and its signed record into a folder; return the record.

    Raises:
        EvidenceError: It could not be written.
    """
    path = folder / film_name(fall)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(reel, path, facade, fall)
        plain = Evidence(
            name=path.name,
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            release_ms=round(fall.release_s * 1_000),
            device=device,
        )
        signed = msgspec.structs.replace(plain, signature=signer(plain.signed_bytes()))
        path.with_suffix(".json").write_bytes(msgspec.json.encode(signed))
    except (OSError, cv2.error) as error:
        raise EvidenceError(f"{path}: {error}") from error
    return signed


def _write(reel: Reel, path: Path, facade: Facade, fall: Fall) -> None:
    """Write frames as a film with the track in it.

    Raises:
        EvidenceError: There are no frames, or no encoder, or no room.
    """
    if not reel.frames:
        raise EvidenceError("no frames are kept")
    lasts_s = max((reel.frames[-1][0] - reel.frames[0][0]) / 1_000, 1e-3)
    fps = float(np.clip((len(reel.frames) - 1) / lasts_s, 1, 120))
    film = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), fps, reel.size)
    if not film.isOpened():
        raise EvidenceError(f"{path}: cannot be written as mp4v")
    for at_ms, jpeg in reel.frames:
        at_s = at_ms / 1_000
        hidden = veiled(unpacked(jpeg), facade, reel.scale, _near(fall, at_s))
        film.write(tracked(hidden, fall.track, reel.scale, at_s))
    film.release()


def _near(fall: Fall, at_s: float) -> Array:
    """Return (0 or 1, 2) where the falling thing was at an instant."""
    index = int(np.argmin(np.abs(fall.track.t_s - at_s)))
    if abs(fall.track.t_s[index] - at_s) > _BESIDE_S:
        return np.empty((0, 2))
    return np.asarray(fall.track.px[index : index + 1])


_BESIDE_S = 0.05
