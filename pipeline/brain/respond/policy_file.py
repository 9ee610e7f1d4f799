"""A policy as people write it, in TOML tables, and every problem of it at once. Pure.

What a file does not name stays as it is: a plan changes only the keys it gives, a list of `when`,
`group` or `storm` takes the place of ours.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from pipeline.brain.respond.policy import Days, Group, Plan, Policy, Storm, When
from weinao.outcomes import HazardKind, Severity

T = TypeVar("T")

_TABLES = ("always", "plan", "when", "group", "storm", "report", "visits")
_LISTS = {"when": "whens", "group": "groups", "storm": "storms"}
_OWN = (
    "plans", "whens", "groups", "storms", "reports", "visits", "quiet_from_min", "quiet_until_min"
)  # fmt: skip
"""Fields of a policy that have tables of their own, or are written as hours."""


class PolicyError(Exception):
    """A policy cannot be used; the message names every problem, a line each."""


def policy_from(tables: Mapping[str, Any], base: Policy | None = None) -> Policy:
    """Return a policy as its file has it.

    Args:
        tables: As TOML gives them.
        base: What holds where the file says nothing; ours, if none is given.

    Raises:
        PolicyError: It cannot be used.
    """
    policy, problems = base or Policy(), _Problems()
    problems.lines += [
        f"{name}: unknown; known are {', '.join(_TABLES)}" for name in tables if name not in _TABLES
    ]
    policy = _always(policy, tables.get("always", {}), problems)
    policy = replace(policy, plans=_plans(policy, tables.get("plan", {}), problems))
    policy = replace(policy, reports=_reports(policy, tables.get("report", {}), problems))
    every = problems.watch("visits", _read(dict[str, Days]), tables.get("visits", {}))
    policy = replace(policy, visits={**policy.visits, **(every or {})})
    readers: dict[str, Callable[[Mapping[str, Any]], Any]] = {
        "when": _when, "group": _read(Group), "storm": _read(Storm)
    }  # fmt: skip
    for name, field in _LISTS.items():
        if name in tables:
            found = [
                problems.watch(f"{name} {index}", readers[name], table)
                for index, table in enumerate(tables[name], 1)
            ]
            policy = replace(policy, **{field: tuple(one for one in found if one is not None)})
    if problems.lines:
        raise PolicyError("\n".join(problems.lines))
    return policy


class _Problems:
    """Collects what is wrong, and goes on."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def watch(self, where: str, read: Callable[[Any], T], given: object) -> T | None:
        """Return what is read; None, and one problem more, if it cannot be."""
        try:
            return read(given)
        except (msgspec.ValidationError, PolicyError) as error:
            self.lines.append(f"{where}: {error}")
            return None


def _always(policy: Policy, table: Mapping[str, Any], problems: _Problems) -> Policy:
    known = [name for name in Policy.__struct_fields__ if name not in _OWN]
    problems.lines += [
        f"always.{name}: unknown; known are {', '.join((*known, 'quiet'))}"
        for name in table
        if name not in (*known, "quiet")
    ]
    whole = {name: getattr(policy, name) for name in known}
    given = whole | {name: value for name, value in table.items() if name in known}
    if "quiet" in table:
        hours = problems.watch("always.quiet", _hours, table["quiet"])
        given |= {"quiet_from_min": hours[0], "quiet_until_min": hours[1]} if hours else {}
    else:
        given |= {name: getattr(policy, name) for name in ("quiet_from_min", "quiet_until_min")}
    read = problems.watch("always", _read(Policy), given)
    if read is None:
        return policy
    return replace(policy, **{name: getattr(read, name) for name in given})


def _plans(policy: Policy, table: Mapping[str, Any], problems: _Problems) -> dict[HazardKind, Plan]:
    plans = dict(policy.plans)
    for name, given in table.items():
        kind = problems.watch(f"plan.{name}", _read(HazardKind), name)
        if kind is not None:
            base = plans.get(kind, Plan())
            changed = problems.watch(f"plan.{name}", partial(_plan, base=base), given)
            plans[kind] = changed[0] if changed else base
    return plans


def _reports(
    policy: Policy, table: Mapping[str, Any], problems: _Problems
) -> dict[str, tuple[HazardKind, ...]]:
    reports = dict(policy.reports)
    for name, given in table.items():
        reports[name] = problems.watch(f"report.{name}", _read(tuple[HazardKind, ...]), given) or ()
    return reports


def _when(table: Mapping[str, Any]) -> When:
    rest = {name: value for name, value in table.items() if name not in _WHEN}
    plan, changes = _plan(rest, Plan())
    if not changes:
        raise PolicyError(f"changes nothing; give one of {', '.join(Plan.__struct_fields__)}")
    hours = _hours(table["hours"]) if "hours" in table else (None, None)
    return When(
        kinds=msgspec.convert(table.get("kinds", ()), tuple[HazardKind, ...]),
        tags=msgspec.convert(table.get("tags", ()), tuple[str, ...]),
        from_min=hours[0],
        until_min=hours[1],
        plan=plan,
        changes=changes,
    )


_WHEN = ("kinds", "tags", "hours")


def _plan(table: Mapping[str, Any], base: Plan) -> tuple[Plan, tuple[str, ...]]:
    """Return a plan with what a table changes in it, and which fields those are."""
    unknown = [name for name in table if name not in Plan.__struct_fields__]
    if unknown:
        known = ", ".join(Plan.__struct_fields__)
        raise PolicyError(f"{', '.join(unknown)}: unknown; known are {known}")
    given = dict(table)
    if "severity_min" in given:
        given["severity_min"] = _severity(given["severity_min"])
    whole = {name: getattr(base, name) for name in Plan.__struct_fields__}
    plan = msgspec.convert(msgspec.to_builtins(whole | given), Plan)
    return plan, tuple(sorted(given))


def _severity(name: object) -> Severity:
    known = {one.name.lower(): one for one in Severity}
    if name not in known:
        raise PolicyError(f"severity_min: {name!r}; known are {', '.join(known)}")
    return known[str(name)]


def _hours(given: object) -> tuple[int, int]:
    """Return minutes of the day for a pair such as ["22:00", "07:00"]."""
    pair = given if isinstance(given, list) and len(given) == len(("from", "until")) else []
    minutes = [_minute(text) for text in pair]
    if len(minutes) != len(("from", "until")) or None in minutes:
        raise PolicyError(f'expected two times, as ["22:00", "07:00"], got {given!r}')
    return minutes[0] or 0, minutes[1] or 0


def _minute(text: object) -> int | None:
    hour, colon, minute = str(text).partition(":")
    if not (colon and hour.isdigit() and minute.isdigit()):
        return None
    found = 60 * int(hour) + int(minute)
    return found if int(minute) < 60 and found <= 24 * 60 else None  # noqa: PLR2004  # an hour


def _read(kind: Any) -> Callable[[Any], Any]:  # noqa: ANN401  # whatever msgspec can read
    return lambda given: msgspec.convert(given, kind)
