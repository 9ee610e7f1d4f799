"""What a notice says: what happened, to whom, where, how sure that is, what to do, how to answer.

Pure. The words stand in `words/notice.*.toml`. Who is neither of the family nor of the team hears
what and where, and nobody's name.
"""

import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from msgspec import Struct

from weinao.catalogue import Catalogue, Language, catalogue
from weinao.outcomes import Incident, Notice, Severity
from weinao.registry import Building, Resident, Staff
from weinao.story import about
from weinao.voice import Voice, household_of

CERTAIN = 0.9
LIKELY = 0.6
"""From such a confidence on a hazard is said to be certain, or likely. Ours: words, no threshold of
any decision."""


class Text(Struct, frozen=True):
    """What a person reads."""

    title: str
    body: str


class Answering(Struct, frozen=True, kw_only=True):
    """How a notice is answered: by a link, for so many hours; no link where there is no portal."""

    link: str = ""
    hours: int = 24


@cache
def notice_words(language: Language) -> Catalogue:
    """Return the words of notices."""
    path = Path(__file__).parent / "words" / f"notice.{language}.toml"
    return Catalogue(tomllib.loads(path.read_text(encoding="utf-8")))


def worded(notice: Notice, incident: Incident | None, voice: Voice, answering: Answering) -> Text:
    """Return what a notice says.

    Args:
        notice: As the brain wrote it.
        incident: Which it is about, as it stands; None where it cannot be read now.
        voice: In the recipient's language, knowing the grid.
        answering: How it is answered.
    """
    words = notice_words(voice.language)
    step = notice.step.partition(".")[0]
    named = _may_know(notice, voice)
    whom = _whom(notice, incident, voice) if named else ""
    where = _where(notice, incident, voice)
    kind = catalogue(voice.language).word(notice.kind) if notice.kind else ""
    urgent = step == "dispatch" and notice.severity is Severity.CRITICAL
    title = words.say(
        "title",
        "dispatch_critical" if urgent else step,
        kind=kind,
        about=whom or where,
        severity=catalogue(voice.language).word(notice.severity),
    )
    lines = _lines(notice, incident, voice, (whom, where))
    if answering.link:
        answer = words.say("line", "answer", link=answering.link, hours=answering.hours)
        lines = iter([*lines, answer])
    return Text(title, "\n".join(lines))


def _lines(
    notice: Notice, incident: Incident | None, voice: Voice, about_: tuple[str, str]
) -> Iterator[str]:
    words, (whom, where) = notice_words(voice.language), about_
    step = notice.step.partition(".")[0]
    if notice.kind is None:
        # By date and not by danger: there is nothing to be sure of, and nowhere to go.
        if step == "drill":
            yield words.say("line", "drill")
        else:
            yield voice.because(notice.reason, notice.facts)
        return
    told = notice.happened_at or notice.at
    key = "happened_old" if notice.old else "happened"
    at = voice.clock(told, notice.at)
    yield words.say("line", key, at=at, because=voice.because(notice.reason, notice.facts))
    if whom:
        yield words.say("line", "about", about=whom)
    if where:
        yield words.say("line", "where", where=where)
    if incident is not None and step in _SURE:
        sure = _sure(incident.confidence)
        share = f"{incident.confidence:.0%}"
        yield words.say("line", "sure", sure=words.say("sure", sure), share=share)
    todo = words.say("step", step) if step in words.sections["step"] else ""
    yield words.say("line", "do", do=todo or words.say("do", notice.kind))


_SURE = ("dispatch", "worse", "sure", "also")


def _sure(confidence: float) -> str:
    if confidence >= CERTAIN:
        return "certain"
    return "likely" if confidence >= LIKELY else "possible"


def _may_know(notice: Notice, voice: Voice) -> bool:
    """Say whether somebody is of the team, or named by a resident; who only reported it is not."""
    return notice.recipient == notice.subject or any(
        (isinstance(one, Staff) and one.id == notice.recipient)
        or (
            isinstance(one, Resident)
            and any(contact.id == notice.recipient for contact in one.contacts)
        )
        for one in voice.records
    )


def _whom(notice: Notice, incident: Incident | None, voice: Voice) -> str:
    if incident is not None:
        return about(incident, voice)
    return voice.who(notice.subject)


def _where(notice: Notice, incident: Incident | None, voice: Voice) -> str:
    home = household_of(voice.records, incident.household if incident else notice.subject)
    if home is None:
        place = next((str(notice.facts[one]) for one in _PLACES if one in notice.facts), "")
        return _building(place, voice)
    parts = (_building(home.building, voice), home.unit)
    return " ".join(part for part in parts if part) or home.id


_PLACES = ("place", "zone", "building")


def _building(name: str, voice: Voice) -> str:
    found = (one for one in voice.records if isinstance(one, Building) and one.id == name)
    return next((one.name or one.id for one in found), name)
