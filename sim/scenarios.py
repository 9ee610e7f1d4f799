"""Scenarios: what the world does, what breaks meanwhile, what must follow, and what must not.

TOML. Every problem of a file is reported at once.
"""

import tomllib
from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from sim.expected import Expectation, senseless
from sim.faults.plan import KINDS as FAULTS
from sim.faults.plan import Fault
from sim.world.households import BEAT_S, BORN, EXTRAS, PLACES
from sim.world.truth import MUST, Happening

T = TypeVar("T")

TICK_S = 10
"""A second in a deployment; the brain takes any that is steady."""


class ScenarioError(Exception):
    """A scenario cannot be played; the message names every problem."""


class TestTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A detector that has to be tried every so many days, and when it last was."""

    device: str
    every_days: int
    days_ago: float


class HomeTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A home: who lives there, eldest first, and what stands in it beside what every home has.

    Attributes:
        metered: Its power meter speaks every few minutes.
        banded: Everybody wears a band.
        measured: So do the children, and their bands read signs as those of elders do.
        extras: A key of `EXTRAS` each: `cuff`, `scale`, `water`, `valve`, `siren`.
        windows: Window contacts, for an agent with many sensors behind it.
        tested: Detectors whose tests are on record.
    """

    id: str
    people: tuple[str, ...]
    grid: str = "grid-1"
    tags: tuple[str, ...] = ()
    metered: bool = False
    banded: bool = False
    measured: bool = False
    extras: tuple[str, ...] = ()
    windows: int = 0
    tested: tuple[TestTable, ...] = ()


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


class Scenario(Struct, frozen=True, kw_only=True):
    """A story, its faults, and what is expected of it.

    Attributes:
        beat_s: How often agents speak; what is judged in days may wait for an hour.
        tick_s: How often the community's clock ticks; likewise.
        commons: The devices of the shared places that are there.
    """

    title: str
    seed: int
    starts_at: int
    lasts_s: float
    beat_s: float = BEAT_S
    tick_s: int = TICK_S
    commons: tuple[str, ...] = PLACES
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
        beat_s=_number(raw.get("beat_s", BEAT_S)),
        tick_s=_whole(raw.get("tick_s", TICK_S)),
        commons=_words(raw.get("commons", PLACES)),
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
    "title", "seed", "starts_at", "lasts_s", "beat_s", "tick_s", "commons", "home", "community",
    "happening", "fault", "expect", "never",
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
    if not 0 < _number(raw.get("beat_s", BEAT_S)) <= _BEAT_S_MAX:
        problems.append(f"beat_s: expected seconds above 0, at most {_BEAT_S_MAX:g}")
    if _whole(raw.get("tick_s", TICK_S)) not in range(1, _TICK_S_MAX + 1):
        problems.append(f"tick_s: expected whole seconds, 1 to {_TICK_S_MAX}")
    if not set(_words(raw.get("commons", PLACES))) <= set(PLACES):
        problems.append(f"commons: expected some of {', '.join(PLACES)}")


def _contradictions(found: Scenario) -> list[str]:
    problems = [] if found.homes or found.community else ["neither a home nor a community"]
    for index, home in enumerate(found.homes):
        problems += _of_home(index, home)
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
    days = _days(found)
    for name, wanted in (("expect", found.expect), ("never", found.never)):
        problems += senseless(name, wanted, days)
    return problems


def _of_home(index: int, home: HomeTable) -> list[str]:
    problems = [
        f"home {index + 1}: {what} of kind {kind}, expected one of {', '.join(known)}"
        for what, kinds, known in (("people", home.people, BORN), ("extras", home.extras, EXTRAS))
        for kind in kinds
        if kind not in known
    ]
    if not home.people:
        problems.append(f"home {index + 1}: nobody lives there")
    if not 0 <= home.windows <= _WINDOWS_MAX:
        problems.append(f"home {index + 1}: windows, expected 0 to {_WINDOWS_MAX}")
    return problems


def _days(found: Scenario) -> list[date]:
    """Return the local days that a story touches; scenarios are played at UTC+8."""
    tz = timezone(timedelta(hours=8))
    first = datetime.fromtimestamp(found.starts_at / 1_000, tz=tz).date()
    last = datetime.fromtimestamp(found.starts_at / 1_000 + found.lasts_s, tz=tz).date()
    return [first + timedelta(days=day) for day in range((last - first).days + 1)]


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


_BEAT_S_MAX = 3_600.0
_TICK_S_MAX = 60
_WINDOWS_MAX = 200


def _words(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list | tuple) else ("",)


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _instant(value: object) -> int:
    usable = isinstance(value, datetime) and value.tzinfo is not None
    return round(value.timestamp() * 1_000) if usable and isinstance(value, datetime) else 0
