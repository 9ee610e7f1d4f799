"""Lessons: somebody called an alarm false, or took that back, and a rule may look differently.

    false alarm -> one step more patient, up to a bound
    taken back  -> one step less, down to the default

A step is small, a bound is fixed, and every step leaves an `Adjustment` that says who caused it by
which incident. What says outright that somebody is in danger, as a call for help, a fall, smoke or
gas, learns nothing from false alarms: one missed costs more than all the others.
"""

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar, runtime_checkable

from msgspec import Struct

from pipeline.brain.respond.lifecycle import BRAIN
from weinao.ids import derived
from weinao.messages import Action, Feedback
from weinao.outcomes import Adjustment, Fact, HazardKind, Incident

S = TypeVar("S")

PATIENCE_STEP = 1.15
PATIENCE_MAX = 1.5
"""By how much a waiting time grows with each false alarm, and how far at most: three of them reach
it. Ours: at half as long again, inactivity still finds somebody within the day."""


class Lesson(Struct, frozen=True, kw_only=True):
    """What people said of one incident.

    Attributes:
        false: It was a false alarm; otherwise somebody took back that it was.
        facts: Of the incident.
    """

    kind: HazardKind
    false: bool
    facts: dict[str, Fact]


class Change(Struct, frozen=True):
    """A threshold for one subject, before and after, and what it never goes beyond."""

    threshold: str
    before: float
    after: float
    bound: float


@runtime_checkable
class Learns(Protocol[S]):
    """A rule that can be more patient with one subject than with others."""

    @property
    def name(self) -> str: ...

    def learn(self, state: S, lesson: Lesson) -> tuple[S, Sequence[Change]]:
        """Return the state with the lesson in it, and what it changed; of other kinds, nothing."""


def lesson_of(said: Feedback, incident: Incident) -> Lesson | None:
    """Return what an answer teaches, about the incident as it stands after it.

    Args:
        said: What a person answered.
        incident: Whose last steps say what came of the answer.
    """
    if said.actor == BRAIN:
        return None
    if said.action is Action.DISMISS:
        return Lesson(kind=incident.kind, false=True, facts=incident.facts)
    if said.action is Action.REOPEN and _was_false(incident):
        return Lesson(kind=incident.kind, false=False, facts=incident.facts)
    return None


def patience(factor: float, lesson: Lesson) -> float:
    """Return how much longer than usual a rule waits, one step on, or one step back."""
    if lesson.false:
        return min(PATIENCE_MAX, round(factor * PATIENCE_STEP, 4))
    return max(1.0, round(factor / PATIENCE_STEP, 4))


def adjusted(
    changes: Sequence[Change], rule: str, incident: Incident, said: Feedback, at: int
) -> list[Adjustment]:
    """Return changes as they are audited; what stays as it was is none."""
    return [
        Adjustment(
            id=derived("a", incident.id, rule, one.threshold, said.action, len(incident.steps)),
            rule=rule,
            subject=incident.subject,
            household=incident.household,
            threshold=one.threshold,
            before=one.before,
            after=one.after,
            bound=one.bound,
            at=at,
            incident=incident.id,
            actor=said.actor,
        )
        for one in changes
        if one.before != one.after
    ]


def learners(rules: Sequence[Any]) -> list[Learns[Any]]:
    """Return the rules that learn."""
    return [rule for rule in rules if isinstance(rule, Learns)]


def _was_false(incident: Incident) -> bool:
    """Say whether the last end of an incident was that somebody called it a false alarm."""
    ends = (Action.DISMISS, Action.CLOSE, Action.RESOLVE)
    last = next((step for step in reversed(incident.steps) if step.action in ends), None)
    return last is not None and last.action is Action.DISMISS and last.actor != BRAIN
