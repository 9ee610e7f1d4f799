"""Photos that people take: made small, freed of everything but the picture, named by their hash.

Where a photo was taken, with what and when, stands in the file as cameras write it; none of that
is kept. What is no picture is refused, whatever it calls itself.
"""

import io
import re
from hashlib import sha256
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

SIDE_PX_MAX = 1_280
PIXELS_MAX = 60_000_000
"""A larger picture is refused before it is unpacked: a few bytes can claim to be very many."""

_QUALITY = 80
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
        folder: Made when absent, open to its owner alone.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder

    def keep(self, content: bytes) -> str:
        """Keep a picture, and return its name.

        Raises:
            PhotoRefusedError: It is none, or too large.
        """
        made = _plain(content)
        name = sha256(made).hexdigest()[:32]
        path = self._folder / f"{name}.jpg"
        if not path.exists():
            part = path.with_suffix(".part")
            part.touch(mode=0o600)
            part.write_bytes(made)
            part.rename(path)
        return name

    def content(self, name: str) -> bytes | None:
        """Return a picture as JPEG; None if there is none of that name."""
        path = self._folder / f"{name}.jpg"
        return path.read_bytes() if _NAME.fullmatch(name) and path.exists() else None


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
