"""The shipped settings files are the documentation, so they are held against the code."""

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from sinks.notice_settings import CourierSettings
from sinks.settings import AnnounceSettings, Section, StoreSettings
from weinao.settings import SettingsError, from_table, load

CONFIGS = Path(__file__).parents[2] / "configs"
SHIPPED: dict[str, type[Section]] = {
    "store": StoreSettings,
    "announce": AnnounceSettings,
    "notify": CourierSettings,
}


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_file_can_be_used_as_it_is(name: str) -> None:
    load(CONFIGS / f"{name}.toml", SHIPPED[name])


@pytest.mark.parametrize("name", SHIPPED)
def test_every_default_stands_in_the_shipped_file_commented_out(name: str) -> None:
    text = (CONFIGS / f"{name}.toml").read_text(encoding="utf-8")
    uncommented = tomllib.loads(re.sub(r"^# (?=[a-z_]+ = )", "", text, flags=re.MULTILINE))
    required = {"community": "demo"} if name in ("announce", "notify") else {}

    defaults = msgspec.to_builtins(from_table(required, SHIPPED[name], name))

    assert uncommented == _without_none(defaults)


def test_a_mistake_is_named_with_what_was_expected() -> None:
    with pytest.raises(SettingsError, match=r"2 problems\n.*keep_alive: unknown.*\n.*port"):
        from_table(
            {"community": "c", "broker": {"keep_alive": 3, "port": 99_999}},
            AnnounceSettings,
            "announce.toml",
        )


def _without_none(table: dict[str, object]) -> dict[str, object]:
    return {
        key: _without_none(value) if isinstance(value, dict) else value
        for key, value in table.items()
        if value is not None
    }
