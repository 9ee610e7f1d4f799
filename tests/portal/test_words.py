"""The portal's words: every one that a page or the code asks for exists in both languages."""

import re
from enum import StrEnum
from pathlib import Path
from string import Formatter

import pytest

from portal import pages, reach
from portal.accounts import Role
from portal.pages.report import STAGES
from portal.pages.shown import MENU
from portal.reports import CATEGORIES
from portal.sharing import Level
from portal.views.person import Word
from portal.views.signs import SHOWN
from portal.views.tongue import words
from portal.visits import FOUND
from weinao.catalogue import LANGUAGES, Language
from weinao.messages import Action

ROOT = Path(reach.__file__).parent
assert pages.__doc__

ASKED = re.compile(r"""\bt\(\s*['"]([a-z_]+\.[a-z0-9_.]+)['"]\s*[,)]""")
PROBLEM = re.compile(r"""(?:SignInError|LinkRefusedError)\(\s*"([a-z_]+)"\)|problem="([a-z_]+)\"""")
BUILT: dict[str, tuple[str | StrEnum, ...]] = {
    "menu.": tuple({name for names in MENU.values() for name in names}),
    "role.": tuple(Role),
    "join.sees_": tuple(Role),
    "now.": tuple(Word),
    "level.": tuple(Level),
    "category.": CATEGORIES,
    "stage.": STAGES,
    "found.": FOUND,
    "sign.": SHOWN,
    "unit.": SHOWN,
    "part.": ("vitals", "activity", "sleep", "rhythm"),
    "purpose.": ("task", "visit"),
    "fate.": ("kept", "sent", "waits", "refused"),
    "reminder.": ("wear", "charge"),
    "error.c": ("400", "401", "403", "404", "409", "413", "429", "500", "503"),
    "error.h": ("400", "401", "403", "404", "409", "413", "429", "500", "503"),
    "answered.": tuple(
        one
        for one in Action
        if one not in (Action.OPEN, Action.DISPATCH, Action.CLOSE, Action.MERGE)
    ),
    "do.family.": ("ack", "accept", "arrive", "dismiss", "decline", "verify", "reopen"),
    "do.staff.": ("ack", "accept", "arrive", "dismiss", "decline", "verify", "reopen", "resolve"),
    "record.": (
        "community", "grid", "building", "household", "resident", "staff", "device", "checkpoint",
        "watch", "service",
    ),
}  # fmt: skip
"""Keys that are put together from a part that is fixed and one of a vocabulary."""


def test_both_languages_have_the_same_keys() -> None:
    assert words("zh").keys() == words("en").keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_that_is_asked_for_exists(language: Language) -> None:
    known = words(language)
    files = [*ROOT.rglob("*.html"), *ROOT.rglob("*.py")]
    texts = [path.read_text(encoding="utf-8") for path in files]
    asked = {key for text in texts for key in ASKED.findall(text)}
    asked |= {f"problem.{one or other}" for text in texts for one, other in PROBLEM.findall(text)}
    asked |= {prefix + part for prefix, parts in BUILT.items() for part in parts}

    assert len(asked) > 150
    assert asked - known.keys() == set()


def test_the_same_facts_fill_both_languages() -> None:
    for key, zh in words("zh").items():
        assert _facts(zh) == _facts(words("en")[key]), key


def test_nothing_is_left_empty_or_in_the_other_language() -> None:
    chinese = re.compile(r"[\u4e00-\u9fff]")
    for key, text in words("en").items():
        assert text, key
        assert key == "app.other_language" or not chinese.search(text), key
    for key, text in words("zh").items():
        said = re.sub(r"\{[a-z_]+\}", "", text)
        assert text, key
        if not key.startswith(("unit.", "app.other")):
            assert chinese.search(said) or not re.search(r"[A-Za-z]{4}", said), key


def _facts(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}
