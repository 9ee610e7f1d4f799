"""The numbers in sentences about thresholds are those of the rules in force, in any language."""

import re
from string import Formatter

import pytest

from pipeline.brain.thresholds import Thresholds, thresholds_from
from weinao.catalogue import LANGUAGES, Language
from weinao.limits import CLOCK, UNIT_MS, told
from weinao.voice import Voice, story_words

DEFAULTS = Thresholds().values()

FIXED = {"vitals.news2": ["5", "3", "7"]}
"""Numbers that are no threshold of ours: the points at which NEWS2 itself calls for somebody."""


def fields(text: str) -> list[tuple[str, str]]:
    """Return the thresholds that a sentence names, each with its unit."""
    parsed = Formatter().parse(text)
    return [(name, spec or "") for _, name, spec, _ in parsed if name is not None]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_has_a_number_of_its_own(language: Language) -> None:
    for key, text in story_words(language).sections["threshold"].items():
        left = re.sub(r"\{[^}]*\}", "", text).replace("NEWS2", "")
        assert re.findall(r"[0-9][0-9.,]*", left) == FIXED.get(key, []), key


UNITS = {
    r"_s(_min|_max)?$": "s",
    r"(from|until)_min$": CLOCK,
    r"_min_(min|max)$": "min",
    r"(?<!_per)(?<!_l)_h(_max)?$": "h",
}
"""The unit that the name of a threshold ends in."""


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_threshold_that_a_sentence_names_is_one_and_has_its_unit(language: Language) -> None:
    texts = story_words(language).sections["threshold"].values()

    named = [one for text in texts for one in fields(text)]

    assert [name for name, _ in named if name not in DEFAULTS] == []
    for name, unit in named:
        expected = [known for ending, known in UNITS.items() if re.search(ending, name)]
        assert unit in (expected or ("", *UNIT_MS)), name


def test_the_sentences_of_both_languages_name_the_same_thresholds() -> None:
    zh, en = (story_words(language).sections["threshold"] for language in LANGUAGES)

    assert {key: sorted(set(fields(text))) for key, text in zh.items()} == {
        key: sorted(set(fields(text))) for key, text in en.items()
    }


def test_thresholds_are_told_in_the_units_that_people_use() -> None:
    assert _said("en", "stove_on").endswith(
        "draws 300 W or more, or 50 to 1,200 l of gas an hour, and nobody has moved in the kitchen"
        " for 20 min."
    )
    assert _said("en", "door_open").startswith("Between 23:00 and 05:00, the door open for 15 min")
    assert _said("en", "tailgating") == "Within 6 s after the resident."
    assert "between 4 h and 24 h" in _said("en", "not_back")
    assert _said("zh", "heat").startswith("30 ℃ 及以上，或体感 32.2 ℃ 及以上，持续 1 小时")


def test_a_changed_threshold_is_told_as_it_is_in_force() -> None:
    changed = thresholds_from({"stove": {"away_s_max": 630}, "bed_exit": {"from_min": 1_290}})

    assert "for 10 min 30 s." in _said("en", "stove_on", changed)
    assert "厨房 10 分 30 秒无人活动" in _said("zh", "stove_on", changed)
    assert _said("en", "bed_exit", changed).startswith("Between 21:30 and 06:00")


def test_a_threshold_of_a_newer_brain_is_said_to_be_unknown() -> None:
    voice = Voice("en", ())

    assert told("After {flood.rise_s:s}.", {}, voice) == "After unknown."


def _said(language: Language, key: str, thresholds: Thresholds | None = None) -> str:
    voice = Voice(language, ())
    words = voice.words.sections["threshold"][key]
    return told(words, (thresholds or Thresholds()).values(), voice)
