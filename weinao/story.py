"""The story of one incident: from what was sensed to how it ended, in words for a grid head.

Pure: what is known comes in as a `Case`, sentences go out. Whoever reads the store makes the case.
"""

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from weinao.background import known
from weinao.catalogue import Language
from weinao.kept import named
from weinao.limits import Limits, told
from weinao.messages import Action, Status
from weinao.observed import observed
from weinao.outcomes import (
    Hazard,
    HazardKind,
    Incident,
    IncidentState,
    Kept,
    Notice,
    Phase,
)
from weinao.registry import Building, Checkpoint, Device, Record, Resident
from weinao.timeline import BRAIN, OVER, Handled, missed, timeline
from weinao.voice import Voice

_PHOTO = re.compile(r"\n?\[photo [0-9a-f]{32}\]")
"""How a note names a photo (portal/photos.py); a test holds the two together."""


class Case(Handled, frozen=True, kw_only=True):
    """All that a store holds about one incident.

    Attributes:
        evidence: The observations behind it, by time; `unlisted` more are not among them, and
            `gone` are in the store no more.
        beats: The last sign of life before, and the first after, what fell silent.
        records: What was registered when it was noticed.
        limits: The thresholds of the rules that found it.
        picture: Where what a camera kept of it lies on this machine; empty if it does not.
    """

    evidence: tuple[Kept, ...] = ()
    unlisted: int = 0
    gone: int = 0
    beats: tuple[Kept, ...] = ()
    records: tuple[Record, ...] = ()
    limits: Limits = Limits()
    picture: str = ""


class Line(Struct, frozen=True, omit_defaults=True):
    """A sentence, and the instant that it is about, if it is about one, also by local clock."""

    text: str
    at: int | None = None
    clock: str = ""


class Chapter(Struct, frozen=True):
    """Some sentences under a heading."""

    name: str
    heading: str
    lines: tuple[Line, ...]


class Story(Struct, frozen=True):
    """What to tell."""

    incident: str
    title: str
    chapters: tuple[Chapter, ...]


def tell(case: Case, language: Language) -> Story:
    """Return the story of an incident."""
    voice = Voice(language, case.records)
    parts = {
        "summary": _summary(case, voice),
        "known": (Line(text) for text in known(case.incident, voice)),
        "sensed": _sensed(case, voice),
        "rule": _rule(case, voice),
        "steps": (
            Line(_pictured(found.text, voice), found.at, voice.clock(found.at, case.incident.at))
            for found in timeline(case, voice)
        ),
        "ended": _ended(case, voice),
    }
    chapters = tuple(
        Chapter(name, voice.say("chapter", name), tuple(lines)) for name, lines in parts.items()
    )
    return Story(case.incident.id, title(case.incident, voice), chapters)


def _pictured(text: str, voice: Voice) -> str:
    """Return a sentence with the number of its photos in place of their names."""
    count = len(_PHOTO.findall(text))
    plain = _PHOTO.sub("", text).replace("“”", "")
    return plain + voice.say("step", "photo", count=count) if count else text


def title(incident: Incident, voice: Voice) -> str:
    """Return what an incident is, in one line."""
    words = voice.words
    return voice.say(
        "summary",
        "title",
        kind=words.word(incident.kind),
        about=about(incident, voice),
        severity=words.word(incident.severity),
        state=words.word(incident.state),
    )


def about(incident: Incident, voice: Voice) -> str:
    """Return whom or what an incident is about."""
    residents = [one for one in voice.records if isinstance(one, Resident)]
    if any(one.id == incident.subject for one in residents):
        return voice.say("about", "resident", name=voice.who(incident.subject))
    if incident.subject != incident.household:
        key, name = _place(incident, voice)
        return voice.say("about", key, name=name)
    living = [one.id for one in residents if one.household == incident.household]
    if not living:
        return voice.say("about", "place", name=incident.household)
    return voice.say("about", "household", name=voice.people(living))


def _place(incident: Incident, voice: Voice) -> tuple[str, str]:
    for record in voice.records:
        if record.id == incident.subject:
            match record:
                case Checkpoint():
                    return "checkpoint", record.place or record.id
                case Building():
                    return "building", record.name or record.id
                case Device() if incident.kind is HazardKind.AGENT_SILENT:
                    return "gateway", record.id
                case Device() if record.place and incident.kind is not HazardKind.DEVICE_SILENT:
                    return "spot", record.place
                case _:
                    pass
    return "device", incident.subject


def first_of(incident: Incident, *actions: Action) -> int | None:
    """Return when one of some actions was first taken by a person."""
    steps = (one.at for one in incident.steps if one.action in actions and one.actor != BRAIN)
    return next(steps, None)


def _summary(case: Case, voice: Voice) -> Iterator[Line]:
    incident = case.incident
    kind, whom = voice.words.word(incident.kind), about(incident, voice)
    day = voice.local(incident.at).strftime("%Y-%m-%d")
    facts = {"kind": kind, "about": whom, "day": day, "at": voice.clock(incident.at)}
    yield Line(voice.say("summary", "began", **facts))
    delay = voice.span(incident.noticed_at - incident.at)
    asked = [step.note for step in incident.steps if step.action is Action.DISPATCH]
    key = "noticed" if asked else "noticed_alone"
    first = voice.who(asked[0]) if asked else ""
    yield Line(voice.say("summary", key, delay=delay, first=first))
    taken = next((step for step in incident.steps if step.action is Action.ACCEPT), None)
    if taken is not None:
        delay, who = voice.span(taken.at - incident.noticed_at), voice.who(taken.actor)
        yield Line(voice.say("summary", "handled", who=who, delay=delay))
    elif incident.state not in OVER:
        yield Line(voice.say("summary", "nobody"))
    over = incident.state in OVER
    delay = voice.span(incident.steps[-1].at - incident.noticed_at) if incident.steps else ""
    state = voice.words.word(incident.state)
    yield Line(voice.say("summary", "over" if over else "open", delay=delay, state=state))


