"""A sealed file: AES-256-GCM under a key that lies in a file of its own.

    gallery.sealed   magic | nonce (12) | ciphertext and tag       useless without
    gallery.key      32 bytes, readable by the agent's user alone

References:
    NIST SP 800-38D: a nonce is used once; ours are random, and a gallery is sealed some thousands
    of times in its life, far below the 2^32 of section 8.3.
"""

import os
import secrets
import stat
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = b"weinao-gallery-1\n"
KEY_BYTES, NONCE_BYTES = 32, 12


class SealError(Exception):
    """A sealed file or its key cannot be used; nothing of what it holds is known."""


def make_key(path: Path) -> None:
    """Make a key that only its owner may read.

    Raises:
        FileExistsError: There is one; without it what it seals is lost, so it stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())


def read_key(path: Path) -> bytes:
    """Return a key.

    Raises:
        SealError: It is missing, no key, or others may read it.
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        key = path.read_bytes()
    except OSError as error:
        raise SealError(f"{path}: {error.strerror}; `weinao gate init` makes a key") from error
    if mode & 0o077:
        raise SealError(f"{path}: others may read it (mode {mode:o}); `chmod 600` it")
    if len(key) != KEY_BYTES:
        raise SealError(f"{path}: expected {KEY_BYTES} bytes, got {len(key)}")
    return key


def write_sealed(path: Path, content: bytes, key: bytes) -> None:
    """Write a sealed file, whole or not at all."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    sealed = MAGIC + nonce + AESGCM(key).encrypt(nonce, content, MAGIC)
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(sealed)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def read_sealed(path: Path, key: bytes) -> bytes:
    """Return what a sealed file holds.

    Raises:
        SealError: It is missing, damaged, changed, or sealed under another key.
    """
    try:
        sealed = path.read_bytes()
    except OSError as error:
        raise SealError(f"{path}: {error.strerror}") from error
    body = sealed.removeprefix(MAGIC)
    if len(body) == len(sealed) or len(body) < NONCE_BYTES:
        raise SealError(f"{path}: not a sealed gallery")
    try:
        return AESGCM(key).decrypt(body[:NONCE_BYTES], body[NONCE_BYTES:], MAGIC)
    except InvalidTag as error:
        raise SealError(f"{path}: another key, or it was changed") from error
