"""How the portal speaks: its own words, those of incidents, and the clock of the grid."""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from sinks.known import CHINA_MIN, Known
from weinao.catalogue import Language
from weinao.outcomes import Fact
from weinao.registry import Building, Household
from weinao.voice import Voice

_FOLDER = Path(__file__).parent.parent / "words"
DAY_MS = 86_400_000


@cache
def words(language: Language) -> dict[str, str]:
    """Return the portal's own words in a language, by `section.key`."""
    table = tomllib.loads((_FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
    return dict(_flat(table))


def say(language: Language, key: str, **facts: Fact) -> str:
    """Return the words for a key, filled in."""
    return words(language)[key].format_map(facts)


class Tongue:
    """Speaks one language about one grid.

    Args:
        language: Which.
        known: Everything registered,
        grid: and of which grid to speak; empty for none in particular.
        now: When it speaks.
    """

    def __init__(self, language: Language, known: Known, grid: str, now: int) -> None:
        self.language, self.grid, self.now, self._known = language, grid, now, known
        self.voice = _voice(language, known, grid)
        self._ahead_min = known.tz_offset_min(grid) if grid else CHINA_MIN

    def t(self, key: str, **facts: Fact) -> str:
        """Return the portal's words for a key, filled in."""
        return say(self.language, key, **facts)

    def clock(self, at: int) -> str:
        """Return a time of day; with the date, where it was not today."""
        here, today = self.voice.local(at), self.voice.local(self.now)
        if here.date() == today.date():
            return here.strftime("%H:%M")
        return here.strftime("%m-%d %H:%M" if here.year == today.year else "%Y-%m-%d %H:%M")

    def day(self, at: int) -> str:
        """Return a date."""
        return self.voice.local(at).strftime("%Y-%m-%d")

    def span(self, ms: int) -> str:
        """Return a duration as people say it, to the minute from a minute on."""
        return self.voice.span(ms if ms < 60_000 else ms // 60_000 * 60_000)  # noqa: PLR2004

    def since(self, at: int) -> str:
        """Return how long ago something was."""
        ms = max(0, self.now - at)
        return self.t("time.just_now") if ms < 60_000 else self.t("time.ago", span=self.span(ms))  # noqa: PLR2004

    def left(self, due_at: int) -> str:
        """Return how long there is until something is due, or by how much it is late."""
        key = "time.left" if due_at >= self.now else "time.late"
        return self.t(key, span=self.span(abs(due_at - self.now)))

    def day_begins(self, at: int | None = None) -> int:
        """Return when the local day began."""
        ahead_ms = self._ahead_min * 60_000
        return ((self.now if at is None else at) + ahead_ms) // DAY_MS * DAY_MS - ahead_ms

    def minute(self, at: int) -> int:
        """Return the minute of the local day."""
        return (at + self._ahead_min * 60_000) % DAY_MS // 60_000

    def building(self, building: str) -> str:
        """Return a building by its name."""
        found = self._known.record(self.grid, Building, building)
        return (found.name if found else "") or building

    def home(self, household: str) -> str:
        """Return where a home is."""
        found = self._known.record(self.grid, Household, household)
        if found is None:
            return household
        parts = (self.building(found.building) if found.building else "", found.unit)
        return " ".join(part for part in parts if part) or household

    def name(self, person: str) -> str:
        """Return somebody's name with their part in it; what else is known, where there is none."""
        return self.voice.who(person)


def _flat(table: Mapping[str, Any], under: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, str):
            yield under + key, value
        else:
            yield from _flat(value, f"{under}{key}.")


_voices: dict[tuple[str, str], tuple[Known, Voice]] = {}


def _voice(language: Language, known: Known, grid: str) -> Voice:
    """Return a voice; making one takes reading all names, so the last one is kept."""
    kept = _voices.get((language, grid))
    if kept is not None and kept[0] is known:
        return kept[1]
    made = Voice(language, known.records(grid))
    _voices[language, grid] = (known, made)
    return made