def _sensed(case: Case, voice: Voice) -> Iterator[Line]:
    began = case.incident.at
    for kept in case.evidence:
        yield Line(observed(kept, voice), kept.at, voice.clock(kept.at, began))
    if case.unlisted:
        yield Line(voice.say("observed", "more", count=case.unlisted))
    if case.gone:
        yield Line(voice.say("observed", "gone", count=case.gone))
    if not case.evidence:
        yield Line(voice.say("observed", "nothing"))
    facts = case.incident.facts
    if isinstance(heard := facts.get("last_heard_at"), int):
        span, clock = voice.span(began - heard), voice.clock(heard, began)
        yield Line(voice.say("observed", "last_heard", at=clock, span=span))
    if isinstance(moved := facts.get("last_moved_at"), int):
        yield Line(voice.say("observed", "last_moved", at=voice.clock(moved, began)))
    if (picture := named(facts)) is not None:
        key = "picture_here" if case.picture else "picture_there"
        yield Line(voice.say("observed", key, name=picture.name, path=case.picture))
    for kept in case.beats:
        if isinstance(kept.observation, Status) and kept.at > began:
            yield Line(voice.say("observed", "heard_again", at=voice.clock(kept.at, began)))


def _rule(case: Case, voice: Voice) -> Iterator[Line]:
    rules = voice.words.sections
    for key in _keys(case, rules["rule"]):
        yield Line(voice.say("rule", "rule", text=rules["rule"].get(key, key)))
        threshold = rules["threshold"].get(key, key)
        now, shipped = (
            told(threshold, limits, voice) for limits in (case.limits.now, case.limits.shipped)
        )
        yield Line(voice.say("rule", "threshold", text=now))
        if now != shipped:
            yield Line(voice.say("rule", "shipped", text=shipped))
        yield Line(voice.say("rule", "source", text=rules["source"].get(key, key)))
    facts = case.incident.facts
    yield Line(voice.say("rule", "because", text=voice.because(case.incident.reason, facts)))
    if case.incident.confidence < 1:
        yield Line(voice.say("rule", "sure", share=f"{case.incident.confidence:.0%}"))


def _keys(case: Case, rules: Mapping[str, str]) -> tuple[str, ...]:
    """Return the rules that raised it, each once: one incident may go by more than one."""
    incident = case.incident
    found = [
        (one.value.reason, one.value.kind)
        for one in case.hazards
        if isinstance(one.value, Hazard) and one.value.phase is Phase.RAISED
    ] or [(incident.reason, incident.kind)]
    return tuple(dict.fromkeys(reason if reason in rules else str(kind) for reason, kind in found))


def _ended(case: Case, voice: Voice) -> Iterator[Line]:
    incident = case.incident
    yield Line(_end(incident, voice))
    asked = [one for one in incident.steps if one.action is Action.DISPATCH]
    late = sum(missed(one) for one in incident.steps)
    if asked:
        yield Line(voice.say("ended", "asked", count=len(asked), missed=late))
    for name, span in stages(case):
        yield Line(voice.say("ended", name, span=voice.span(span)))


def _end(incident: Incident, voice: Voice) -> str:
    if incident.state is IncidentState.MERGED:
        return voice.say("ended", "merged", other=incident.merged_into)
    if incident.state is IncidentState.FALSE_ALARM:
        by_people = first_of(incident, Action.DISMISS) is not None
        return voice.say("ended", "false_alarm" if by_people else "false_alarm_system")
    if incident.state is IncidentState.CLOSED:
        return voice.say("ended", _closed(incident))
    due = "" if incident.due_at is None else voice.clock(incident.due_at, incident.noticed_at)
    key = "open" if incident.assignee else "open_nobody"
    return voice.say("ended", key, who=voice.who(incident.assignee), due=due)


def _closed(incident: Incident) -> str:
    if first_of(incident, Action.RESOLVE) is None:
        return "closed_system"
    return "closed_sensors" if first_of(incident, Action.VERIFY) is None else "closed"


def stages(case: Case) -> list[tuple[str, int]]:
    """Return how long each stage took that came to pass, in milliseconds."""
    incident = case.incident
    told = min(
        (one.value.at for one in case.notices if isinstance(one.value, Notice)), default=None
    )
    accepted, arrived = first_of(incident, Action.ACCEPT), first_of(incident, Action.ARRIVE)
    resolved = next((one.at for one in incident.steps if one.action is Action.RESOLVE), None)
    ended = incident.steps[-1].at if incident.state in OVER and incident.steps else None
    until_resolved = next((one for one in (arrived, accepted, told) if one is not None), None)
    spans = [
        ("began_noticed", incident.at, incident.noticed_at),
        ("noticed_told", incident.noticed_at, told),
        ("told_accepted", told, accepted),
        ("accepted_arrived", accepted, arrived),
        ("to_resolved", until_resolved, resolved),
        ("resolved_closed", resolved, ended),
        ("whole", incident.at, ended),
    ]
    return [
        (name, until - since)
        for name, since, until in spans
        if since is not None and until is not None
    ]
