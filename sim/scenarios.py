"""Scenarios: what the world does, what breaks meanwhile, what must follow, and what must not.

TOML. Every problem of a file is reported at once.
"""

import tomllib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from sim.faults.plan import KINDS as FAULTS
from sim.faults.plan import Fault
from sim.world.households import BORN
from sim.world.truth import MUST, Happening
from weinao.outcomes import HazardKind

T = TypeVar("T")


class ScenarioError(Exception):
    """A scenario cannot be played; the message names every problem."""


class HomeTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A home: who lives there, eldest first."""

    id: str
    people: tuple[str, ...]
    grid: str = "grid-1"
    tags: tuple[str, ...] = ()
    metered: bool = False
    banded: bool = False


class CommunityTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole community, made from the seed.

    Attributes:
        dangers: How many of each kind befall it; 0 for a quiet community.
        faults: Whether everything that can break does.
    """

    homes: int
    people: int
    homes_per_grid: int = 30
    dangers: int = 10
    faults: bool = True


class Expectation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What must follow: a hazard raised, or an incident opened; in `never`, what must not.

    Attributes:
        between_s: When it became true in the world, seconds since the story began.
        count: How many exactly; None for at least one.
        noticed_s: When the brain has to have noticed, at the latest.
        state: Where the incident has to stand at the end.
    """

    hazard: str = ""
    incident: str = ""
    subject: str = ""
    between_s: tuple[float, float] | None = None
    count: int | None = None
    noticed_s: float | None = None
    state: str = ""


class Scenario(Struct, frozen=True, kw_only=True):
    """A story, its faults, and what is expected of it."""

    title: str
    seed: int
    starts_at: int
    lasts_s: float
    homes: tuple[HomeTable, ...] = ()
    community: CommunityTable | None = None
    happenings: tuple[Happening, ...] = ()
    faults: tuple[Fault, ...] = ()
    expect: tuple[Expectation, ...] = ()
    never: tuple[Expectation, ...] = ()


def parse(text: str) -> Scenario:
    """Parse a scenario.

    Raises:
        ScenarioError: It cannot be played; every problem is named.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"not TOML: {error}") from error
    problems: list[str] = []
    _check_head(raw, problems)
    found = Scenario(
        title=str(raw.get("title", "")),
        seed=_whole(raw.get("seed")),
        starts_at=_instant(raw.get("starts_at")),
        lasts_s=_number(raw.get("lasts_s")),
        homes=_tables(raw, "home", HomeTable, problems),
        community=_table(raw, "community", CommunityTable, problems),
        happenings=_tables(raw, "happening", Happening, problems),
        faults=_tables(raw, "fault", Fault, problems),
        expect=_tables(raw, "expect", Expectation, problems),
        never=_tables(raw, "never", Expectation, problems),
    )
    problems += _contradictions(found)
    if problems:
        raise ScenarioError("\n".join(problems))
    return found


_KEYS = (
    "title", "seed", "starts_at", "lasts_s", "home", "community", "happening", "fault",
    "expect", "never",
)  # fmt: skip


def _check_head(raw: Mapping[str, Any], problems: list[str]) -> None:
    problems += [f"unknown key {key}" for key in raw if key not in _KEYS]
    if not isinstance(raw.get("title"), str):
        problems.append("title: expected a text")
    if type(raw.get("seed")) is not int:
        problems.append("seed: expected a whole number")
    started = raw.get("starts_at")
    if not isinstance(started, datetime) or started.tzinfo is None:
        problems.append("starts_at: expected a time with its offset, as 2026-01-01T22:00:00+08:00")
    if _number(raw.get("lasts_s")) <= 0:
        problems.append("lasts_s: expected seconds above 0")


def _contradictions(found: Scenario) -> list[str]:
    problems = [] if found.homes or found.community else ["neither a home nor a community"]
    for index, home in enumerate(found.homes):
        problems += [
            f"home {index + 1}: people of kind {kind}, expected one of {', '.join(BORN)}"
            for kind in home.people
            if kind not in BORN
        ]
    problems += [
        f"happening {index + 1}: kind {one.kind}, expected one of {', '.join(sorted(MUST))}"
        for index, one in enumerate(found.happenings)
        if one.kind not in MUST
    ]
    problems += [
        f"fault {index + 1}: kind {one.kind}, expected one of {', '.join(FAULTS)}"
        for index, one in enumerate(found.faults)
        if one.kind not in FAULTS
    ]
    for name, wanted in (("expect", found.expect), ("never", found.never)):
        problems += _senseless(name, wanted)
    return problems


def _senseless(name: str, wanted: Sequence[Expectation]) -> list[str]:
    kinds = {kind.value for kind in HazardKind}
    problems = [
        f"{name} {index + 1}: expected either a hazard or an incident"
        for index, one in enumerate(wanted)
        if bool(one.hazard) == bool(one.incident)
    ]
    problems += [
        f"{name} {index + 1}: kind {one.hazard or one.incident}, expected one of"
        f" {', '.join(sorted(kinds))}"
        for index, one in enumerate(wanted)
        if (one.hazard or one.incident) not in kinds | {""}
    ]
    return problems


def _tables(raw: Mapping[str, Any], key: str, kind: type[T], problems: list[str]) -> tuple[T, ...]:
    found: list[T] = []
    given = raw.get(key, [])
    for index, table in enumerate(given if isinstance(given, list) else [given]):
        try:
            found.append(msgspec.convert(table, kind))
        except msgspec.ValidationError as error:
            problems.append(f"{key} {index + 1}: {error}")
    return tuple(found)


def _table(raw: Mapping[str, Any], key: str, kind: type[T], problems: list[str]) -> T | None:
    if key not in raw:
        return None
    return next(iter(_tables(raw, key, kind, problems)), None)


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _instant(value: object) -> int:
    usable = isinstance(value, datetime) and value.tzinfo is not None
    return round(value.timestamp() * 1_000) if usable and isinstance(value, datetime) else 0
