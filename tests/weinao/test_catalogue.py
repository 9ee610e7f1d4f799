"""Both languages say the same, and everything that the vocabulary knows."""

import re
from pathlib import Path
from string import Formatter

import pytest

from pipeline.brain.identify.health_score import Advice
from pipeline.brain.identify.home_limits import Limb
from pipeline.brain.identify.news2 import Sign
from pipeline.brain.thresholds import Thresholds
from tests.conftest import ROOT
from weinao.catalogue import LANGUAGES, SECTION_OF, catalogue
from weinao.messages import Action, AnyObservation
from weinao.outcomes import HazardKind, IncidentState, Severity

BRAIN = ROOT / "pipeline" / "brain"


def test_both_languages_hold_the_same_keys_in_the_same_order() -> None:
    zh, en = (
        [(section, *words) for section, words in catalogue(language).sections.items()]
        for language in LANGUAGES
    )

    assert zh == en


def test_both_languages_name_the_same_facts() -> None:
    zh, en = catalogue("zh").sections, catalogue("en").sections

    for section, words in zh.items():
        for key, text in words.items():
            assert _named(text) == _named(en[section][key]), f"{section}.{key}"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("vocabulary", SECTION_OF, ids=lambda found: found.__name__)
def test_every_member_of_the_vocabulary_has_a_word(language: str, vocabulary: type) -> None:
    said = catalogue(language)
    words = said.sections[SECTION_OF[vocabulary]]

    keys = [member.value if isinstance(member.value, str) else member.name for member in vocabulary]

    assert [*words] == keys
    assert all(said.word(member) for member in vocabulary)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_observation_has_a_word(language: str) -> None:
    kinds = {str(kind.__struct_config__.tag) for kind in AnyObservation.__args__}

    assert set(catalogue(language).sections["observation"]) == kinds


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_that_the_brain_gives_has_a_sentence(language: str) -> None:
    known = catalogue(language).sections["reason"]
    text = "\n".join(path.read_text(encoding="utf-8") for path in BRAIN.rglob("*.py"))

    given = {
        reason
        for kind in HazardKind
        for reason in re.findall(rf'"({kind.value}\.[a-z0-9_]+)"', text)
    }
    derived = set(re.findall(r'f"\{kind\}\.([a-z0-9_]+)"', text))

    assert given - set(Thresholds().values()) <= set(known)  # a threshold's place is no reason
    # Whatever looks like a key of the catalogue is one, or the stem of one; what the desk notes for
    # itself is told by the story, and a threshold's place is none.
    others = {"policy.healed", "always.quiet", "rules.toml", *Thresholds().values()}
    keys = set(re.findall(r'"([a-z][a-z_]*\.[a-z][a-z0-9_]*)"', text)) - others
    stems = {f"{key}_{way}" for key in keys for way in ("up", "down")} & set(known)

    assert {
        key for key in keys if key not in known and not any(key in one for one in stems)
    } == set()
    assert {"child_vitals.pews", "stove.unattended", "propose.visit"} <= keys
    assert derived <= {reason.split(".")[1] for reason in known}
    assert {"fall.detected", "vitals.news2"} <= given
    assert "reported" in derived


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_piece_of_advice_has_a_sentence(language: str) -> None:
    known = catalogue(language).sections["reason"]

    given = {f"advice.{name}" for name in Advice.__struct_fields__ if "coverage" not in name}

    assert given
    assert given <= set(known)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["sos", "smoke", "gas", "co", "leak"])
def test_every_emergency_has_its_sentence(language: str, kind: str) -> None:
    said = catalogue(language)

    assert "kitchen" in said.because(f"{kind}.reported", {"room": "kitchen"})


def test_words_come_in_the_language_asked_for() -> None:
    zh, en = catalogue("zh"), catalogue("en")

    assert (zh.word(HazardKind.FALL), en.word(HazardKind.FALL)) == ("跌倒", "fall")
    assert en.word(Severity.CRITICAL) == "critical"
    assert (zh.word(IncidentState.OPEN), zh.word(Action.OPEN)) == ("已立案", "立案")


def test_a_fact_that_is_missing_or_empty_is_said_to_be_unknown() -> None:
    said = catalogue("en")

    assert said.because("smoke.reported", {"room": ""}).endswith("(unknown)")
    assert said.because("smoke.reported", {}).endswith("(unknown)")


@pytest.mark.parametrize("language", LANGUAGES)
def test_signs_are_named_in_words(language: str) -> None:
    said = catalogue(language)
    signs = [sign.value for sign in Sign] + [limb.value for limb in Limb]

    assert set(signs) <= set(said.sections["named"])
    for reason, fact in (("score.vitals", "sign"), ("vitals.beyond_limit", "beyond")):
        assert "_" not in said.because(reason, {fact: "sbp_high, hr_bpm"})


def test_a_reason_of_a_newer_brain_stands_for_itself() -> None:
    assert catalogue("zh").because("flood.predicted", {}) == "flood.predicted"


def _named(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name is not None)


SHOWN = sorted(
    [*ROOT.glob("*/words/*.toml"), *(ROOT / "configs").glob("prometheus/alerts.yml"),
     *(ROOT / "configs").glob("grafana/*.json")]
)  # fmt: skip


@pytest.mark.parametrize("path", SHOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_nobody_is_taken_for_a_man_or_for_a_woman(path: Path) -> None:
    guessed = re.findall(
        r"她|(?<!其)他(?!人)|\b(?:s?he|her|hers|his|him|herself|himself)\b",
        path.read_text(encoding="utf-8"),
        re.IGNORECASE,
    )

    assert guessed == []


@pytest.mark.parametrize("path", SHOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_chinese_sentences_have_chinese_stops(path: Path) -> None:
    assert re.findall(r"[一-鿿][,;?!](?=[一-鿿])", path.read_text(encoding="utf-8")) == []
