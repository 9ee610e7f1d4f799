"""What is kept of a fall: a short film with the track drawn in, its hash, and a signature.

The facade is a mosaic in it, so that nobody's window is looked into; only around the falling thing
is the picture as it was. The film never leaves the device by itself.
"""

import hashlib
import hmac
from collections import deque
from collections.abc import Callable
from pathlib import Path

import cv2
import msgspec
import numpy as np

from edge.perception.highrise.facade import Array, Facade, Image
from edge.perception.highrise.picture import tracked, veiled
from edge.perception.highrise.watch import Fall

WIDTH_PX = 960
QUALITY = 80
KEEP_BYTES_MAX = 64_000_000
"""Of kept frames; the oldest go first."""

Signer = Callable[[bytes], str]
"""From bytes to a signature as text."""


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


def hmac_signer(key: bytes) -> Signer:
    """Return a signer with the device's secret key (RFC 2104, SHA-256)."""
    return lambda told: hmac.new(key, told, hashlib.sha256).hexdigest()


def genuine(evidence: Evidence, film: bytes, signer: Signer) -> bool:
    """Return whether a film is the one that was signed."""
    same = hmac.compare_digest(hashlib.sha256(film).hexdigest(), evidence.sha256)
    return same and hmac.compare_digest(signer(evidence.signed_bytes()), evidence.signature)


class Recorder:
    """Keeps the last seconds of frames, small and compressed.

    Args:
        keep_s: How many seconds.
        size: Width and height of the frames that come.
    """

    def __init__(self, keep_s: float, size: tuple[int, int]) -> None:
        self._keep_s = keep_s
        self.scale = min(WIDTH_PX / size[0], 1.0)
        self._size = (round(size[0] * self.scale), round(size[1] * self.scale))
        self._kept: deque[tuple[float, bytes]] = deque()
        self._bytes = 0

    def push(self, frame: Image, at_s: float) -> None:
        """Keep a frame, and let go of what is too old or too much."""
        small = cv2.resize(frame, self._size, interpolation=cv2.INTER_AREA)
        _, coded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        self._kept.append((at_s, coded.tobytes()))
        self._bytes += len(self._kept[-1][1])
        while self._kept and (
            at_s - self._kept[0][0] > self._keep_s or self._bytes > KEEP_BYTES_MAX
        ):
            self._bytes -= len(self._kept.popleft()[1])

    def write(self, path: Path, facade: Facade, fall: Fall) -> None:
        """Write the kept frames as a film with the track in it.

        Raises:
            EvidenceError: There is no encoder, or no room.
        """
        frames = list(self._kept)
        if not frames:
            raise EvidenceError("no frames are kept")
        lasts_s = max(frames[-1][0] - frames[0][0], 1e-3)
        fps = float(np.clip((len(frames) - 1) / lasts_s, 1, 120))
        film = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), fps, self._size)
        if not film.isOpened():
            raise EvidenceError(f"{path}: cannot be written as mp4v")
        for at_s, coded in frames:
            image = np.asarray(
                cv2.imdecode(np.frombuffer(coded, np.uint8), cv2.IMREAD_COLOR), np.uint8
            )
            hidden = veiled(image, facade, self.scale, _near(fall, at_s))
            film.write(tracked(hidden, fall.track, self.scale, at_s))
        film.release()


def kept(
    recorder: Recorder, folder: Path, facade: Facade, fall: Fall, *, device: str, signer: Signer
) -> Evidence:
    """Write the film of a fall and its signed record into a folder; return the record.

    Raises:
        EvidenceError: It could not be written.
    """
    release_ms = round(fall.release_s * 1_000)
    path = folder / f"fall-{release_ms}.mp4"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        recorder.write(path, facade, fall)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        plain = Evidence(name=path.name, sha256=sha256, release_ms=release_ms, device=device)
        signed = msgspec.structs.replace(plain, signature=signer(plain.signed_bytes()))
        path.with_suffix(".json").write_bytes(msgspec.json.encode(signed))
    except (OSError, cv2.error) as error:
        raise EvidenceError(f"{path}: {error}") from error
    return signed


def _near(fall: Fall, at_s: float) -> Array:
    """Return (0 or 1, 2) where the falling thing was at an instant."""
    index = int(np.argmin(np.abs(fall.track.t_s - at_s)))
    if abs(fall.track.t_s[index] - at_s) > _BESIDE_S:
        return np.empty((0, 2))
    return np.asarray(fall.track.px[index : index + 1])


_BESIDE_S = 0.05
