"""`weinao rules`: the thresholds of the rules, checked and shown."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cyclopts import App

from weinao.cli import showing
from weinao.cli.documented import Said, documented
from weinao.cli.minds import rules_of
from weinao.cli.read import Json

if TYPE_CHECKING:
    from pipeline.brain.thresholds import Value

app = App(name="rules", help="Check the thresholds of the rules, and show them.")

SHIPPED = Path(__file__).parents[2] / "configs" / "rules.toml"
"""Where each threshold has its sentence and its source; in a checkout, not in a wheel."""


@app.command
def check(file: Path, /, *, json: Json = False) -> None:
    """Say what is wrong with a file of thresholds, or else where it differs from the defaults.

    Args:
        file: To check; configs/rules.toml shows what may stand in it.
        json: Print JSON.
    """
    now, default = rules_of(file, "rules check").values(), rules_of(None, "rules check").values()
    changed = [_row(place, now, default) for place in now if now[place] != default[place]]
    if json:
        _print(changed)
    elif changed:
        _table(f"{file}: {len(changed)} of {len(now)} thresholds differ", changed)
    else:
        print(f"{file}: all {len(now)} thresholds are the defaults")  # noqa: T201  # asked for


@app.command
def show(*, rules: Path | None = None, json: Json = False) -> None:
    """Show every threshold in force, what it is, and its source.

    Args:
        rules: A file of thresholds; without it, the defaults.
        json: Print JSON.
    """
    now, default = rules_of(rules, "rules show").values(), rules_of(None, "rules show").values()
    said = documented(SHIPPED.read_text(encoding="utf-8")) if SHIPPED.exists() else {}
    rows = [_row(place, now, default, said) for place in now]
    if json:
        _print(rows)
    else:
        _table(f"{len(rows)} thresholds", rows)


def _row(
    place: str,
    now: "Mapping[str, Value]",
    default: "Mapping[str, Value]",
    said: Mapping[str, Said] | None = None,
) -> dict[str, Any]:
    row: dict[str, Any] = {"threshold": place, "in_force": now[place], "default": default[place]}
    if said is None:
        return row
    known = said.get(place, Said("", ""))
    # A source speaks for the value that we ship, and for no other.
    source = known.source if now[place] == default[place] else f"set here; default: {known.source}"
    return {**row, "about": known.about, "source": source}


def _print(rows: Iterable[Mapping[str, Any]]) -> None:
    showing.write_json([*rows])


def _table(title: str, rows: list[dict[str, Any]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left")
    for name in rows[0]:
        table.add_column(name, no_wrap=name == "threshold")
    for row in rows:
        changed = row["in_force"] != row["default"]
        table.add_row(
            *(Text(_told(value)) for value in row.values()), style="bold" if changed else ""
        )
    # A file or a pipe has no width; wide enough that no line is cut.
    showing.console(240).print(table)


def _told(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(f'"{one}"' if not one else str(one) for one in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
