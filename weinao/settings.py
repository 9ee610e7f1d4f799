"""Settings: one TOML file per program, read once into frozen typed values.

Unknown keys are refused, and all problems of a file are reported at once. The shipped files under
`configs/` are the documentation; a test holds their commented defaults against the code's.
"""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import msgspec
from msgspec.structs import fields

T = TypeVar("T", bound=msgspec.Struct)


class SettingsError(Exception):
    """A settings file cannot be used; the message lists every problem. Mend the file."""


def load(path: Path, shape: type[T]) -> T:
    """Read a settings file.

    Raises:
        SettingsError: It cannot be read, or does not fit `shape`; all problems are named.
    """
    return from_table(read(path), shape, str(path))


def read(path: Path) -> dict[str, Any]:
    """Read a settings file, whatever is in it.

    Raises:
        SettingsError: It cannot be read, or is no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: no text in UTF-8, from byte {error.start} on") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: {error}") from error


def from_table(table: dict[str, Any], shape: type[T], name: str) -> T:
    """Turn a parsed table into settings, as `load` does; `name` stands in the message."""
    refuse(problems_of(table, shape), name)
    return msgspec.convert(table, shape)


def refuse(problems: Sequence[str], name: str) -> None:
    """Raise what is wrong with a file, if anything is.

    Raises:
        SettingsError: There are problems; all are named.
    """
    if problems:
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        raise SettingsError("\n  ".join([f"{name}: {count}", *problems]))


def problems_of(
    table: Mapping[str, Any], shape: type[msgspec.Struct], where: str = ""
) -> list[str]:
    """Return all that keeps a table from being of a shape, each with its place."""
    known = {field.encode_name: field for field in fields(shape)}
    hints = get_type_hints(shape, include_extras=True)
    found = [
        f"{where}{key}: unknown; known are {', '.join(sorted(known))}"
        for key in table
        if key not in known
    ]
    for key, field in known.items():
        if key in table:
            found += _value_problems(table[key], hints[field.name], where + key)
        elif field.required:
            found.append(f"{where}{key}: missing")
    return found


def _value_problems(value: object, hint: Any, where: str) -> list[str]:  # noqa: ANN401  # a type
    if isinstance(value, dict) and isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return problems_of(value, hint, where + ".")
    try:
        msgspec.convert(value, hint)
    except msgspec.ValidationError as error:
        return [f"{where}: {error}, not {value!r}"]
    return []
