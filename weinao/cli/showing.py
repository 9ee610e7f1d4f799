"""What people and programs are shown: tables as wide as they are, bars for terminals only, JSON.

On a terminal lines are as long as it is wide. A file or a pipe has no width: there nothing is cut,
and nothing moves.
"""

import sys

import msgspec
from rich.console import Console
from rich.progress import Progress

WIDTH = 220
"""Columns, where there is no terminal: no table of ours is wider, and no line of theirs longer."""


def console(width: int = WIDTH, *, stderr: bool = False) -> Console:
    """Return where to print for people; `width` is that of a file or a pipe."""
    wide = (sys.stderr if stderr else sys.stdout).isatty()
    return Console(stderr=stderr, highlight=False, width=None if wide else width)


def progress() -> Progress:
    """Return what shows, on a terminal, how far long work has come; elsewhere it says nothing."""
    return Progress(
        console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
    )  # fmt: skip


def write_json(value: object) -> None:
    """Print one JSON document for programs, in UTF-8 whatever the terminal; NaN is null."""
    sys.stdout.flush()
    sys.stdout.buffer.write(msgspec.json.format(_ENCODER.encode(value)) + b"\n")
    sys.stdout.buffer.flush()


def _as_float(value: object) -> float:
    if isinstance(value, float):  # numpy's, above all
        return float(value)
    raise NotImplementedError(f"{type(value).__name__} is nothing that JSON knows")


_ENCODER = msgspec.json.Encoder(enc_hook=_as_float)
