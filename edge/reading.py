"""The agent's settings file, with what the command line puts in its place."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge.settings import EdgeSettings
from weinao.settings import SettingsError, from_table


def read_settings(path: Path, overrides: Mapping[str, object]) -> EdgeSettings:
    """Read a settings file.

    Args:
        path: Of the TOML file.
        overrides: Values by dotted key, `broker.port`; they win over the file.

    Raises:
        SettingsError: The file cannot be read or used; every problem is named.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeError) as error:
        raise SettingsError(f"{path}: {error}") from error
    for key, value in overrides.items():
        _set(table, key, value)
    settings = from_table(table, EdgeSettings, str(path))
    _check(settings, path)
    return settings


def _set(table: dict[str, Any], key: str, value: object) -> None:
    *parents, last = key.split(".")
    for parent in parents:
        table = table.setdefault(parent, {})
    table[last] = value


def _check(settings: EdgeSettings, path: Path) -> None:
    ids = [settings.agent, *(one.id for one in settings.device)]
    twice = sorted({one for one in ids if ids.count(one) > 1})
    if twice:
        raise SettingsError(f"{path}: device: expected different ids, twice: {', '.join(twice)}")
    for one in settings.device:
        if getattr(one, "mode", "") == "starts_at_start" and not one.speed:  # type: ignore[union-attr]
            raise SettingsError(
                f"{path}: device {one.id}: a recording that starts_at_start needs a speed above 0"
            )
