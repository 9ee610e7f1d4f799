"""What a picture is drawn on: a figure with the letters of its language, saved when it is done."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from weinao import logging
from weinao.catalogue import Language
from weinao.cli.folders import whole
from weinao.cli.fonts import LATIN, chinese_font
from weinao.registry import Record, Resident, Staff
from weinao.voice import Voice

_DPI = 120


class NoPictureError(Exception):
    """The picture cannot be drawn here; the message says what is missing."""


@contextmanager
def canvas(
    path: Path, language: Language, records: Sequence[Record] = ()
) -> Iterator[tuple[Any, Voice]]:
    """Give a figure of matplotlib and the voice to letter it with; then save it as a PNG file.

    Args:
        path: Of the file.
        language: Of the voice, if this machine has its letters.
        records: Whose names the voice may say.

    Raises:
        NoPictureError: Matplotlib is not installed, or the file cannot be written.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError as error:
        raise NoPictureError(
            "--png needs matplotlib: install weinao with its extra `report`,"
            " as in pip install 'weinao[report]'"
        ) from error
    voice, families = speaking(language, records)
    # What people wrote may hold letters that no font here has; they are drawn as boxes.
    with warnings.catch_warnings(), rc_context({"font.family": families}):
        warnings.filterwarnings("ignore", "Glyph", UserWarning)
        figure = Figure(layout="constrained")
        yield figure, voice
        try:
            with whole(path) as draft:
                figure.savefig(draft, dpi=_DPI, format="png")
        except OSError as error:
            raise NoPictureError(f"{path} cannot be written: {error}") from error


def speaking(language: Language, records: Sequence[Record]) -> tuple[Voice, list[str]]:
    """Return a voice whose letters can be drawn on this machine, and the fonts for them.

    Better the other language, and ids for names, than a row of empty boxes.
    """
    font = chinese_font()
    if font is not None:
        fonts = [font, LATIN] if language == "zh" else [LATIN, font]
        return Voice(language, records), fonts
    if language == "zh":
        logging.logger().warning(
            "font.missing",
            wanted="zh",
            drawn="en",
            hint="install a font such as fonts-wqy-microhei",
        )
    return Voice("en", map(_nameless, records)), [LATIN]


def _nameless(record: Record) -> Record:
    if isinstance(record, Resident):
        contacts = tuple(replace(one, name="") for one in record.contacts)
        return replace(record, name="", contacts=contacts)
    return replace(record, name="") if isinstance(record, Staff) else record
