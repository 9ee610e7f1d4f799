"""What is said to others about an outcome: MQTT messages, made without touching anything.

incident -> out/incident, and out/alert by the change that raised it
task     -> out/task
notice   -> out/notice
command  -> down/{device}/command, unless it is void by now

The payload is the outcome as JSON, with its `type`. Ids make repeats harmless.
"""

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from weinao import topics
from weinao.catalogue import LANGUAGES, catalogue
from weinao.outcomes import (
    Command,
    HazardKind,
    Incident,
    IncidentState,
    Notice,
    Outcome,
    Severity,
    Task,
)

STEPS_KEPT = 10
"""Of an incident whose message would be too long: its last steps, without their notes."""

_RAISED = (IncidentState.DETECTED, IncidentState.OPEN, IncidentState.DISPATCHED)


class Message(Struct, frozen=True, kw_only=True):
    """What to publish, and for how many seconds it may wait at the broker."""

    topic: str
    payload: bytes
    id: str
    expires_s: int | None = None


class Alert(Struct, frozen=True, kw_only=True, tag="alert"):
    """The short form of an incident that was just raised; `id` is the incident's.

    Attributes:
        severity: 1 to 4.
        text: What happened, by language.
    """

    id: str
    grid: str
    kind: HazardKind
    severity: Severity
    state: IncidentState
    subject: str
    household: str
    at: int
    noticed_at: int
    text: dict[str, str]


def messages(outcome: Outcome, community: str, now: int, bytes_max: int) -> list[Message]:
    """Return what to publish, most urgent first.

    Args:
        outcome: An incident, a task, a notice or a command; of others, nothing is said.
        community: Part of each topic.
        now: The wall clock; a command past its time is not sent.
        bytes_max: The history of an incident is cut where it would be longer.
    """
    value, grid = outcome.value, outcome.grid
    if isinstance(value, Incident):
        told = [_said(topics.out(community, grid, "incident"), _fitting(value, bytes_max))]
        if value.noticed_at == outcome.received_at and value.state in _RAISED:
            told.insert(0, _said(topics.out(community, grid, "alert"), alert(value)))
        return told
    if isinstance(value, Task):
        return [_said(topics.out(community, grid, "task"), value)]
    if isinstance(value, Notice):
        return [_said(topics.out(community, grid, "notice"), value)]
    if isinstance(value, Command) and value.expires_at > now:
        said = _said(topics.command(community, grid, value.device), value)
        return [replace(said, expires_s=-(-(value.expires_at - now) // 1_000))]
    return []


def alert(incident: Incident) -> Alert:
    """Return the short form of an incident."""
    words = {language: catalogue(language) for language in LANGUAGES}
    return Alert(
        id=incident.id,
        grid=incident.grid,
        kind=incident.kind,
        severity=incident.severity,
        state=incident.state,
        subject=incident.subject,
        household=incident.household,
        at=incident.at,
        noticed_at=incident.noticed_at,
        text={
            language: f"{said.word(incident.kind)}: {said.because(incident.reason, incident.facts)}"
            for language, said in words.items()
        },
    )


def _said(topic: str, value: Incident | Alert | Task | Notice | Command) -> Message:
    return Message(topic=topic, payload=msgspec.json.encode(value), id=value.id)


def _fitting(incident: Incident, bytes_max: int) -> Incident:
    if len(msgspec.json.encode(incident)) <= bytes_max:
        return incident
    steps = tuple(replace(step, note="") for step in incident.steps[-STEPS_KEPT:])
    return replace(incident, steps=steps)
