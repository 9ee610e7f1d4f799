"""Folders in which a command works: emptied only if an earlier run made them, and by one at a time.

A folder that may be emptied carries a mark. Whoever names another by mistake, a system's or her
own, is told so, and keeps what is in it.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from weinao.cli import flows
from weinao.stays import FIRST

MARK = ".made-by-weinao"


def emptied(folder: Path, command: str) -> Path:
    """Return a folder that is there and empty; what an earlier run of ours left in it is removed.

    Args:
        folder: To use.
        command: Whose it is to be, for the message.

    Raises:
        SystemExit: Something of somebody else is in it, or a system runs there.
    """
    if folder.exists():
        _refuse_foreign(folder, command, [one.name for one in _within(folder, command)])
        _refuse_running(folder, command)
        shutil.rmtree(folder)
    return _marked(folder)


def claimed(folder: Path, command: str, names: Sequence[str]) -> Path:
    """Return a folder that is there, in which these names may be written anew.

    Args:
        folder: To use.
        command: Whose it is to be, for the message.
        names: What the command writes; whatever else is in the folder stays.

    Raises:
        SystemExit: One of them is there and somebody else's, or a system runs there.
    """
    if folder.exists():
        there = {one.name for one in _within(folder, command)}
        _refuse_foreign(folder, command, [name for name in names if name in there])
        _refuse_running(folder, command)
    return _marked(folder)


@contextmanager
def drafted(folder: Path) -> Iterator[Path]:
    """Give a folder to write in; what is in it at the end takes its place in `folder`.

    Until then what an earlier run left there stays whole, and for good if this one fails.
    """
    draft = folder / "draft"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    try:
        yield draft
        for made in sorted(draft.iterdir()):
            place = folder / made.name
            if place.is_dir():
                shutil.rmtree(place)
            made.replace(place)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


@contextmanager
def alone(lock: Path, command: str) -> Iterator[None]:
    """Work in a folder as the only program of its kind that does.

    The kernel lets go of the lock when a program ends, however it does.

    Args:
        lock: A file in that folder, which is made when absent.
        command: For whom, in the message.

    Raises:
        SystemExit: Another one does.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    fd = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise SystemExit(
            f"weinao {command}: another one works in {lock.parent}; there must be one"
        ) from None
    try:
        yield
    finally:
        os.close(fd)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give the place of a draft of a file, which takes the file's place at the end of the block.

    Until then what was there stays whole, and for good if the block fails.
    """
    target = path.resolve()
    if target.exists() and not target.is_file():
        yield target  # a device takes what it is given
        return
    draft = target.with_name(f".draft-{target.name}")
    try:
        yield draft
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _within(folder: Path, command: str) -> list[Path]:
    if not folder.is_dir():
        raise SystemExit(f"weinao {command}: {folder} is no folder; name another")
    return sorted(folder.iterdir())


def _refuse_foreign(folder: Path, command: str, there: Sequence[str]) -> None:
    if there and not (folder / MARK).exists():
        raise SystemExit(
            f"weinao {command}: {folder} holds {there[0]}, and no earlier run of weinao made"
            " the folder: name another, or remove it yourself"
        )


def _refuse_running(folder: Path, command: str) -> None:
    if any(flows.runs(one, FIRST) for one in (folder, folder / "data")):
        raise SystemExit(f"weinao {command}: a system runs in {folder}: end it, or name another")


def _marked(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).touch()
    return Path(os.path.abspath(folder))  # noqa: PTH100  # without following links
