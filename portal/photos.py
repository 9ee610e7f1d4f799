"""Photos that people take: made small, freed of everything but the picture, named by their hash.

Where a photo was taken, with what and when, stands in the file as cameras write it; none of that
is kept. What is no picture is refused, whatever it calls itself. On the disk they are sealed with a
key made from the portal's secret: who has the folder without the secret has nothing.
"""

import io
import re
import secrets
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from PIL import Image, ImageOps, UnidentifiedImageError

SIDE_PX_MAX = 1_280
PIXELS_MAX = 60_000_000
"""A larger picture is refused before it is unpacked: a few bytes can claim to be very many."""

_QUALITY = 80
_KEY_BYTES, _NONCE_BYTES = 32, 12
_NO_PICTURE = (
    UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError,
)  # fmt: skip
_NAME = re.compile(r"[0-9a-f]{32}")
_MARK = re.compile(r"\n?\[photo ([0-9a-f]{32})\]")


class PhotoRefusedError(Exception):
    """What was sent is no picture that can be kept."""


class Photos:
    """The photos of one portal.

    Args:
        folder: Made when absent, open to its owner alone. What lies there unsealed is sealed.
        secret: The portal's own.

    References:
        AES-256-GCM (NIST SP 800-38D) with a random nonce a file, its name as associated data;
        the key by HKDF (RFC 5869).
    """

    def __init__(self, folder: Path, secret: str) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        key = HKDF(SHA256(), length=_KEY_BYTES, salt=None, info=b"weinao.photos.v1")
        self._cipher = AESGCM(key.derive(secret.encode()))
        for plain in folder.glob("*.jpg"):
            self._seal(plain.stem, plain.read_bytes())
            plain.unlink()

    def keep(self, content: bytes) -> str:
        """Keep a picture, and return its name.

        Raises:
            PhotoRefusedError: It is none, or too large.
        """
        made = _plain(content)
        name = sha256(made).hexdigest()[:32]
        if not self._path(name).exists():
            self._seal(name, made)
        return name

    def content(self, name: str) -> bytes | None:
        """Return a picture as JPEG; None if there is none of that name, or not as it was kept."""
        if not _NAME.fullmatch(name) or not self._path(name).exists():
            return None
        sealed = self._path(name).read_bytes()
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], name.encode())
        except (InvalidTag, ValueError):
            return None

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.sealed"

    def _seal(self, name: str, content: bytes) -> None:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        path = self._path(name)
        part = path.with_suffix(".part")
        part.touch(mode=0o600)
        part.write_bytes(nonce + self._cipher.encrypt(nonce, content, name.encode()))
        part.rename(path)


def marked(note: str, photo: str) -> str:
    """Return a note with the name of a photo; words and picture travel as one."""
    return f"{note}\n[photo {photo}]".strip() if photo else note


def unmarked(note: str) -> tuple[str, tuple[str, ...]]:
    """Take a note apart into its words and the names of its photos."""
    return _MARK.sub("", note).strip(), tuple(_MARK.findall(note))


def _plain(content: bytes) -> bytes:
    try:
        with Image.open(io.BytesIO(content), formats=("JPEG", "PNG", "WEBP")) as picture:
            if picture.width * picture.height > PIXELS_MAX:
                raise PhotoRefusedError(
                    f"{picture.width}x{picture.height} pixels, at most {PIXELS_MAX} in all"
                )
            upright = ImageOps.exif_transpose(picture).convert("RGB")
    except _NO_PICTURE as error:
        raise PhotoRefusedError("not a picture in JPEG, PNG or WebP") from error
    upright.thumbnail((SIDE_PX_MAX, SIDE_PX_MAX))
    out = io.BytesIO()
    # A new picture from the points alone: no other word of the file comes along.
    Image.frombytes("RGB", upright.size, upright.tobytes()).save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()
