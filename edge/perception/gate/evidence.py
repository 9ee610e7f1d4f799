"""What a gate keeps of those who may become an incident: a picture, its hash, and a signature.

    best frame of a track -> shot, in memory for as long as she is there
    shot --(watch-list, or a stranger behind a resident)--> veiled -> file, signed

    gate-CAMERA-AT-TRACK.jpg  .json  and .mp4, the seconds before

It stays on the device; what is sent of it is its name and its hash. Everything older than
`keep_days` goes, incident or not.

References:
    docs/decisions/0009-gate.md: whose face may be seen in it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import cv2
import msgspec
import numpy as np

from edge.drivers.camera.preroll import PreRoll
from edge.perception.gate.tracks import Box, Track
from edge.perception.gate.veil import framed, scaled, veiled
from edge.perception.signing import Signer, device_key, hmac_signer
from edge.settings import GateSettings
from models.vision.base import Picture

WIDTH_PX = 960
QUALITY = 85
KEPT_MAX = 2_000
"""Pictures in a folder; the oldest go first."""
FILM_FPS = 8.0
"""Frames a second of the seconds before. Ours: enough to see who followed whom."""
SAME_BOX_MS = 400
"""A face is hidden where it was seen so long before or after, for it is not looked for in each
frame."""
_DAY_MS = 86_400_000


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A picture, and what it can be checked against.

    Attributes:
        name: Of the file.
        sha256: Of its bytes.
        at: When it was taken, milliseconds UTC.
        device: Whose camera took it.
        film: Name of the seconds before; empty where none are kept.
        film_sha256: Of its bytes.
        signature: Over all of the above.
    """

    name: str
    sha256: str
    at: int
    device: str
    film: str = ""
    film_sha256: str = ""
    signature: str = ""

    def signed_bytes(self) -> bytes:
        """Return what the signature is over."""
        return msgspec.json.encode(
            [self.name, self.sha256, self.at, self.device, self.film, self.film_sha256]
        )


@dataclass(frozen=True)
class Shot:
    """The best picture of a track so far, as it was taken; it waits in memory alone.

    Attributes:
        at: When it was taken.
        track: Whose it is.
        picture: At most `WIDTH_PX` wide.
        box: Her face in it.
        faces: All faces in it.
    """

    at: int
    track: int
    picture: Picture
    box: Box
    faces: tuple[Box, ...]


