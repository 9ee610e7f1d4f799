"""`weinao policy`: how incidents are handled, checked and shown."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from cyclopts import App

from weinao.catalogue import Language, catalogue
from weinao.cli import showing
from weinao.cli.minds import policy_of
from weinao.cli.read import Json

if TYPE_CHECKING:
    from pipeline.brain.respond.policy import Policy

app = App(name="policy", help="Check how incidents are handled, and show it.")


@app.command
def check(file: Path, /, *, json: Json = False) -> None:
    """Say what is wrong with a policy, or else where it differs from the one we ship.

    Args:
        file: To check; configs/policy.toml shows what may stand in it.
        json: Print JSON.
    """
    changed = [*_differences(policy_of(file, "policy check"), policy_of(None, "policy check"))]
    if json:
        showing.write_json(changed)
    elif changed:
        print(f"{file}: {len(changed)} differences from the policy we ship")  # noqa: T201
        for one in changed:
            print(f"  {one['where']}: {one['shipped']} -> {one['here']}")  # noqa: T201
    else:
        print(f"{file}: the policy that we ship")  # noqa: T201  # asked for


@app.command
def show(*, policy: Path | None = None, json: Json = False, lang: Language = "zh") -> None:
    """Show the plan of every kind: who is asked, and how long we wait.

    Args:
        policy: A file; without it, the policy we ship.
        json: Print JSON: all of it.
        lang: Language of the table.
    """
    from rich.table import Table

    found = policy_of(policy, "policy show")
    if json:
        showing.write_json(found)
        return
    words = catalogue(lang)
    names = ("kind", "family", "roles", "accept_s", "resolve_s", "verify", "orders", "patient")
    table = Table(*(words.say("column", name) for name in names), header_style="bold")
    for kind, plan in found.plans.items():
        table.add_row(
            words.word(kind),
            "✓" if plan.family else "",
            " → ".join(words.say("role", role) for role in plan.roles),
            f"{plan.accept_s_max:g}",
            f"{plan.resolve_s_max:g}",
            ", ".join(words.say("role", who) for who in plan.verify),
            ", ".join(words.say("do", do) for do in plan.orders),
            "✓" if plan.patient else "",
        )
    showing.console().print(table)


def _differences(here: "Policy", shipped: "Policy") -> Iterator[dict[str, str]]:
    ours, theirs = _flat(shipped), _flat(here)
    for where in dict.fromkeys((*ours, *theirs)):
        if ours.get(where) != theirs.get(where):
            yield {"where": where, "shipped": _told(ours, where), "here": _told(theirs, where)}


def _told(found: dict[str, object], where: str) -> str:
    return msgspec.json.encode(found[where]).decode() if where in found else "-"


def _flat(policy: "Policy") -> dict[str, object]:
    whole = msgspec.to_builtins(policy)
    found: dict[str, object] = {}
    for name, value in whole.items():
        if name == "plans":
            for kind, plan in value.items():
                found |= {f"plan.{kind}.{key}": one for key, one in plan.items()}
        elif name == "reports":
            found |= {f"report.{key}": one for key, one in value.items()}
        else:
            found[f"always.{name}" if not isinstance(value, list) else name] = value
    return found
