"""What people read, in their language. Code has keys; the words stand in `words/*.toml`."""

import tomllib
from collections.abc import Mapping
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Literal

from weinao.messages import Action
from weinao.outcomes import Fact, HazardKind, IncidentState, Phase, Reason, RiskKind, Severity

Language = Literal["zh", "en"]

LANGUAGES: tuple[Language, ...] = ("zh", "en")

SECTION_OF: dict[type[Enum], str] = {
    HazardKind: "hazard",
    RiskKind: "risk",
    Severity: "severity",
    Phase: "phase",
    IncidentState: "state",
    Action: "action",
    Reason: "rejection",
}
"""Where the members of each vocabulary stand in the files; whole numbers go by their names."""

_NAMING = ("sign", "beyond")
"""Facts that name signs, or their sides, by keys."""


class Catalogue:
    """The words of one language.

    Args:
        sections: As in the file: for each section, the words by key.
    """

    def __init__(self, sections: Mapping[str, Mapping[str, str]]) -> None:
        self.sections = sections

    def say(self, section: str, key: str, **facts: Fact) -> str:
        """Return the words for a key, filled in; an unknown key stands for itself."""
        words = self.sections[section].get(key, key)
        return words.format_map(_Facts(facts, self)) if facts else words

    def word(self, member: Enum) -> str:
        """Return the word for a member of the vocabulary."""
        key = member.value if isinstance(member.value, str) else member.name
        return self.say(SECTION_OF[type(member)], key)

    def because(self, reason: str, facts: Mapping[str, Fact]) -> str:
        """Return the sentence that a hazard's `reason` stands for, filled in with its facts."""
        words = self.sections["reason"].get(reason, reason)
        named = {name: self._named(facts[name]) for name in _NAMING if name in facts}
        return words.format_map(_Facts({**facts, **named}, self))

    def _named(self, keys: Fact) -> str:
        """Return the words for the signs that a fact lists."""
        return ", ".join(self.say("named", key) for key in str(keys).split(", "))


@cache
def catalogue(language: Language) -> Catalogue:
    """Return the words of a language."""
    path = Path(__file__).parent / "words" / f"{language}.toml"
    return Catalogue(tomllib.loads(path.read_text(encoding="utf-8")))


class _Facts(dict[str, Fact]):
    """Facts as people read them; one that is missing is said to be unknown."""

    def __init__(self, facts: Mapping[str, Fact], words: Catalogue) -> None:
        super().__init__({name: value for name, value in facts.items() if value != ""})
        self._words = words

    def __missing__(self, name: str) -> str:
        return self._words.say("table", "unknown")
