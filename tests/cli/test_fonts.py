"""The font of pictures: one that has Chinese letters, and none that only has boxes for them."""

import matplotlib.font_manager as fm
import pytest

from weinao.cli import fonts


@pytest.fixture(autouse=True)
def _asked_anew() -> None:
    fonts.chinese_font.cache_clear()


def test_a_font_of_boxes_is_no_font() -> None:
    assert not (fonts.chinese_font() or "").startswith("Last Resort")


def test_a_font_that_was_installed_since_matplotlib_looked_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if fonts.chinese_font() is None:
        pytest.skip("no font with Chinese letters on this machine (fonts-wqy-microhei)")
    fonts.chinese_font.cache_clear()
    old = [
        font for font in fm.fontManager.ttflist if not fonts._has_letters(fonts.Path(font.fname))
    ]
    monkeypatch.setattr(fm.fontManager, "ttflist", old)

    assert fonts.chinese_font() is not None
