"""What a notice says, in both languages, of whatever happened to whomever."""

from string import Formatter

import pytest

from weinao.catalogue import LANGUAGES, Language
from weinao.outcomes import HazardKind, Incident, IncidentState, Notice, Severity
from weinao.registry import Building, Contact, Household, Resident, Staff
from weinao.registry import Role as StaffRole
from weinao.voice import Voice
from weinao.wording import Answering, notice_words, worded

AT = 1_780_275_600_000
RECORDS = (
    Building(id="b-1", grid="g", name="1 号楼"),
    Household(id="home-1", building="b-1", unit="301", agent="a-1"),
    Resident(
        id="resident-1", name="王秀兰", household="home-1", contacts=(Contact(id="daughter-1"),)
    ),
    Staff(id="head-1", role=StaffRole.GRID_HEAD),
)
STEPS = ("dispatch.1", "worse.1", "sure.1", "also.x", "order.c", "verify.2", "rate", "many.1")


def made(kind: HazardKind, step: str, recipient: str = "daughter-1") -> tuple[Notice, Incident]:
    about = Incident(
        id="i-1", grid="g", kind=kind, severity=Severity.MAJOR, state=IncidentState.DISPATCHED,
        subject="resident-1", household="home-1", at=AT, noticed_at=AT, confidence=0.7,
    )  # fmt: skip
    told = Notice(
        id="n-1", incident="i-1", recipient=recipient, channels=(), language="zh", step=step,
        at=AT, kind=kind, severity=Severity.MAJOR, subject="resident-1", happened_at=AT,
        reason="fall.detected", facts={"device": "band-1", "impact_g": 3.0},
    )  # fmt: skip
    return told, about


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", HazardKind)
def test_every_kind_says_what_whom_where_how_sure_what_to_do_and_how_to_answer(
    kind: HazardKind, language: Language
) -> None:
    told, about = made(kind, "dispatch.1")
    link = "https://portal.example/a/x"

    text = worded(told, about, Voice(language, RECORDS), Answering(link=link, hours=24))

    words = notice_words(language)
    assert kind in words.sections["do"]
    for said in ("王秀兰", "1 号楼 301", words.say("sure", "likely"), "70%", link, "24"):
        assert said in text.body, said
    assert words.say("do", kind) in text.body


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("step", STEPS)
def test_every_step_has_a_title_of_its_own(step: str, language: Language) -> None:
    told, about = made(HazardKind.FALL, step)

    text = worded(told, about, Voice(language, RECORDS), Answering())

    assert step.partition(".")[0] not in text.title.split()
    assert "{" not in text.title + text.body
    assert "unknown" not in text.title


@pytest.mark.parametrize("recipient", ["daughter-1", "head-1", "stranger-1"])
def test_only_family_and_team_read_a_name(recipient: str) -> None:
    told, about = made(HazardKind.REPORT, "rate", recipient)

    text = worded(told, about, Voice("zh", RECORDS), Answering())

    assert ("王秀兰" in text.title + text.body) is (recipient != "stranger-1")


def test_both_languages_hold_the_same_words_with_the_same_facts() -> None:
    zh, en = (notice_words(language).sections for language in LANGUAGES)

    assert {name: [*words] for name, words in zh.items()} == {
        name: [*words] for name, words in en.items()
    }
    for name, words in zh.items():
        for key, text in words.items():
            assert _named(text) == _named(en[name][key]), f"{name}.{key}"


def _named(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}
