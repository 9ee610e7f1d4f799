"""One program of a kind for a folder: a second one would ring people twice, or mix what is kept.

Who holds the lock is asked of the kernel, which lets go of it when a program ends, however it does.
"""

import fcntl
import os
from pathlib import Path


def alone(path: Path, command: str) -> int:
    """Hold a lock until this program ends.

    Args:
        path: Of the lock; its folder is made when absent.
        command: For whom, in the message.

    Returns:
        The open file, which nobody needs to keep.

    Raises:
        SystemExit: Another program holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise SystemExit(
            f"weinao {command}: another one works in {path.parent}; there must be one"
        ) from None
    return fd
