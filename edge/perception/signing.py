"""What a device says of a file it keeps: which bytes they are, signed with its own secret."""

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

KEY_BYTES = 32

Signer = Callable[[bytes], str]
"""From bytes to a signature as text."""


def hmac_signer(key: bytes) -> Signer:
    """Return a signer with the device's secret key (RFC 2104, SHA-256)."""
    return lambda told: hmac.new(key, told, hashlib.sha256).hexdigest()


def device_key(file: Path) -> bytes:
    """Return the device's secret; make it, for its user's eyes only, where there is none.

    Raises:
        OSError: It cannot be read or made, or is too short to be one.
    """
    if not file.exists():
        _make(file)
    found = file.read_bytes()
    if len(found) < KEY_BYTES:
        raise OSError(
            f"{file}: expected a secret of {KEY_BYTES} bytes, got {len(found)};"
            " move it away, and a new one is made: what the old one signed is then nobody's"
        )
    return found


def _make(file: Path) -> None:
    """Make a secret: whole or not at all, and once, whoever else makes one at the same time."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    draft.touch(mode=0o600, exist_ok=False)
    try:
        with draft.open("wb") as out:
            out.write(secrets.token_bytes(KEY_BYTES))
            out.flush()
            os.fsync(out.fileno())
        with suppress(FileExistsError):
            os.link(draft, file)
    finally:
        draft.unlink()
