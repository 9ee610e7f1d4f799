"""What a device says of a file it keeps: which bytes they are, signed with its own secret."""

import hashlib
import hmac
import secrets
from collections.abc import Callable
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
        OSError: It cannot be read or made.
    """
    if file.exists():
        return file.read_bytes()
    file.parent.mkdir(parents=True, exist_ok=True)
    made = secrets.token_bytes(KEY_BYTES)
    file.touch(mode=0o600, exist_ok=False)
    file.write_bytes(made)
    return made
