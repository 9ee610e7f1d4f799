"""Migrations: files named `NNNN_what.sql`, applied in the order of their numbers."""

from pathlib import Path


def newest(folder: Path) -> int:
    """Return the number of the last migration."""
    return max(numbered_files(folder))


def numbered_files(folder: Path) -> dict[int, Path]:
    """Return the migrations of a folder by their numbers."""
    found = [(int(path.name.split("_")[0]), path) for path in folder.glob("[0-9]*_*.sql")]
    by_number = dict(found)
    assert len(by_number) == len(found), f"{folder}: two migrations have one number"
    return by_number
