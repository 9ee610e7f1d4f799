"""Recordings that a disk or a download has spoilt: said in one line, with the folder."""

import csv
import gzip
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def legible(folder: Path, command: str) -> Iterator[None]:
    """End the program in words if a file of a folder is damaged, cut short, or no such file at all.

    Args:
        folder: Where they are.
        command: For whom, in the message.

    Raises:
        SystemExit: One is.
    """
    try:
        yield
    except _spoilt() as error:
        sys.exit(f"weinao {command}: {folder}: a file there is damaged or cut short: {error}")


def _spoilt() -> tuple[type[Exception], ...]:
    from pyarrow import ArrowInvalid

    return (EOFError, UnicodeDecodeError, ArrowInvalid, csv.Error, gzip.BadGzipFile, zlib.error)
