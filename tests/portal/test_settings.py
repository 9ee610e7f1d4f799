"""The shipped settings file is the documentation, so it is held against the code."""

from pathlib import Path

import msgspec

from portal.settings import PortalSettings
from weinao.cli.documented import documented, uncommented
from weinao.settings import from_table, load

SHIPPED = Path(__file__).parents[2] / "configs" / "portal.toml"


def test_the_shipped_file_can_be_used_as_it_is() -> None:
    assert load(SHIPPED, PortalSettings).community == "demo"


def test_every_default_stands_in_the_shipped_file_commented_out() -> None:
    shipped = uncommented(SHIPPED.read_text(encoding="utf-8"))

    assert shipped == msgspec.to_builtins(from_table({"community": "demo"}, PortalSettings, "x"))


def test_every_table_begins_with_a_sentence() -> None:
    said = documented(SHIPPED.read_text(encoding="utf-8"))

    for table in ("web", "broker", "sign_in", "limits", "metrics", "log"):
        first = next(key for key in said if key.startswith(f"{table}."))
        assert said[first].about, first
