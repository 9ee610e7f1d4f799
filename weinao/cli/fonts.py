"""A font for pictures that has Chinese letters, if this machine has one."""

from functools import cache
from pathlib import Path

LATIN = "DejaVu Sans"
"""Comes with matplotlib."""

PREFERRED = ("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Micro Hei",
             "WenQuanYi Zen Hei", "SimHei", "Microsoft YaHei", "PingFang SC")  # fmt: skip

_BOXES = "Last Resort"
"""Comes with matplotlib, too, and has a box for every letter there is: better another language."""

_ASKED = "网格长隐患处置"


@cache
def chinese_font() -> str | None:
    """Return the name of a font that has the letters of our words; None if there is none."""
    from matplotlib.font_manager import findSystemFonts, fontManager

    if (found := _known()) is not None:
        return found
    # What matplotlib remembers of this machine may be older than a font that was installed since.
    known = {font.fname for font in fontManager.ttflist}
    for file in findSystemFonts():
        if file not in known and _has_letters(Path(file)):
            fontManager.addfont(file)
    return _known()


def _known() -> str | None:
    from matplotlib.font_manager import fontManager

    there = {
        font.name: font.fname for font in fontManager.ttflist if not font.name.startswith(_BOXES)
    }
    for name in PREFERRED:
        if name in there:
            return name
    return next((name for name, file in there.items() if _has_letters(Path(file))), None)


def _has_letters(file: Path) -> bool:
    from matplotlib.ft2font import FT2Font

    try:
        letters = FT2Font(str(file)).get_charmap()
    except (OSError, RuntimeError):  # a file that is no font, or one that FreeType cannot read
        return False
    return all(ord(letter) in letters for letter in _ASKED)