class Keeper:
    """Keeps pictures of a gate.

    Args:
        folder: Where.
        device: Whose they are.
        signer: With the device's secret.
        settings: How long, whose face, and how much of the time before.
    """

    def __init__(self, folder: Path, device: str, signer: Signer, settings: GateSettings) -> None:
        self._folder, self._device, self._signer = folder, device, signer
        self._settings = settings
        self._ring = PreRoll(round(settings.pre_roll_s * 1_000)) if settings.pre_roll_s else None
        self._boxes: list[tuple[int, tuple[Track, ...]]] = []
        self._framed_at = 0
        self.unwritten = 0
        """Pictures that could not be written."""

    def see(self, picture: Picture, at: int, following: tuple[Track, ...]) -> None:
        """Let a frame wait in the ring of the last seconds, if these are kept."""
        if self._ring is None or abs(at - self._framed_at) < 1_000 / FILM_FPS:
            return
        self._framed_at = at
        small, _ = _small(picture)
        self._ring.add(at, small)
        reach = at - round(self._settings.pre_roll_s * 1_000)
        self._boxes = [*((when, who) for when, who in self._boxes if when >= reach)]
        scale = small.shape[1] / picture.shape[1]
        self._boxes.append(
            (at, tuple(msgspec.structs.replace(o, box=scaled(o.box, scale)) for o in following))
        )

    def shot(
        self, picture: Picture, at: int, track: Track, following: Sequence[Track]
    ) -> Shot:  # fmt: skip
        """Return a frame as it may be kept later."""
        small, scale = _small(picture)
        return Shot(
            at=at,
            track=track.id,
            picture=small,
            box=scaled(track.box, scale),
            faces=tuple(scaled(one.box, scale) for one in following),
        )

    def keep(self, shot: Shot) -> str:
        """Write a picture and its signed record; return its name with its hash, as it is sent.

        Empty where it cannot be written: the word about a person goes out without one.
        """
        path = self._folder / f"gate-{self._device}-{shot.at}-{shot.track}.jpg"
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            packed = self._veiled(shot)
            path.write_bytes(packed)
            film = self._film(path.with_suffix(".mp4"), shot)
            record = Kept(
                name=path.name,
                sha256=_sha256(packed),
                at=shot.at,
                device=self._device,
                film=film.name if film else "",
                film_sha256=_sha256(film.read_bytes()) if film else "",
            )
            signed = msgspec.structs.replace(record, signature=self._signer(record.signed_bytes()))
            path.with_suffix(".json").write_bytes(msgspec.json.encode(signed))
            self._thin(shot.at)
        except (OSError, cv2.error):
            self.unwritten += 1
            return ""
        return f"{path.name}#sha256={record.sha256}"

    def _veiled(self, shot: Shot) -> bytes:
        """Return JPEG in which only one person is seen, and nobody is known."""
        shown = veiled(shot.picture, [shot.box], shot.faces, self._clear(shot.box))
        when = datetime.fromtimestamp(shot.at / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%S")
        drawn = framed(shown, shot.box, f"{self._device}  {when} UTC")
        _, packed = cv2.imencode(".jpg", drawn, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        return packed.tobytes()

    def _clear(self, box: Box) -> Sequence[Box]:
        return [box] if self._settings.shown == "concerned" else []

    def _film(self, path: Path, shot: Shot) -> Path | None:
        frames = self._ring.between(0, shot.at) if self._ring else ()
        if not frames:
            return None
        size = frames[0][1].shape[1], frames[0][1].shape[0]
        film = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), FILM_FPS, size)
        if not film.isOpened():
            raise OSError(f"{path}: cannot be written as mp4v")
        for at, picture in frames:
            near = [who for when, who in self._boxes if abs(when - at) <= SAME_BOX_MS]
            faces = [one.box for who in near for one in who]
            mine = [one.box for when, who in self._boxes if when == at
                    for one in who if one.id == shot.track]  # fmt: skip
            film.write(veiled(picture, mine, faces))
        film.release()
        return path

    def _thin(self, now: int) -> None:
        """Remove what is too old or too much."""
        kept = sorted((_taken_at(one), one) for one in self._folder.glob("gate-*.json"))
        oldest = now - self._settings.keep_days * _DAY_MS
        for number, (at, path) in enumerate(kept):
            if at < oldest or number < len(kept) - KEPT_MAX:
                for suffix in (".jpg", ".mp4", ".json"):
                    path.with_suffix(suffix).unlink(missing_ok=True)


def keeper_of(settings: GateSettings, device: str) -> Keeper | None:
    """Return what keeps a gate's pictures; None where none are to be kept.

    Raises:
        OSError: The device's secret cannot be read or made.
    """
    if not settings.evidence:
        return None
    signer = hmac_signer(device_key(Path(settings.key_file)))
    return Keeper(Path(settings.evidence), device, signer, settings)


def _taken_at(path: Path) -> int:
    """Return when a picture was taken, as its name says; what has another name goes first."""
    said = path.stem.split("-")[-2]
    return int(said) if said.isdecimal() else 0


def _small(picture: Picture) -> tuple[Picture, float]:
    tall, wide = picture.shape[:2]
    scale = min(WIDTH_PX / wide, 1.0)
    if scale == 1:
        return picture, 1.0
    size = round(wide * scale), max(round(tall * scale), 1)
    return np.asarray(cv2.resize(picture, size), np.uint8), scale


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
