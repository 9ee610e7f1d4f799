"""Secrets that people hold: made here, shown once, and kept as a hash only."""

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

KEY_BYTES = 32


def new_key() -> str:
    """Return 256 random bits as text that fits into a link or a cookie."""
    return secrets.token_urlsafe(KEY_BYTES)


def hashed(key: str) -> str:
    """Return what is kept of a key: it has all its bits at random, so one plain hash will do."""
    return sha256(key.encode()).hexdigest()


def kept_secret(path: Path, make: Callable[[], str] = new_key) -> str:
    """Return a secret of the portal's own, made at its first start, readable by its owner alone.

    An empty file is none, whoever left it so: what is signed with it, anybody can sign.
    """
    if path.exists() and not path.stat().st_size:
        path.unlink()
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # Two programs may be first: what one of them made is whole, and on the disk, before the
        # other can read it.
        part = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        part.touch(mode=0o600)
        with part.open("w", encoding="ascii") as file:
            file.write(make())
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(part)
        part.unlink()
    return path.read_text(encoding="ascii").strip()
